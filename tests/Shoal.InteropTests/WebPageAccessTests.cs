using System.Diagnostics;
using Deque.AxeCore.Commons;
using Shoal.Api;

namespace Shoal.InteropTests;

/// <summary>The daemon's page for everybody: by keys alone, with a reader of screens, on a phone, with ten thousand torrents.</summary>
public sealed class WebPageAccessTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task Axe_finds_nothing_serious_and_keys_are_enough()
    {
        await using var lab = await Lab.CreateAsync("axe");
        var (near, far) = (await lab.AddHostAsync("maker"), await lab.AddHostAsync("daemon"));
        var folder = far.SubFolder("got");
        var random = new Random(DataSet.Seed);
        await using var daemon = await DaemonProcess.StartAsync(far, "--set", $"folders.download={folder}");
        foreach (
            var name in new[]
            {
                "Atlas of the tides",
                "Field recordings 2026",
                "Lecture 12",
                "Open maps",
                "Photographs",
            }
        )
        {
            DataSet.File(folder, $"{name}/{name}.dat", random.Next(200_000, 3_000_000), random);
            await WebPage.MakeAsync(daemon, new NewCreation { Path = Path.Combine(folder, name), Labels = ["shared"] });
        }

        var shared = near.SubFolder("shared");
        DataSet.File(shared, "The sea in autumn/film.mkv", 24_000_000, random);
        DataSet.File(shared, "The sea in autumn/subtitles/de.vtt", 40_000, random);
        DataSet.File(shared, "The sea in autumn/subtitles/en.vtt", 40_000, random);
        await using var maker = await DaemonProcess.StartAsync(near);
        var id = await WebPage.MakeAsync(maker, new NewCreation { Path = Path.Combine(shared, "The sea in autumn") });
        await maker.WaitCompleteAsync(id);
        await daemon.Client.AddAsync(
            new AddTorrent
            {
                Source = (await maker.Client.TorrentAsync(id, None)).Magnet,
                DownloadLimit = 400_000,
                Peers = [near.EndPoint],
                Labels = ["film"],
            },
            None
        );
        await daemon.WaitAsync(id, item => item.Progress > 0.05);
        await using var browser = await Browser.StartAsync(far, 1280, 760);
        await browser.OpenAsync(daemon.Ready.GetProperty("loginUrl").GetString()!);
        await browser.WaitAsync("document.querySelector('button')");
        await CheckAsync(browser, "login");
        await browser.PressAsync("Tab");
        await browser.PressAsync("Enter");
        await browser.WaitAsync("document.querySelectorAll('.torrents .rows [role=row]').length === 6");

        // No hand on a mouse.
        await browser.EvaluateAsync("document.querySelector('.torrents').focus()");
        await browser.PressAsync("End");
        await browser.PressAsync("Enter");
        await browser.WaitAsync("document.querySelector('.details h2').textContent === 'The sea in autumn'");
        foreach (var dark in new[] { false, true })
        {
            await browser.SetDarkAsync(dark);
            await browser.EvaluateAsync("document.getElementById('tab-overview').focus()");
            foreach (var tab in new[] { "overview", "files", "peers", "trackers", "options" })
            {
                await browser.WaitAsync(
                    $"document.activeElement.id === 'tab-{tab}' && document.querySelector('.body.{tab}')"
                );
                if (tab == "files")
                {
                    await browser.WaitAsync("document.querySelector('.files .rows').textContent.includes('film.mkv')");
                    await WebPage.ShootAsync(browser, dark ? "web-page-dark.png" : "web-page-light.png");
                }

                await CheckAsync(browser, $"{tab}, {(dark ? "dark" : "light")}");
                await browser.PressAsync("ArrowRight");
            }

            foreach (var dialog in new[] { "Add", "Create", "Move", "Labels", "Share", "Remove", "Log", "Settings" })
            {
                await browser.ClickAsync("header button", dialog);
                await browser.WaitAsync("document.querySelector('dialog[open]')");
                await CheckAsync(browser, $"{dialog}, {(dark ? "dark" : "light")}");
                await browser.PressAsync("Escape");
                await browser.WaitAsync("!document.querySelector('dialog')");
            }
        }

        await browser.SetDarkAsync(false);
        await browser.PressAsync("Escape");
        await browser.WaitAsync("!document.querySelector('.details')");
        await browser.SetSizeAsync(390, 844);
        await browser.WaitAsync("document.querySelector('.torrents .rows [role=row]').offsetHeight === 76");
        // Nothing sticks out to the side.
        Assert.True((bool)(await browser.EvaluateAsync("document.documentElement.scrollWidth <= innerWidth"))!);
        await CheckAsync(browser, "phone");
        await WebPage.ShootAsync(browser, "web-page-phone.png");
        await browser.ClickAsync(".torrents .rows .name");
        await browser.WaitAsync("document.querySelector('.details').offsetHeight >= 800");
        await CheckAsync(browser, "details on a phone");
        WebPage.AssertQuiet(browser);
    }

    [Fact]
    public async Task Ten_thousand_torrents_are_listed_with_few_rows_in_the_document()
    {
        const int Count = 10_000;
        await using var lab = await Lab.CreateAsync("rows");
        var host = await lab.AddHostAsync("daemon");
        await using var daemon = await DaemonProcess.StartAsync(host);
        await Parallel.ForEachAsync(
            Enumerable.Range(0, Count),
            new ParallelOptions { MaxDegreeOfParallelism = 32 },
            async (i, cancel) =>
            {
                try
                {
                    await daemon.Client.AddAsync(
                        new AddTorrent
                        {
                            Source = $"magnet:?xt=urn:btih:{i:x40}&dn=Number%20{i}%20of%20many",
                            Paused = true,
                            Labels = [$"label {i % 20}"],
                        },
                        cancel
                    );
                }
                catch (DaemonException error) when (error.Code == "state-not-saved")
                {
                    // The disk is slow today; it is in the list all the same.
                }
            }
        );
        var clock = Stopwatch.StartNew();
        await using var browser = await WebPage.OpenAsync(host, daemon);
        await browser.WaitAsync($"document.querySelector('.count').textContent === '{Count} torrents'");
        var shown = clock.Elapsed;
        // Not more rows than a screen and a little holds are in the document.
        Assert.InRange(
            (int)(await browser.EvaluateAsync("document.querySelectorAll('.torrents .rows [role=row]').length"))!,
            10,
            60
        );
        var times = (
            await browser.EvaluateAsync(
                """
                new Promise((done) => {
                  const box = document.querySelector('.torrents');
                  const times = [];
                  let last = performance.now();
                  const end = last + 5000;
                  const step = (now) => {
                    times.push(now - last);
                    last = now;
                    box.scrollTop = (box.scrollTop + 700) % (box.scrollHeight - box.clientHeight);
                    if (now < end) requestAnimationFrame(step);
                    else done(times.slice(1).sort((a, b) => a - b));
                  };
                  requestAnimationFrame(step);
                })
                """
            )
        )!.AsArray().Select(time => (double)time!).ToArray();
        var (median, late, worst) = (times[times.Length / 2], times[times.Length * 95 / 100], times[^1]);
        TestContext.Current.SendDiagnosticMessage(
            $"{Count} rows: shown after {shown.TotalSeconds:0.0} s with the browser's start; frames: median {median:0.0} ms, 95 % {late:0.0} ms, worst {worst:0.0} ms"
        );
        WebPage.AssertQuiet(browser);
    }

    private static async Task CheckAsync(Browser browser, string what)
    {
        if (!(bool)(await browser.EvaluateAsync("typeof axe === 'object'"))!)
        {
            await browser.EvaluateAsync(new BundledAxeScriptProvider().GetScript() + "; 0");
        }

        var found = await browser.EvaluateAsync(
            """
            axe.run().then((result) => result.violations
              .filter((fault) => fault.impact === 'serious' || fault.impact === 'critical')
              .map((fault) => `${fault.id}: ${fault.nodes.slice(0, 3).map((node) => node.html).join(' ')}`).join('\n'))
            """
        );
        Assert.True((string)found! == "", $"{what}: {found}");
    }
}
