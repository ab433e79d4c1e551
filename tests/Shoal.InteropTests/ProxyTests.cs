using System.Diagnostics;
using System.Globalization;

namespace Shoal.InteropTests;

/// <summary>
/// Our program behind real proxies: a firewall lets it reach nothing but the proxy, and counts what would have gone
/// elsewhere.
/// </summary>
public sealed class ProxyTests
{
    private const string TrackerName = "tracker.lab";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    [Theory]
    [InlineData("http")]
    [InlineData("udp")]
    public async Task Through_socks_a_tracker_is_found_by_its_name_and_peers_are_reached(string scheme)
    {
        await using var lab = await ProxyLab.CreateAsync(startTracker: true);
        await lab.StartDanteAsync();
        var magnet = $"magnet:?xt=urn:btih:{lab.Sample.InfoHash}&tr={scheme}://{TrackerName}:6969/announce";
        var leech = lab.Get(magnet, "--proxy", $"socks5://{lab.Proxy.Address}:1080", "--no-dht");
        await lab.AssertCompleteAsync(leech);
        Assert.Contains(leech.Lines, line => line.Contains("\"code\":\"proxy\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Through_socks_the_dht_alone_finds_peers()
    {
        await using var lab = await ProxyLab.CreateAsync(startTracker: false);
        await lab.StartDanteAsync();
        var leech = lab.Get(
            $"magnet:?xt=urn:btih:{lab.Sample.InfoHash}",
            "--proxy",
            $"socks5://{lab.Proxy.Address}:1080",
            "--dht-bootstrap",
            $"{lab.Lab.Hub.Address}:{Host.Port}"
        );
        await lab.AssertCompleteAsync(leech);
    }

    [Fact]
    public async Task Through_http_connect_with_credentials_a_tracker_and_peers_are_reached()
    {
        await using var lab = await ProxyLab.CreateAsync(startTracker: true);
        lab.StartTinyproxy("me", "secret");
        var magnet = $"magnet:?xt=urn:btih:{lab.Sample.InfoHash}&tr=http://{TrackerName}:6969/announce";
        var leech = lab.Get(magnet, "--proxy", $"http://me:secret@{lab.Proxy.Address}:8888");
        await lab.AssertCompleteAsync(leech);
        Assert.DoesNotContain(leech.Lines, line => line.Contains("secret", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Wrong_credentials_are_said_to_be_the_reason()
    {
        await using var lab = await ProxyLab.CreateAsync(startTracker: false);
        lab.StartTinyproxy("me", "secret");
        var leech = lab.Get(
            lab.Sample.File,
            "--proxy",
            $"http://me:mistaken@{lab.Proxy.Address}:8888",
            "--peer",
            lab.Seed.EndPoint
        );
        var warning = await leech.WaitForLineAsync(line => IsWarning(line, "proxy-failed"), Patience);
        Assert.Contains("user name and", warning, StringComparison.Ordinal);
        Assert.DoesNotContain("mistaken", warning, StringComparison.Ordinal);
        Assert.Equal(0, await lab.Firewall.LeakedAsync());
    }

    [Fact]
    public async Task When_the_proxy_dies_nothing_goes_around_it()
    {
        await using var lab = await ProxyLab.CreateAsync(startTracker: true);
        var proxy = await lab.StartDanteAsync();
        var leech = lab.Get(
            $"{lab.Sample.Magnet}&tr=udp://{TrackerName}:6969/announce",
            "--proxy",
            $"socks5://{lab.Proxy.Address}:1080",
            "--dht-bootstrap",
            $"{lab.Lab.Hub.Address}:{Host.Port}",
            "--peer",
            lab.Seed.EndPoint,
            "--download-limit",
            "256KiB/s"
        );
        await leech.WaitForLineAsync(line => line.Contains("\"done\":") && !line.Contains("\"done\":0,"), Patience);
        foreach (var pid in (await Lab.RunAsync("ip", ["netns", "pids", lab.Proxy.Namespace])).Split('\n'))
        {
            if (int.TryParse(pid, CultureInfo.InvariantCulture, out var id))
            {
                Signals.Send(id, Signals.Kill);
            }
        }

        await proxy.WaitForExitAsync(Patience);
        var warning = await leech.WaitForLineAsync(line => IsWarning(line, "proxy-failed"), Patience);
        Assert.Contains($"socks5://{lab.Proxy.Address}:1080 cannot be reached", warning, StringComparison.Ordinal);
        // Peers, trackers and the DHT try again meanwhile.
        await Task.Delay(TimeSpan.FromSeconds(3));
        Assert.Equal(0, await lab.Firewall.LeakedAsync());
        Assert.Single(leech.Lines, line => IsWarning(line, "proxy-failed"));
    }

    private static bool IsWarning(string line, string code) =>
        ShoalClient.IsEvent(line, "warning") && line.Contains($"\"code\":\"{code}\"", StringComparison.Ordinal);

    /// <summary>
    /// A tracker or a node of the DHT on the hub, a proxy, a seed, and a leech that may reach the proxy only.
    /// </summary>
    private sealed class ProxyLab(Lab lab, Sample sample, Host proxy, Host seed, Host leech) : IAsyncDisposable
    {
        private const int Size = 1_500_000;

        public Lab Lab => lab;
        public Sample Sample => sample;
        public Host Proxy => proxy;
        public Host Seed => seed;
        public required Firewall Firewall { get; init; }

        public static async Task<ProxyLab> CreateAsync(bool startTracker)
        {
            var lab = await Lab.CreateAsync();
            var (proxy, seed, leech) = (
                await lab.AddHostAsync("proxy"),
                await lab.AddHostAsync("seed"),
                await lab.AddHostAsync("leech")
            );
            var content = seed.SubFolder("content");
            DataSet.File(content, "data.bin", Size, new Random(DataSet.Seed));
            DataSet.File(content, "other.bin", 50_000, new Random(DataSet.Seed + 1));
            var sample = await MakeAsync(seed, Path.Combine(content, "data.bin"));
            // Names are known to the proxy alone.
            Directory.CreateDirectory($"/etc/netns/{proxy.Namespace}");
            await System.IO.File.WriteAllTextAsync(
                $"/etc/netns/{proxy.Namespace}/hosts",
                $"{lab.Hub.Address} {TrackerName}\n"
            );
            string[] dht = ["--dht-bootstrap", $"{lab.Hub.Address}:{Host.Port}"];
            if (startTracker)
            {
                var tracker = TrackerHost.Start(lab, sample);
                var seeding = StartSeed(seed, sample, content, "--no-dht");
                await tracker.WaitForSeedsAsync(sample, 1, seeding);
            }
            else
            {
                // Somebody with something else is a node too.
                var other = await MakeAsync(lab.Hub, Path.Combine(content, "other.bin"));
                StartSeed(lab.Hub, other, content, "--no-trackers");
                StartSeed(seed, sample, content, ["--no-trackers", .. dht]);
            }

            return new ProxyLab(lab, sample, proxy, seed, leech)
            {
                Firewall = await Firewall.AllowOnlyAsync(leech, $"ip daddr {proxy.Address}"),
            };
        }

        public async Task<ClientProcess> StartDanteAsync()
        {
            var file = Path.Combine(proxy.Folder, "danted.conf");
            System.IO.File.WriteAllText(
                file,
                $$"""
                logoutput: stderr
                internal: {{proxy.Address}} port = 1080
                external: {{proxy.Address}}
                clientmethod: none
                socksmethod: none
                user.privileged: root
                user.unprivileged: nobody
                client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }
                socks pass { from: 0.0.0.0/0 to: 0.0.0.0/0 command: connect udpassociate udpreply }
                """
            );
            var process = proxy.Start("danted", "-f", file, "-p", Path.Combine(proxy.Folder, "danted.pid"));
            await process.WaitForLineAsync(line => line.EndsWith("running", StringComparison.Ordinal), Patience);
            return process;
        }

        public void StartTinyproxy(string user, string password)
        {
            var file = Path.Combine(proxy.Folder, "tinyproxy.conf");
            System.IO.File.WriteAllText(
                file,
                $"Port 8888\nListen {proxy.Address}\nTimeout 600\nMaxClients 100\nBasicAuth {user} {password}\n"
            );
            proxy.Start("tinyproxy", "-d", "-c", file);
        }

        public ClientProcess Get(string source, params string[] options) =>
            leech.Start(
                Tools.Shoal,
                ["get", source, "-o", leech.SubFolder("got"), "--json", "--state", leech.SubFolder("state"), .. options]
            );

        public async Task AssertCompleteAsync(ClientProcess process)
        {
            await process.WaitForLineAsync(line => ShoalClient.IsEvent(line, "complete"), Patience);
            Assert.Equal(0, await process.WaitForExitAsync(Patience));
            DataSet.AssertSame(sample.Content, Path.Combine(leech.SubFolder("got"), sample.Name));
            Assert.Equal(0, await Firewall.LeakedAsync());
        }

        public async ValueTask DisposeAsync()
        {
            Directory.Delete($"/etc/netns/{proxy.Namespace}", recursive: true);
            await lab.DisposeAsync();
        }

        private static async Task<Sample> MakeAsync(Host host, string content)
        {
            var file = Path.Combine(host.Folder, $"{Path.GetFileName(content)}.torrent");
            return await ShoalClient.CreateAsync(file, content, "v1", "32KiB");
        }

        private static ClientProcess StartSeed(Host host, Sample sample, string folder, params string[] options) =>
            host.Start(
                Tools.Shoal,
                [
                    "seed",
                    sample.File,
                    "--data",
                    folder,
                    "--json",
                    "--port",
                    $"{Host.Port}",
                    "--bind",
                    host.Address,
                    "--state",
                    host.SubFolder("state"),
                    .. options,
                ]
            );
    }
}
