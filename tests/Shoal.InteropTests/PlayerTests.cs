using System.Text.Json;
using Shoal.Api;
using Shoal.Engine;

namespace Shoal.InteropTests;

/// <summary>A player that people have, mpv, plays a film while most of it is missing: by links of a command, and of the daemon.</summary>
public sealed class PlayerTests
{
    private const int Seconds = 120;
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Mpv_jumps_in_a_film_of_get_and_get_goes_on_when_it_quits()
    {
        await using var lab = await Lab.CreateAsync("mpvget");
        var (near, far) = (await lab.AddHostAsync("seed"), await lab.AddHostAsync("get"));
        var film = await SeedAsync(near);
        var get = ShoalClient.Start(
            far,
            ["get", film.Torrent, "-o", far.SubFolder("got"), "--stream", "--peer", near.EndPoint]
        );
        var line = await get.Process.WaitForLineAsync(line => ShoalClient.IsEvent(line, "streaming"), Patience);
        var url = JsonElement.Parse(line).GetProperty("url").GetString()!;
        foreach (var second in new[] { 100, 50 })
        {
            await AssertPictureAsync(far, $"--start={second}", url);
        }

        Assert.DoesNotContain(get.Process.Lines, line => ShoalClient.IsEvent(line, "complete"));
        Assert.False(get.Process.HasExited);
        await get.StopAsync(Signals.Interrupt);
        Assert.Equal(130, await get.Process.WaitForExitAsync(Patience));
    }

    [Fact]
    public async Task Mpv_plays_the_playlist_of_the_daemon_with_subtitles()
    {
        await using var lab = await Lab.CreateAsync("mpvlist");
        var (near, far) = (await lab.AddHostAsync("seed"), await lab.AddHostAsync("daemon"));
        var film = await SeedAsync(near);
        await using var daemon = await DaemonProcess.StartAsync(far);
        var id = (
            await daemon.Client.AddAsync(
                new AddTorrent
                {
                    Metainfo = Convert.ToBase64String(await File.ReadAllBytesAsync(film.Torrent)),
                    SaveDirectory = far.SubFolder("got"),
                    Peers = [near.EndPoint],
                },
                None
            )
        ).Id;
        await daemon.WaitAsync(id, item => item.State == TorrentPhase.Downloading);
        var link = await daemon.Client.CreateStreamLinkAsync(id, new NewStreamLink(), None);
        Assert.Equal("video/x-matroska", link.Type);
        await AssertPictureAsync(far, "--start=90", link.PlaylistUrl!);
        // With the subtitle in it, it is another picture than without.
        var subtitle = Assert.Single(link.Subtitles).Url!;
        var plain = await AssertPictureAsync(far, "--start=2", link.Url!);
        var spoken = await AssertPictureAsync(far, "--start=2", $"--sub-file={subtitle}", link.Url!);
        Assert.NotEqual(plain, spoken);
        var item = (await daemon.Client.TorrentAsync(id, None)).Torrent;
        Assert.True(item.Progress < 1, "all of it is here: this proved nothing");
    }

    /// <summary>A film and its subtitles, sent as quickly as it plays.</summary>
    private static async Task<(string Folder, string Torrent)> SeedAsync(Host near)
    {
        Tools.Require("ffmpeg", "mpv");
        var parent = near.SubFolder("shared");
        var folder = Directory.CreateDirectory(Path.Combine(parent, "Tides")).FullName;
        var film = Path.Combine(folder, "tides.mkv");
        // Noise, so that it has some bytes; one picture a second may be jumped to.
        string[] source = ["-f", "lavfi", "-i", "testsrc=size=320x180:rate=5,noise=alls=60:allf=t"];
        string[] codec = ["-t", $"{Seconds}", "-c:v", "mpeg4", "-b:v", "1500k", "-g", "5"];
        await near.RunAsync("ffmpeg", ["-v", "error", .. source, .. codec, film]);
        await File.WriteAllTextAsync(
            Path.Combine(folder, "tides.srt"),
            "1\n00:00:00,000 --> 00:00:10,000\nHigh water at noon\n"
        );
        var length = new FileInfo(film).Length;
        Assert.InRange(length, 4_000_000, 60_000_000);
        var made = await TorrentCreator.CreateAsync(folder, new CreateOptions { PieceLength = 64 * 1024 });
        var file = Path.Combine(near.Folder, "tides.torrent");
        await File.WriteAllBytesAsync(file, made.Bytes.ToArray());
        LibtorrentClient.Start(near, ["--torrent", file, "--save", parent, "--upload-limit", $"{length / Seconds}"]);
        return (folder, file);
    }

    /// <summary>What mpv shows first: it found its way to there and decoded it.</summary>
    private static async Task<string> AssertPictureAsync(Host host, params string[] options)
    {
        var pictures = host.SubFolder("pictures");
        Array.ForEach(Directory.GetFiles(pictures), File.Delete);
        string[] quiet = ["--no-config", "--no-terminal", "--ao=null", "--frames=1", "--network-timeout=30"];
        string[] output = ["--vo=image", "--vo-image-format=png", $"--vo-image-outdir={pictures}"];
        await host.RunAsync("timeout", ["45", "mpv", .. quiet, .. output, .. options]);
        return Convert.ToBase64String(await File.ReadAllBytesAsync(Assert.Single(Directory.GetFiles(pictures))));
    }
}
