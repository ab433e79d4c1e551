namespace Shoal.InteropTests;

/// <summary>
/// Our program behind real proxies: a firewall lets it reach nothing but the proxy, and counts what would have gone
/// elsewhere.
/// </summary>
public sealed class ProxyTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    [Theory]
    [InlineData("http")]
    [InlineData("udp")]
    public async Task Through_socks_a_tracker_is_found_by_its_name_and_peers_are_reached(string scheme)
    {
        await using var lab = await ProxyLab.CreateAsync(startTracker: true);
        await lab.StartDanteAsync();
        var magnet = $"magnet:?xt=urn:btih:{lab.Sample.InfoHash}&tr={scheme}://{ProxyLab.TrackerName}:6969/announce";
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
        var magnet = $"magnet:?xt=urn:btih:{lab.Sample.InfoHash}&tr=http://{ProxyLab.TrackerName}:6969/announce";
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
            $"{lab.Sample.Magnet}&tr=udp://{ProxyLab.TrackerName}:6969/announce",
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
        await lab.KillProxyAsync(proxy);
        var warning = await leech.WaitForLineAsync(line => IsWarning(line, "proxy-failed"), Patience);
        Assert.Contains($"socks5://{lab.Proxy.Address}:1080 cannot be reached", warning, StringComparison.Ordinal);
        // Peers, trackers and the DHT try again meanwhile.
        await Task.Delay(TimeSpan.FromSeconds(3));
        Assert.Equal(0, await lab.Firewall.LeakedAsync());
        Assert.Single(leech.Lines, line => IsWarning(line, "proxy-failed"));
    }

    /// <summary>UDP ASSOCIATE: the other side sees a datagram of the proxy's, we never leave but to the proxy.</summary>
    [Fact]
    public async Task Through_socks_utp_alone_reaches_shoal()
    {
        await using var lab = await ProxyLab.CreateAsync();
        lab.StartSeed("--no-dht", "--no-trackers", "--transport", "utp");
        await lab.StartDanteAsync();
        await AssertUtpAsync(lab, lab.GetByUtp());
    }

    [Fact]
    public async Task Through_socks_utp_alone_reaches_libtorrent()
    {
        await using var lab = await ProxyLab.CreateAsync();
        LibtorrentClient.Start(
            lab.Seed,
            ["--torrent", lab.Sample.File, "--save", lab.Sample.Parent, "--transport", "utp"]
        );
        await lab.StartDanteAsync();
        await AssertUtpAsync(lab, lab.GetByUtp());
    }

    /// <summary>libtorrent behind the proxy, by its own setting, and our client outside.</summary>
    [Fact]
    public async Task Libtorrent_reaches_shoal_by_utp_through_socks()
    {
        await using var lab = await ProxyLab.CreateAsync();
        var seed = lab.StartSeed("--no-dht", "--no-trackers", "--transport", "utp");
        await lab.StartDanteAsync();
        var target = lab.Leech.SubFolder("got");
        var leech = LibtorrentClient.Start(
            lab.Leech,
            [
                "--torrent",
                lab.Sample.File,
                "--save",
                target,
                "--transport",
                "utp",
                "--socks5",
                $"{lab.Proxy.Address}:1080",
                "--peer",
                lab.Seed.EndPoint,
            ]
        );
        await leech.WaitCompleteAsync(Patience);
        await leech.StopAsync();
        DataSet.AssertSame(lab.Sample.Content, Path.Combine(target, lab.Sample.Name));
        Assert.Equal(0, await lab.Firewall.LeakedAsync());
        Assert.Contains(seed.Lines, line => IsUtpPeer(line, lab.Proxy));
    }

    [Theory]
    [InlineData("socks5")]
    [InlineData("http")]
    public async Task A_web_seed_is_fetched_through_the_proxy_which_alone_knows_its_name(string scheme)
    {
        await using var lab = await ProxyLab.CreateAsync();
        var (web, torrent) = await lab.StartWebAsync();
        var (url, _) = await StartProxyAsync(lab, scheme);
        var leech = lab.Get(torrent, "--proxy", url, "--no-dht");
        await lab.AssertCompleteAsync(leech);
        Assert.Equal(lab.Sample.Size, web.Sent);
    }

    [Theory]
    [InlineData("socks5")]
    [InlineData("http")]
    public async Task When_the_proxy_dies_no_web_seed_is_asked_around_it(string scheme)
    {
        await using var lab = await ProxyLab.CreateAsync();
        var (web, torrent) = await lab.StartWebAsync("limit_rate 100k;");
        var (url, proxy) = await StartProxyAsync(lab, scheme);
        var leech = lab.Get(torrent, "--proxy", url, "--no-dht");
        await leech.WaitForLineAsync(line => line.Contains("\"done\":") && !line.Contains("\"done\":0,"), Patience);
        await lab.KillProxyAsync(proxy);
        await leech.WaitForLineAsync(line => IsWarning(line, "web-seed-failed"), Patience);
        await leech.WaitForLineAsync(line => IsWarning(line, "proxy-failed"), TimeSpan.FromSeconds(90));
        Assert.Equal(0, await lab.Firewall.LeakedAsync());
        Assert.True(web.Sent < lab.Sample.Size);
    }

    private static async Task<(string Url, ClientProcess Process)> StartProxyAsync(ProxyLab lab, string scheme) =>
        scheme == "socks5"
            ? ($"socks5://{lab.Proxy.Address}:1080", await lab.StartDanteAsync())
            : ($"http://me:secret@{lab.Proxy.Address}:8888", lab.StartTinyproxy("me", "secret"));

    private static async Task AssertUtpAsync(ProxyLab lab, ClientProcess leech)
    {
        await lab.AssertCompleteAsync(leech);
        Assert.Contains(leech.Lines, line => IsUtpPeer(line, lab.Seed));
        Assert.DoesNotContain(leech.Lines, line => line.Contains("\"transport\":\"tcp\"", StringComparison.Ordinal));
    }

    private static bool IsUtpPeer(string line, Host host) =>
        ShoalClient.IsEvent(line, "peer")
        && line.Contains("\"transport\":\"utp\"", StringComparison.Ordinal)
        && line.Contains($"\"address\":\"{host.Address}:", StringComparison.Ordinal);

    private static bool IsWarning(string line, string code) =>
        ShoalClient.IsEvent(line, "warning") && line.Contains($"\"code\":\"{code}\"", StringComparison.Ordinal);
}
