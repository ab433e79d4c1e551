using System.Text.Json.Nodes;
using Shoal.Api;
using Shoal.Engine;

namespace Shoal.Daemon;

/// <summary>Calls about the session: what Transmission keeps in its settings, as far as we have the same.</summary>
internal static class TransmissionSession
{
    private const long DefaultLimit = 100_000;

    public static JsonObject Get(TransmissionCall call)
    {
        call.Need(AccessScope.Read);
        var all = All(call);
        var fields = call.Texts("fields")?.Select(TransmissionNames.ToNew).ToHashSet(StringComparer.Ordinal);
        var chosen = new JsonObject();
        foreach (var (name, value) in all)
        {
            if (fields?.Contains(name) != false)
            {
                chosen[name] = value?.DeepClone();
            }
        }

        return Spelt(call, chosen);
    }

    public static async Task<JsonObject> SetAsync(TransmissionCall call)
    {
        call.Need(AccessScope.Admin);
        var values = new Dictionary<string, object>(StringComparer.Ordinal);
        var settings = call.Services.Settings.Current;
        Limit(call, values, "speed_limit_down", "limits.download", settings.DownloadLimit);
        Limit(call, values, "speed_limit_up", "limits.upload", settings.UploadLimit);
        Put(values, "alternative.enabled", call.Flag("alt_speed_enabled"));
        Put(values, "alternative.download", call.Whole("alt_speed_down") * 1000);
        Put(values, "alternative.upload", call.Whole("alt_speed_up") * 1000);
        Count(call, values, "download_queue", "queue.downloads", settings.ActiveDownloads);
        Count(call, values, "seed_queue", "queue.seeds", settings.ActiveSeeds);
        if (call.Flag("seed_ratio_limited") == false)
        {
            values["queue.ratio"] = 0d;
        }
        else
        {
            Put(values, "queue.ratio", call.Number("seed_ratio_limit"));
        }

        if (call.Text("download_dir") is { } folder)
        {
            values["folders.download"] = PathJail.Check(folder, call.AllowedFolders, "download_dir");
        }

        Incomplete(call, values, settings);
        Put(values, "network.port", call.Whole("peer_port"));
        Put(values, "network.max-peers", call.Whole("peer_limit_global"));
        Put(values, "network.max-peers-per-torrent", call.Whole("peer_limit_per_torrent"));
        Put(values, "network.dht", call.Flag("dht_enabled"));
        Put(values, "network.lsd", call.Flag("lpd_enabled"));
        Put(values, "network.pex", call.Flag("pex_enabled"));
        Put(values, "network.port-mapping", call.Flag("port_forwarding_enabled"));
        if (call.Flag("utp_enabled") is { } utp)
        {
            values["network.transport"] = utp ? "both" : "tcp";
        }

        if (call.Text("encryption") is { } encryption)
        {
            values["network.encryption"] = encryption switch
            {
                "required" => "require",
                "preferred" => "prefer",
                _ => "allow",
            };
        }

        if (values.Count > 0)
        {
            await call
                .Services.Settings.ChangeAsync(
                    values.ToDictionary(pair => pair.Key, pair => SettingDefinition.ToJson(pair.Value)),
                    call.Caller.IsOwner
                )
                .ConfigureAwait(false);
        }

        return [];
    }

    public static JsonObject Statistics(TransmissionCall call)
    {
        call.Need(AccessScope.Read);
        var status = StatusEndpoints.Status(call.Services);
        var seconds = call.Services.Time.GetUtcNow().ToUnixTimeSeconds() - status.StartedAt;
        JsonObject Totals(long down, long up) =>
            new()
            {
                ["uploaded_bytes"] = up,
                ["downloaded_bytes"] = down,
                ["files_added"] = status.Torrents,
                ["seconds_active"] = seconds,
                ["session_count"] = 1,
            };
        return Spelt(
            call,
            new JsonObject
            {
                ["active_torrent_count"] = status.Downloading + status.Seeding,
                ["download_speed"] = status.DownloadRate,
                ["paused_torrent_count"] = status.Paused,
                ["torrent_count"] = status.Torrents,
                ["upload_speed"] = status.UploadRate,
                ["cumulative_stats"] = Totals(status.AllTimeDownloaded, status.AllTimeUploaded),
                ["current_stats"] = Totals(status.Downloaded, status.Uploaded),
            }
        );
    }

