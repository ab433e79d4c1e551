using Shoal.Api;
using Shoal.Engine;

namespace Shoal.InteropTests;

/// <summary>Attacks on the daemon's page: by names that come from the network, and at its door.</summary>
public sealed class WebPageSafetyTests
{
    private const string Attack = "<img src=x onerror=hacked=1><svg onload=hacked=1><script>hacked=1<";

    [Fact]
    public async Task Names_from_the_network_are_text_whatever_they_look_like()
    {
        await using var lab = await Lab.CreateAsync("names");
        var host = await lab.AddHostAsync("daemon");
        var folder = host.SubFolder("got");
        var name = Attack + "name";
        DataSet.File(Path.Combine(folder, name), Attack + "file", 1000, new Random(1));
        DataSet.File(Path.Combine(folder, name, "__proto__"), "constructor", 1000, new Random(1));
        var made = await TorrentCreator.CreateAsync(
            Path.Combine(folder, name),
            new CreateOptions
            {
                Comment = Attack + "/script>",
                CreatedBy = Attack + "/script>",
                Trackers =
                [
                    ["http://192.0.2.1/\"><svg/onload=hacked=1>"],
                ],
                WebSeeds = ["http://192.0.2.1/\"><svg/onload=hacked=1>/"],
            }
        );
        await using var daemon = await DaemonProcess.StartAsync(host, "--set", $"folders.download={folder}");
        await daemon.Client.AddAsync(
            new AddTorrent
            {
                Metainfo = Convert.ToBase64String(made.Bytes.Span),
                Labels = [Attack],
                Category = Attack,
            },
            CancellationToken.None
        );
        await daemon.Client.AddAsync(
            new AddTorrent { Source = $"magnet:?xt=urn:btih:{new string('a', 40)}&dn={Uri.EscapeDataString(Attack)}" },
            CancellationToken.None
        );
        await using var browser = await WebPage.OpenAsync(host, daemon);
        await browser.WaitAsync("document.querySelectorAll('.torrents .rows [role=row]').length === 2");
        await browser.FillAsync(".search input", "svg name");
        await browser.ClickAsync(".torrents .rows .name");
        foreach (var tab in new[] { "Files", "Peers", "Trackers", "Options", "Overview" })
        {
            await browser.ClickAsync("[role=tab]", tab);
            await browser.WaitAsync("document.querySelector('.body').textContent.trim() !== ''");
            if (tab == "Files")
            {
                await browser.WaitAsync("document.querySelector('.files .rows').textContent.includes('constructor')");
            }
        }

        await browser.WaitAsync("document.querySelector('.facts').textContent.includes('onerror')");
        foreach (var dialog in new[] { "Labels", "Share", "Remove", "Log" })
        {
            await browser.ClickAsync("header button", dialog);
            await browser.WaitAsync("document.querySelector('dialog').textContent.includes('onerror')");
            await browser.PressAsync("Escape");
            await browser.WaitAsync("!document.querySelector('dialog')");
        }

        Assert.Equal(
            0,
            (int)
                (
                    await browser.EvaluateAsync(
                        "document.querySelectorAll('[onerror], [onload], img[src=x], #app script').length"
                    )
                )!
        );
        Assert.Equal("undefined", (string?)await browser.EvaluateAsync("typeof hacked"));
        WebPage.AssertQuiet(browser);

        // And if one day a name did get into the page as HTML, the browser would not run it.
        await browser.EvaluateAsync(
            "document.body.insertAdjacentHTML('beforeend', '<img src=\"data:,\" onerror=\"window.hacked=1\">')"
        );
        await browser.EvaluateAsync(
            "document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.hacked=1' }))"
        );
        await browser.EvaluateAsync(
            "document.body.append(Object.assign(document.createElement('script'), { src: 'data:text/javascript,window.hacked=1' }))"
        );
        await Task.Delay(500);
        await browser.EvaluateAsync("fetch('api/v1/status').then(answer => answer.status)");
        Assert.Equal("undefined", (string?)await browser.EvaluateAsync("typeof hacked"));
        Assert.Contains(browser.Complaints, text => text.Contains("Content Security Policy", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Who_guesses_at_the_form_has_to_wait_even_with_the_right_token()
    {
        await using var lab = await Lab.CreateAsync("guess");
        var host = await lab.AddHostAsync("daemon");
        await using var daemon = await DaemonProcess.StartAsync(host);
        var token = await daemon.Client.CreateTokenAsync(
            new NewToken("page", AccessScope.Admin),
            CancellationToken.None
        );
        await using var browser = await Browser.StartAsync(host);
        await browser.OpenAsync(daemon.Url + "login");
        for (var i = 0; i < 5; i++)
        {
            await browser.FillAsync("input[name=token]", $"guess {i}");
            await browser.EvaluateAsync("window.before = true");
            await browser.ClickAsync("button", "Log in on this browser");
            await browser.WaitAsync("!window.before && document.querySelector('[role=alert]')");
        }

        await browser.FillAsync("input[name=token]", token.Secret);
        await browser.ClickAsync("button", "Log in on this browser");
        await browser.WaitAsync("document.body.innerText.includes('too-many-failures')");
    }
}
