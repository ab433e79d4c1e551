using Shoal.Api;

namespace Shoal.InteropTests;

/// <summary>Choosing, renaming, labelling and sharing in the daemon's page.</summary>
public sealed class WebPageChoiceTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    private static string Box(string path) => $"input[aria-label={Browser.Quote("Fetch " + path)}]";

    [Fact]
    public async Task Files_of_a_link_and_of_a_url_are_chosen_before_they_are_fetched()
    {
        // Addresses as everywhere in the world: a daemon fetches nothing from its own network for who comes over HTTP.
        await using var lab = await Lab.CreateAsync("choice", network: "44.99.0");
        var (near, far) = (await lab.AddHostAsync("maker"), await lab.AddHostAsync("taker"));
        var parent = near.SubFolder("shared");
        var random = new Random(DataSet.Seed);
        DataSet.File(parent, "films/one.mkv", 2_000_000, random);
        DataSet.File(parent, "films/extra/two.mkv", 1_000_000, random);
        DataSet.File(parent, "songs/a.ogg", 300_000, random);
        DataSet.File(parent, "songs/b.ogg", 400_000, random);
        await using var maker = await DaemonProcess.StartAsync(near);
        var films = await WebPage.MakeAsync(maker, new NewCreation { Path = Path.Combine(parent, "films") });
        var songs = await WebPage.MakeAsync(maker, new NewCreation { Path = Path.Combine(parent, "songs") });
        var web = near.SubFolder("web");
        File.Copy(
            Path.Combine(near.Folder, "state", "daemon", "torrents", songs + ".torrent"),
            Path.Combine(web, "songs.torrent")
        );
        await WebHost.StartAsync(near, web);
        var target = far.SubFolder("got");
        await using var daemon = await DaemonProcess.StartAsync(far, "--set", $"folders.download={target}");

        // Logged in by the form: with another Referrer-Policy than same-origin browsers send "Origin: null" with it, which is refused.
        var token = (await daemon.Client.CreateTokenAsync(new NewToken("page", AccessScope.Admin), None)).Secret;
        await using var browser = await Browser.StartAsync(far);
        await browser.OpenAsync(daemon.Url + "login");
        await browser.FillAsync("input[name=token]", "wrong");
        await browser.ClickAsync("button", "Log in on this browser");
        await browser.WaitAsync("document.querySelector('[role=alert]')");
        await browser.FillAsync("input[name=token]", token);
        await browser.ClickAsync("button", "Log in on this browser");
        await browser.WaitAsync("location.pathname === '/' && document.querySelector('.empty')");

        // A link: peers have to tell first what there is.
        await browser.PressAsync("n");
        var magnet = (await maker.Client.TorrentAsync(films, None)).Magnet;
        await browser.FillAsync("dialog [name=links]", magnet);
        await browser.ClickAsync("dialog button", "Choose files …");
        await browser.WaitAsync("!document.querySelector('dialog') && document.querySelector('.details')");
        await daemon.Client.AddPeersAsync(films, new AddPeers([near.EndPoint]), None);
        await browser.ClickAsync(Box("films/extra"));
        await browser.WaitAsync($"!document.querySelector({Browser.Quote(Box("films/extra/two.mkv"))}).checked");
        Assert.Equal(0, (await daemon.Client.TorrentAsync(films, None)).Torrent.Done);
        await browser.ClickAsync("button[aria-label='Rename films/one.mkv']");
        await browser.FillAsync("dialog [name=path]", "films/first.mkv");
        await browser.ClickAsync("dialog button", "Rename");
        await browser.WaitAsync($"document.querySelector({Browser.Quote(Box("films/first.mkv"))})");
        await browser.ClickAsync(".details button", "Start");
        await daemon.Client.AddPeersAsync(films, new AddPeers([near.EndPoint]), None);
        await daemon.WaitCompleteAsync(films);
        DataSet.AssertSame(Path.Combine(parent, "films/one.mkv"), Path.Combine(target, "films/first.mkv"));
        Assert.False(File.Exists(Path.Combine(target, "films/extra/two.mkv")));
        // The folder, by its own name.
        await browser.ClickAsync("button[aria-label='Rename films']");
        await browser.FillAsync("dialog [name=path]", "pictures");
        await browser.ClickAsync("dialog button", "Rename");
        await browser.WaitAsync($"document.querySelector({Browser.Quote(Box("pictures/first.mkv"))})");

        // A URL: the daemon fetches it and says what it holds.
        await browser.PressAsync("Escape");
        await browser.PressAsync("n");
        await browser.FillAsync("dialog [name=links]", WebHost.UrlOf(near) + "songs.torrent");
        await browser.ClickAsync("dialog button", "Choose files …");
        await browser.ClickAsync("dialog " + Box("songs/b.ogg"));
        await browser.FillAsync("dialog [name=labels]", "music");
        await browser.ClickAsync("dialog button", "Add");
        await browser.WaitAsync("document.querySelectorAll('.torrents .rows [role=row]').length === 2");
        await daemon.Client.AddPeersAsync(songs, new AddPeers([near.EndPoint]), None);
        await daemon.WaitAsync(songs, item => item.CompletedAt is not null);
        DataSet.AssertSame(Path.Combine(parent, "songs/a.ogg"), Path.Combine(target, "songs/a.ogg"));
        Assert.False(File.Exists(Path.Combine(target, "songs/b.ogg")));

        // Both at once.
        await browser.ClickAsync("input[aria-label='Select all']");
        await browser.ClickAsync(".actions button", "Labels");
        await browser.FillAsync("dialog [name=labels]", "mine");
        await browser.ClickAsync("dialog button", "Save");
        await browser.WaitAsync("document.querySelectorAll('.torrents .label').length === 3");
        await browser.ClickAsync(".actions button", "Pause");
        await browser.WaitAsync(
            "[...document.querySelectorAll('.torrents .rows .state')].every(e => e.textContent === 'Paused')"
        );
        Assert.Equal(["music", "mine"], (await daemon.Client.TorrentAsync(songs, None)).Torrent.Labels);

        await browser.ClickAsync("footer .alternative");
        await browser.WaitAsync("document.querySelector('footer .alternative').ariaPressed === 'true'");
        Assert.True((await daemon.Client.StatusAsync(None)).AlternativeLimits);
        await browser.ClickAsync("button", "Log");
        await browser.WaitAsync("document.querySelector('.log').textContent.includes('Complete: songs')");
        await browser.PressAsync("Escape");

        // Searched, found, sorted.
        await browser.FillAsync(".search input", "music");
        await browser.WaitAsync("document.querySelectorAll('.torrents .rows [role=row]').length === 1");
        await browser.FillAsync(".search input", "");
        await browser.ClickAsync(".size-head button");
        await browser.WaitAsync($"{WebPage.Row}.textContent.includes('films')");
        Assert.All(browser.Complaints, complaint => Assert.Matches("401|403", complaint));
    }

    [Fact]
    public async Task A_folder_is_shared_from_the_page()
    {
        await using var lab = await Lab.CreateAsync("share");
        var host = await lab.AddHostAsync("daemon");
        var folder = host.SubFolder("got");
        DataSet.File(folder, "holiday/1.jpg", 500_000, new Random(DataSet.Seed));
        await using var daemon = await DaemonProcess.StartAsync(host, "--set", $"folders.download={folder}");
        await using var browser = await WebPage.OpenAsync(host, daemon);
        await browser.ClickAsync(".actions button", "Create");
        await browser.FillAsync("dialog [name=path]", "/etc");
        await browser.ClickAsync("dialog button", "Create");
        await browser.WaitAsync("document.querySelector('dialog [role=alert]').textContent.includes('not below')");
        await browser.FillAsync("dialog [name=path]", folder + "/holiday");
        await browser.FillAsync("dialog [name=trackers]", "http://192.0.2.1/announce");
        await browser.ClickAsync("dialog button", "Create");
        await browser.ClickAsync("dialog button", "Share");
        await browser.WaitAsync("document.querySelector('.qr img').naturalWidth > 0");
        await browser.WaitAsync("document.querySelector('dialog input').value.includes('192.0.2.1')");
        var magnet = (string)(await browser.EvaluateAsync("document.querySelector('dialog input').value"))!;
        await WebPage.ShootAsync(browser, "web-page-share.png");
        await browser.PressAsync("Escape");
        var item = Assert.Single((await daemon.Client.TorrentsAsync(null, None)).Items);
        Assert.Equal((TorrentPhase.Seeding, 500_000), (item.State, item.Done));
        Assert.StartsWith("magnet:?xt=urn:btih:" + item.InfoHashV1, magnet, StringComparison.Ordinal);
        Assert.All(browser.Complaints, complaint => Assert.Matches("401|403", complaint));
    }
}
