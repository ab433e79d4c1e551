using Shoal.Api;

namespace Shoal.InteropTests;

/// <summary>
/// The page as the README shows it: a daemon in the middle of real transfers from another. SHOAL_SCREENSHOTS names the folder where
/// the pictures go; without it the test only sees that the page shows all that.
/// </summary>
public sealed class WebPagePictureTests
{
    private const string Film = "The sea in autumn (2026)";
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task Transfers_of_all_kinds_are_in_the_picture_in_light_and_dark_and_on_a_phone()
    {
        await using var lab = await Lab.CreateAsync("pictures");
        var (near, far) = (await lab.AddHostAsync("maker"), await lab.AddHostAsync("daemon"));
        var shared = near.SubFolder("shared");
        await using var maker = await DaemonProcess.StartAsync(near);
        await using var daemon = await DaemonProcess.StartAsync(
            far,
            "--set",
            $"folders.download={far.SubFolder("downloads")}"
        );
        var random = new Random(DataSet.Seed);
        // For the picture there is time.
        var part = WebPage.TakesPictures ? 1 : 8;
        foreach (
            var (name, label, files, limit) in new (string, string, (string, int)[], long)[]
            {
                ("Atlas of the tides", "maps", [("plates.pdf", 8_400_000), ("index.txt", 12_000)], 0),
                ("Field recordings, Jutland", "sound", [("dawn.flac", 9_100_000), ("dusk.flac", 7_700_000)], 600_000),
                ("Genomes of 48 herrings", "data", [("reads.fastq.gz", 31_000_000)], 900_000),
                ("Lectures on statistics", "talks", [("01 chance.webm", 6_000_000), ("02 bias.webm", 6_500_000)], 0),
                ("Ocean temperatures 1980-2025", "data", [("grid.nc", 22_000_000), ("readme.md", 4_000)], 1_400_000),
                ("Open street maps, November", "maps", [("north.pbf", 12_000_000), ("south.pbf", 9_000_000)], 300_000),
                (
                    Film,
                    "film",
                    [
                        ("film.mkv", 38_000_000),
                        ("poster.jpg", 420_000),
                        ("subtitles/da.vtt", 61_000),
                        ("subtitles/en.vtt", 58_000),
                    ],
                    1_800_000
                ),
                ("Weather radar archive", "data", [("2025.h5", 3_800_000)], 0),
            }
        )
        {
            foreach (var (file, size) in files)
            {
                DataSet.File(shared, $"{name}/{file}", size / part, random);
            }

            var id = await WebPage.MakeAsync(maker, new NewCreation { Path = Path.Combine(shared, name) });
            await maker.WaitCompleteAsync(id);
            await daemon.Client.AddAsync(
                new AddTorrent
                {
                    Source = (await maker.Client.TorrentAsync(id, None)).Magnet,
                    DownloadLimit = limit / part,
                    Peers = [near.EndPoint],
                    Labels = [label],
                },
                None
            );
        }

        await using var browser = await WebPage.OpenAsync(far, daemon, width: 1280, height: 720);
        await browser.ClickAsync("footer button", "Speed graph");
        await browser.WaitAsync("document.querySelectorAll('.torrents .is-seeding').length >= 3");
        await browser.WaitAsync("document.querySelectorAll('.torrents .rows .is-downloading').length >= 3");
        await browser.ClickAsync(".torrents .rows .name", $"{Film} film");
        await browser.ClickAsync("[role=tab]", "Files");
        await browser.WaitAsync("document.querySelectorAll('.files .rows [role=row]').length === 6");
        // Rates are seen by then, and the graph is a line.
        await browser.WaitAsync(
            "document.querySelector('.torrents .rows .is-downloading ~ .down').textContent !== '' && document.querySelector('.files .bar').ariaValueNow > 5"
        );
        await browser.EvaluateAsync("document.querySelectorAll('.notices button').forEach((button) => button.click())");
        await browser.WaitAsync("!document.querySelector('.notices p')");
        await browser.SetDarkAsync(false);
        await WebPage.ShootAsync(browser, "page-light.png");
        await browser.SetDarkAsync(true);
        await browser.ClickAsync("button[aria-label='Close details']");
        await browser.WaitAsync("!document.querySelector('.details')");
        await WebPage.ShootAsync(browser, "page-dark.png");
        await browser.ClickAsync("footer button", "Speed graph");
        await browser.SetSizeAsync(390, 720);
        await browser.WaitAsync("document.querySelector('.torrents .rows [role=row]').offsetHeight === 76");
        await WebPage.ShootAsync(browser, "page-phone.png");
        WebPage.AssertQuiet(browser);
    }
}
