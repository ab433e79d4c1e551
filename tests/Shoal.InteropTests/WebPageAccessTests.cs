using Shoal.Api;

namespace Shoal.InteropTests;

/// <summary>The daemon's page for everybody: with a reader of screens, by keys alone, on a phone.</summary>
public sealed class WebPageAccessTests
{
    private const string Film = "The sea in autumn";
    private static readonly CancellationToken None = CancellationToken.None;

    /// <summary>One walk, on a phone; each view is looked at in a window too, and there by who likes it dark.</summary>
    [Fact]
    public async Task Axe_finds_nothing_serious_in_any_view_light_or_dark_or_on_a_phone()
    {
        await using var lab = await Lab.CreateAsync("axe");
        var (near, far) = (await lab.AddHostAsync("maker"), await lab.AddHostAsync("daemon"));
        await using var maker = await DaemonProcess.StartAsync(near);
        var folder = far.SubFolder("got");
        await using var daemon = await DaemonProcess.StartAsync(far, "--set", $"folders.download={folder}");
        await using var browser = await Browser.StartAsync(far, Axe.PhoneWidth, Axe.PhoneHeight);
        Task Check(string what) => Axe.CheckAllWaysAsync(browser, what);

        await browser.OpenAsync(daemon.Url);
        await browser.WaitAsync("document.querySelector('.login input')");
        await Check("login by a token");
        await browser.OpenAsync(daemon.Ready.GetProperty("loginUrl").GetString()!);
        await browser.WaitAsync("document.querySelector('.login button') && !document.querySelector('.login label')");
        await Check("login by a link");
        await browser.ClickAsync("button", "Log in on this browser");
        await browser.WaitAsync("document.querySelector('.empty')");
        await Check("empty list");

        var other = await FillAsync(maker, near, daemon, far, folder);
        await browser.WaitAsync("document.querySelectorAll('.torrents .rows [role=row]').length === 4");
        await browser.WaitAsync("document.querySelector('.torrents .rows .is-failed')");
        await browser.ClickAsync("footer button", "Speed graph");
        await browser.WaitAsync("document.querySelector('.graph canvas')");
        await Check("list and graph");
        await browser.ClickAsync("footer button", "Speed graph");
        await browser.ClickAsync(".torrents .rows .name", Film + " film");
        foreach (var tab in new[] { "Overview", "Files", "Peers", "Trackers", "Options" })
        {
            await browser.ClickAsync("[role=tab]", tab);
            await browser.WaitAsync(
                tab switch
                {
                    "Overview" => "document.querySelector('.facts').textContent.includes('each')",
                    "Files" => "document.querySelector('.files .rows').textContent.includes('film.mkv')",
                    "Peers" => "document.querySelector('.peers .rows [role=row]')",
                    "Trackers" => "document.querySelector('tbody td')",
                    _ => "document.querySelector('.options button')",
                }
            );
            await Check(tab);
            if (tab == "Files")
            {
                await browser.ClickAsync($"button[aria-label='Rename {Film}/film.mkv']");
                await CheckDialogAsync(browser, "Rename file", Check);
                await browser.ClickAsync($"button[aria-label='Play {Film}/film.mkv']");
                await CheckDialogAsync(browser, "film.mkv", Check);
            }
            else if (tab == "Trackers")
            {
                await browser.ClickAsync(".body button", "Edit");
                await browser.WaitAsync("document.querySelector('.body textarea')");
                await Check("editing trackers");
            }
        }

        await browser.ClickAsync("button[aria-label='Close details']");
        foreach (
            var (button, title) in new[]
            {
                ("Add", "Add torrents"),
                ("Create", "Create a torrent"),
                ("Move", "Move content"),
                ("Labels", $"Labels of {Film}"),
                ("Share", $"Share {Film}"),
                ("Remove", "Remove torrent"),
                ("Log", "Log"),
                ("Settings", "Settings"),
            }
        )
        {
            await browser.ClickAsync("header button", button);
            await CheckDialogAsync(browser, title, Check);
        }

        await browser.ClickAsync("footer button[title='Speed limits']");
        await CheckDialogAsync(browser, "Speed limits", Check);
        await browser.PressAsync("?");
        await CheckDialogAsync(browser, "Keys", Check);
        await browser.DropAsync(other);
        await browser.ClickAsync("dialog button", "Choose files …");
        await CheckDialogAsync(browser, "Add Lecture 12", Check);

        // A notice, and nobody there any more.
        await browser.ClickAsync(".actions button", "Recheck");
        await daemon.Client.StopAsync(None);
        // While it ends it answers now and then, and what is to be pressed lies where it lay.
        await daemon.Process.WaitForExitAsync(DaemonProcess.Patience);
        await browser.WaitAsync("document.querySelector('.offline')");
        await browser.ClickAsync(".actions button", "Pause");
        await browser.WaitAsync("document.querySelector('.notices .problem')");
        await Check("the daemon has gone");
        Assert.All(
            browser.Complaints,
            complaint => Assert.Matches("401|ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED", complaint)
        );
    }

