using System.Text.Json;
using Shoal.Api;
using Shoal.Engine;

namespace Shoal.InteropTests;

/// <summary>What the daemon does by itself, and who may call it, set in its page; axe looks at each view.</summary>
public sealed class WebPageManageTests(ManagedPage page) : IClassFixture<ManagedPage>
{
    private const string Attack = "<img src=x onerror=hacked=1> film";
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task Feeds_are_followed_and_rules_tell_what_they_take_before_they_do()
    {
        var (browser, daemon) = (page.Browser, page.Daemon);
        var url = await ServeFeedAsync();
        await ManagedPage.OpenAsync(browser, "Feeds");
        await browser.ClickAsync("dialog button", "Add feed");
        await browser.FillAsync("dialog [name=url]", url);
        await browser.FillAsync("dialog [name=minutes]", "2");
        await ManagedPage.SubmitAsync(browser, "Add feed");
        await ManagedPage.WaitForAsync(browser, "every 2 min");
        await ManagedPage.WaitForAsync(browser, "4 entries");
        await browser.ClickAsync($"button[aria-label={Browser.Quote("Edit " + url)}]");
        await browser.FillAsync("dialog [name=title]", "Autumn");
        await ManagedPage.SubmitAsync(browser, "Edit feed");
        await browser.ClickAsync("button[aria-label='Entries Autumn']");
        await ManagedPage.WaitTitleAsync(browser, "Entries of Autumn");
        await ManagedPage.WaitForAsync(browser, "A book");
        await Axe.CheckAllWaysAsync(browser, "entries");
        // What feeds say is text, whatever it looks like.
        await ManagedPage.WaitForAsync(browser, Attack);
        await browser.FillAsync("dialog [type=search]", "book");
        await browser.WaitAsync($"{ManagedPage.Front}.querySelectorAll('.things li').length === 1");
        // The first empties the field.
        await browser.PressAsync("Escape");
        await ManagedPage.WaitForAsync(browser, "A film");
        await browser.PressAsync("Escape");

        // A rule says what it would take while it is written.
        await ManagedPage.OpenAsync(browser, "Rules");
        await browser.ClickAsync("dialog button", "Add rule");
        await browser.FillAsync("dialog [name=name]", "films");
        await browser.FillAsync("dialog [name=pattern]", "(");
        await browser.WaitAsync($"{ManagedPage.Front}.querySelector('.faults').textContent.includes('pattern')");
        await browser.FillAsync("dialog [name=pattern]", "");
        await browser.FillAsync("dialog [name=mustContain]", "film");
        await ManagedPage.WaitForAsync(browser, "It takes 2 of what is in the feeds now:");
        await browser.ClickAsync("dialog [name=onceAnEpisode]");
        await ManagedPage.WaitForAsync(browser, "It takes 1 of what is in the feeds now:");
        await ManagedPage.WaitForAsync(browser, "A film S01E01 one");
        await browser.FillAsync("dialog [name=category]", "pictures");
        await browser.ClickAsync("dialog fieldset .tick", "Autumn");
        await ManagedPage.SubmitAsync(browser, "Add rule");
        await ManagedPage.WaitForAsync(browser, "with film · each episode once · of 1 feed · into pictures");
        await browser.WaitAsync($"{WebPage.Row}.textContent.includes('autumn')");
        var item = Assert.Single((await daemon.Client.TorrentsAsync(null, None)).Items);
        Assert.Equal(("autumn", "pictures"), (item.Name, item.Category));
        await browser.ClickAsync("dialog [role=tab]", "Feeds");
        await browser.ClickAsync("button[aria-label='Entries Autumn']");
        await ManagedPage.WaitForAsync(browser, "taken by a rule");
        Assert.Equal(
            1,
            (int)(await browser.EvaluateAsync($"{ManagedPage.Front}.textContent.split('taken by a rule').length - 1"))!
        );
        await browser.PressAsync("Escape");

        // Off, changed, gone.
        await browser.ClickAsync("dialog [role=tab]", "Rules");
        await browser.ClickAsync("button[aria-label='Switch off films']");
        await browser.WaitAsync("document.querySelector(\"button[aria-label='Switch on films']\")");
        await browser.ClickAsync("button[aria-label='Edit films']");
        await browser.FillAsync("dialog [name=mustContain]", "other");
        await ManagedPage.SubmitAsync(browser, "Edit rule");
        await ManagedPage.WaitForAsync(browser, "off · with other");
        var rule = Assert.Single((await daemon.Client.FeedRulesAsync(None)).Rules);
        Assert.Equal((false, "other", true), (rule.Enabled, rule.MustContain, rule.OnceAnEpisode));
        Assert.Equal([url], rule.Feeds);

        // The first rule that takes an entry decides: the order is seen and changed.
        await daemon.Client.SetFeedRuleAsync(new FeedRule { Name = "series" }, None);
        await browser.ClickAsync("button[aria-label='Ask before series']");
        await browser.WaitAsync("document.querySelector(\"button[aria-label='Ask before films']\")");
        Assert.Equal(["series", "films"], (await daemon.Client.FeedRulesAsync(None)).Rules.Select(each => each.Name));
        await daemon.Client.RemoveFeedRuleAsync("series", None);
        await browser.ClickAsync("button[aria-label='Remove films']");
        await ManagedPage.SubmitAsync(browser, "Remove rule");
        await ManagedPage.WaitForAsync(browser, "No rules yet");
        await browser.ClickAsync("dialog [role=tab]", "Feeds");
        await browser.ClickAsync("button[aria-label='Remove Autumn']");
        await ManagedPage.SubmitAsync(browser, "Remove feed");
        await ManagedPage.WaitForAsync(browser, "No feeds yet");
        Assert.Empty((await daemon.Client.FeedsAsync(None)).Feeds);
        Assert.Equal("undefined", (string?)await browser.EvaluateAsync("typeof hacked"));
        await LeaveAsync();
    }

