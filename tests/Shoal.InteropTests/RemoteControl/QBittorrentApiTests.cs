using System.Text.Json;
using Shoal.Api;

namespace Shoal.InteropTests;

/// <summary>qBittorrent's Web API of a real daemon, call by call.</summary>
public sealed class QBittorrentApiTests(Library library)
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task A_torrent_is_added_with_everything_the_form_has()
    {
        var sample = await library.DataAsync("v1");
        await using var run = await QBittorrentCaller.StartAsync();
        Assert.Equal(
            "Ok.",
            await run.AddAsync(
                sample,
                ("savepath", "below"),
                ("category", "films"),
                ("tags", "one,two"),
                ("stopped", "true"),
                ("rename", "My film"),
                ("upLimit", "1000"),
                ("dlLimit", "2000"),
                ("ratioLimit", "1.5"),
                ("seedingTimeLimit", "60"),
                ("sequentialDownload", "true"),
                ("firstLastPiecePrio", "true"),
                ("skip_checking", "false")
            )
        );
        await run.Daemon.WaitAsync(sample.InfoHash, item => item.State == TorrentPhase.Paused);
        var torrent = await run.TorrentAsync(sample.InfoHash);
        Assert.Equal("My film", torrent.GetProperty("name").GetString());
        Assert.Equal("stoppedDL", torrent.GetProperty("state").GetString());
        Assert.Equal("films", torrent.GetProperty("category").GetString());
        Assert.Equal("one, two", torrent.GetProperty("tags").GetString());
        Assert.Equal(Path.Combine(run.Downloads, "below"), torrent.GetProperty("save_path").GetString());
        Assert.Equal(
            Path.Combine(run.Downloads, "below", sample.Name),
            torrent.GetProperty("content_path").GetString()
        );
        Assert.Equal(
            (1000, 2000, 60),
            (
                torrent.GetProperty("up_limit").GetInt32(),
                torrent.GetProperty("dl_limit").GetInt32(),
                torrent.GetProperty("seeding_time_limit").GetInt32()
            )
        );
        Assert.Equal(1.5, torrent.GetProperty("ratio_limit").GetDouble());
        Assert.True(torrent.GetProperty("seq_dl").GetBoolean());
        Assert.True(torrent.GetProperty("f_l_piece_prio").GetBoolean());
        // Again, by link too, is no success; something that is no torrent is told.
        Assert.Equal("Fails.", await run.AddAsync(sample));
        Assert.Equal("Fails.", await run.PostAsync("torrents/add", ("urls", sample.Magnet)));
        using var form = QBittorrentCaller.Form();
        form.Add(new ByteArrayContent([1, 2, 3]), "torrents", "x.torrent");
        Assert.Equal(415, (int)(await run.Http.PostAsync("torrents/add", form)).StatusCode);
    }

    [Fact]
    public async Task Everything_that_can_be_done_to_a_torrent_is_done()
    {
        var sample = await library.DataAsync("v1");
        await using var run = await QBittorrentCaller.StartAsync();
        await run.AddCompleteAsync(sample);
        var hash = ("hashes", sample.InfoHash);
        async Task<TorrentItem> Item() => (await run.Daemon.Client.TorrentAsync(sample.InfoHash, None)).Torrent;

        foreach (var (stop, start) in new[] { ("pause", "resume"), ("stop", "start") })
        {
            await run.PostAsync("torrents/" + stop, hash);
            Assert.True((await Item()).Paused);
            await run.PostAsync("torrents/" + start, hash);
            Assert.False((await Item()).Paused);
        }

        await run.PostAsync("torrents/setForceStart", hash, ("value", "true"));
        await run.PostAsync("torrents/setSuperSeeding", hash, ("value", "true"));
        await run.PostAsync("torrents/toggleSequentialDownload", hash);
        await run.PostAsync("torrents/toggleFirstLastPiecePrio", hash);
        Assert.True(await Item() is { Forced: true, SuperSeeding: true, Sequential: true, FirstLast: true });
        Assert.Equal("forcedUP", (await run.TorrentAsync(sample.InfoHash)).GetProperty("state").GetString());
        await run.PostAsync("torrents/setForceStart", hash, ("value", "false"));
        await run.PostAsync("torrents/toggleFirstLastPiecePrio", hash);
        Assert.True(await Item() is { Forced: false, FirstLast: false });

        await run.PostAsync("torrents/setDownloadLimit", hash, ("limit", "5000"));
        await run.PostAsync("torrents/setUploadLimit", hash, ("limit", "6000"));
        using (var limits = await run.SendAsync("torrents/downloadLimit", ("hashes", sample.InfoHash + "|00")))
        {
            var json = JsonElement.Parse(await limits.Content.ReadAsStringAsync());
            Assert.Equal(5000, json.GetProperty(sample.InfoHash).GetInt32());
            Assert.Equal(-1, json.GetProperty("00").GetInt32());
        }

        Assert.Equal(6000, (await Item()).UploadLimit);
        await run.PostAsync("torrents/setShareLimits", hash, ("ratioLimit", "2"), ("seedingTimeLimit", "-1"));
        Assert.True(await Item() is { RatioLimit: 2, SeedTimeLimit: 0 });
        await run.PostAsync("torrents/setShareLimits", hash, ("ratioLimit", "-2"), ("seedingTimeLimit", "-2"));
        Assert.True(await Item() is { RatioLimit: null, SeedTimeLimit: null });

        await run.PostAsync("torrents/filePrio", ("hash", sample.InfoHash), ("id", "1|2"), ("priority", "0"));
        await run.PostAsync("torrents/filePrio", ("hash", sample.InfoHash), ("id", "3"), ("priority", "7"));
        var files = await run.JsonAsync("torrents/files?hash=" + sample.InfoHash);
        Assert.Equal(
            [1, 0, 0, 6],
            files.EnumerateArray().Take(4).Select(file => file.GetProperty("priority").GetInt32())
        );
        await run.PostAsync("torrents/filePrio", ("hash", sample.InfoHash), ("id", "1|2|3"), ("priority", "1"));

        await run.PostAsync("torrents/rename", ("hash", sample.InfoHash), ("name", "Another"));
        Assert.Equal("Another", (await Item()).Name);
        await run.PostAsync("torrents/recheck", hash);
        await run.PostAsync("torrents/reannounce", hash);
        await run.PostAsync("torrents/topPrio", hash);
        await run.PostAsync("torrents/decreasePrio", hash);
        var added = await run.PostAsync("torrents/addPeers", hash, ("peers", "127.0.0.1:9|nonsense"));
        Assert.Equal(1, JsonElement.Parse(added).GetProperty(sample.InfoHash).GetProperty("failed").GetInt32());

        await run.Daemon.WaitCompleteAsync(sample.InfoHash);
        var moved = Path.Combine(run.Downloads, "moved");
        await run.PostAsync("torrents/setLocation", hash, ("location", moved));
        await run.Daemon.WaitAsync(sample.InfoHash, item => item is { MovingTo: null } && item.SaveDirectory == moved);
        DataSet.AssertSame(sample.Content, Path.Combine(moved, sample.Name));
        var export = await run.Http.GetByteArrayAsync("torrents/export?hash=" + sample.InfoHash);
        Assert.Equal(await File.ReadAllBytesAsync(sample.File), export);

        await run.PostAsync("torrents/delete", hash, ("deleteFiles", "true"));
        Assert.Empty((await run.JsonAsync("torrents/info")).EnumerateArray());
        for (var i = 0; Directory.Exists(Path.Combine(moved, sample.Name)); i++)
        {
            Assert.True(i < 200, "its files are still there");
            await Task.Delay(50);
        }
    }

    [Fact]
    public async Task Trackers_categories_and_tags_are_kept()
    {
        var sample = await library.DataAsync("v1");
        await using var run = await QBittorrentCaller.StartAsync();
        await run.AddAsync(sample, ("stopped", "true"));
        await run.Daemon.WaitAsync(sample.InfoHash, item => item.State == TorrentPhase.Paused);
        var hash = ("hash", sample.InfoHash);
        async Task<string[]> Trackers() =>
            [
                .. (await run.JsonAsync("torrents/trackers?hash=" + sample.InfoHash))
                    .EnumerateArray()
                    .Where(tracker => tracker.GetProperty("tier").GetInt32() >= 0)
                    .Select(tracker => tracker.GetProperty("url").GetString()!),
            ];
        const string one = "http://127.0.0.1:9/one/announce";
        const string two = "http://127.0.0.1:9/two/announce";
        await run.PostAsync("torrents/addTrackers", hash, ("urls", one + "\n\n" + two));
        Assert.Equal([one, two], (await Trackers()).TakeLast(2));
        await run.PostAsync("torrents/editTracker", hash, ("origUrl", two), ("newUrl", two + "?x"));
        Assert.Equal(409, await run.StatusAsync("torrents/editTracker", hash, ("origUrl", two), ("newUrl", one)));
        await run.PostAsync("torrents/removeTrackers", hash, ("urls", one + "|" + two + "?x"));
        Assert.DoesNotContain(one, await Trackers());

        var films = Path.Combine(run.Downloads, "films");
        await run.PostAsync("torrents/createCategory", ("category", "films"), ("savePath", films));
        Assert.Equal(409, await run.StatusAsync("torrents/createCategory", ("category", "films")));
        Assert.Equal(
            films,
            (await run.JsonAsync("torrents/categories")).GetProperty("films").GetProperty("savePath").GetString()
        );
        Assert.Equal(
            409,
            await run.StatusAsync("torrents/setCategory", ("hashes", sample.InfoHash), ("category", "unknown"))
        );
        await run.PostAsync("torrents/setCategory", ("hashes", sample.InfoHash), ("category", "films"));
        Assert.Single((await run.JsonAsync("torrents/info?category=films")).EnumerateArray());
        Assert.Empty((await run.JsonAsync("torrents/info?category=")).EnumerateArray());
        await run.PostAsync("torrents/editCategory", ("category", "films"), ("savePath", ""));
        await run.PostAsync("torrents/removeCategories", ("categories", "films"));
        Assert.Equal("{}", (await run.JsonAsync("torrents/categories")).GetRawText());

        await run.PostAsync("torrents/createTags", ("tags", "kept,gone"));
        await run.PostAsync("torrents/addTags", ("hashes", "all"), ("tags", "new, gone"));
        Assert.Equal("""["gone","kept","new"]""", (await run.JsonAsync("torrents/tags")).GetRawText());
        await run.PostAsync("torrents/deleteTags", ("tags", "gone"));
        Assert.Equal("new", (await run.TorrentAsync(sample.InfoHash)).GetProperty("tags").GetString());
        await run.PostAsync("torrents/removeTags", ("hashes", sample.InfoHash));
        Assert.Equal("", (await run.TorrentAsync(sample.InfoHash)).GetProperty("tags").GetString());
        Assert.Single((await run.JsonAsync("torrents/info?tag=")).EnumerateArray());
    }

    [Fact]
    public async Task Only_what_changed_is_sent_whatever_answers_get_lost()
    {
        var sample = await library.DataAsync("v1");
        await using var run = await QBittorrentCaller.StartAsync();
        var first = await run.JsonAsync("sync/maindata");
        Assert.True(first.GetProperty("full_update").GetBoolean());
        await run.AddAsync(sample, ("stopped", "true"), ("category", "c"), ("tags", "t"));
        await run.Daemon.WaitAsync(sample.InfoHash, item => item.State == TorrentPhase.Paused);
        var rid = first.GetProperty("rid").GetInt32();
        // The first answer to it gets lost: the app asks with the same number again.
        await run.JsonAsync($"sync/maindata?rid={rid}");
        var second = await run.JsonAsync($"sync/maindata?rid={rid}");
        Assert.False(second.TryGetProperty("full_update", out _));
        var torrent = second.GetProperty("torrents").GetProperty(sample.InfoHash);
        Assert.Equal("stoppedDL", torrent.GetProperty("state").GetString());
        Assert.Equal("""["t"]""", second.GetProperty("tags").GetRawText());
        Assert.True(second.GetProperty("categories").TryGetProperty("c", out _));

        rid = second.GetProperty("rid").GetInt32();
        await run.PostAsync("torrents/rename", ("hash", sample.InfoHash), ("name", "New name"));
        var third = await run.JsonAsync($"sync/maindata?rid={rid}");
        Assert.Equal(
            """{"name":"New name"}""",
            third.GetProperty("torrents").GetProperty(sample.InfoHash).GetRawText()
        );
        Assert.False(third.TryGetProperty("tags", out _));

        rid = third.GetProperty("rid").GetInt32();
        await run.PostAsync("torrents/delete", ("hashes", sample.InfoHash), ("deleteFiles", "false"));
        var fourth = await run.JsonAsync($"sync/maindata?rid={rid}");
        Assert.Equal($"""["{sample.InfoHash}"]""", fourth.GetProperty("torrents_removed").GetRawText());
        // A number that it was never told, or long ago: everything anew.
        Assert.True((await run.JsonAsync("sync/maindata?rid=77")).GetProperty("full_update").GetBoolean());
    }

    [Fact]
    public async Task Preferences_and_limits_are_our_settings()
    {
        await using var run = await QBittorrentCaller.StartAsync();
        Assert.Equal(run.Downloads, await run.Http.GetStringAsync("app/defaultSavePath"));
        var other = Path.Combine(run.Downloads, "other");
        var wishes =
            "{\"save_path\":\""
            + other
            + "\",\"dl_limit\":100000,\"up_limit\":50000,\"dht\":true,\"max_connec\":77,\"encryption\":1,"
            + "\"queueing_enabled\":true,\"max_active_downloads\":4,\"max_ratio_enabled\":true,\"max_ratio\":1.5,"
            + "\"listen_port\":6999,\"bittorrent_protocol\":1,\"nonsense\":5,\"rss_processing_enabled\":true}";
        await run.PostAsync("app/setPreferences", ("json", wishes));
        var now = await run.JsonAsync("app/preferences");
        Assert.Equal(other, now.GetProperty("save_path").GetString());
        Assert.Equal(
            (100_000, 50_000, 77, 1, 1, 4),
            (
                now.GetProperty("dl_limit").GetInt32(),
                now.GetProperty("up_limit").GetInt32(),
                now.GetProperty("max_connec").GetInt32(),
                now.GetProperty("encryption").GetInt32(),
                now.GetProperty("bittorrent_protocol").GetInt32(),
                now.GetProperty("max_active_downloads").GetInt32()
            )
        );
        Assert.Equal(1.5, now.GetProperty("max_ratio").GetDouble());
        Assert.True(now.GetProperty("max_ratio_enabled").GetBoolean());
        await run.PostAsync("app/setPreferences", ("json", """{"max_ratio_enabled":false,"max_ratio":1.5}"""));
        Assert.False((await run.JsonAsync("app/preferences")).GetProperty("max_ratio_enabled").GetBoolean());
        var temp = Path.Combine(other, "temp");
        await run.PostAsync(
            "app/setPreferences",
            ("json", "{\"temp_path_enabled\":true,\"temp_path\":\"" + temp + "\"}")
        );
        Assert.Equal(temp, (await run.JsonAsync("app/preferences")).GetProperty("temp_path").GetString());
        Assert.Equal(403, await run.StatusAsync("app/setPreferences", ("json", """{"temp_path":"/etc"}""")));
        await run.PostAsync("app/setPreferences", ("json", """{"temp_path_enabled":false,"temp_path":"/x"}"""));
        Assert.Equal("", (await run.JsonAsync("app/preferences")).GetProperty("temp_path").GetString());
        Assert.Equal(400, await run.StatusAsync("app/setPreferences", ("json", "{")));
        Assert.Equal(400, await run.StatusAsync("app/setPreferences", ("json", """{"dht":"x"}""")));
        Assert.Equal(403, await run.StatusAsync("app/setPreferences", ("json", """{"save_path":"/etc"}""")));

        await run.PostAsync("transfer/setDownloadLimit", ("limit", "123"));
        Assert.Equal("123", await run.Http.GetStringAsync("transfer/downloadLimit"));
        await run.PostAsync("transfer/toggleSpeedLimitsMode");
        Assert.Equal("1", await run.Http.GetStringAsync("transfer/speedLimitsMode"));
        await run.PostAsync("transfer/setUploadLimit", ("limit", "456"));
        await run.PostAsync("transfer/setSpeedLimitsMode", ("mode", "0"));
        Assert.Equal("50000", await run.Http.GetStringAsync("transfer/uploadLimit"));
        Assert.Equal(123, (await run.JsonAsync("transfer/info")).GetProperty("dl_rate_limit").GetInt32());
        await run.PostAsync("transfer/banPeers", ("peers", "192.0.2.1:6881|[2001:db8::1]:1"));
        await run.PostAsync("app/shutdown");
        Assert.Equal(0, await run.Daemon.Process.WaitForExitAsync(TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public async Task A_torrent_is_made_and_seeded()
    {
        var sample = await library.DataAsync("hybrid");
        await using var run = await QBittorrentCaller.StartAsync();
        var content = Path.Combine(run.Downloads, sample.Name);
        DataSet.Copy(sample.Content, content);
        var task = await run.PostAsync(
            "torrentcreator/addTask",
            ("sourcePath", content),
            ("format", "hybrid"),
            ("trackers", "http%3A%2F%2F127.0.0.1%3A9%2Fannounce"),
            ("comment", "made")
        );
        var id = JsonElement.Parse(task).GetProperty("taskID").GetString()!;
        JsonElement status;
        do
        {
            await Task.Delay(50);
            status = (await run.JsonAsync("torrentcreator/status?taskID=" + id))[0];
        } while (status.GetProperty("status").GetString() is "Queued" or "Running");

        Assert.Equal("Finished", status.GetProperty("status").GetString());
        var file = await run.Http.GetByteArrayAsync("torrentcreator/torrentFile?taskID=" + id);
        Assert.Equal((byte)'d', file[0]);
        var made = Assert.Single((await run.JsonAsync("torrents/info")).EnumerateArray());
        var hash = made.GetProperty("hash").GetString()!;
        await run.Daemon.WaitCompleteAsync(hash);
        Assert.Equal("made", (await run.TorrentAsync(hash)).GetProperty("comment").GetString());
        await run.PostAsync("torrentcreator/deleteTask", ("taskID", id));
        Assert.Equal(404, await run.StatusAsync("torrentcreator/torrentFile", ("taskID", id)));
        Assert.Equal(403, await run.StatusAsync("torrentcreator/addTask", ("sourcePath", "/etc")));
        Assert.Equal(
            400,
            await run.StatusAsync("torrentcreator/addTask", ("sourcePath", content), ("torrentFilePath", content))
        );
    }
}