    public static JsonObject Close(TransmissionCall call)
    {
        call.Need(AccessScope.Admin);
        call.Services.Stop();
        return [];
    }

    public static JsonObject FreeSpace(TransmissionCall call)
    {
        call.Need(AccessScope.Read);
        var asked = call.Text("path") ?? throw ApiException.Bad("path", "path: of which folder?");
        var space =
            DiskSpace.Of(PathJail.Check(asked, call.AllowedFolders, "path"))
            ?? throw new ApiException(404, "no-such-folder", $"path: there is no file system at '{asked}'");
        return Spelt(
            call,
            new JsonObject
            {
                ["path"] = asked,
                ["size_bytes"] = space.Free,
                ["total_size"] = space.Total,
            }
        );
    }

    /// <summary>Open as far as we know without asking anybody elsewhere: a router forwards it, or somebody has called.</summary>
    public static JsonObject TestPort(TransmissionCall call)
    {
        call.Need(AccessScope.Read);
        return Spelt(call, new JsonObject { ["port_is_open"] = call.Library.IsReachable });
    }

    public static async Task<JsonObject> UpdateBlocklistAsync(TransmissionCall call, CancellationToken cancel)
    {
        call.Need(AccessScope.Admin);
        try
        {
            await call.Services.Engine.ReloadIpFilterAsync(cancel).ConfigureAwait(false);
        }
        catch (IpFilterException error)
        {
            throw new ApiException(500, "ip-filter", error.Message);
        }

        return Spelt(call, new JsonObject { ["blocklist_size"] = call.Services.Engine.FilteredRanges });
    }

    private static JsonObject Spelt(TransmissionCall call, JsonObject answer) =>
        call.IsOld ? TransmissionNames.Rename(answer, TransmissionNames.ToOldSession) : answer;

    private static JsonObject All(TransmissionCall call)
    {
        var settings = call.Services.Settings.Current;
        var engine = call.Services.Engine;
        return new JsonObject
        {
            ["alt_speed_down"] = TransmissionFields.ToKilobytes((long)settings["alternative.download"]),
            ["alt_speed_enabled"] = (bool)settings["alternative.enabled"],
            ["alt_speed_time_begin"] = 540,
            ["alt_speed_time_day"] = 127,
            ["alt_speed_time_enabled"] = false,
            ["alt_speed_time_end"] = 1020,
            ["alt_speed_up"] = TransmissionFields.ToKilobytes((long)settings["alternative.upload"]),
            ["anti_brute_force_enabled"] = true,
            ["blocklist_enabled"] = engine.FilteredRanges > 0,
            ["blocklist_size"] = engine.FilteredRanges,
            ["blocklist_url"] = "",
            ["cache_size_mib"] = 32,
            ["config_dir"] = "",
            ["default_trackers"] = "",
            ["dht_enabled"] = (bool)settings["network.dht"],
            ["download_dir"] = settings.DownloadFolder,
            ["download_dir_free_space"] = call.Library.DownloadFree ?? -1,
            ["download_queue_enabled"] = settings.ActiveDownloads > 0,
            ["download_queue_size"] = settings.ActiveDownloads > 0 ? settings.ActiveDownloads : 5,
            ["encryption"] = (string)settings["network.encryption"] switch
            {
                "require" => "required",
                "prefer" => "preferred",
                _ => call.IsOld ? "tolerated" : "allowed",
            },
            ["idle_seeding_limit"] = 30,
            ["idle_seeding_limit_enabled"] = false,
            ["incomplete_dir"] = settings.IncompleteFolder is { Length: > 0 } folder ? folder : settings.DownloadFolder,
            ["incomplete_dir_enabled"] = settings.IncompleteFolder.Length > 0,
            ["lpd_enabled"] = (bool)settings["network.lsd"],
            ["peer_limit_global"] = (long)settings["network.max-peers"],
            ["peer_limit_per_torrent"] = (long)settings["network.max-peers-per-torrent"],
            ["peer_port"] = engine.Port,
            ["peer_port_random_on_start"] = (long)settings["network.port"] == 0,
            ["pex_enabled"] = (bool)settings["network.pex"],
            ["port_forwarding_enabled"] = (bool)settings["network.port-mapping"],
            ["queue_stalled_enabled"] = true,
            ["queue_stalled_minutes"] = 1,
            ["rename_partial_files"] = false,
            ["rpc_version"] = 18,
            ["rpc_version_minimum"] = 14,
            ["rpc_version_semver"] = TransmissionRpc.SemanticVersion,
            ["script_torrent_added_enabled"] = false,
            ["script_torrent_added_filename"] = "",
            ["script_torrent_done_enabled"] = false,
            ["script_torrent_done_filename"] = "",
            ["script_torrent_done_seeding_enabled"] = false,
            ["script_torrent_done_seeding_filename"] = "",
            ["seed_queue_enabled"] = settings.ActiveSeeds > 0,
            ["seed_queue_size"] = settings.ActiveSeeds > 0 ? settings.ActiveSeeds : 10,
            ["seed_ratio_limit"] = settings.Ratio > 0 ? settings.Ratio : 2,
            ["seed_ratio_limited"] = settings.Ratio > 0,
            ["speed_limit_down"] = TransmissionFields.ToKilobytes(
                settings.DownloadLimit > 0 ? settings.DownloadLimit : DefaultLimit
            ),
            ["speed_limit_down_enabled"] = settings.DownloadLimit > 0,
            ["speed_limit_up"] = TransmissionFields.ToKilobytes(
                settings.UploadLimit > 0 ? settings.UploadLimit : DefaultLimit
            ),
            ["speed_limit_up_enabled"] = settings.UploadLimit > 0,
            ["start_added_torrents"] = true,
            ["tcp_enabled"] = (string)settings["network.transport"] != "utp",
            ["trash_original_torrent_files"] = false,
            ["units"] = Units(),
            ["utp_enabled"] = (string)settings["network.transport"] != "tcp",
            ["version"] = $"{TransmissionRpc.Version} {EngineVersion.Number}",
        };
    }