    [Fact]
    public async Task Categories_have_folders_that_torrents_go_to_and_labels_have_limits()
    {
        var (browser, daemon) = (page.Browser, page.Daemon);
        await ManagedPage.OpenAsync(browser, "Categories");
        await browser.ClickAsync("dialog button", "Add category");
        await browser.FillAsync("dialog [name=name]", "films");
        await browser.FillAsync("dialog [name=folder]", "/etc");
        await browser.FillAsync("dialog [name=ratio]", "2.5");
        await browser.ClickAsync("dialog [type=submit]");
        // Said where it is seen, over the dialog.
        await browser.WaitAsync($"{ManagedPage.Front}.querySelector('.notices').textContent.includes('not below')");
        var folder = Path.Combine(page.Folder, "films");
        await browser.FillAsync("dialog [name=folder]", folder);
        await ManagedPage.SubmitAsync(browser, "Add category");
        await ManagedPage.WaitForAsync(browser, folder);
        await browser.ClickAsync("button[aria-label='Edit films']");
        await browser.FillAsync("dialog [name=hours]", "48");
        await ManagedPage.SubmitAsync(browser, "Edit category");
        await ManagedPage.WaitForAsync(browser, "seeds for 2 d 0 h");
        var category = Assert.Single(
            (await daemon.Client.CategoriesAsync(None)).Categories,
            one => one.Name == "films"
        );
        Assert.Equal((folder, 2.5, 172_800), (category.SaveDirectory, category.RatioLimit, category.SeedTimeLimit));

        await ManagedPage.OpenAsync(browser, "Labels");
        await browser.ClickAsync("dialog button", "Add label");
        await browser.FillAsync("dialog [name=name]", "rare");
        await browser.FillAsync("dialog [name=ratio]", "0");
        await ManagedPage.SubmitAsync(browser, "Add label");
        await ManagedPage.WaitForAsync(browser, "seeds whatever the ratio is");
        await browser.PressAsync("Escape");

        // Added to it, a torrent goes to its folder.
        var hash = new string('c', 40);
        await browser.ClickAsync("header button", "Add");
        await browser.FillAsync("dialog [name=links]", $"magnet:?xt=urn:btih:{hash}&dn=Reel");
        await browser.FillAsync("dialog [name=category]", "films");
        await browser.WaitAsync(
            $"document.querySelector('dialog [name=folder]').placeholder === {Browser.Quote(folder)}"
        );
        await browser.ClickAsync("dialog [type=submit]");
        await browser.WaitAsync("!document.querySelector('dialog')");
        var added = (await daemon.Client.TorrentAsync(hash, None)).Torrent;
        Assert.Equal(("films", folder), (added.Category, added.SaveDirectory));

        await browser.ClickAsync("header button", "Manage");
        await browser.ClickAsync("dialog [role=tab]", "Categories");
        await ManagedPage.WaitForAsync(browser, "1 torrent");
        await browser.ClickAsync("button[aria-label='Remove films']");
        await ManagedPage.SubmitAsync(browser, "Remove category");
        await browser.WaitAsync("!document.querySelector(\"button[aria-label='Remove films']\")");
        Assert.Null((await daemon.Client.TorrentAsync(hash, None)).Torrent.Category);
        await daemon.Client.RemoveAsync(hash, false, None);
        await daemon.Client.RemoveLabelAsync("rare", None);
        await LeaveAsync();
    }

