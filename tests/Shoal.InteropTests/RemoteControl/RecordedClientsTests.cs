using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Shoal.InteropTests;

/// <summary>
/// Apps that cannot run here: the calls that their sources make, in their order, and the fields that they read of the answers,
/// as strictly as their languages do.
/// </summary>
public sealed class RecordedClientsTests(Library library)
{
    [Fact]
    public async Task Sonarr_and_Radarr_by_qBittorrents_protocol()
    {
        var sample = await library.DataAsync("v1");
        await using var run = await QBittorrentCaller.StartAsync(login: false);
        // Is it version 2? 403 says so too.
        Assert.Contains((int)(await run.Http.GetAsync("app/webapiVersion")).StatusCode, new[] { 200, 403 });
        // Name and password with each call besides the cookie.
        run.Http.DefaultRequestHeaders.Authorization = Basic(run.Token);
        Assert.Equal("Ok.", await run.PostAsync("auth/login", ("username", "sonarr"), ("password", run.Token)));
        Assert.True(Version.Parse(await run.Http.GetStringAsync("app/webapiVersion")) >= new Version(2, 8, 1));
        Assert.StartsWith("v", await run.Http.GetStringAsync("app/version"), StringComparison.Ordinal);
        var config = await run.JsonAsync("app/preferences");
        config.GetProperty("dht").GetBoolean();
        config.GetProperty("queueing_enabled").GetBoolean();
        config.GetProperty("max_ratio_enabled").GetBoolean();
        config.GetProperty("max_ratio").GetSingle();
        config.GetProperty("max_seeding_time_enabled").GetBoolean();
        config.GetProperty("max_seeding_time").GetInt64();
        config.GetProperty("max_inactive_seeding_time_enabled").GetBoolean();
        config.GetProperty("max_inactive_seeding_time").GetInt64();
        // It refuses a client that removes what has seeded enough.
        Assert.Equal(0, config.GetProperty("max_ratio_act").GetInt32());

        // Its test of the connection makes the category and wants to see it.
        Assert.False((await run.JsonAsync("torrents/categories")).TryGetProperty("tv-sonarr", out _));
        await run.PostAsync("torrents/createCategory", ("category", "tv-sonarr"));
        var label = (await run.JsonAsync("torrents/categories")).GetProperty("tv-sonarr");
        Assert.Equal(
            ("tv-sonarr", ""),
            (label.GetProperty("name").GetString(), label.GetProperty("savePath").GetString())
        );

        Assert.Equal(
            "Ok.",
            await run.AddAsync(
                sample,
                ("category", "tv-sonarr"),
                ("stopped", "False"),
                ("contentLayout", "Original"),
                ("ratioLimit", "1.5"),
                ("seedingTimeLimit", "120")
            )
        );
        Assert.Equal(200, (int)(await run.Http.GetAsync("torrents/properties?hash=" + sample.InfoHash)).StatusCode);
        await run.PostAsync("torrents/topPrio", ("hashes", sample.InfoHash));
        await run.PostAsync("torrents/setForceStart", ("hashes", sample.InfoHash), ("value", "true"));
        await run.PostAsync("torrents/addTags", ("hashes", sample.InfoHash), ("tags", "series"));
        await run.Daemon.WaitAsync(sample.InfoHash, item => item.State == Api.TorrentPhase.Downloading);
        var torrent = Assert.Single(
            (await run.JsonAsync("torrents/info?category=tv-sonarr")).EnumerateArray().ToList()
        );
        Assert.Equal(sample.InfoHash, torrent.GetProperty("hash").GetString());
        Assert.Equal("forcedDL", torrent.GetProperty("state").GetString());
        Assert.Equal("tv-sonarr", torrent.GetProperty("category").GetString());
        Assert.Equal(run.Downloads, torrent.GetProperty("save_path").GetString());
        Assert.Equal(Path.Combine(run.Downloads, sample.Name), torrent.GetProperty("content_path").GetString());
        Assert.Equal(
            (1.5f, 120L, -2L),
            (
                torrent.GetProperty("ratio_limit").GetSingle(),
                torrent.GetProperty("seeding_time_limit").GetInt64(),
                torrent.GetProperty("inactive_seeding_time_limit").GetInt64()
            )
        );
        torrent.GetProperty("size").GetInt64();
        torrent.GetProperty("progress").GetDouble();
        torrent.GetProperty("eta").GetInt64();
        torrent.GetProperty("ratio").GetSingle();
        torrent.GetProperty("seeding_time").GetInt64();
        torrent.GetProperty("last_activity").GetInt64();
        Assert.StartsWith(
            sample.Name + "/",
            (await run.JsonAsync("torrents/files?hash=" + sample.InfoHash))[0].GetProperty("name").GetString(),
            StringComparison.Ordinal
        );
        await run.PostAsync("torrents/createCategory", ("category", "imported"));
        await run.PostAsync("torrents/setCategory", ("hashes", sample.InfoHash), ("category", "imported"));
        // Where the files should stay it says nothing of them.
        await run.PostAsync("torrents/delete", ("hashes", sample.InfoHash));
        Assert.Equal(404, (int)(await run.Http.GetAsync("torrents/properties?hash=" + sample.InfoHash)).StatusCode);
    }

