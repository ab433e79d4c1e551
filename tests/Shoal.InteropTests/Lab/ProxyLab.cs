using System.Globalization;

namespace Shoal.InteropTests;

/// <summary>
/// A tracker or a node of the DHT on the hub, a proxy, a seed, and a leech that may reach the proxy only.
/// </summary>
internal sealed class ProxyLab(Lab lab, Sample sample, Host proxy, Host seed, Host leech) : IAsyncDisposable
{
    public const string TrackerName = "tracker.lab";
    public const string WebName = "web.lab";

    private const int Size = 1_500_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    public Lab Lab => lab;
    public Sample Sample => sample;
    public Host Proxy => proxy;
    public Host Seed => seed;
    public required Firewall Firewall { get; init; }

    /// <summary>With a tracker, or else a node of the DHT, that knows of our own client as a seed.</summary>
    public static async Task<ProxyLab> CreateAsync(bool startTracker)
    {
        var lab = await CreateAsync();
        if (startTracker)
        {
            var tracker = TrackerHost.Start(lab.Lab, lab.Sample);
            await tracker.WaitForSeedsAsync(lab.Sample, 1, lab.StartSeed("--no-dht"));
        }
        else
        {
            // Somebody with something else is a node too.
            var hub = lab.Lab.Hub;
            var other = await MakeAsync(hub, Path.Combine(lab.Sample.Parent, "other.bin"));
            StartSeed(hub, other, "--no-trackers");
            lab.StartSeed("--no-trackers", "--dht-bootstrap", $"{hub.Address}:{Host.Port}");
        }

        return lab;
    }

    /// <summary>Nobody seeds yet, and nothing says where peers are.</summary>
    public static async Task<ProxyLab> CreateAsync()
    {
        var lab = await InteropTests.Lab.CreateAsync();
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
            $"{lab.Hub.Address} {TrackerName}\n{seed.Address} {WebName}\n"
        );
        return new ProxyLab(lab, sample, proxy, seed, leech)
        {
            Firewall = await Firewall.AllowOnlyAsync(leech, $"ip daddr {proxy.Address}"),
        };
    }

    /// <summary>Our own client with the content.</summary>
    public ClientProcess StartSeed(params string[] options) => StartSeed(seed, sample, options);

    /// <summary>nginx with the content on the seed's machine, and a torrent that names it by <see cref="WebName"/>.</summary>
    public async Task<(WebHost Web, string Torrent)> StartWebAsync(string options = "")
    {
        var web = await WebHost.StartAsync(seed, sample.Parent, options);
        var torrent = Path.Combine(seed.Folder, "web.torrent");
        var url = $"http://{WebName}:{WebHost.Port}/";
        await InteropTests.Lab.RunAsync(
            Tools.Shoal,
            ["create", sample.Content, "-o", torrent, "--format", "v1", "--piece-length", "32KiB", "--web-seed", url]
        );
        return (web, torrent);
    }

    /// <summary>Ends the proxy with all its children.</summary>
    public async Task KillProxyAsync(ClientProcess process)
    {
        foreach (var pid in (await InteropTests.Lab.RunAsync("ip", ["netns", "pids", proxy.Namespace])).Split('\n'))
        {
            if (int.TryParse(pid, CultureInfo.InvariantCulture, out var id))
            {
                Signals.Send(id, Signals.Kill);
            }
        }

        await process.WaitForExitAsync(Patience);
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

    public ClientProcess StartTinyproxy(string user, string password)
    {
        var file = Path.Combine(proxy.Folder, "tinyproxy.conf");
        System.IO.File.WriteAllText(
            file,
            $"Port 8888\nListen {proxy.Address}\nTimeout 600\nMaxClients 100\nBasicAuth {user} {password}\n"
        );
        return proxy.Start("tinyproxy", "-d", "-c", file);
    }

    public Host Leech => leech;

    public ClientProcess Get(string source, params string[] options) =>
        leech.Start(
            Tools.Shoal,
            ["get", source, "-o", leech.SubFolder("got"), "--json", "--state", leech.SubFolder("state"), .. options]
        );

    /// <summary>From the seed by uTP and nothing else, through the SOCKS5 proxy.</summary>
    public ClientProcess GetByUtp() =>
        Get(
            sample.File,
            ["--proxy", $"socks5://{proxy.Address}:1080", "--no-dht", "--transport", "utp", "--peer", seed.EndPoint]
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

    private static ClientProcess StartSeed(Host host, Sample sample, params string[] options) =>
        host.Start(
            Tools.Shoal,
            [
                "seed",
                sample.File,
                "--data",
                Path.GetDirectoryName(sample.Content)!,
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
