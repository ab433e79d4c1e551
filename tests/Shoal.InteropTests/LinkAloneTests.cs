using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Shoal.InteropTests;

/// <summary>
/// A magnet link without a tracker, and two processes that know one node of the DHT and nothing else, on loopback: how
/// soon the metadata is there, and how soon after it the first piece.
/// </summary>
public sealed class LinkAloneTests(ITestOutputHelper output)
{
    private const int Size = 20_000_000;
    private const int NodePort = 7001;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(40);

    /// <summary>
    /// What is promised is three seconds (bench/RESULTS.md has the figures); but this machine may be so busy that a process
    /// needs as long to start.
    /// </summary>
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData("shoal")]
    [InlineData("libtorrent")]
    public async Task The_metadata_comes_within_seconds_and_the_first_piece_with_it(string node)
    {
        await using var lab = await LoopbackLab.CreateAsync(node);
        await lab.StartNodeAsync();
        var seed = lab.Seed();
        await seed.WaitForLineAsync(line => line.Contains("\"seeding\"", StringComparison.Ordinal), s_patience);
        await lab.MeasureAsync(output, $"node: {node}, seed first");
    }

    /// <summary>Nobody waits for anybody: the node comes up while the others ask for it already.</summary>
    [Fact]
    public async Task All_may_start_at_the_same_time()
    {
        await using var lab = await LoopbackLab.CreateAsync("shoal");
        lab.Seed();
        var node = lab.StartNodeAsync();
        await lab.MeasureAsync(output, "all at once");
        await node;
    }

    private sealed class LoopbackLab(Lab lab, Host host, Sample sample, string kind) : IAsyncDisposable
    {
        public static async Task<LoopbackLab> CreateAsync(string node)
        {
            var lab = await Lab.CreateAsync($"link-alone-{node}");
            var host = await lab.AddHostAsync("loopback");
            var content = host.SubFolder("content");
            DataSet.File(content, "file.bin", Size, new Random(DataSet.Seed));
            var torrent = Path.Combine(host.Folder, "file.torrent");
            await Lab.RunAsync(Tools.Shoal, ["create", Path.Combine(content, "file.bin"), "-o", torrent]);
            return new LoopbackLab(lab, host, await Sample.ReadAsync(torrent, Path.Combine(content, "file.bin")), node);
        }

        public async Task StartNodeAsync()
        {
            if (kind == "libtorrent")
            {
                var other = host.Start(
                    Tools.Python,
                    [Tools.Script("libtorrent_dht.py"), "--port", $"{NodePort}", "stay"]
                );
                await other.WaitForLineAsync(
                    line => line.Contains("\"listening\"", StringComparison.Ordinal),
                    s_patience
                );
                return;
            }

            // It has a link of its own that nobody else knows.
            var link = $"magnet:?xt=urn:btih:{new string('a', 40)}";
            var node = Start("node", ["get", link, "-o", host.SubFolder("nothing"), "--port", $"{NodePort}"]);
            await node.WaitForLineAsync(line => ShoalClient.IsEvent(line, "listening"), s_patience);
        }

        public ClientProcess Seed() =>
            Start("seed", ["seed", sample.File, "--data", host.SubFolder("content"), .. Bootstrap]);

        public async Task MeasureAsync(ITestOutputHelper output, string what)
        {
            var clock = Stopwatch.StartNew();
            var folder = host.SubFolder("got");
            var leech = Start(
                "leech",
                // Slow enough that the first piece is not the last one too.
                [
                    "get",
                    $"magnet:?xt=urn:btih:{sample.InfoHash}",
                    "-o",
                    folder,
                    "--download-limit",
                    "8MiB/s",
                    .. Bootstrap,
                ]
            );
            await leech.WaitForLineAsync(line => ShoalClient.IsEvent(line, "listening"), s_patience);
            var start = clock.Elapsed;
            await leech.WaitForLineAsync(line => ShoalClient.IsEvent(line, "metadata"), s_patience);
            var metadata = clock.Elapsed;
            await leech.WaitForLineAsync(HasPiece, s_patience);
            var piece = clock.Elapsed;
            await leech.WaitForLineAsync(line => ShoalClient.IsEvent(line, "complete"), s_patience);
            DataSet.AssertSame(sample.Content, Path.Combine(folder, "file.bin"));
            output.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{what}: listening after {start.TotalSeconds:0.00} s, metadata after {metadata.TotalSeconds:0.00} s, first piece seen after {piece.TotalSeconds:0.00} s"
                )
            );
            Assert.True(metadata < s_soon, $"the metadata took {metadata}");
            // Progress is told once a second.
            Assert.True(piece < metadata + TimeSpan.FromSeconds(10), $"the first piece took {piece - metadata} more");
        }

        public ValueTask DisposeAsync() => lab.DisposeAsync();

        private static string[] Bootstrap => ["--dht-bootstrap", $"127.0.0.1:{NodePort}"];

        private ClientProcess Start(string name, IEnumerable<string> command) =>
            host.Start(
                Tools.Shoal,
                [
                    .. command,
                    "--json",
                    "--bind",
                    "127.0.0.1",
                    "--no-lsd",
                    "--no-port-mapping",
                    "--no-trackers",
                    "--state",
                    host.SubFolder($"{name}-state"),
                ]
            );

        private static bool HasPiece(string line)
        {
            if (ShoalClient.IsEvent(line, "complete"))
            {
                return true;
            }

            if (!ShoalClient.IsEvent(line, "progress"))
            {
                return false;
            }

            using var json = JsonDocument.Parse(line);
            return json.RootElement.GetProperty("piecesDone").GetInt32() > 0;
        }
    }
}
