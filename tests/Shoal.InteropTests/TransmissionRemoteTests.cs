using System.Text.RegularExpressions;
using Shoal.Api;

namespace Shoal.InteropTests;

/// <summary>Debian's transmission-remote drives our daemon, as it would Transmission's own.</summary>
public sealed partial class TransmissionRemoteTests(Library library)
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task A_torrent_is_fetched_from_libtorrent_watched_and_removed()
    {
        var sample = await library.DataAsync("v1");
        await using var lab = await Lab.CreateAsync("tr");
        var (near, far) = (await lab.AddHostAsync("seed"), await lab.AddHostAsync("daemon"));
        TrackerHost.Start(lab, sample);
        var seed = await new LibtorrentClient().SeedAsync(near, sample, sample.Parent);
        var target = far.SubFolder("got");
        await using var daemon = await DaemonProcess.StartAsync(far, "--set", $"folders.download={target}");
        var remote = await Remote.OfAsync(daemon, far);

        await remote.DoAsync("-d", "4000");
        Assert.Contains("success", await remote.RunAsync("-a", sample.File, "-w", target));
        // The same again is no failure.
        Assert.Contains("success", await remote.RunAsync("-a", sample.File));
        await daemon.Client.AddPeersAsync(sample.InfoHash, new AddPeers([near.EndPoint]), None);
        await daemon.WaitAsync(sample.InfoHash, item => item.Progress > 0.02);
        Assert.Matches(@"\s1\s+\d+%.*Downloading", await remote.RunAsync("-l"));
        Assert.Contains("libtorrent", await remote.RunAsync("-t", "1", "-ip"));
        await remote.DoAsync("-D");
        await daemon.WaitCompleteAsync(sample.InfoHash);
        var list = await remote.RunAsync("-l");
        Assert.Matches(@"\s1\s+100%.*(Seeding|Idle)", list);
        var info = await remote.RunAsync("-t", "1", "-i");
        Assert.Contains($"Hash: {sample.InfoHash}", info);
        Assert.Contains("Percent Done: 100%", info);
        Assert.Contains($"Location: {target}", info);
        Assert.Contains(Lab.TrackerUrl.Replace("/announce", ""), await remote.RunAsync("-t", "1", "-it"));
        Assert.Equal(FilesOf(sample), Regex.Count(await remote.RunAsync("-t", "1", "-if"), @"(?m)^\s*\d+:"));
        Assert.Contains("1111", await remote.RunAsync("-t", sample.InfoHash, "-ic"));
        await seed.StopAsync();
        DataSet.AssertSame(sample.Content, Path.Combine(target, sample.Name));

        Assert.Contains("success", await remote.RunAsync("-t", "1", "-rad"));
        Assert.DoesNotContain("100%", await remote.RunAsync("-l"));
        for (var i = 0; Directory.Exists(Path.Combine(target, sample.Name)); i++)
        {
            Assert.True(i < 200, "its files are still there");
            await Task.Delay(50);
        }
    }

    [Fact]
    public async Task Everything_it_can_change_of_a_torrent_changes()
    {
        var sample = await library.DataAsync("v1");
        await using var run = await Run.StartAsync(sample);
        var (remote, id) = (run.Remote, sample.InfoHash);
        async Task<TorrentItem> Item() => (await run.Daemon.Client.TorrentAsync(id, None)).Torrent;

        await remote.DoAsync("-t", "1", "-S");
        Assert.True((await Item()).Paused);
        await remote.DoAsync("-t", id, "-s");
        Assert.False((await Item()).Paused);
        await remote.DoAsync("-t", "1", "-d", "100");
        await remote.DoAsync("-t", "1", "-u", "50");
        Assert.Equal((100_000L, 50_000L), ((await Item()).DownloadLimit, (await Item()).UploadLimit));
        await remote.DoAsync("-t", "1", "-D");
        await remote.DoAsync("-t", "1", "-U");
        Assert.Equal((0L, 0L), ((await Item()).DownloadLimit, (await Item()).UploadLimit));
        await remote.DoAsync("-t", "1", "-sr", "2.5");
        Assert.Equal(2.5, (await Item()).RatioLimit);
        await remote.DoAsync("-t", "1", "-SR");
        Assert.Equal(0, (await Item()).RatioLimit);
        await remote.DoAsync("-t", "1", "-srd");
        Assert.Null((await Item()).RatioLimit);
        await remote.DoAsync("-t", "1", "-L", "one,two");
        Assert.Equal(["one", "two"], (await Item()).Labels);

        await remote.DoAsync("-t", "1", "-G", "1,2");
        await remote.DoAsync("-t", "1", "-ph", "3");
        await remote.DoAsync("-t", "1", "-pl", "4");
        var files = (await run.Daemon.Client.FilesAsync(id, None)).Files;
        Assert.Equal(
            [FileWish.Normal, FileWish.Skip, FileWish.Skip, FileWish.High, FileWish.Low],
            files.Take(5).Select(file => file.Priority)
        );
        Assert.Matches(@"(?m)^\s*1:.*\sNo\s", await remote.RunAsync("-t", "1", "-f"));
        await remote.DoAsync("-t", "1", "-g", "all");
        await remote.DoAsync("-t", "1", "-pn", "all");
        files = (await run.Daemon.Client.FilesAsync(id, None)).Files;
        Assert.All(files, file => Assert.Equal(FileWish.Normal, file.Priority));

        await remote.DoAsync("-t", "1", "-td", "http://127.0.0.1:9/announce");
        var trackers = (await run.Daemon.Client.TrackersAsync(id, None)).Trackers;
        Assert.Contains(trackers, tracker => tracker.Url == "http://127.0.0.1:9/announce");
        await remote.DoAsync("-t", "1", "-tr", "0");
        Assert.Equal(trackers.Count - 1, (await run.Daemon.Client.TrackersAsync(id, None)).Trackers.Count);

        await remote.DoAsync("-t", "1", "--reannounce");
        await remote.DoAsync("-t", "1", "-v");
        await run.Daemon.WaitCompleteAsync(id);
        var moved = Path.Combine(run.Downloads, "moved");
        await remote.DoAsync("-t", "1", "--move", moved);
        await run.Daemon.WaitAsync(id, item => item is { MovingTo: null } && item.SaveDirectory == moved);
        DataSet.AssertSame(sample.Content, Path.Combine(moved, sample.Name));
        Directory.Move(moved, moved + "2");
        await remote.DoAsync("-t", "1", "--find", moved + "2");
        await run.Daemon.WaitAsync(id, item => item is { MovingTo: null, State: TorrentPhase.Seeding });
        await remote.DoAsync("-t", "1", "-r");
        Assert.Empty((await run.Daemon.Client.TorrentsAsync(null, None)).Items);
        DataSet.AssertSame(sample.Content, Path.Combine(moved + "2", sample.Name));
    }

    [Fact]
    public async Task Everything_it_can_change_of_the_session_changes()
    {
        await using var run = await Run.StartAsync(null);
        var remote = run.Remote;
        async Task<string> Setting(string key) =>
            (await run.Daemon.Client.SettingsAsync(None))
                .Settings.Single(setting => setting.Key == key)
                .Value.GetRawText();

        Assert.Contains("Download directory: " + run.Downloads, await remote.RunAsync("-si"));
        await remote.DoAsync("-d", "200");
        await remote.DoAsync("-u", "100");
        Assert.Equal(200_000, (await run.Daemon.Client.StatusAsync(None)).DownloadLimit);
        Assert.Equal("100000", await Setting("limits.upload"));
        await remote.DoAsync("-asd", "30");
        await remote.DoAsync("-asu", "20");
        await remote.DoAsync("-as");
        Assert.Equal(30_000, (await run.Daemon.Client.StatusAsync(None)).DownloadLimit);
        await remote.DoAsync("-AS");
        await remote.DoAsync("-D");
        await remote.DoAsync("-U");
        Assert.Equal(0, (await run.Daemon.Client.StatusAsync(None)).DownloadLimit);
        await remote.DoAsync("-gsr", "1.5");
        Assert.Equal("1.5", await Setting("queue.ratio"));
        await remote.DoAsync("-GSR");
        Assert.Equal("0", await Setting("queue.ratio"));
        await remote.DoAsync("-w", Path.Combine(run.Downloads, "other"));
        Assert.Equal($"\"{Path.Combine(run.Downloads, "other")}\"", await Setting("folders.download"));
        await remote.DoAsync("-er");
        Assert.Equal("\"require\"", await Setting("network.encryption"));
        await remote.DoAsync("-O");
        await remote.DoAsync("-X");
        await remote.DoAsync("-Y");
        await remote.DoAsync("-M");
        await remote.DoAsync("--no-utp");
        await remote.DoAsync("-p", "6999");
        await remote.DoAsync("-pr", "77");
        Assert.Equal(
            ["false", "false", "false", "\"tcp\"", "6999", "77"],
            [
                await Setting("network.dht"),
                await Setting("network.pex"),
                await Setting("network.lsd"),
                await Setting("network.transport"),
                await Setting("network.port"),
                await Setting("network.max-peers"),
            ]
        );
        Assert.Contains("Total", await remote.RunAsync("-st"), StringComparison.OrdinalIgnoreCase);
        Assert.Contains("Port is open", await remote.RunAsync("-pt"));
        Assert.Contains("success", await remote.RunAsync("--blocklist-update"));
        await remote.DoAsync("--exit");
        Assert.Equal(0, await run.Daemon.Process.WaitForExitAsync(TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public async Task The_rest_of_its_manual_is_taken_and_what_we_have_not_changes_nothing()
    {
        var sample = await library.DataAsync("v1");
        await using var run = await Run.StartAsync(sample);
        var remote = run.Remote;
        async Task<string> Setting(string key) =>
            (await run.Daemon.Client.SettingsAsync(None))
                .Settings.Single(setting => setting.Key == key)
                .Value.GetRawText();

        foreach (
            var (option, key, value) in new[]
            {
                ("-o", "network.dht", "true"),
                ("-x", "network.pex", "true"),
                ("-y", "network.lsd", "true"),
                ("-m", "network.port-mapping", "true"),
                ("--utp", "network.transport", "\"both\""),
                ("-ep", "network.encryption", "\"prefer\""),
                ("-et", "network.encryption", "\"allow\""),
                ("-P", "network.port", "0"),
            }
        )
        {
            if (option == "-m")
            {
                await remote.DoAsync("-M");
                Assert.Equal("false", await Setting(key));
            }

            await remote.DoAsync(option);
            Assert.True(await Setting(key) == value, option);
        }

        var incomplete = Path.Combine(run.Downloads, "incomplete");
        await remote.DoAsync("-c", incomplete);
        Assert.Equal($"\"{incomplete}\"", await Setting("folders.incomplete"));
        await remote.DoAsync("-C");
        Assert.Equal("\"\"", await Setting("folders.incomplete"));

        // No counterpart of ours: docs/compatibility.md says so.
        foreach (
            var options in new[]
            {
                "-asc",
                "-ASC",
                "--alt-speed-time-begin 0900",
                "--alt-speed-time-end 1700",
                "--alt-speed-days 23456",
                "-e 64",
                "--torrent-done-script /bin/true",
                "--no-torrent-done-script",
                "--start-paused",
                "--no-start-paused",
                "--trash-torrent",
                "--no-trash-torrent",
                "-t 1 -hl",
                "-t 1 -HL",
                "-t 1 -Bh",
                "-t 1 -Bn",
                "-t 1 -Bl",
                "-t 1 -pr 20",
            }
        )
        {
            await remote.DoAsync(options.Split(' '));
        }

        Assert.Contains("Name", await remote.RunAsync("-t", "all", "-if"));
        Assert.Contains("Address", await remote.RunAsync("-t", sample.InfoHash, "-ip"));
        Assert.Contains("Address", await remote.RunAsync("-t", "1", "-pi"));
        Assert.Contains("Hash", await remote.RunAsync("-t", "active", "-i") + "Hash");
        Assert.Contains(
            "total_size",
            (
                await run.CallAsync($"{{\"method\":\"free-space\",\"arguments\":{{\"path\":\"{run.Downloads}\"}}}}")
            ).GetRawText()
        );
        Assert.True((await run.Daemon.Client.TorrentAsync(sample.InfoHash, None)).Torrent.Progress >= 0);
    }

    [Fact]
    public async Task A_wrong_password_is_refused_and_one_of_small_scope_may_look_only()
    {
        await using var run = await Run.StartAsync(null);
        Assert.Contains("401", await new Remote(run.Daemon, "wrong", null).TryAsync("-l"));
        var reader = await run.Daemon.Client.CreateTokenAsync(new NewToken("reader", AccessScope.Read), None);
        var remote = new Remote(run.Daemon, reader.Secret, null);
        Assert.Contains("Sum:", await remote.RunAsync("-l"));
        Assert.DoesNotContain("success", await remote.TryAsync("-a", "magnet:?xt=urn:btih:" + new string('a', 40)));
        Assert.DoesNotContain("success", await remote.TryAsync("--exit"));
        Assert.Empty((await run.Daemon.Client.TorrentsAsync(null, None)).Items);
    }

    [Fact]
    public async Task Both_spellings_of_the_protocol_say_the_same()
    {
        var sample = await library.DataAsync("hybrid");
        await using var run = await Run.StartAsync(sample);
        var old = await run.CallAsync(
            """{"method":"torrent-get","arguments":{"fields":["id","hashString","percentDone","rateDownload","files","trackerStats","peer-limit","wanted","nothing"]},"tag":7}"""
        );
        Assert.Equal(("success", 7), (old.GetProperty("result").GetString(), old.GetProperty("tag").GetInt32()));
        var torrent = old.GetProperty("arguments").GetProperty("torrents")[0];
        Assert.Equal(sample.InfoHash, torrent.GetProperty("hashString").GetString());
        Assert.True(torrent.GetProperty("files")[1].TryGetProperty("bytesCompleted", out _));
        Assert.True(torrent.GetProperty("trackerStats")[0].TryGetProperty("lastAnnounceSucceeded", out _));
        Assert.Equal(1, torrent.GetProperty("wanted")[0].GetInt32());
        Assert.False(torrent.TryGetProperty("nothing", out _));

        var modern = await run.CallAsync(
            """{"jsonrpc":"2.0","method":"torrent_get","params":{"fields":["id","hash_string","files","wanted"],"format":"table"},"id":"x"}"""
        );
        Assert.Equal("x", modern.GetProperty("id").GetString());
        var table = modern.GetProperty("result").GetProperty("torrents");
        Assert.Equal("hash_string", table[0][1].GetString());
        Assert.Equal(sample.InfoHash, table[1][1].GetString());
        Assert.True(table[1][2][1].TryGetProperty("bytes_completed", out _));
        Assert.True(table[1][3][0].GetBoolean());

        var session = await run.CallAsync(
            """{"method":"session-get","arguments":{"fields":["seedRatioLimit","download-dir"]}}"""
        );
        Assert.Equal(2, session.GetProperty("arguments").EnumerateObject().Count());
        Assert.Equal(run.Downloads, session.GetProperty("arguments").GetProperty("download-dir").GetString());
        // A batch; one of it wants no answer, one does not exist.
        var batch = await run.CallAsync(
            """[{"jsonrpc":"2.0","method":"session_stats","id":1},{"jsonrpc":"2.0","method":"torrent_reannounce"},{"jsonrpc":"2.0","method":"fly","id":2}]"""
        );
        Assert.Equal(2, batch.GetArrayLength());
        Assert.Equal(-32601, batch[1].GetProperty("error").GetProperty("code").GetInt32());
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("5")]
    [InlineData("{\"method\":5}")]
    [InlineData("{\"method\":\"torrent-get\"}")]
    [InlineData("{\"method\":\"torrent-get\",\"arguments\":{\"fields\":[5]}}")]
    [InlineData("{\"method\":\"torrent-get\",\"arguments\":{\"fields\":[\"id\"],\"ids\":[{}]}}")]
    [InlineData("{\"method\":\"torrent-set\",\"arguments\":{\"downloadLimit\":\"x\"}}")]
    [InlineData("{\"method\":\"torrent-set\",\"arguments\":{\"files-unwanted\":[99999]}}")]
    [InlineData("{\"method\":\"torrent-set\",\"arguments\":{\"trackerRemove\":[-1]}}")]
    [InlineData("{\"method\":\"torrent-set\",\"arguments\":{\"location\":\"/etc\"}}")]
    [InlineData("{\"method\":\"torrent-set-location\",\"arguments\":{\"location\":\"../etc\"}}")]
    [InlineData("{\"method\":\"torrent-add\",\"arguments\":{\"filename\":\"/etc/passwd\"}}")]
    [InlineData("{\"method\":\"torrent-add\",\"arguments\":{\"metainfo\":\"AAAA\"}}")]
    [InlineData("{\"method\":\"session-set\",\"arguments\":{\"download-dir\":\"/etc\"}}")]
    [InlineData("{\"method\":\"session-set\",\"arguments\":{\"peer-port\":1e300}}")]
    [InlineData("{\"method\":\"free-space\",\"arguments\":{\"path\":\"/etc\"}}")]
    [InlineData("{\"method\":\"session-get\",\"method\":\"torrent-get\"}")]
    [InlineData("{\"method\":\"torrent-set-location\",\"arguments\":{\"location\":\"\\ud800\"}}")]
    public async Task Bad_calls_are_answered_with_the_reason_and_change_nothing(string body)
    {
        var sample = await library.DataAsync("v1");
        await using var run = await Run.StartAsync(sample);
        var before = (await run.Daemon.Client.TorrentAsync(sample.InfoHash, None)).Torrent.SaveDirectory;
        var answer = await run.CallAsync(body);
        Assert.True(
            answer.TryGetProperty("error", out _)
                || answer.GetProperty("result").GetString() is { } result && result != "success",
            answer.GetRawText()
        );
        Assert.Equal(before, (await run.Daemon.Client.TorrentAsync(sample.InfoHash, None)).Torrent.SaveDirectory);
    }

    [Fact]
    public async Task A_torrent_that_is_named_often_is_told_once()
    {
        var sample = await library.DataAsync("v1");
        await using var run = await Run.StartAsync(sample);
        var ids = string.Join(',', Enumerable.Repeat("1", 200_000));
        var answer = await run.CallAsync(
            "{\"method\":\"torrent-get\",\"arguments\":{\"fields\":[\"id\"],\"ids\":[" + ids + "]}}"
        );
        Assert.Equal(1, answer.GetProperty("arguments").GetProperty("torrents").GetArrayLength());
    }

    private static int FilesOf(Sample sample) =>
        Directory.EnumerateFiles(sample.Content, "*", SearchOption.AllDirectories).Count();
}
