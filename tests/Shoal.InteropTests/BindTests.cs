using System.Net;

namespace Shoal.InteropTests;

/// <summary>
/// <c>--bind</c> on a machine with two ways to the same seed: what was not named is never used, not even when the other
/// one goes away in the middle of a transfer.
/// </summary>
public sealed class BindTests
{
    private const string TrackerName = "tracker.example";
    private const string Ours = "10.98.0.2";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    [Theory]
    [InlineData("eth1")]
    [InlineData(Ours)]
    public async Task When_the_way_goes_away_nothing_leaves_by_another_and_all_goes_on_when_it_is_back(string bind)
    {
        await using var lab = await TwoWays.CreateAsync();
        await using var names = lab.StartNameServer();
        var leech = lab.Get("--bind", bind, "--dns", TwoWays.Seed);
        await leech.WaitForLineAsync(IsUnderWay, Patience);
        Assert.True(names.Questions > 0);
        Assert.Equal(0, await lab.Firewall.LeakedAsync());

        // The route by eth0 is there now, and would be taken.
        await lab.Leech.RunAsync("ip", "link", "set", "eth1", "down");
        await leech.WaitForLineAsync(line => IsWarning(line, "bind-lost"), Patience);
        var leaked = await lab.Firewall.LeakedAsync();
        // Peers, trackers and the DHT try again meanwhile.
        await Task.Delay(TimeSpan.FromSeconds(4));
        Assert.Equal(leaked, await lab.Firewall.LeakedAsync());
        Assert.True(bind != "eth1" || leaked == 0, $"{leaked}");
        // With an address the routes decide about datagrams until we notice. Connections stay.
        Assert.InRange(leaked, 0, 20);
        Assert.Equal(0, await lab.Firewall.LeakedAsync("tcp"));

        await lab.ConnectAsync();
        await leech.WaitForLineAsync(line => IsWarning(line, "bind-back"), Patience);
        await lab.AssertCompleteAsync(leech);
        Assert.Equal(leaked, await lab.Firewall.LeakedAsync());
    }

    [Fact]
    public async Task An_interface_that_is_made_anew_is_used_again()
    {
        await using var lab = await TwoWays.CreateAsync();
        await using var names = lab.StartNameServer();
        var leech = lab.Get("--bind", "eth1", "--dns", TwoWays.Seed);
        await leech.WaitForLineAsync(IsUnderWay, Patience);
        await lab.Leech.RunAsync("ip", "link", "del", "eth1");
        await leech.WaitForLineAsync(line => IsWarning(line, "bind-lost"), Patience);
        await lab.MakeAsync();
        await leech.WaitForLineAsync(line => IsWarning(line, "bind-back"), Patience);
        await lab.AssertCompleteAsync(leech);
        Assert.Equal(0, await lab.Firewall.LeakedAsync());
    }

    private static bool IsUnderWay(string line) =>
        ShoalClient.IsEvent(line, "progress") && !line.Contains("\"done\":0,", StringComparison.Ordinal);

    private static bool IsWarning(string line, string code) =>
        ShoalClient.IsEvent(line, "warning") && line.Contains($"\"code\":\"{code}\"", StringComparison.Ordinal);

    /// <summary>A hub with a seed and its names behind an address of its own; a leech with two ways there.</summary>
    private sealed class TwoWays(Lab lab, Sample sample, Host leech, Firewall firewall) : IAsyncDisposable
    {
        /// <summary>On no network of the leech, so both ways lead there.</summary>
        public const string Seed = "10.97.0.1";

        public Host Leech => leech;
        public Firewall Firewall => firewall;

        public static async Task<TwoWays> CreateAsync()
        {
            var lab = await Lab.CreateAsync();
            var leech = await lab.AddHostAsync("leech");
            await lab.Hub.RunAsync("ip", "addr", "add", $"{Seed}/32", "dev", "lo");
            await leech.RunAsync("ip", "route", "add", Seed, "via", lab.Hub.Address, "metric", "20");
            var content = lab.Hub.SubFolder("content");
            DataSet.File(content, "data.bin", 4_000_000, new Random(DataSet.Seed));
            var file = Path.Combine(lab.Hub.Folder, "data.torrent");
            var sample = await ShoalClient.CreateAsync(file, Path.Combine(content, "data.bin"), "v1", "32KiB");
            var seeding = lab.Hub.Start(
                Tools.Shoal,
                "seed",
                file,
                "--data",
                content,
                "--json",
                "--port",
                $"{Host.Port}",
                "--bind",
                Seed,
                "--no-dht",
                // What peers name is asked too, and the lab's tracker is on the network of the other interface: the routes
                // lead there, which is as it should be with an address, and not what is counted here.
                "--no-trackers",
                "--state",
                lab.Hub.SubFolder("state")
            );
            await seeding.WaitForLineAsync(line => ShoalClient.IsEvent(line, "complete"), Patience);
            // Whatever leaves by the other interface is counted, and goes no further.
            var two = new TwoWays(lab, sample, leech, await Firewall.AllowOnlyAsync(leech, "oifname \"eth1\""));
            await two.MakeAsync();
            return two;
        }

        /// <summary>A new interface, with the same name.</summary>
        public async Task MakeAsync()
        {
            await lab.Hub.RunAsync(
                "ip",
                "link",
                "add",
                "w1",
                "type",
                "veth",
                "peer",
                "name",
                "eth1",
                "netns",
                leech.Namespace
            );
            await lab.Hub.RunAsync("ip", "addr", "add", "10.98.0.1/24", "dev", "w1");
            await lab.Hub.RunAsync("ip", "link", "set", "w1", "up");
            await leech.RunAsync("ip", "addr", "add", $"{Ours}/24", "dev", "eth1");
            await ConnectAsync();
        }

        public async Task ConnectAsync()
        {
            await leech.RunAsync("ip", "link", "set", "eth1", "up");
            await leech.RunAsync("ip", "route", "replace", Seed, "via", "10.98.0.1", "metric", "10");
        }

        public NameServer StartNameServer() =>
            Inside.Run(
                lab.Hub,
                () =>
                    new NameServer(
                        (question, _) => [NameServer.Answer(question, IPAddress.Parse(Seed))],
                        new IPEndPoint(IPAddress.Parse(Seed), 53)
                    )
            );

        public ClientProcess Get(params string[] options) =>
            leech.Start(
                Tools.Shoal,
                [
                    "get",
                    $"magnet:?xt=urn:btih:{sample.InfoHash}&tr=udp://{TrackerName}:6969/announce&x.pe={Seed}:{Host.Port}",
                    "-o",
                    leech.SubFolder("got"),
                    "--json",
                    "--download-limit",
                    "500KiB/s",
                    "--dht-bootstrap",
                    $"{Seed}:{Host.Port}",
                    "--state",
                    leech.SubFolder("state"),
                    .. options,
                ]
            );

        public async Task AssertCompleteAsync(ClientProcess process)
        {
            await process.WaitForLineAsync(line => ShoalClient.IsEvent(line, "complete"), Patience);
            Assert.Equal(0, await process.WaitForExitAsync(Patience));
            DataSet.AssertSame(sample.Content, Path.Combine(leech.SubFolder("got"), sample.Name));
        }

        public ValueTask DisposeAsync() => lab.DisposeAsync();
    }
}
