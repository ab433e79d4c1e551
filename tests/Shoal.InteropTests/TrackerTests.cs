using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Tracker;

namespace Shoal.InteropTests;

/// <summary>Our tracker and our client of trackers against each other and against others, over real sockets on loopback.</summary>
public sealed class TrackerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);
    private static readonly InfoHash Torrent = new("\u0000binary \u007f hash %&=+?"u8);

    private static Task<TrackerServer> StartServerAsync() =>
        TrackerServer.StartAsync(
            new TrackerOptions
            {
                HttpEndPoints = [new(IPAddress.Loopback, 0), new(IPAddress.IPv6Loopback, 0)],
                UdpEndPoints = [new(IPAddress.Loopback, 0), new(IPAddress.IPv6Loopback, 0)],
            }
        );

    private static AnnounceJob Job(string url, AnnounceEvent happened = AnnounceEvent.Started, InfoHash? hash = null)
    {
        Assert.True(TrackerUrl.TryParse(url, out var parsed), url);
        return new AnnounceJob
        {
            Id = 1,
            Kind = AnnounceJobKind.Announce,
            Url = parsed,
            InfoHash = hash ?? Torrent,
            Origin = parsed.Host.Contains(':', StringComparison.Ordinal) ? IPAddress.IPv6Loopback : IPAddress.Loopback,
            Event = happened,
        };
    }

    private static AnnounceRequest Request(AnnounceJob job, ushort port, long left = 1) =>
        new()
        {
            InfoHash = job.InfoHash,
            PeerId = new PeerId("-SH0001-abcdefghijkl"u8),
            Port = port,
            Left = left,
            Event = job.Event,
        };

    private static TrackerClient CreateClient() =>
        new(new TrackerClientLimits(), new DirectEgress(LocalBinding.Everywhere), TimeProvider.System);

    private static string Url(string scheme, TrackerServer server, AddressFamily family)
    {
        var all = scheme == "udp" ? server.UdpEndPoints : server.HttpEndPoints;
        return $"{scheme}://{all.Single(endPoint => endPoint.AddressFamily == family)}/announce";
    }

    [Theory]
    [InlineData("tracker", "--http")]
    [InlineData("tracker", "--udp")]
    [InlineData("hub", "--listen")]
    [InlineData("hub", "--metrics")]
    public async Task An_address_that_is_not_of_this_machine_is_told_in_one_line(string command, string option)
    {
        var state = Directory.CreateTempSubdirectory("shoal-listen-").FullName;
        try
        {
            string[] own = command == "hub" ? ["--host", "localhost", "--state", state] : [];
            string[] elsewhere = command == "hub" && option != "--listen" ? ["--listen", "127.0.0.1:0"] : [];
            var start = new ProcessStartInfo(Tools.Shoal, [command, option, "192.0.2.77:7", .. own, .. elsewhere])
            {
                RedirectStandardError = true,
            };
            using var process = Process.Start(start)!;
            var error = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.Equal(1, process.ExitCode);
            Assert.Matches(@"^shoal: cannot listen on (UDP )?192\.0\.2\.77:7: [^\n]+\n$", error);
        }
        finally
        {
            Directory.Delete(state, recursive: true);
        }
    }

    [Theory]
    [InlineData("http", AddressFamily.InterNetwork)]
    [InlineData("http", AddressFamily.InterNetworkV6)]
    [InlineData("udp", AddressFamily.InterNetwork)]
    [InlineData("udp", AddressFamily.InterNetworkV6)]
    public async Task Our_client_and_our_tracker_understand_each_other(string scheme, AddressFamily family)
    {
        await using var server = await StartServerAsync();
        await using var client = CreateClient();
        var job = Job(Url(scheme, server, family));
        for (ushort port = 1; port <= 3; port++)
        {
            var reply = await client.AskAsync(job, Request(job, port), CancellationToken.None).WaitAsync(Patience);
            Assert.True(reply.Answer is { Failure: null }, reply.Message + reply.Answer?.Failure);
            Assert.Equal(Enumerable.Range(1, port - 1), reply.Answer!.Peers.Select(peer => peer.Port).Order());
            Assert.All(reply.Answer.Peers, peer => Assert.True(IPAddress.IsLoopback(peer.Address)));
            Assert.Equal(TimeSpan.FromMinutes(30), reply.Answer.Interval);
        }

        var scrape = job with { Kind = AnnounceJobKind.Scrape };
        var counts = await client.AskAsync(scrape, default, CancellationToken.None).WaitAsync(Patience);
        Assert.Equal((0, 3), (counts.Counts!.Value.Seeds, counts.Counts.Value.Leeches));
        var goodbye = job with { Event = AnnounceEvent.Stopped };
        await client.AskAsync(goodbye, Request(goodbye, 2), CancellationToken.None).WaitAsync(Patience);
        Assert.Equal(2, server.Counters.Peers);
    }

    [Fact]
    public async Task A_loop_announces_over_every_family_and_says_goodbye()
    {
        await using var server = await StartServerAsync();
        await using var client = CreateClient();
        string[] urls =
        [
            Url("http", server, AddressFamily.InterNetwork),
            Url("udp", server, AddressFamily.InterNetwork),
            Url("udp", server, AddressFamily.InterNetworkV6),
        ];
        var options = new AnnounceScheduleOptions
        {
            Tiers = [.. urls.Select(url => (IReadOnlyList<TrackerUrl>)[Job(url).Url])],
            InfoHashes = [Torrent],
            Origins = [IPAddress.Any, IPAddress.IPv6Any],
            Seed = 1,
        };
        var listener = new AnnounceListener(
            () => new AnnounceFacts(new PeerId("-SH0001-abcdefghijkl"u8), 7, 0, 0, 5, 1),
            _ => { },
            (_, _) => { },
            (_, _) => { }
        );
        await using var loop = new AnnounceLoop(options, client, listener, TimeProvider.System);
        loop.Start();
        await UntilAsync(() => loop.Status.All(tracker => tracker.IsWorking == true));
        Assert.Equal(2, server.Counters.Peers);
        await loop.StopAsync(TimeSpan.FromSeconds(3));
        Assert.Equal(0, server.Counters.Peers);
    }

    [Theory]
    [InlineData("http")]
    [InlineData("udp")]
    public async Task Libtorrent_announces_to_our_tracker(string scheme) =>
        await SeenAsync(
            scheme,
            (torrent, folder) =>
                (
                    (string[])
                        [
                            Tools.Python,
                            Tools.Script("libtorrent_client.py"),
                            "--bind",
                            "127.0.0.1",
                            "--port",
                            "0",
                            "--torrent",
                            torrent,
                            "--save",
                            folder,
                        ]
                )
        );

    [Theory]
    [InlineData("http")]
    [InlineData("udp")]
    public async Task Aria2_announces_to_our_tracker(string scheme) =>
        await SeenAsync(
            scheme,
            (torrent, folder) =>
                (
                    (string[])
                        [
                            "aria2c",
                            "--no-conf=true",
                            "--enable-dht=" + (scheme == "udp" ? "true" : "false"),
                            "--dht-file-path=" + Path.Combine(folder, "dht.dat"),
                            "--bt-enable-lpd=false",
                            "--show-console-readout=false",
                            "--stop=60",
                            "--dir=" + folder,
                            torrent,
                        ]
                )
        );

    [Theory]
    [InlineData("http")]
    [InlineData("udp")]
    public async Task Transmission_announces_to_our_tracker(string scheme) =>
        await SeenAsync(
            scheme,
            (torrent, folder) =>
                (
                    (string[])
                        [
                            "transmission-cli",
                            "-g",
                            Path.Combine(folder, "config"),
                            "-w",
                            folder,
                            "-p",
                            $"{FreePort()}",
                            "-M",
                            torrent,
                        ]
                )
        );

    /// <summary>Starts a client with a torrent of our tracker and waits until the tracker lists it.</summary>
    private static async Task SeenAsync(string scheme, Func<string, string, string[]> command)
    {
        Warden.Begin();
        await using var server = await StartServerAsync();
        var folder = Directory.CreateDirectory(Path.Combine(Warden.Folder, $"tracker-{Guid.NewGuid():N}")).FullName;
        var content = Path.Combine(folder, "content");
        File.WriteAllBytes(content, new byte[100_000]);
        var torrent = Path.Combine(folder, "x.torrent");
        await Lab.RunAsync(
            Tools.Python,
            [
                Tools.Script("libtorrent_torrent.py"),
                "create",
                torrent,
                "--content",
                content,
                "--format",
                "v1",
                "--tracker",
                Url(scheme, server, AddressFamily.InterNetwork),
            ]
        );
        var arguments = command(torrent, Directory.CreateDirectory(Path.Combine(folder, "to")).FullName);
        if (!Path.IsPathRooted(arguments[0]))
        {
            Tools.Require(arguments[0]);
        }

        var start = new ProcessStartInfo(arguments[0], arguments[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder,
        };
        start.Environment["HOME"] = folder;
        await using var process = new ClientProcess(Path.GetFileName(arguments[0]), start);
        try
        {
            await UntilAsync(() =>
                server.Counters is { Peers: > 0 } counters
                && (scheme == "udp" ? counters.UdpAnnounces : counters.HttpAnnounces) > 0
            );
        }
        catch (TimeoutException)
        {
            throw process.Failure($"was not seen by the tracker: {server.Counters}");
        }
    }

    [Theory]
    [InlineData("http")]
    [InlineData("udp")]
    public async Task Our_client_announces_to_opentracker(string scheme)
    {
        Tools.Require("opentracker");
        Warden.Begin();
        var folder = Directory.CreateDirectory(Path.Combine(Warden.Folder, $"opentracker-{scheme}")).FullName;
        File.WriteAllText(Path.Combine(folder, "whitelist"), Torrent + "\n");
        var port = FreePort();
        string[] where = ["-i", "127.0.0.1", scheme == "udp" ? "-P" : "-p", $"{port}"];
        var start = new ProcessStartInfo("opentracker", [.. where, "-d", folder, "-w", "/whitelist"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        await using var process = new ClientProcess("opentracker", start);
        await using var client = CreateClient();
        var job = Job($"{scheme}://127.0.0.1:{port}/announce");
        var reply = default(TrackerReply);
        // It may not listen yet, and it reads its list on a thread of its own, refusing everybody until it has.
        await UntilAsync(async () =>
        {
            reply = await client.AskAsync(job, Request(job, 5001), CancellationToken.None);
            return reply.Answer is { Failure: null };
        });
        reply = await client.AskAsync(job, Request(job, 5002), CancellationToken.None).WaitAsync(Patience);
        Assert.Equal(["127.0.0.1:5001", "127.0.0.1:5002"], reply.Answer!.Peers.Select(peer => peer.ToString()).Order());
        Assert.InRange(reply.Answer.Interval!.Value.TotalMinutes, 1, 120);
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    private static Task UntilAsync(Func<bool> condition) => UntilAsync(() => Task.FromResult(condition()));

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        var clock = Stopwatch.StartNew();
        while (!await condition())
        {
            if (clock.Elapsed > Patience)
            {
                throw new TimeoutException("what was awaited did not happen");
            }

            await Task.Delay(50);
        }
    }
}
