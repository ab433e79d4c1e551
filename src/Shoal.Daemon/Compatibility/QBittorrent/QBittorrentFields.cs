using System.Text.Json;
using Shoal.Api;

namespace Shoal.Daemon;

/// <summary>The fields of a torrent in lists, under the names of the protocol.</summary>
internal static class QBittorrentFields
{
    /// <summary>"eta": this many seconds mean that nobody knows.</summary>
    public const long NoEnd = 8_640_000;

    // "ratio_limit", "seeding_time_limit": as the settings say.
    private const int AsSettings = -2;
    private const int Never = -1;

    public static IReadOnlyList<(string Name, Func<QBittorrentFacts, QBittorrentValue> Of)> All { get; } =
    [
        ("added_on", facts => facts.Item.AddedAt),
        ("amount_left", facts => Math.Max(0, facts.Item.WantedSize - facts.Item.Done)),
        ("auto_tmm", _ => false),
        ("availability", facts => facts.Item.Availability),
        ("category", facts => facts.Item.Category ?? ""),
        ("comment", facts => facts.Comment),
        ("completed", facts => facts.Item.Done),
        ("completion_on", facts => facts.Item.CompletedAt ?? -1),
        ("connections_count", facts => facts.Item.Peers),
        ("connections_limit", facts => facts.MaxPeers),
        ("content_path", ContentPath),
        ("created_by", facts => facts.CreatedBy),
        ("creation_date", facts => facts.CreatedAt),
        ("dl_limit", facts => facts.Item.DownloadLimit),
        ("dlspeed", facts => facts.Item.DownloadRate),
        ("download_path", facts => facts.Item.IncompleteDirectory ?? ""),
        ("downloaded", facts => facts.Item.Downloaded),
        ("downloaded_session", facts => facts.SessionDownloaded),
        ("eta", facts => facts.Item.SecondsLeft ?? NoEnd),
        ("f_l_piece_prio", facts => facts.Item.FirstLast),
        ("force_start", facts => facts.Item.Forced),
        ("has_metadata", facts => facts.HasMetadata),
        ("has_other_announce_error", _ => false),
        ("has_tracker_error", facts => facts.HasTrackerError),
        ("has_tracker_warning", facts => facts.HasTrackerWarning),
        ("inactive_seeding_time_limit", _ => AsSettings),
        ("infohash_v1", facts => facts.Item.InfoHashV1 ?? ""),
        ("infohash_v2", facts => facts.Item.InfoHashV2 ?? ""),
        ("last_activity", facts => facts.Item.ActiveAt ?? facts.Item.AddedAt),
        ("magnet_uri", facts => facts.Magnet),
        ("max_inactive_seeding_time", _ => Never),
        ("max_ratio", facts => (facts.Item.RatioLimit ?? facts.SettingsRatio) is > 0 and var ratio ? ratio : -1d),
        ("max_seeding_time", MaxSeedingTime),
        ("name", facts => facts.Item.Name),
        ("num_complete", facts => facts.Item.SwarmSeeds ?? facts.Item.Seeds),
        ("num_incomplete", facts => facts.Item.SwarmPeers ?? facts.Item.Peers - facts.Item.Seeds),
        ("num_leechs", facts => facts.Item.Peers - facts.Item.Seeds),
        ("num_seeds", facts => facts.Item.Seeds),
        ("piece_size", facts => facts.PieceLength),
        ("pieces_have", facts => facts.PiecesDone),
        ("pieces_num", facts => facts.Pieces),
        ("popularity", facts => Popularity(facts.Item)),
        ("priority", facts => facts.Item.QueuePosition + 1),
        ("private", facts => facts.HasMetadata ? facts.Item.Private : QBittorrentValue.Null),
        ("progress", Progress),
        ("ratio", facts => facts.Item.Ratio),
        ("ratio_limit", facts => OwnRatio(facts.Item)),
        ("reannounce", _ => 0),
        ("root_path", facts => facts.HasFolder ? ContentPath(facts) : ""),
        ("save_path", facts => facts.Item.SaveDirectory),
        ("seeding_time", facts => facts.Item.SeedingSeconds),
        ("seeding_time_limit", facts => OwnSeedTime(facts.Item)),
        ("seen_complete", facts => facts.Item.Availability >= 1 ? facts.Item.ActiveAt ?? 0 : 0),
        ("seq_dl", facts => facts.Item.Sequential),
        ("share_limit_action", _ => "Stop"),
        ("size", facts => facts.Item.WantedSize),
        ("state", facts => State(facts)),
        ("super_seeding", facts => facts.Item.SuperSeeding),
        ("tags", facts => string.Join(", ", facts.Item.Labels)),
        ("time_active", facts => facts.ActiveSeconds),
        ("total_size", facts => facts.Item.Size),
        ("total_wasted", facts => facts.Wasted),
        ("tracker", facts => facts.Tracker),
        ("trackers_count", facts => facts.Trackers.Count),
        ("up_limit", facts => facts.Item.UploadLimit),
        ("uploaded", facts => facts.Item.Uploaded),
        ("uploaded_session", facts => facts.SessionUploaded),
        ("upspeed", facts => facts.Item.UploadRate),
    ];