    [Fact]
    public async Task The_week_is_shown_and_changed_and_what_nobody_changed_stays()
    {
        var (browser, daemon) = (page.Browser, page.Daemon);
        string[] before = ["mon-wed,fri 08:05-18:30", "sat,sun 22:00-06:00", "daily 00:00-24:00"];
        await daemon.Client.ChangeSettingsAsync(
            new() { ["alternative.schedule"] = JsonSerializer.SerializeToElement(before) },
            None
        );
        await ManagedPage.OpenAsync(browser, "Week");
        await browser.WaitAsync(
            $"document.querySelector('.weekly').ariaLabel === {Browser.Quote(string.Join("; ", before))}"
        );
        // Monday has all of it; of Monday's first hours the night of Sunday is a part.
        Assert.Equal(
            "8:05 10:25, 0 6, 0 24",
            (string?)
                await browser.EvaluateAsync(
                    """
                    [...document.querySelector('.weekly .hours').children].map((part) => [part.style.left, part.style.width]
                      .map((share) => Math.round(parseFloat(share) * 14.4)).map((all) => `${Math.floor(all / 60)}${all % 60 ? `:${`${all % 60}`.padStart(2, '0')}` : ''}`)
                      .join(' ')).join(', ')
                    """
                )
        );
        await browser.ClickAsync("dialog button", "Change");
        await browser.FillAsync("dialog [name='alternative.download']", "500 kB");
        await browser.FillAsync("dialog [name='alternative.time-zone']", "Europe/Copenhagen");
        await ManagedPage.SubmitAsync(browser, "Alternative limits by the week");
        await ManagedPage.WaitForAsync(browser, "download at most 500 kB/s, upload at most 250 kB/s");
        await ManagedPage.WaitForAsync(browser, "By the clock of Europe/Copenhagen");
        Assert.Equal(before, await ScheduleAsync());

        await browser.ClickAsync("dialog button", "Change");
        foreach (var _ in before)
        {
            await browser.ClickAsync("button[aria-label='Remove time 1']");
        }

        await browser.ClickAsync("dialog button", "Add a time");
        await browser.ClickAsync("dialog .days label", "Fri");
        await ManagedPage.SetAsync(browser, "dialog .tools label:nth-of-type(1) input[type=time]", "22:30");
        await ManagedPage.SetAsync(browser, "dialog .tools label:nth-of-type(2) input[type=time]", "05:15");
        await ManagedPage.SubmitAsync(browser, "Alternative limits by the week");
        await browser.WaitAsync("document.querySelector('.weekly').ariaLabel === 'mon-thu 22:30-05:15'");
        Assert.Equal(["mon-thu 22:30-05:15"], await ScheduleAsync());
        await daemon.Client.ChangeSettingsAsync(
            new() { ["alternative.schedule"] = JsonSerializer.SerializeToElement(Array.Empty<string>()) },
            None
        );
        await browser.WaitAsync("document.querySelector('.weekly').ariaLabel === 'never'");
        await LeaveAsync();

        async Task<IEnumerable<string?>> ScheduleAsync() =>
            (await daemon.Client.SettingsAsync(None))
                .Settings.Single(setting => setting.Key == "alternative.schedule")
                .Value.EnumerateArray()
                .Select(span => span.GetString());
    }

