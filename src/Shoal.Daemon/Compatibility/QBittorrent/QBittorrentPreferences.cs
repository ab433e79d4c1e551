using System.Globalization;
using System.Text.Json;

namespace Shoal.Daemon;

/// <summary>
/// Preferences under qBittorrent's names: ours where we have the same, read only where they follow from something, and the
/// rest with the value that says "not used". Those are taken and ignored, as qBittorrent ignores names that it does not know.
/// </summary>
internal static class QBittorrentPreferences
{
    // "encryption" counts: 0 as the peer wants, 1 always, 2 never.
    private static readonly string[] Encryptions = ["allow", "require", "off"];

    // "bittorrent_protocol": 0 both, 1 TCP, 2 uTP.
    private static readonly string[] Transports = ["both", "tcp", "utp"];

    private static readonly Preference[] All =
    [
        new("save_path", services => services.Settings.Current.DownloadFolder)
        {
            Set = (value, call, change) =>
                change["folders.download"] = QBittorrentAdding.FolderOf(call, "save_path", Text(value)),
        },
        new("temp_path_enabled", services => services.Settings.Current.IncompleteFolder.Length > 0)
        {
            Set = (value, call, change) =>
            {
                if (!Flag(value))
                {
                    change["folders.incomplete"] = "";
                }
                else if (call.Settings.IncompleteFolder.Length == 0)
                {
                    change["folders.incomplete"] = Path.Combine(call.Settings.DownloadFolder, "temp");
                }
            },
        },
        new("temp_path", services => services.Settings.Current.IncompleteFolder)
        {
            // Switched off it has no folder, with us.
            Set = (value, call, change) =>
            {
                var isOn = change.TryGetValue("folders.incomplete", out var wished)
                    ? wished is not ""
                    : call.Settings.IncompleteFolder.Length > 0;
                if (isOn && Text(value).Trim() is { Length: > 0 } path)
                {
                    change["folders.incomplete"] = QBittorrentAdding.FolderOf(call, "temp_path", path);
                }
            },
        },
        Same("dl_limit", "limits.download"),
        Same("up_limit", "limits.upload"),
        Same("alt_dl_limit", "alternative.download"),
        Same("alt_up_limit", "alternative.upload"),
        Same("dht", "network.dht"),
        Same("pex", "network.pex"),
        Same("lsd", "network.lsd"),
        Same("upnp", "network.port-mapping"),
        Same("max_connec", "network.max-peers"),
        Same("max_connec_per_torrent", "network.max-peers-per-torrent"),
        new("listen_port", services => services.Engine.Port)
        {
            Set = (value, _, change) => change["network.port"] = Math.Max(0, Whole(value)),
        },
        new("random_port", services => (long)services.Settings.Current["network.port"] == 0)
        {
            Set = (value, call, change) =>
            {
                if (Flag(value))
                {
                    change["network.port"] = 0L;
                }
                else if ((long)call.Settings["network.port"] == 0 && !change.ContainsKey("network.port"))
                {
                    change["network.port"] = (long)call.Services.Engine.Port;
                }
            },
        },
        Word("encryption", "network.encryption", Encryptions),
        Word("bittorrent_protocol", "network.transport", Transports),
        new("queueing_enabled", services => IsQueueing(services.Settings.Current))
        {
            Set = (value, call, change) =>
            {
                if (!Flag(value))
                {
                    change["queue.downloads"] = change["queue.seeds"] = 0L;
                }
                else if (!IsQueueing(call.Settings) && !change.ContainsKey("queue.downloads"))
                {
                    change["queue.downloads"] = change["queue.seeds"] = 3L;
                }
            },
        },
        Count("max_active_downloads", "queue.downloads"),
        Count("max_active_uploads", "queue.seeds"),
        new("max_active_torrents", _ => -1),
        new("max_ratio_enabled", services => services.Settings.Current.Ratio > 0)
        {
            Set = (value, _, change) =>
            {
                if (!Flag(value))
                {
                    change["queue.ratio"] = 0d;
                }
            },
        },
        new("max_ratio", services => services.Settings.Current.Ratio is > 0 and var ratio ? ratio : -1d)
        {
            Set = (value, _, change) =>
                change.TryAdd("queue.ratio", QBittorrentActions.RatioOf(Math.Max(-1, Number(value))) ?? 0),
        },
        new("max_seeding_time_enabled", services => services.Settings.Current.SeedTime > 0)
        {
            Set = (value, _, change) =>
            {
                if (!Flag(value))
                {
                    change["queue.seed-time"] = 0L;
                }
            },
        },
        new(
            "max_seeding_time",
            services => services.Settings.Current.SeedTime is > 0 and var time ? (time + 59) / 60 : -1
        )
        {
            Set = (value, _, change) =>
                change.TryAdd("queue.seed-time", QBittorrentActions.SeedTimeOf(Math.Max(-1, Whole(value))) ?? 0),
        },
        new("web_ui_domain_list", services => string.Join(';', services.Settings.Current.HttpHosts))
        {
            Set = (value, _, change) =>
                change["http.hosts"] = Text(value)
                    .Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                    .Where(host => host != "*")
                    .ToArray(),
        },
        new("ip_filter_enabled", services => Files(services).Length > 0),
        new("ip_filter_path", services => Files(services).FirstOrDefault() ?? ""),
        new("current_network_interface", services => Bound(services).FirstOrDefault() ?? ""),
        new("current_interface_name", services => Bound(services).FirstOrDefault() ?? ""),
        new(
            "dht_bootstrap_nodes",
            services => string.Join(", ", (string[])services.Settings.Current["network.dht-bootstrap"])
        ),
        new("rss_refresh_interval", services => (services.Settings.Current.FeedInterval + 59) / 60)
        {
            Set = (value, _, change) => change["feeds.interval"] = Math.Clamp(Whole(value), 1, 10_080) * 60,
        },
        new("web_ui_port", services => PortOf(services)),
        new("web_ui_address", services => services.Urls.Count > 0 ? new Uri(services.Urls[0]).Host : ""),
        // What always holds here.
        new("add_stopped_enabled", _ => false),
        new("add_to_top_of_queue", _ => false),
        new("announce_to_all_tiers", _ => false),
        new("announce_to_all_trackers", _ => false),
        new("bypass_auth_subnet_whitelist_enabled", _ => false),
        new("bypass_local_auth", _ => false),
        new("dont_count_slow_torrents", _ => true),
        new("max_ratio_act", _ => 0),
        new("proxy_type", _ => "None"),
        new("refresh_interval", _ => 1500),
        new("rss_auto_downloading_enabled", _ => true),
        new("rss_processing_enabled", _ => true),
        new("resolve_peer_countries", _ => false),
        new("slow_torrent_dl_rate_threshold", _ => 2),
        new("slow_torrent_inactive_timer", _ => 60),
        new("slow_torrent_ul_rate_threshold", _ => 2),
        new("ssrf_mitigation", _ => true),
        new("torrent_content_layout", _ => "Original"),
        new("torrent_stop_condition", _ => "None"),
        new("validate_https_tracker_certificate", _ => true),
        new("web_ui_clickjacking_protection_enabled", _ => true),
        new("web_ui_csrf_protection_enabled", _ => true),
        new("web_ui_host_header_validation_enabled", _ => true),
        new("web_ui_max_auth_fail_count", _ => 5),
        new("web_ui_session_timeout", _ => (int)QBittorrentSessions.IdleTime.TotalSeconds),
    ];

