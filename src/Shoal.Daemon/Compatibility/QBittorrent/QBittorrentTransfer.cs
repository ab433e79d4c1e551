using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Shoal.Api;

namespace Shoal.Daemon;

/// <summary>What holds for all torrents together: rates, limits, the log.</summary>
internal static class QBittorrentTransfer
{
    // "type" of a line of the log.
    private const int Normal = 1;
    private const int Information = 2;
    private const int Warning = 4;
    private const int Critical = 8;

    public static IReadOnlyDictionary<string, QBittorrentRoute> Routes { get; } =
        new Dictionary<string, QBittorrentRoute>
        {
            ["transfer/info"] = new(AccessScope.Read, false, InfoAsync),
            ["transfer/speedLimitsMode"] = new(
                AccessScope.Read,
                false,
                call => call.WriteTextAsync(IsAlternative(call) ? "1" : "0")
            ),
            ["transfer/setSpeedLimitsMode"] = new(
                AccessScope.Admin,
                true,
                call =>
                {
                    call.Need("mode");
                    return SetAsync(call, "alternative.enabled", call.Whole("mode") is > 0 or < 0);
                }
            ),
            ["transfer/toggleSpeedLimitsMode"] = new(
                AccessScope.Admin,
                true,
                call => SetAsync(call, "alternative.enabled", !IsAlternative(call))
            ),
            ["transfer/downloadLimit"] = new(
                AccessScope.Read,
                false,
                call => call.WriteTextAsync($"{call.Settings.Limits.Download}")
            ),
            ["transfer/uploadLimit"] = new(
                AccessScope.Read,
                false,
                call => call.WriteTextAsync($"{call.Settings.Limits.Upload}")
            ),
            ["transfer/setDownloadLimit"] = new(AccessScope.Admin, true, call => SetLimitAsync(call, "download")),
            ["transfer/setUploadLimit"] = new(AccessScope.Admin, true, call => SetLimitAsync(call, "upload")),
            ["transfer/banPeers"] = new(AccessScope.Control, true, BanAsync),
            ["log/main"] = new(AccessScope.Read, false, LogAsync),
            // Who was refused is counted by nobody.
            ["log/peers"] = new(AccessScope.Read, false, call => call.WriteJsonAsync(WriteNone)),
        };

    /// <summary>"server_state" of sync/maindata.</summary>
    public static IReadOnlyList<(string Name, QBittorrentValue Value)> ServerState(QBittorrentCall call)
    {
        var status = StatusEndpoints.Status(call.Services);
        var settings = call.Settings;
        return
        [
            .. Info(call, status),
            ("alltime_dl", status.AllTimeDownloaded),
            ("alltime_ul", status.AllTimeUploaded),
            ("average_time_queue", 0),
            ("free_space_on_disk", status.FreeSpace ?? 0),
            (
                "global_ratio",
                status.AllTimeDownloaded > 0
                    ? FormattableString.Invariant($"{(double)status.AllTimeUploaded / status.AllTimeDownloaded:0.00}")
                    : "-"
            ),
            ("queued_io_jobs", 0),
            ("queueing", settings.ActiveDownloads > 0 || settings.ActiveSeeds > 0),
            ("read_cache_hits", "0"),
            ("read_cache_overload", "0"),
            ("refresh_interval", 1500),
            ("total_buffers_size", 0),
            ("total_peer_connections", status.Peers),
            ("total_queued_size", 0),
            ("total_wasted_session", call.Library.All.Sum(torrent => torrent.Engine?.Status.Wasted ?? 0)),
            ("use_alt_speed_limits", IsAlternative(call)),
            ("use_subcategories", false),
            ("write_cache_overload", "0"),
        ];
    }

    private static Task InfoAsync(QBittorrentCall call)
    {
        var fields = Info(call, StatusEndpoints.Status(call.Services));
        return call.WriteJsonAsync(json => QBittorrentDetails.WriteObject(json, fields));
    }

    private static (string Name, QBittorrentValue Value)[] Info(QBittorrentCall call, DaemonStatus status)
    {
        var external = call.Services.Engine.ExternalAddresses;
        string External(AddressFamily family) =>
            external.FirstOrDefault(address => address.AddressFamily == family)?.ToString() ?? "";
        var (download, upload) = call.Settings.Limits;
        return
        [
            ("connection_status", call.Library.IsReachable ? "connected" : "firewalled"),
            ("dht_nodes", call.Services.Engine.DhtNodes),
            ("dl_info_data", status.Downloaded),
            ("dl_info_speed", status.DownloadRate),
            ("dl_rate_limit", download),
            ("last_external_address_v4", External(AddressFamily.InterNetwork)),
            ("last_external_address_v6", External(AddressFamily.InterNetworkV6)),
            ("up_info_data", status.Uploaded),
            ("up_info_speed", status.UploadRate),
            ("up_rate_limit", upload),
        ];
    }

    private static bool IsAlternative(QBittorrentCall call) => (bool)call.Settings["alternative.enabled"];

    private static Task SetLimitAsync(QBittorrentCall call, string direction)
    {
        call.Need("limit");
        var limit = Math.Max(0, call.Whole("limit") ?? 0);
        return SetAsync(call, (IsAlternative(call) ? "alternative." : "limits.") + direction, limit);
    }

    private static async Task SetAsync(QBittorrentCall call, string key, object value)
    {
        await call
            .Services.Settings.ChangeAsync(
                new Dictionary<string, JsonElement> { [key] = SettingDefinition.ToJson(value) }
            )
            .ConfigureAwait(false);
        await call.WriteTextAsync("").ConfigureAwait(false);
    }

    private static Task BanAsync(QBittorrentCall call)
    {
        foreach (var peer in QBittorrentCall.Split(call.Need("peers")))
        {
            if (IPEndPoint.TryParse(peer, out var end))
            {
                call.Services.Engine.Ban(end.Address);
            }
        }

        return call.WriteTextAsync("");
    }

    private static Task LogAsync(QBittorrentCall call)
    {
        var feed = call.Library.Events;
        var known = call.Whole("last_known_id") ?? -1;
        bool Wants(int type) =>
            type switch
            {
                Normal => call.Flag("normal") ?? true,
                Information => call.Flag("info") ?? true,
                Warning => call.Flag("warning") ?? true,
                _ => call.Flag("critical") ?? true,
            };
        // Apps keep these numbers in 32 bits.
        var lines = feed.Kept()
            .Select(line => (Id: line.Id - feed.FirstId, Type: TypeOf(line), Line: line))
            .Where(line => line.Id > known && Wants(line.Type))
            .ToList();
        return call.WriteJsonAsync(json =>
        {
            json.WriteStartArray();
            foreach (var (id, type, line) in lines)
            {
                QBittorrentDetails.WriteObject(
                    json,
                    [("id", id), ("message", TextOf(line)), ("timestamp", line.At), ("type", type)]
                );
            }

            json.WriteEndArray();
        });
    }

    private static int TypeOf(DaemonEvent line) =>
        line.Kind switch
        {
            "torrent-failed" => Critical,
            "warning" => Warning,
            "torrent-state" => Information,
            _ => Normal,
        };

    private static string TextOf(DaemonEvent line) =>
        string.Join(
            ": ",
            new[] { line.Kind, line.Name, line.State?.ToString().ToLowerInvariant(), line.Message }.Where(part =>
                !string.IsNullOrEmpty(part)
            )
        );

    private static void WriteNone(Utf8JsonWriter json)
    {
        json.WriteStartArray();
        json.WriteEndArray();
    }
}