    [Fact]
    public async Task Sonarr_and_Radarr_by_Transmissions_protocol()
    {
        var sample = await library.DataAsync("v1");
        await using var run = await QBittorrentCaller.StartAsync(login: false);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false });
        http.DefaultRequestHeaders.Authorization = Basic(run.Token);
        var url = run.Daemon.Url + "transmission/rpc";
        // The number of the session is asked for by GET.
        using (var refused = await http.GetAsync(url))
        {
            Assert.Equal(409, (int)refused.StatusCode);
            http.DefaultRequestHeaders.Add(
                "X-Transmission-Session-Id",
                Assert.Single(refused.Headers.GetValues("X-Transmission-Session-Id"))
            );
        }

        async Task<JsonElement> Call(string method, object? arguments = null)
        {
            var body = JsonSerializer.Serialize(arguments is null ? new { method } : (object)new { method, arguments });
            using var answer = await http.PostAsync(url, new StringContent(body, Encoding.UTF8, "application/json"));
            var json = JsonElement.Parse(await answer.Content.ReadAsStringAsync());
            Assert.Equal("success", json.GetProperty("result").GetString());
            return json.GetProperty("arguments");
        }

        var session = await Call("session-get");
        Assert.True(int.Parse(session.GetProperty("rpc-version").ToString(), CultureInfo.InvariantCulture) >= 14);
        // "2.40" at least, read by a pattern from the first digits on.
        Assert.Matches(@"^(?<!\(|(\d|\.)+)(\d|\.)+(?!\)|(\d|\.)+)", session.GetProperty("version").GetString());
        Assert.Equal(run.Downloads, session.GetProperty("download-dir").GetString());
        session.GetProperty("seedRatioLimit").GetDouble();
        session.GetProperty("seedRatioLimited").GetBoolean();
        session.GetProperty("idle-seeding-limit").GetInt64();
        session.GetProperty("idle-seeding-limit-enabled").GetBoolean();

        var folder = Path.Combine(run.Downloads, "tv-sonarr");
        var metainfo = Convert.ToBase64String(await File.ReadAllBytesAsync(sample.File));
        await Call(
            "torrent-add",
            new Dictionary<string, object>
            {
                ["metainfo"] = metainfo,
                ["paused"] = true,
                ["download-dir"] = folder,
                ["labels"] = new[] { "tv-sonarr" },
            }
        );
        string[] ids = [sample.InfoHash];
        await Call(
            "torrent-set",
            new
            {
                ids,
                seedRatioLimit = 1.5,
                seedRatioMode = 1,
                seedIdleLimit = 60,
                seedIdleMode = 1,
            }
        );
        await Call("queue-move-top", new { ids });
        await run.Daemon.WaitAsync(sample.InfoHash, item => item.State == Api.TorrentPhase.Paused);
        string[] fields =
        [
            "id",
            "hashString",
            "name",
            "downloadDir",
            "totalSize",
            "leftUntilDone",
            "isFinished",
            "eta",
            "status",
            "secondsDownloading",
            "secondsSeeding",
            "errorString",
            "uploadedEver",
            "downloadedEver",
            "seedRatioLimit",
            "seedRatioMode",
            "seedIdleLimit",
            "seedIdleMode",
            "fileCount",
            "file-count",
            "labels",
        ];
        var torrent = (await Call("torrent-get", new { fields })).GetProperty("torrents")[0];
        Assert.All(fields, field => Assert.True(torrent.TryGetProperty(field, out _), field));
        Assert.Equal(sample.InfoHash, torrent.GetProperty("hashString").GetString());
        Assert.Equal(
            (folder, 0),
            (torrent.GetProperty("downloadDir").GetString(), torrent.GetProperty("status").GetInt32())
        );
        Assert.Equal(sample.Size, torrent.GetProperty("leftUntilDone").GetInt64());
        Assert.Equal(
            (1.5, 1),
            (torrent.GetProperty("seedRatioLimit").GetDouble(), torrent.GetProperty("seedRatioMode").GetInt32())
        );
        Assert.Equal("tv-sonarr", torrent.GetProperty("labels")[0].GetString());
        await Call("torrent-set", new { ids, labels = new[] { "imported" } });
        await Call("torrent-remove", new Dictionary<string, object> { ["ids"] = ids, ["delete-local-data"] = true });
        Assert.Equal(0, (await Call("torrent-get", new { fields })).GetProperty("torrents").GetArrayLength());
    }

    [Fact]
    public async Task QBitController()
    {
        var sample = await library.DataAsync("v1");
        await using var run = await QBittorrentCaller.StartAsync();
        Assert.Matches(@"^v\d+\.\d+\.\d+$", await run.Http.GetStringAsync("app/version"));
        await run.AddCompleteAsync(sample);
        var main = await run.JsonAsync("sync/maindata");
        var state = main.GetProperty("server_state");
        foreach (
            var field in "alltime_ul alltime_dl total_wasted_session total_peer_connections total_buffers_size queued_io_jobs average_time_queue total_queued_size dl_info_data dl_info_speed dl_rate_limit up_info_data up_info_speed up_rate_limit free_space_on_disk".Split(
                ' '
            )
        )
        {
            state.GetProperty(field).GetInt64();
        }

        foreach (var field in "global_ratio read_cache_hits write_cache_overload read_cache_overload".Split(' '))
        {
            Assert.NotNull(state.GetProperty(field).GetString());
        }

        state.GetProperty("use_alt_speed_limits").GetBoolean();
        state.GetProperty("queueing").GetBoolean();
        var torrent = main.GetProperty("torrents").GetProperty(sample.InfoHash);
        foreach (
            var field in "added_on completion_on completed size dlspeed upspeed time_active downloaded downloaded_session uploaded uploaded_session last_activity seen_complete".Split(
                ' '
            )
        )
        {
            torrent.GetProperty(field).GetInt64();
        }

        // Whole numbers of 32 bits: a fraction would break it.
        foreach (
            var field in "eta dl_limit up_limit priority num_seeds num_leechs num_complete num_incomplete seeding_time_limit inactive_seeding_time_limit seeding_time trackers_count".Split(
                ' '
            )
        )
        {
            torrent.GetProperty(field).GetInt32();
        }

        foreach (var field in "seq_dl f_l_piece_prio auto_tmm force_start super_seeding private".Split(' '))
        {
            torrent.GetProperty(field).GetBoolean();
        }

        foreach (var field in "progress ratio ratio_limit popularity availability".Split(' '))
        {
            torrent.GetProperty(field).GetDouble();
        }

        var properties = await run.JsonAsync("torrents/properties?hash=" + sample.InfoHash);
        foreach (
            var field in "pieces_num pieces_have nb_connections nb_connections_limit seeds seeds_total peers peers_total".Split(
                ' '
            )
        )
        {
            properties.GetProperty(field).GetInt32();
        }

        foreach (var piece in (await run.JsonAsync("torrents/pieceStates?hash=" + sample.InfoHash)).EnumerateArray())
        {
            Assert.Equal(2, piece.GetInt32());
        }

        foreach (var line in (await run.JsonAsync("log/main")).EnumerateArray())
        {
            line.GetProperty("id").GetInt32();
            Assert.Contains(line.GetProperty("type").GetInt32(), new[] { 1, 2, 4, 8 });
        }

        await run.PostAsync("torrents/stop", ("hashes", sample.InfoHash));
        await run.PostAsync("torrents/start", ("hashes", sample.InfoHash));
        await run.PostAsync(
            "torrents/setShareLimits",
            ("hashes", sample.InfoHash),
            ("ratioLimit", "1.0"),
            ("seedingTimeLimit", "-2"),
            ("inactiveSeedingTimeLimit", "-2")
        );
        await run.PostAsync("torrents/createCategory", ("category", "c"), ("savePath", ""), ("downloadPath", ""));
        var rid = main.GetProperty("rid").GetInt32();
        Assert.True(
            (await run.JsonAsync($"sync/maindata?rid={rid}")).GetProperty("categories").TryGetProperty("c", out _)
        );
        Assert.Equal("{}", (await run.JsonAsync("rss/items")).GetRawText());
    }

    [Fact]
    public async Task Transdroid()
    {
        var sample = await library.DataAsync("v1");
        await using var run = await QBittorrentCaller.StartAsync();
        await run.AddCompleteAsync(sample);
        // All its calls are POST, also those that only read.
        async Task<JsonElement> Post(string call, params (string, string)[] fields) =>
            JsonElement.Parse(await run.PostAsync(call, fields));
        var version = (await run.PostAsync("app/version"))[1..]
            .Split('.')
            .Select(part => int.Parse(part, CultureInfo.InvariantCulture));
        Assert.Equal(5, version.First());
        var torrent = (await Post("torrents/info"))[0];
        foreach (var field in "num_leechs num_complete num_incomplete num_seeds dlspeed upspeed".Split(' '))
        {
            torrent.GetProperty(field).GetInt32();
        }

        foreach (var field in "size uploaded added_on completion_on".Split(' '))
        {
            torrent.GetProperty(field).GetInt64();
        }

        Assert.Equal("stalledUP", torrent.GetProperty("state").GetString());
        Assert.Equal(JsonValueKind.Object, (await Post("torrents/categories")).ValueKind);
        foreach (var tracker in (await Post("torrents/trackers", ("hash", sample.InfoHash))).EnumerateArray())
        {
            Assert.NotNull(tracker.GetProperty("url").GetString());
            Assert.NotNull(tracker.GetProperty("msg").GetString());
        }

        await Post("torrents/pieceStates", ("hash", sample.InfoHash));
        var file = (await Post("torrents/files", ("hash", sample.InfoHash)))[1];
        Assert.Equal((1, 1d), (file.GetProperty("priority").GetInt32(), file.GetProperty("progress").GetDouble()));
        await run.PostAsync("torrents/filePrio", ("hash", sample.InfoHash), ("id", "1"), ("priority", "6"));
        await run.PostAsync("torrents/stop", ("hashes", "all"));
        await run.PostAsync("torrents/start", ("hashes", "all"));
        await run.PostAsync("torrents/toggleSequentialDownload", ("hashes", sample.InfoHash));
        await run.PostAsync("transfer/setDownloadLimit", ("limit", "51200"));
        var stats = await Post("sync/maindata?rid=0");
        Assert.False(stats.GetProperty("server_state").GetProperty("use_alt_speed_limits").GetBoolean());
        await run.PostAsync("transfer/toggleSpeedLimitsMode");
        Assert.Equal(
            "Ok.",
            await run.PostAsync("torrents/add", ("urls", "magnet:?xt=urn:btih:" + new string('b', 40)))
        );
        await run.PostAsync("torrents/delete", ("hashes", sample.InfoHash), ("deleteFiles", "true"));
    }

    [Fact]
    public async Task VueTorrent()
    {
        var sample = await library.DataAsync("hybrid");
        await using var run = await QBittorrentCaller.StartAsync();
        // A page: the browser says where it comes from with each call.
        run.Http.DefaultRequestHeaders.Add("Origin", run.Daemon.Url.TrimEnd('/'));
        run.Http.DefaultRequestHeaders.Add("Sec-Fetch-Site", "same-origin");
        run.Http.DefaultRequestHeaders.Referrer = new Uri(run.Daemon.Url);
        foreach (var field in "bitness boost libtorrent openssl platform qt zlib".Split(' '))
        {
            Assert.True((await run.JsonAsync("app/buildInfo")).TryGetProperty(field, out _), field);
        }

        await run.AddCompleteAsync(sample);
        var torrent = (await run.JsonAsync("sync/maindata?rid=0")).GetProperty("torrents").GetProperty(sample.InfoHash);
        foreach (
            var field in "added_on amount_left auto_tmm availability category completed completion_on content_path dl_limit dlspeed download_path downloaded downloaded_session eta f_l_piece_prio force_start has_metadata inactive_seeding_time_limit infohash_v1 infohash_v2 last_activity magnet_uri max_inactive_seeding_time max_ratio max_seeding_time name num_complete num_incomplete num_leechs num_seeds popularity priority private progress ratio ratio_limit reannounce root_path save_path seeding_time seeding_time_limit seen_complete seq_dl size state super_seeding tags time_active total_size tracker trackers_count up_limit uploaded uploaded_session upspeed".Split(
                ' '
            )
        )
        {
            Assert.True(torrent.TryGetProperty(field, out _), field);
        }

        Assert.Equal(40, torrent.GetProperty("infohash_v1").GetString()!.Length);
        Assert.Equal(64, torrent.GetProperty("infohash_v2").GetString()!.Length);
        Assert.Single(
            (await run.JsonAsync("torrents/info?filter=completed&sort=added_on&reverse=true")).EnumerateArray()
        );
        Assert.Equal("1", await run.Http.GetStringAsync("torrents/count"));
        var peers = await run.JsonAsync($"sync/torrentPeers?hash={sample.InfoHash}&rid=0");
        Assert.True(peers.GetProperty("full_update").GetBoolean());
        await run.PostAsync("app/setPreferences", ("json", """{"up_limit":204800,"scheduler_enabled":false}"""));
        Assert.Equal("[]", (await run.JsonAsync("search/plugins")).GetRawText());
        Assert.Equal("[]", (await run.JsonAsync("torrentcreator/status")).GetRawText());
        var links = await run.JsonAsync("app/networkInterfaceList");
        Assert.All(links.EnumerateArray(), link => Assert.NotNull(link.GetProperty("value").GetString()));
    }

    private static AuthenticationHeaderValue Basic(string token) =>
        new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes("any:" + token)));
}