    [Fact]
    public async Task Keys_alone_are_enough()
    {
        await using var lab = await Lab.CreateAsync("keys");
        var far = await lab.AddHostAsync("daemon");
        var folder = far.SubFolder("got");
        await using var daemon = await DaemonProcess.StartAsync(far, "--set", $"folders.download={folder}");
        var random = new Random(DataSet.Seed);
        foreach (var name in new[] { "Atlas", "Books" })
        {
            DataSet.File(folder, $"{name}/one.dat", 20_000, random);
            DataSet.File(folder, $"{name}/two.dat", 30_000, random);
            await WebPage.MakeAsync(daemon, new NewCreation { Path = Path.Combine(folder, name), Labels = ["own"] });
        }

        await using var browser = await Browser.StartAsync(far);
        await browser.OpenAsync(daemon.Ready.GetProperty("loginUrl").GetString()!);
        await TabToAsync(browser, "document.activeElement.textContent === 'Log in on this browser'");
        await browser.PressAsync("Enter");
        await browser.WaitAsync("document.querySelectorAll('.torrents .rows [role=row]').length === 2");

        // Adds a link, at the place where typing begins by itself.
        await browser.PressAsync("n");
        await browser.WaitAsync("document.activeElement.name === 'links'");
        await browser.TypeAsync($"magnet:?xt=urn:btih:{new string('a', 40)}&dn=Catalogue");
        await TabToAsync(browser, "document.activeElement.matches('dialog [type=submit]')");
        await browser.PressAsync("Enter");
        await browser.WaitAsync("!document.querySelector('dialog')");
        await browser.WaitAsync("document.querySelectorAll('.torrents .rows [role=row]').length === 3");

        // Finds, opens, walks the tabs, does without a file, leaves.
        await browser.PressAsync("/");
        await browser.WaitAsync("document.activeElement.matches('.search input')");
        await browser.TypeAsync("books");
        await browser.WaitAsync("document.querySelectorAll('.torrents .rows [role=row]').length === 1");
        await TabToAsync(browser, "document.activeElement.matches('.torrents')");
        await browser.PressAsync("ArrowDown");
        await browser.WaitAsync($"{WebPage.Row}.id === document.activeElement.getAttribute('aria-activedescendant')");
        await browser.PressAsync("Enter");
        await TabToAsync(browser, "document.activeElement.matches('[role=tab]')");
        await browser.PressAsync("ArrowRight");
        await browser.WaitAsync("document.activeElement.id === 'tab-files'");
        await browser.WaitAsync("document.querySelectorAll('.files .rows [role=row]').length === 3");
        await TabToAsync(browser, "document.activeElement.ariaLabel === 'Fetch Books/two.dat'");
        await browser.PressAsync(" ");
        await browser.WaitAsync("!document.querySelector(\"[aria-label='Fetch Books/two.dat']\").checked");
        var books = (await daemon.Client.TorrentsAsync(null, None)).Items.Single(item => item.Name == "Books").Id;
        // The page shows at once what is still on its way to the daemon.
        while (
            !(await daemon.Client.FilesAsync(books, None))
                .Files.Select(file => file.Priority)
                .SequenceEqual([FileWish.Normal, FileWish.Skip])
        )
        {
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }

        await browser.PressAsync("Escape");
        await browser.WaitAsync("!document.querySelector('.details') && document.activeElement.matches('.torrents')");

        // Pauses, and removes what it asked about; then the focus is where it was.
        await browser.PressAsync("p");
        await browser.WaitAsync($"{WebPage.Row}.querySelector('.state').textContent === 'Paused'");
        await browser.PressAsync("Delete");
        await browser.WaitAsync("document.querySelector('dialog h2').textContent === 'Remove torrent'");
        await TabToAsync(browser, "document.activeElement.matches('dialog [type=submit]')");
        await browser.PressAsync("Enter");
        await browser.WaitAsync("!document.querySelector('dialog') && document.activeElement.matches('.torrents')");
        Assert.DoesNotContain((await daemon.Client.TorrentsAsync(null, None)).Items, item => item.Name == "Books");
        await browser.PressAsync("?");
        await browser.WaitAsync("document.querySelector('dialog h2').textContent === 'Keys'");
        await browser.PressAsync("Escape");
        WebPage.AssertQuiet(browser);
    }

