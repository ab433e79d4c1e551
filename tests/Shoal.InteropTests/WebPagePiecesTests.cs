using Shoal.Api;
using Shoal.Engine;

namespace Shoal.InteropTests;

/// <summary>The strip of pieces in the page, as a browser paints it: what is here, and below it what peers have.</summary>
public sealed class WebPagePiecesTests
{
    private const int PieceLength = 16 * 1024;
    private const int PiecesOfFile = 12;
    private static readonly CancellationToken None = CancellationToken.None;

    /// <summary>
    /// What the strip shows, one letter a piece. Above: h for here, a dot for not. Below: g where peers have it, b where nobody has it, a
    /// dot where neither colour is painted; nothing as long as nobody counts.
    /// </summary>
    private const string Strip = """
        (() => {
          const rgb = (name) => {
            const probe = document.createElement('i');
            document.body.append(probe);
            probe.style.color = `var(${name})`;
            const found = getComputedStyle(probe).color.match(/\d+/g).slice(0, 3).map(Number);
            probe.remove();
            return found;
          };
          const strip = document.querySelector('canvas.pieces');
          const row = (y, ...colours) => {
            const pixels = strip.getContext('2d').getImageData(0, y, strip.width, 1).data;
            const letter = (x) =>
              (pixels[4 * x + 3] > 0 && colours.find(([, colour]) => colour.every((part, i) => Math.abs(part - pixels[4 * x + i]) < 8))?.[0]) || '.';
            return Array.from({ length: strip.width }, (_, x) => letter(x)).join('');
          };
          const above = row(0, ['h', rgb('--accent')]);
          return strip.height === 3 ? `${above} ${row(2, ['g', rgb('--good')], ['b', rgb('--bad')])}` : above;
        })()
        """;

    [Fact]
    public async Task What_nobody_has_is_red_what_peers_have_is_green_and_what_is_here_stands_above()
    {
        await using var lab = await Lab.CreateAsync("strip");
        var (half, whole) = (await lab.AddHostAsync("half"), await lab.AddHostAsync("whole"));
        var far = await lab.AddHostAsync("daemon");
        var random = new Random(DataSet.Seed);
        var (all, some) = (whole.SubFolder("shared"), half.SubFolder("shared"));
        DataSet.File(all, "Two/first.bin", PiecesOfFile * PieceLength, random);
        DataSet.File(all, "Two/second.bin", PiecesOfFile * PieceLength, random);
        Directory.CreateDirectory(Path.Combine(some, "Two"));
        File.Copy(Path.Combine(all, "Two", "first.bin"), Path.Combine(some, "Two", "first.bin"));
        var made = await TorrentCreator.CreateAsync(
            Path.Combine(all, "Two"),
            new CreateOptions { PieceLength = PieceLength }
        );
        var wish = new AddTorrent { Metainfo = Convert.ToBase64String(made.Bytes.Span) };
        // Who has the first file does not want the second.
        await using var partial = await DaemonProcess.StartAsync(half);
        var theirs = await partial.Client.AddAsync(
            wish with
            {
                SaveDirectory = some,
                Files = [new FilePriorityWish([1], FileWish.Skip)],
            },
            None
        );
        await partial.WaitAsync(theirs.Id, item => item is { State: TorrentPhase.Seeding });
        await using var seed = await DaemonProcess.StartAsync(whole);
        await seed.WaitCompleteAsync((await seed.Client.AddAsync(wish with { SaveDirectory = all }, None)).Id);

        await using var daemon = await DaemonProcess.StartAsync(
            far,
            "--set",
            $"folders.download={far.SubFolder("got")}"
        );
        var id = (await daemon.Client.AddAsync(wish with { Peers = [half.EndPoint] }, None)).Id;
        await daemon.WaitAsync(id, item => item.Progress is > 0.49 and < 0.51);
        await using var browser = await WebPage.OpenAsync(far, daemon);
        await browser.ClickAsync(".torrents .rows .name");
        await browser.WaitAsync(
            $"document.querySelector('canvas.pieces').ariaLabel === '{PiecesOfFile} of {2 * PiecesOfFile} pieces; no peer has {PiecesOfFile} of the others'"
        );
        foreach (var isDark in new[] { false, true })
        {
            await browser.SetDarkAsync(isDark);
            var (here, missing) = (new string('h', PiecesOfFile), new string('.', PiecesOfFile));
            var (green, red) = (new string('g', PiecesOfFile), new string('b', PiecesOfFile));
            // It is painted with the next answer of the daemon: the canvas does not hear of the other colours before.
            await browser.WaitAsync($"{Strip} === '{here}{missing} {green}{red}'");
            await WebPage.ShootAsync(browser, isDark ? "pieces-dark.png" : "pieces-light.png");
        }

        // Somebody comes who has the rest; slowly, so that it is seen to be there and not here.
        await daemon.Client.ChangeAsync(id, new TorrentChange { DownloadLimit = PieceLength }, None);
        await daemon.Client.AddPeersAsync(id, new AddPeers([whole.EndPoint]), None);
        await browser.WaitAsync(
            $"/^h{{{PiecesOfFile}}}[h.]*[.][h.]* g{{{2 * PiecesOfFile}}}$/.test({Strip}) && document.querySelector('canvas.pieces').ariaLabel.endsWith('; peers have all others')"
        );
        await daemon.Client.ChangeAsync(id, new TorrentChange { DownloadLimit = 0 }, None);
        await daemon.WaitCompleteAsync(id);
        await browser.WaitAsync($"/^h{{{2 * PiecesOfFile}}}( [g.]{{{2 * PiecesOfFile}}})?$/.test({Strip})");
        WebPage.AssertQuiet(browser);
    }
}
