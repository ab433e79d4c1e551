using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Benchmarks;

/// <summary>
/// A whole transfer, disk and hashing included, for everybody and between members of an invited swarm, in turn: two engines in
/// one process, over loopback TCP.
/// </summary>
internal static class MemberBenchmark
{
    public static async Task<int> RunAsync(string folder, string mebibytes)
    {
        var source = Directory.CreateDirectory(Path.Combine(folder, "source")).FullName;
        var content = Path.Combine(source, "content");
        await using (var file = File.Create(content))
        {
            for (var left = int.Parse(mebibytes, CultureInfo.InvariantCulture); left > 0; left--)
            {
                await file.WriteAsync(RandomNumberGenerator.GetBytes(1024 * 1024));
            }
        }

        var torrent = await TorrentCreator.CreateAsync(content, new CreateOptions());
        for (var round = 0; round < 3; round++)
        {
            foreach (var isSecure in new[] { false, true })
            {
                await TransferAsync(folder, source, torrent.Metainfo, isSecure);
            }
        }

        return 0;
    }

    private static async Task TransferAsync(string folder, string source, Metainfo metainfo, bool isSecure)
    {
        var members = Directory.CreateDirectory(Path.Combine(folder, "members")).FullName;
        var one = isSecure ? BenchMembers.Create(members) : null;
        var other = isSecure ? BenchMembers.Load(members) : null;
        var target = Directory.CreateDirectory(Path.Combine(folder, "target")).FullName;
        await using (var seed = await StartAsync(folder, "seed"))
        await using (var leech = await StartAsync(folder, "leech"))
        {
            var options = new TorrentOptions
            {
                SaveDirectory = source,
                AssumeComplete = true,
                Membership = one,
            };
            await (await seed.AddAsync(metainfo, options, default)).WhenComplete(default);
            var (watch, cpu) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
            options = new TorrentOptions
            {
                SaveDirectory = target,
                Peers = [new IPEndPoint(IPAddress.Loopback, seed.Port)],
                Membership = other,
            };
            await (await leech.AddAsync(metainfo, options, default)).WhenComplete(default);
            var gib = metainfo.Size / (double)(1 << 30);
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{(isSecure ? "members  " : "everybody")} {metainfo.Size / 1e6 / watch.Elapsed.TotalSeconds:F0} MB/s, {(Environment.CpuUsage.TotalTime - cpu).TotalSeconds / gib:F2} CPU-s/GiB, both ends"
                )
            );
        }

        Directory.Delete(target, recursive: true);
        Directory.Delete(Path.Combine(folder, "seed"), recursive: true);
        Directory.Delete(Path.Combine(folder, "leech"), recursive: true);
    }

    private static Task<TorrentEngine> StartAsync(string folder, string name) =>
        TorrentEngine.StartAsync(
            new EngineOptions
            {
                StateDirectory = Path.Combine(folder, name),
                Bind = [IPAddress.Loopback],
                Transports = PeerTransports.Tcp,
                UseTrackers = false,
                UseLsd = false,
                UseDht = false,
                UsePortMapping = false,
            },
            default
        );
}
