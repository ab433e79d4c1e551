using System.Net;
using Shoal.Engine;

namespace Shoal.Benchmarks;

/// <summary>An engine and its users, one for each torrent. It starts anew again and again; the first one keeps the originals.</summary>
internal sealed class StressHost(
    StressRun run,
    int number,
    string folder,
    StressContent[] contents,
    IReadOnlyList<StressHost> others,
    Random random
)
{
    private static readonly TimeSpan s_longestLife = TimeSpan.FromSeconds(12);
    private volatile IPEndPoint? _endPoint;

    public bool HasOriginals => number == 0;

    public void PutContents()
    {
        foreach (var content in contents)
        {
            content.Put(FolderOf(content));
        }
    }

    /// <summary>Where the other engines are at the moment.</summary>
    public IReadOnlyList<IPEndPoint> Peers =>
        [.. others.Where(other => other != this).Select(other => other._endPoint).OfType<IPEndPoint>()];

    /// <summary>The same after each start, so that what is there is found.</summary>
    public string FolderOf(StressContent content) =>
        Path.Combine(folder, "data", $"{Array.IndexOf(contents, content)}");

    public async Task RunAsync(CancellationToken end)
    {
        try
        {
            while (!end.IsCancellationRequested && !run.HasFailed)
            {
                using var life = CancellationTokenSource.CreateLinkedTokenSource(end);
                if (!HasOriginals)
                {
                    life.CancelAfter(s_longestLife * (0.2 + 0.8 * random.NextDouble()));
                }

                await LiveAsync(life.Token);
                run.CountRestart();
            }
        }
        catch (Exception exception)
        {
            run.Fail($"engine {number}: {exception}");
        }
    }

    private async Task LiveAsync(CancellationToken end)
    {
        var engine = await TorrentEngine.StartAsync(
            new EngineOptions
            {
                StateDirectory = Path.Combine(folder, "state"),
                Bind = [IPAddress.Loopback],
                UseDht = false,
                UseLsd = false,
                UsePortMapping = false,
                // Whatever is scarce makes things happen that otherwise never do.
                MaxPeersPerAddress = 100,
                MaxOpenFiles = random.Next(2) == 0 ? 4 : 256,
                WriteCacheBytes = 1 << 20,
                ReadCacheBytes = 1 << 20,
                Encryption = (EncryptionPolicy)random.Next(1, 3),
                Transports = random.Next(3) == 0 ? PeerTransports.Tcp : PeerTransports.Both,
            },
            CancellationToken.None
        );
        _endPoint = new IPEndPoint(IPAddress.Loopback, engine.Port);
        var watching = WatchAsync(engine);
        var users = contents
            .Select(content => new StressUser(run, this, engine, content, new Random(random.Next())).RunAsync(end))
            .ToArray();
        await WaitForEndAsync(end);
        _endPoint = null;
        if (random.Next(2) == 0)
        {
            // In an orderly way; otherwise the engine goes while they are at it.
            await Task.WhenAll(users);
        }

        await engine.DisposeAsync();
        await Task.WhenAll(users);
        await watching;
    }

    private static async Task WaitForEndAsync(CancellationToken end)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = end.Register(ended.SetResult);
        await ended.Task;
    }

    private async Task WatchAsync(TorrentEngine engine)
    {
        await foreach (var happened in engine.Events.ReadAllAsync())
        {
            switch (happened)
            {
                case EngineEvent.Faulted faulted:
                    run.Fail($"engine {number}: {faulted.Exception}");
                    break;
                case EngineEvent.EngineFaulted faulted:
                    run.Fail($"engine {number}: {faulted.Exception}");
                    break;
                case EngineEvent.Failed failed:
                    run.Fail($"engine {number}: the disk: {failed.Message}");
                    break;
            }
        }
    }
}
