using System.Diagnostics;
using System.Globalization;
using System.Net;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.Benchmarks;

/// <summary>
/// What many torrents cost that have nothing to do: to add them, to keep them, and to start with them again. None of
/// them has peers; everything that asks others for peers is off, but with "dht" the DHT, in which nobody else is, or, with "nodes", two
/// nodes without torrents: then each finds itself. With "seeds" they are complete.
/// </summary>
internal static class IdleBenchmark
{
    private const int PieceLength = 16 * 1024;
    private const int Size = 64 * PieceLength;

    /// <summary>A torrent rests after 5 seconds without peers and news.</summary>
    private static readonly TimeSpan UntilRest = TimeSpan.FromSeconds(15);

    /// <summary>The same with the DHT: what finds nobody is tried again ever less often.</summary>
    private static readonly TimeSpan UntilRestWithDht = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Watch = TimeSpan.FromSeconds(30);

    public static async Task<int> RunAsync(string[] arguments)
    {
        var count = arguments.Length > 0 ? int.Parse(arguments[0], CultureInfo.InvariantCulture) : 10_000;
        var folder = Directory.CreateTempSubdirectory("shoal-idle-").FullName;
        try
        {
            var torrents = Enumerable.Range(0, count).Select(Make).ToArray();
            var data = Directory.CreateDirectory(Path.Combine(folder, "data")).FullName;
            for (var i = 0; i < count && arguments.Contains("seeds"); i++)
            {
                // Nobody reads them.
                using var file = File.Create(Path.Combine(data, $"content {i}"));
                file.SetLength(Size);
            }

            var nodes = arguments.Contains("nodes") ? await StartNodesAsync(folder) : [];
            var kind = new Kind(arguments.Contains("seeds"), arguments.Contains("dht"))
            {
                Nodes = [.. nodes.Select(node => new DnsEndPoint("127.0.0.1", node.Port))],
            };
            var port = await MeasureAsync(torrents, folder, kind, "added", 0);
            // Where it was: at another it would call those who it was before, until it gives them up.
            await MeasureAsync(torrents, folder, kind, "started again", port);
            foreach (var node in nodes)
            {
                await node.DisposeAsync();
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        return 0;
    }

    private static byte[] Make(int number)
    {
        var content = new byte[Size];
        BitConverter.TryWriteBytes(content, number);
        return new TorrentBuilder(TorrentFormat.V1, PieceLength, $"content {number}")
            .Single(content)
            .Build()
            .TorrentBytes;
    }

    private static EngineOptions OptionsOf(string state) =>
        new()
        {
            StateDirectory = state,
            Bind = [IPAddress.Loopback],
            UseDht = false,
            UseLsd = false,
            UsePortMapping = false,
        };

    /// <param name="AreSeeds">They are complete.</param>
    /// <param name="UseDht">They look for each other in a DHT that has nobody else.</param>
    private sealed record Kind(bool AreSeeds, bool UseDht)
    {
        /// <summary>Of others in the DHT.</summary>
        public IReadOnlyList<DnsEndPoint> Nodes { get; init; } = [];
    }

    private static async Task<List<TorrentEngine>> StartNodesAsync(string folder)
    {
        var nodes = new List<TorrentEngine>();
        for (var i = 0; i < 2; i++)
        {
            nodes.Add(
                await TorrentEngine.StartAsync(
                    OptionsOf(Path.Combine(folder, $"node {i}")) with
                    {
                        UseDht = true,
                        DhtBootstrap = [.. nodes.Select(node => new DnsEndPoint("127.0.0.1", node.Port))],
                    },
                    CancellationToken.None
                )
            );
        }

        return nodes;
    }

    private static async Task<int> MeasureAsync(byte[][] torrents, string folder, Kind kind, string what, int port)
    {
        var before = PrivateKilobytes();
        var cpu = Environment.CpuUsage.TotalTime;
        var clock = Stopwatch.StartNew();
        var engine = await TorrentEngine.StartAsync(
            OptionsOf(Path.Combine(folder, "state")) with
            {
                Port = port,
                UseDht = kind.UseDht,
                DhtBootstrap = kind.Nodes,
            },
            CancellationToken.None
        );
        var added = new List<Torrent>();
        foreach (var bytes in torrents)
        {
            if (!MetainfoReader.TryRead(bytes, MetainfoLimits.Default, out var metainfo, out var error))
            {
                throw new InvalidDataException(error?.ToString());
            }

            added.Add(
                await engine.AddAsync(
                    metainfo,
                    new TorrentOptions { SaveDirectory = Path.Combine(folder, "data"), AssumeComplete = kind.AreSeeds },
                    CancellationToken.None
                )
            );
        }

        var wanted = kind.AreSeeds ? TorrentState.Seeding : TorrentState.Downloading;
        while (added.Any(torrent => torrent.Status.State != wanted))
        {
            await Task.Delay(10);
        }

        var seconds = clock.Elapsed.TotalSeconds;
        var adding = Environment.CpuUsage.TotalTime - cpu;
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        await Task.Delay(kind.UseDht ? UntilRestWithDht : UntilRest);
        var kept = (PrivateKilobytes() - before) / (double)torrents.Length;
        cpu = Environment.CpuUsage.TotalTime;
        await Task.Delay(Watch);
        var idle = (Environment.CpuUsage.TotalTime - cpu) / Watch;
        var atRest = added.Count(torrent => torrent.IsAtRest);
        var candidates = added.Sum(torrent => torrent.Status.CandidateCount);
        port = engine.Port;
        clock.Restart();
        await engine.DisposeAsync();
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{torrents.Length} {what} in {seconds:F2} s ({adding.TotalSeconds:F2} s of CPU); {kept:F1} KiB each; idle {idle:P2} of a core ({atRest} at rest, {candidates} candidates); stopped in {clock.Elapsed.TotalSeconds:F2} s"
            )
        );
        return port;
    }

    /// <summary>Anonymous memory that is resident, by the kernel's account.</summary>
    private static long PrivateKilobytes()
    {
        var line = File.ReadLines("/proc/self/status")
            .First(line => line.StartsWith("RssAnon:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }
}