    /// <summary>Four torrents: shared, coming in, without files yet, and failed. And the path of a .torrent file that is not among them.</summary>
    private static async Task<string> FillAsync(
        DaemonProcess maker,
        Host near,
        DaemonProcess daemon,
        Host far,
        string folder
    )
    {
        var random = new Random(DataSet.Seed);
        var shared = near.SubFolder("shared");
        DataSet.File(shared, $"{Film}/film.mkv", 24_000_000, random);
        DataSet.File(shared, $"{Film}/subtitles/de.vtt", 40_000, random);
        DataSet.File(shared, "Lecture 12/slides.pdf", 40_000, random);
        DataSet.File(shared, "Lecture 12/video/part.webm", 40_000, random);
        DataSet.File(folder, "Open maps/maps.dat", 300_000, random);
        var film = await WebPage.MakeAsync(
            maker,
            new NewCreation
            {
                Path = Path.Combine(shared, Film),
                Trackers =
                [
                    ["http://192.0.2.1/announce"],
                ],
            }
        );
        var other = await WebPage.MakeAsync(maker, new NewCreation { Path = Path.Combine(shared, "Lecture 12") });
        await maker.WaitCompleteAsync(film);
        var files = Path.Combine(near.Folder, "state", "daemon", "torrents");
        var maps = await WebPage.MakeAsync(
            daemon,
            new NewCreation { Path = Path.Combine(folder, "Open maps"), Labels = ["shared"] }
        );
        await daemon.WaitCompleteAsync(maps);
        await daemon.Client.AddAsync(
            new AddTorrent
            {
                Metainfo = Convert.ToBase64String(await File.ReadAllBytesAsync(Path.Combine(files, film + ".torrent"))),
                DownloadLimit = 200_000,
                Peers = [near.EndPoint],
                Labels = ["film"],
                Category = "films",
            },
            None
        );
        await daemon.Client.AddAsync(
            new AddTorrent { Source = $"magnet:?xt=urn:btih:{new string('b', 40)}&dn=Field%20recordings" },
            None
        );
        // Where a folder should be is a file.
        await File.WriteAllTextAsync(Path.Combine(far.Folder, "taken"), "");
        await daemon.Client.AddAsync(
            new AddTorrent
            {
                Metainfo = Convert.ToBase64String(
                    await File.ReadAllBytesAsync(Path.Combine(files, other + ".torrent"))
                ),
                SaveDirectory = Path.Combine(far.Folder, "taken"),
                Peers = [near.EndPoint],
            },
            None
        );
        await daemon.WaitAsync(film, item => item is { Progress: > 0.01, Peers: > 0 });
        return await AnotherAsync(maker, shared, files, random);
    }

    private static async Task<string> AnotherAsync(DaemonProcess maker, string shared, string files, Random random)
    {
        DataSet.File(shared, "second/Lecture 12/slides.pdf", 50_000, random);
        DataSet.File(shared, "second/Lecture 12/video/part.webm", 60_000, random);
        var id = await WebPage.MakeAsync(
            maker,
            new NewCreation { Path = Path.Combine(shared, "second", "Lecture 12") }
        );
        return Path.Combine(files, id + ".torrent");
    }

    private static async Task CheckDialogAsync(Browser browser, string title, Func<string, Task> check)
    {
        await browser.WaitAsync($"document.querySelector('dialog[open] h2').textContent === {Browser.Quote(title)}");
        await check(title);
        await browser.PressAsync("Escape");
        await browser.WaitAsync("!document.querySelector('dialog')");
    }

    /// <summary>Tab, until the focus is where it is wanted; wherever it goes it can be seen.</summary>
    private static async Task TabToAsync(Browser browser, string wanted)
    {
        for (var i = 0; i < 60; i++)
        {
            await browser.PressAsync("Tab");
            Assert.True(
                (bool)
                    (
                        await browser.EvaluateAsync(
                            "document.activeElement === document.body || getComputedStyle(document.activeElement).outlineStyle !== 'none'"
                        )
                    )!,
                "the focus cannot be seen"
            );
            if ((bool)(await browser.EvaluateAsync($"!!({wanted})"))!)
            {
                return;
            }
        }

        Assert.Fail($"no Tab leads to {wanted}");
    }
}