    /// <summary>Null: there is no such field.</summary>
    public static Func<QBittorrentFacts, QBittorrentValue>? Find(string name) =>
        name == "hash" ? facts => facts.Hash : All.FirstOrDefault(field => field.Name == name).Of;

    /// <summary>All fields; or those only that are other than before.</summary>
    /// <returns>Something was written.</returns>
    public static bool Write(Utf8JsonWriter json, QBittorrentFacts facts, QBittorrentFacts? before)
    {
        var any = false;
        foreach (var (name, of) in All)
        {
            var value = of(facts);
            if (before is null || value != of(before))
            {
                json.WritePropertyName(name);
                value.Write(json);
                any = true;
            }
        }

        return any;
    }

    public static string State(QBittorrentFacts facts)
    {
        var item = facts.Item;
        var end = facts.IsDone ? "UP" : "DL";
        return item switch
        {
            { MovingTo: not null } => "moving",
            { State: TorrentPhase.Failed } => facts.IsMissing ? "missingFiles" : "error",
            { State: TorrentPhase.Loading } => "checkingResumeData",
            { State: TorrentPhase.Checking } => "checking" + end,
            { State: TorrentPhase.Queued } => "queued" + end,
            { State: TorrentPhase.Paused } => "stopped" + end,
            { State: TorrentPhase.Metadata, Forced: true } => "forcedMetaDL",
            { State: TorrentPhase.Metadata } => "metaDL",
            { Forced: true } => "forced" + end,
            { State: TorrentPhase.Seeding } => item.UploadRate > 0 ? "uploading" : "stalledUP",
            _ => item.DownloadRate > 0 ? "downloading" : "stalledDL",
        };
    }

    /// <summary>Of what is wanted, from 0 to 1; while it is checked what is checked.</summary>
    public static QBittorrentValue Progress(QBittorrentFacts facts) => facts.Item.Progress;

    public static QBittorrentValue ContentPath(QBittorrentFacts facts) =>
        facts.ContentName is { } name
            ? Path.Combine(facts.Item.IncompleteDirectory ?? facts.Item.SaveDirectory, name)
            : "";

    public static double OwnRatio(TorrentItem item) =>
        item.RatioLimit switch
        {
            null => AsSettings,
            > 0 and var ratio => ratio,
            _ => Never,
        };

    /// <summary>In minutes.</summary>
    public static long OwnSeedTime(TorrentItem item) =>
        item.SeedTimeLimit switch
        {
            null => AsSettings,
            > 0 and var seconds => (seconds + 59) / 60,
            _ => Never,
        };

    /// <summary>Ratio a month.</summary>
    public static double Popularity(TorrentItem item)
    {
        const double Month = 30 * 24 * 3600;
        return item.SeedingSeconds > 0 ? Math.Round(item.Ratio / (item.SeedingSeconds / Month), 3) : 0;
    }

    private static QBittorrentValue MaxSeedingTime(QBittorrentFacts facts) =>
        (facts.Item.SeedTimeLimit ?? facts.SettingsSeedTime) is > 0 and var seconds ? (seconds + 59) / 60 : Never;
}
