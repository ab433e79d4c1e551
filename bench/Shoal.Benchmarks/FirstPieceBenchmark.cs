using System.Diagnostics;
using System.Globalization;
using System.Net;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Benchmarks;

/// <summary>
/// From a link and the address of one peer to the first piece: how long after the torrent was added the peer was met, the
/// metadata known, the first piece proven and all of it here. One JSON object a run; the first run compiles as it goes.
/// </summary>
internal static class FirstPieceBenchmark
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static async Task<int> RunAsync(string link, string peer, string folder, string runs)
    {
        if (!MagnetLink.TryParse(link, out var magnet, out var error))
        {
            Console.Error.WriteLine(error);
            return 2;
        }

        var address = IPEndPoint.Parse(peer);
        for (var run = 0; run < int.Parse(runs, CultureInfo.InvariantCulture); run++)
        {
            await OnceAsync(magnet, address, Path.Combine(folder, $"{run}"));
        }

        return 0;
    }

    private static async Task OnceAsync(MagnetLink magnet, IPEndPoint peer, string folder)
    {
        Directory.CreateDirectory(folder);
        var options = new EngineOptions
        {
            StateDirectory = Path.Combine(folder, "state"),
            Bind = [IPAddress.Loopback],
            UseDht = false,
            UseLsd = false,
            UsePortMapping = false,
            UseTrackers = false,
        };
        await using var engine = await TorrentEngine.StartAsync(options, CancellationToken.None);
        using var timeout = new CancellationTokenSource(Patience);
        var clock = Stopwatch.StartNew();
        var add = new TorrentOptions { SaveDirectory = Path.Combine(folder, "got"), Peers = [peer] };
        await engine.AddAsync(magnet, add, CancellationToken.None);
        var (met, metadata, piece) = (0.0, 0.0, 0.0);
        await foreach (var happening in engine.Events.ReadAllAsync(timeout.Token))
        {
            var now = clock.Elapsed.TotalSeconds;
            switch (happening)
            {
                case EngineEvent.PeerSeen:
                    met = now;
                    break;
                case EngineEvent.MetadataKnown:
                    metadata = now;
                    break;
                case EngineEvent.PieceCompleted when piece == 0:
                    piece = now;
                    break;
                case EngineEvent.Completed:
                    Console.WriteLine(
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $$"""{"peer":{{met:F4}},"metadata":{{metadata:F4}},"piece":{{piece:F4}},"complete":{{now:F4}}}"""
                        )
                    );
                    return;
            }
        }
    }
}
