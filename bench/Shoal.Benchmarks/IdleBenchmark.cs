using System.Diagnostics;
using System.Globalization;
using System.Net;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.Benchmarks;

/// <summary>
/// What many torrents cost that have nothing to do: to add them, to keep them, and to start with them again. None of
/// them has peers; everything that asks others for peers is off.
/// </summary>
internal static class IdleBenchmark
{
    private const int PieceLength = 16 * 1024;
    private const int Size = 64 * PieceLength;

    /// <summary>A torrent rests after 5 seconds without peers and news.</summary>
    private static readonly TimeSpan UntilRest = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan Watch = TimeSpan.FromSeconds(10);

    public static async Task<int> RunAsync(string[] arguments)
    {
        var count = arguments.Length > 0 ? int.Parse(arguments[0], CultureInfo.InvariantCulture) : 10_000;
        var folder = Directory.CreateTempSubdirectory("shoal-idle-").FullName;
        try
        {
            var torrents = Enumerable.Range(0, count).Select(Make).ToArray();
            await MeasureAsync(torrents, folder, "added");
            await MeasureAsync(torrents, folder, "started again");
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

    private static async Task MeasureAsync(byte[][] torrents, string folder, string what)
    {
        var before = PrivateKilobytes();
        var cpu = Environment.CpuUsage.TotalTime;
        var clock = Stopwatch.StartNew();
        var engine = await TorrentEngine.StartAsync(
            new EngineOptions
            {
                StateDirectory = Path.Combine(folder, "state"),
                Bind = [IPAddress.Loopback],
                UseDht = false,
                UseLsd = false,
                UsePortMapping = false,
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
                    new TorrentOptions { SaveDirectory = Path.Combine(folder, "data") },
                    CancellationToken.None
                )
            );
        }

        while (added.Any(torrent => torrent.Status.State != TorrentState.Downloading))
        {
            await Task.Delay(10);
        }

        var seconds = clock.Elapsed.TotalSeconds;
        var adding = Environment.CpuUsage.TotalTime - cpu;
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        await Task.Delay(UntilRest);
        var kept = (PrivateKilobytes() - before) / (double)torrents.Length;
        cpu = Environment.CpuUsage.TotalTime;
        await Task.Delay(Watch);
        var idle = (Environment.CpuUsage.TotalTime - cpu) / Watch;
        clock.Restart();
        await engine.DisposeAsync();
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{torrents.Length} {what} in {seconds:F2} s ({adding.TotalSeconds:F2} s of CPU); {kept:F1} KiB each; idle {idle:P2} of a core; stopped in {clock.Elapsed.TotalSeconds:F2} s"
            )
        );
    }

    /// <summary>Anonymous memory that is resident, by the kernel's account.</summary>
    private static long PrivateKilobytes()
    {
        var line = File.ReadLines("/proc/self/status")
            .First(line => line.StartsWith("RssAnon:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }
}