    // What we have no notion of: off.
    private static readonly string[] Off =
    [
        "add_trackers_enabled",
        "alternative_webui_enabled",
        "anonymous_mode",
        "auto_tmm_enabled",
        "autorun_enabled",
        "autorun_on_torrent_added_enabled",
        "block_peers_on_privileged_ports",
        "category_changed_tmm_enabled",
        "dyndns_enabled",
        "embedded_tracker_port_forwarding",
        "enable_embedded_tracker",
        "enable_multi_connections_from_same_ip",
        "excluded_file_names_enabled",
        "idn_support_enabled",
        "incomplete_files_ext",
        "ip_filter_trackers",
        "limit_lan_peers",
        "limit_tcp_overhead",
        "limit_utp_rate",
        "mail_notification_auth_enabled",
        "mail_notification_enabled",
        "mail_notification_ssl_enabled",
        "max_inactive_seeding_time_enabled",
        "preallocate_all",
        "proxy_auth_enabled",
        "proxy_peer_connections",
        "reannounce_when_address_changed",
        "recheck_completed_torrents",
        "rss_download_repack_proper_episodes",
        "save_path_changed_tmm_enabled",
        "scheduler_enabled",
        "start_paused_enabled",
        "torrent_changed_tmm_enabled",
        "use_category_paths_in_manual_mode",
        "use_https",
        "web_ui_reverse_proxy_enabled",
        "web_ui_secure_cookie_enabled",
        "web_ui_upnp",
        "web_ui_use_custom_http_headers_enabled",
    ];

    private static readonly string[] Nothing =
    [
        "add_trackers",
        "announce_ip",
        "autorun_on_torrent_added_program",
        "autorun_program",
        "banned_IPs",
        "bypass_auth_subnet_whitelist",
        "current_interface_address",
        "dyndns_domain",
        "dyndns_username",
        "excluded_file_names",
        "export_dir",
        "export_dir_fin",
        "locale",
        "mail_notification_email",
        "mail_notification_sender",
        "mail_notification_smtp",
        "mail_notification_username",
        "proxy_ip",
        "proxy_username",
        "rss_smart_episode_filters",
        "web_ui_custom_http_headers",
        "web_ui_https_cert_path",
        "web_ui_https_key_path",
        "web_ui_reverse_proxies_list",
        "web_ui_username",
    ];