    [Fact]
    public async Task A_token_is_shown_once_does_what_it_may_and_nothing_when_it_is_revoked()
    {
        var (browser, daemon) = (page.Browser, page.Daemon);
        await ManagedPage.OpenAsync(browser, "Access");
        await ManagedPage.WaitForAsync(browser, "a browser · may admin");
        await browser.ClickAsync("dialog button", "Make token");
        await browser.FillAsync("dialog [name=name]", "phone");
        await ManagedPage.SetAsync(browser, "dialog [name=scope]", "read");
        await ManagedPage.SubmitAsync(browser, "Make token");
        await ManagedPage.WaitTitleAsync(browser, "Token phone");
        await Axe.CheckAllWaysAsync(browser, "secret");
        var secret = (string)(await browser.EvaluateAsync("document.querySelector('[name=secret]').value"))!;
        await browser.PressAsync("Escape");
        await ManagedPage.WaitTitleAsync(browser, "Manage");
        await ManagedPage.WaitForAsync(browser, "a token · may read");
        Assert.False((bool)(await browser.EvaluateAsync($"document.documentElement.outerHTML.includes('{secret}')"))!);
        Assert.Equal("200 403", await StatusesAsync());
        var made = Assert.Single((await daemon.Client.TokensAsync(None)).Tokens, token => token.Name == "phone");
        Assert.Equal((AccessScope.Read, false), (made.Scope, made.Session));

        await browser.ClickAsync("dialog button", "Log in another browser");
        await ManagedPage.WaitTitleAsync(browser, "Log in another browser");
        var link = (string)(await browser.EvaluateAsync("document.querySelector('[name=secret]').value"))!;
        Assert.StartsWith(daemon.Url + "login", link, StringComparison.Ordinal);
        await browser.PressAsync("Escape");

        await browser.ClickAsync("button[aria-label='Revoke phone']");
        await ManagedPage.SubmitAsync(browser, "Revoke");
        await browser.WaitAsync("!document.querySelector(\"button[aria-label='Revoke phone']\")");
        Assert.Equal("401 401", await StatusesAsync());
        await LeaveAsync();

        async Task<string?> StatusesAsync() =>
            (string?)
                await browser.EvaluateAsync(
                    $$"""
                    Promise.all([['GET', 'status'], ['POST', 'feeds/check']].map(([method, path]) =>
                      fetch(`api/v1/${path}`, { method, credentials: 'omit', headers: { Authorization: 'Bearer {{secret}}' } }))).then((answers) => answers.map((one) => one.status).join(' '))
                    """
                );
    }

    private async Task LeaveAsync()
    {
        await page.Browser.PressAsync("Escape");
        await page.Browser.WaitAsync("!document.querySelector('dialog')");
        ManagedPage.AssertQuiet(page.Browser);
    }

    /// <summary>The URL of a feed of four entries, of which two are the same episode, one leads to nothing, and one is no film.</summary>
    private async Task<string> ServeFeedAsync()
    {
        var near = await page.Lab.AddHostAsync("web");
        var root = near.SubFolder("www");
        DataSet.File(Path.Combine(near.Folder, "data"), "autumn", 20_000, new Random(DataSet.Seed));
        var torrent = await TorrentCreator.CreateAsync(
            Path.Combine(near.Folder, "data", "autumn"),
            new CreateOptions()
        );
        await File.WriteAllBytesAsync(Path.Combine(root, "a.torrent"), torrent.Bytes.ToArray());
        var web = await WebHost.StartAsync(near, root);
        string Entry(string title, string link) =>
            $"<item><title>{System.Security.SecurityElement.Escape(title)}</title>{link}</item>";
        string Torrent(string name) => $"<enclosure url='{web.Url}{name}.torrent' type='application/x-bittorrent'/>";
        await File.WriteAllTextAsync(
            Path.Combine(root, "feed.xml"),
            $"<rss version='2.0'><channel><title>x</title>{Entry("A film S01E01 one", Torrent("a"))}"
                + $"{Entry("A film S01E01 two", Torrent("b"))}{Entry(Attack, "")}{Entry("A book", Torrent("c"))}</channel></rss>"
        );
        return web.Url + "feed.xml";
    }
}
