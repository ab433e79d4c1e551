using System.Collections.Concurrent;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// The web seeds of one torrent: uses some of them while something is missing, lets those rest that fail, and drops those
/// that lie.
/// </summary>
/// <param name="services">What all torrents share.</param>
/// <param name="host">The torrent.</param>
/// <param name="loop">Its loop.</param>
/// <param name="failed">Told of each failure: URL and text, printable.</param>
/// <param name="onFault">Told of bugs in a web seed; it has ended, the torrent goes on.</param>
internal sealed class TorrentWebSeeds(
    EngineServices services,
    ILinkHost host,
    SwarmLoop loop,
    Action<string, string> failed,
    Action<Exception> onFault
) : IAsyncDisposable
{
    private readonly WebSeedLimits _limits = WebSeedLimits.Default;
    private readonly BackgroundTasks _tasks = new(onFault);
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<WebSeedUrl, bool> _banned = SmallMap.Create<WebSeedUrl, bool>();
    private readonly ConcurrentDictionary<PeerHandle, WebSeedLink> _links = SmallMap.Create<PeerHandle, WebSeedLink>();
    private readonly Lock _lock = new();
    private TaskCompletionSource _wanted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isStarted;
    private int _lastHandle;

    /// <summary>The metadata is known: begins to use the web seeds as soon as something is missing. Only the first call counts.</summary>
    public void Start(Metainfo metainfo)
    {
        if (_isStarted || !services.Options.UseWebSeeds)
        {
            return;
        }

        _isStarted = true;
        var urls = metainfo
            .WebSeeds.Select(text => WebSeedUrl.TryParse(text, out var url) ? url : null)
            .OfType<WebSeedUrl>()
            .Distinct()
            .Take(_limits.MaxUrls)
            .ToArray();
        if (urls.Length == 0)
        {
            return;
        }

        var paths = WebSeedPaths.Of(metainfo);
        var places = new SemaphoreSlim(_limits.MaxActive);
        // Not everybody in the world begins with the first.
        services.CreateRandom().Shuffle(urls);
        foreach (var url in urls)
        {
            _tasks.TryRun(() => UseAsync(url, metainfo, paths, places));
        }
    }

    /// <summary>Called a few times a second.</summary>
    public void Tick(TorrentStatus status)
    {
        if (!_isStarted)
        {
            return;
        }

        var isWanted = status.State == TorrentState.Downloading;
        lock (_lock)
        {
            if (isWanted)
            {
                _wanted.TrySetResult();
            }
            else if (_wanted.Task.IsCompleted)
            {
                _wanted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }
    }

    /// <summary>It sent bad data. Its link hears that from the swarm.</summary>
    public void Ban(WebSeedUrl url)
    {
        _banned[url] = true;
        failed(url.Display, "it sends something else than the torrent says, and is not used any more");
    }

    /// <summary>Ends all of them, and waits for their end.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        foreach (var link in _links.Values)
        {
            link.Close(DisconnectReason.ShuttingDown);
        }

        await _tasks.EndAsync().ConfigureAwait(false);
        _stopping.Dispose();
    }

    private TimeSpan Now => services.Time.GetElapsedTime(services.Epoch);

    private Task WhenWanted
    {
        get
        {
            lock (_lock)
            {
                return _wanted.Task;
            }
        }
    }

    private async Task UseAsync(WebSeedUrl url, Metainfo metainfo, IReadOnlyList<string?> paths, SemaphoreSlim places)
    {
        var schedule = new WebSeedSchedule(_limits, services.CreateRandom());
        var source = new WebSeedSource(url, new WebSeedFiles(metainfo, paths, _limits), IgnoresRanges: false);
        while (!schedule.IsGivenUp && !_banned.ContainsKey(url))
        {
            await WhenWanted.WaitAsync(_stopping.Token).ConfigureAwait(false);
            if (schedule.NotBefore > Now)
            {
                await Task.Delay(schedule.NotBefore - Now, services.Time, _stopping.Token).ConfigureAwait(false);
                continue;
            }

            await places.WaitAsync(_stopping.Token).ConfigureAwait(false);
            try
            {
                source = await UseOnceAsync(source, metainfo, schedule).ConfigureAwait(false);
            }
            finally
            {
                places.Release();
            }
        }
    }

    /// <summary>Until it fails or is not needed; returns what is known of it then.</summary>
    private async Task<WebSeedSource> UseOnceAsync(WebSeedSource source, Metainfo metainfo, WebSeedSchedule schedule)
    {
        // Peers count upwards.
        var handle = new PeerHandle(Interlocked.Decrement(ref _lastHandle));
        using var link = new WebSeedLink(
            handle,
            source,
            metainfo,
            host,
            services.WebSeeds,
            _limits,
            services.Time,
            services.Epoch
        );
        _links[handle] = link;
        loop.Attach(handle, link);
        try
        {
            if (_stopping.IsCancellationRequested)
            {
                // The end may have come before the link was listed.
                link.Close(DisconnectReason.ShuttingDown);
            }

            await link.RunAsync().ConfigureAwait(false);
        }
        finally
        {
            _links.TryRemove(handle, out _);
        }

        if (link.Failure is not { } failure)
        {
            schedule.Ended(Now);
        }
        else if (failure.Fault == WebSeedFault.NoRanges)
        {
            return source with { IgnoresRanges = true };
        }
        else
        {
            schedule.Failed(failure, link.WasOfUse, Now);
            failed(source.Url.Display, failure.Message);
        }

        return source;
    }
}
