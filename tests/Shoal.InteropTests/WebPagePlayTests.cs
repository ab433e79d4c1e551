using Shoal.Api;
using Shoal.Engine;

namespace Shoal.InteropTests;

/// <summary>A film is played in the daemon's page while it comes in from a real client.</summary>
public sealed class WebPagePlayTests
{
    private const int Seconds = 120;
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task A_film_plays_in_the_page_with_jumps_while_most_of_it_is_missing()
    {
        await using var lab = await Lab.CreateAsync("film");
        var (near, far) = (await lab.AddHostAsync("seed"), await lab.AddHostAsync("daemon"));
        var quick = await lab.AddHostAsync("quick");
        var (parent, target) = (near.SubFolder("shared"), far.SubFolder("got"));
        var folder = Directory.CreateDirectory(Path.Combine(parent, "Tides")).FullName;
        var film = Path.Combine(folder, "film.webm");
        // Noise, so that a film has some bytes; it may be jumped to wherever a second begins. Five seconds of it, again and again.
        var reel = Path.Combine(near.Folder, "reel.webm");
        await near.RunAsync(
            "ffmpeg",
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            $"testsrc=size=320x180:rate=5:duration=5,noise=alls=60:allf=t",
            "-c:v",
            "libvpx",
            "-deadline",
            "realtime",
            "-cpu-used",
            "8",
            "-b:v",
            "2400k",
            "-g",
            "5",
            reel
        );
        await near.RunAsync(
            "ffmpeg",
            "-v",
            "error",
            "-stream_loop",
            $"{Seconds / 5 - 1}",
            "-i",
            reel,
            "-c",
            "copy",
            film
        );
        var content = await File.ReadAllBytesAsync(film);
        Assert.InRange(content.Length, 4_000_000, 40_000_000);
        var made = await TorrentCreator.CreateAsync(folder, new CreateOptions { PieceLength = 64 * 1024 });
        var file = Path.Combine(near.Folder, "tides.torrent");
        await File.WriteAllBytesAsync(file, made.Bytes.ToArray());
        // As quick as it plays, so all of it would take two minutes.
        var seed = LibtorrentClient.Start(
            near,
            ["--torrent", file, "--save", parent, "--upload-limit", $"{content.Length / Seconds}"]
        );
        await using var daemon = await DaemonProcess.StartAsync(far, "--set", $"folders.download={target}");
        var id = (
            await daemon.Client.AddAsync(
                new AddTorrent { Metainfo = Convert.ToBase64String(made.Bytes.Span), Peers = [near.EndPoint] },
                None
            )
        ).Id;
        await using var browser = await WebPage.OpenAsync(far, daemon);
        await browser.ClickAsync(".torrents .rows .name");
        await browser.ClickAsync("[role=tab]", "Files");
        await browser.ClickAsync("button[aria-label='Play Tides/film.webm']");
        const string Video = "document.querySelector('dialog video')";
        await browser.WaitAsync($"{Video}.readyState >= 2 && {Video}.videoWidth === 320");
        Assert.Equal(Seconds, (double)(await browser.EvaluateAsync($"{Video}.duration"))!, tolerance: 1.0);
        // It plays: time goes on, and pictures come.
        await browser.EvaluateAsync($"{Video}.muted = true, {Video}.play()");
        await browser.WaitAsync($"{Video}.currentTime > 0.3 && {Video}.getVideoPlaybackQuality().totalVideoFrames > 2");
        foreach (var second in new[] { 100, 40, 70 })
        {
            await browser.EvaluateAsync($"{Video}.currentTime = {second}");
            await browser.WaitAsync(
                $"!{Video}.seeking && {Video}.readyState >= 2 && {Video}.currentTime >= {second} && {Video}.currentTime < {second + 20}"
            );
        }

        var item = (await daemon.Client.TorrentAsync(id, None)).Torrent;
        Assert.True(item.Progress < 1, "all of it is here: this proved nothing");
        Assert.True((bool)(await browser.EvaluateAsync($"{Video}.error === null"))!);

        // The very bytes, by the link that the player has.
        foreach (var from in new[] { content.Length - 70_000, content.Length / 3 })
        {
            var part = (string)
                (
                    await browser.EvaluateAsync(
                        $$"""
                        fetch({{Video}}.src, { headers: { Range: 'bytes={{from}}-{{from
                            + 65_535}}' } }).then(async (answer) =>
                          `${answer.status} ${btoa(String.fromCharCode(...new Uint8Array(await answer.arrayBuffer())))}`)
                        """
                    )
                )!;
            Assert.Equal("206 " + Convert.ToBase64String(content.AsSpan(from, 65_536)), part);
        }

        await browser.PressAsync("Escape");
        await browser.WaitAsync("!document.querySelector('dialog') && document.querySelector('.details')");
        WebPage.AssertQuiet(browser);

        // The rest of it comes from one that has time.
        var other = LibtorrentClient.Start(quick, ["--torrent", file, "--save", parent]);
        await daemon.Client.AddPeersAsync(id, new AddPeers([quick.EndPoint]), None);
        await daemon.WaitCompleteAsync(id);
        await seed.StopAsync();
        await other.StopAsync();
        DataSet.AssertSame(folder, Path.Combine(target, "Tides"));
    }
}