    private static JsonObject Units() =>
        new()
        {
            ["speed_units"] = Words("kB/s", "MB/s", "GB/s", "TB/s"),
            ["speed_bytes"] = 1000,
            ["size_units"] = Words("kB", "MB", "GB", "TB"),
            ["size_bytes"] = 1000,
            ["memory_units"] = Words("KiB", "MiB", "GiB", "TiB"),
            ["memory_bytes"] = 1024,
        };

    private static JsonArray Words(params string[] words) => TransmissionFacts.Array(words, word => (JsonNode)word);

    /// <summary>A limit and whether it holds; one of them may be missing.</summary>
    private static void Limit(
        TransmissionCall call,
        Dictionary<string, object> values,
        string name,
        string key,
        long now
    )
    {
        if (call.Flag(name + "_enabled") == false)
        {
            values[key] = 0L;
        }
        else if (call.Whole(name) is { } kilobytes)
        {
            values[key] = kilobytes * 1000;
        }
        else if (call.Flag(name + "_enabled") == true && now == 0)
        {
            values[key] = DefaultLimit;
        }
    }

    private static void Count(
        TransmissionCall call,
        Dictionary<string, object> values,
        string name,
        string key,
        int now
    )
    {
        if (call.Flag(name + "_enabled") == false)
        {
            values[key] = 0L;
        }
        else if (call.Whole(name + "_size") is { } size && (now > 0 || call.Flag(name + "_enabled") == true))
        {
            values[key] = size;
        }
        else if (call.Flag(name + "_enabled") == true && now == 0)
        {
            values[key] = 5L;
        }
    }

    /// <summary>The folder of what is not complete, and whether it is used; with us it is used where there is one.</summary>
    private static void Incomplete(TransmissionCall call, Dictionary<string, object> values, DaemonSettings settings)
    {
        const string Key = "folders.incomplete";
        if (call.Text("incomplete_dir") is { Length: > 0 } folder)
        {
            values[Key] = PathJail.Check(folder, call.AllowedFolders, "incomplete_dir");
        }

        if (call.Flag("incomplete_dir_enabled") is { } isOn)
        {
            if (!isOn)
            {
                values[Key] = "";
            }
            else if (settings.IncompleteFolder.Length == 0)
            {
                values.TryAdd(Key, Path.Combine(settings.DownloadFolder, "incomplete"));
            }
        }
    }

    private static void Put(Dictionary<string, object> values, string key, object? value)
    {
        if (value is not null)
        {
            values[key] = value;
        }
    }
}