    private static readonly (string Name, long Value)[] Numbers =
    [
        ("auto_delete_mode", 0),
        ("dyndns_service", 0),
        ("embedded_tracker_port", 0),
        ("max_inactive_seeding_time", -1),
        ("max_uploads", -1),
        ("max_uploads_per_torrent", -1),
        ("outgoing_ports_max", 0),
        ("outgoing_ports_min", 0),
        ("proxy_port", 0),
        ("rss_max_articles_per_feed", QBittorrentFeeds.MaxArticles),
        ("schedule_from_hour", 8),
        ("schedule_from_min", 0),
        ("schedule_to_hour", 20),
        ("schedule_to_min", 0),
        ("scheduler_days", 0),
        ("upload_choking_algorithm", 1),
        ("upload_slots_behavior", 0),
        ("utp_tcp_mixed_mode", 0),
        ("web_ui_ban_duration", 0),
    ];

    public static void Write(Utf8JsonWriter json, DaemonServices services)
    {
        var fields = All.Select(one => (one.Name, Value: one.Get(services)))
            .Concat(Off.Select(name => (name, (QBittorrentValue)false)))
            .Concat(Nothing.Select(name => (name, (QBittorrentValue)"")))
            .Concat(Numbers.Select(one => (one.Name, (QBittorrentValue)one.Value)));
        json.WriteStartObject();
        foreach (var (name, value) in fields)
        {
            json.WritePropertyName(name);
            value.Write(json);
        }

        json.WriteStartObject("scan_dirs");
        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>The changes of our settings that preferences mean.</summary>
    /// <exception cref="ApiException">One of them has a value that is none.</exception>
    public static Dictionary<string, JsonElement> Read(JsonElement wished, QBittorrentCall call)
    {
        var changes = new Dictionary<string, object>(StringComparer.Ordinal);
        // In our order, in which what switches off comes before the number beside it.
        foreach (var preference in All)
        {
            if (preference.Set is { } set && wished.TryGetProperty(preference.Name, out var value))
            {
                try
                {
                    set(value, call, changes);
                }
                catch (Exception error) when (error is InvalidOperationException or FormatException)
                {
                    throw ApiException.Bad(preference.Name, $"{preference.Name}: not a value of its kind");
                }
            }
        }

        return changes.ToDictionary(pair => pair.Key, pair => SettingDefinition.ToJson(pair.Value));
    }

    private static Preference Same(string name, string key) =>
        new(
            name,
            services =>
                services.Settings.Current[key] switch
                {
                    bool flag => flag,
                    long number => number,
                    var other => other.ToString() ?? "",
                }
        )
        {
            Set = (value, call, change) =>
                change[key] = call.Settings[key] is bool ? Flag(value) : Math.Max(0, Whole(value)),
        };

    private static Preference Word(string name, string key, string[] words) =>
        new(name, services => Math.Max(0, Array.IndexOf(words, (string)services.Settings.Current[key])))
        {
            Set = (value, call, change) =>
            {
                var number = Whole(value);
                change[key] =
                    number >= 0 && number < words.Length
                        ? words[number]
                        : throw ApiException.Bad(name, $"{name}: from 0 to {words.Length - 1}");
            },
        };

    // -1: any number; with us 0.
    private static Preference Count(string name, string key) =>
        new(name, services => (long)services.Settings.Current[key] is > 0 and var count ? count : -1)
        {
            // Queueing that is switched off in the same call stays so.
            Set = (value, _, change) =>
            {
                if (!(change.TryGetValue(key, out var off) && off is 0L))
                {
                    change[key] = Math.Max(0, Whole(value));
                }
            },
        };

    private static bool IsQueueing(DaemonSettings settings) => settings.ActiveDownloads > 0 || settings.ActiveSeeds > 0;

    private static string[] Files(DaemonServices services) => (string[])services.Settings.Current["network.ip-filter"];

    private static string[] Bound(DaemonServices services) => (string[])services.Settings.Current["network.bind"];

    private static int PortOf(DaemonServices services) => services.Urls.Count > 0 ? new Uri(services.Urls[0]).Port : 0;

    private static string Text(JsonElement value) => value.GetString() ?? "";

    private static bool Flag(JsonElement value) => value.GetBoolean();

    // Forms of some apps send numbers as text.
    private static double Number(JsonElement value) =>
        value.ValueKind == JsonValueKind.String
            ? double.Parse(Text(value), NumberStyles.Float, CultureInfo.InvariantCulture)
            : value.GetDouble();

    private static long Whole(JsonElement value) =>
        Number(value) is >= -1e15 and <= 1e15 and var number ? (long)number : throw new FormatException();

    /// <summary>One preference.</summary>
    /// <param name="Name">Of theirs.</param>
    /// <param name="Get">As it is.</param>
    private sealed record Preference(string Name, Func<DaemonServices, QBittorrentValue> Get)
    {
        /// <summary>Puts into our settings what it means; null: it cannot be changed.</summary>
        public Action<JsonElement, QBittorrentCall, Dictionary<string, object>>? Set { get; init; }
    }
}
