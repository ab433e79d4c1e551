using Shoal.Api;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Daemon;

/// <summary>
/// One torrent as it was when it was looked at: what the fields of the protocol are computed of. Immutable, so that what an
/// app was told last can be kept and compared.
/// </summary>
internal sealed record QBittorrentFacts
{
    public required TorrentItem Item { get; init; }
    public required string Magnet { get; init; }
    public required string Hash { get; init; }

    /// <summary>The name of the folder or file below the save path; null: not known yet.</summary>
    public string? ContentName { get; init; }
    public bool HasFolder { get; init; }
    public bool HasMetadata { get; init; }
    public bool IsMissing { get; init; }
    public string Comment { get; init; } = "";
    public string CreatedBy { get; init; } = "";
    public long CreatedAt { get; init; }
    public int Pieces { get; init; }
    public int PieceLength { get; init; }
    public int PiecesDone { get; init; }
    public long Wasted { get; init; }
    public long SessionDownloaded { get; init; }
    public long SessionUploaded { get; init; }
    public long ActiveSeconds { get; init; }

    /// <summary>In the order of their tiers.</summary>
    public IReadOnlyList<string> Trackers { get; init; } = [];

    /// <summary>The first that works; empty: none.</summary>
    public string Tracker { get; init; } = "";
    public bool HasTrackerWarning { get; init; }
    public bool HasTrackerError { get; init; }

    /// <summary>Of the settings, or of the category: what holds where the torrent has no limit of its own.</summary>
    public double SettingsRatio { get; init; }
    public long SettingsSeedTime { get; init; }
    public long MaxPeers { get; init; }

    /// <summary>Everything wanted is here.</summary>
    public bool IsDone => Item.CompletedAt is not null || (Item.WantedSize > 0 && Item.Done == Item.WantedSize);

    public static QBittorrentFacts Of(LibraryTorrent torrent, TorrentItem item, DaemonSettings settings)
    {
        var status = torrent.Engine?.Status;
        var metainfo = torrent.Engine?.Metainfo;
        var trackers = DetailEndpoints.Trackers(torrent).Trackers;
        var (name, hasFolder) = ContentOf(torrent, metainfo);
        return new QBittorrentFacts
        {
            Item = item,
            Hash = HashOf(torrent.Entry),
            Magnet = DetailEndpoints.MagnetOf(torrent),
            ContentName = name,
            HasFolder = hasFolder,
            HasMetadata = metainfo is not null,
            IsMissing = status?.FailureKind == DiskFailureKind.Missing,
            Comment = metainfo?.Comment ?? "",
            CreatedBy = metainfo?.CreatedBy ?? "",
            CreatedAt = metainfo?.CreationDate ?? 0,
            Pieces = metainfo?.Layout.PieceCount ?? 0,
            PieceLength = metainfo?.Layout.PieceLength ?? 0,
            PiecesDone = status?.Pieces?.Count ?? 0,
            Wasted = status?.Wasted ?? 0,
            SessionDownloaded = status?.Downloaded ?? 0,
            SessionUploaded = status?.Uploaded ?? 0,
            ActiveSeconds = (torrent.Entry.DownloadingSeconds + torrent.Entry.SeedingSeconds) / 60 * 60,
            Trackers = [.. trackers.Select(tracker => tracker.Url)],
            Tracker = trackers.FirstOrDefault(tracker => tracker.Working == true)?.Url ?? "",
            HasTrackerWarning = trackers.Any(tracker => tracker is { Working: true, Message: { Length: > 0 } }),
            HasTrackerError = trackers.Any(tracker => tracker.Working == false),
            SettingsRatio = settings.Ratio,
            SettingsSeedTime = settings.SeedTime,
            MaxPeers = (long)settings["network.max-peers-per-torrent"],
        };
    }

    /// <summary>The file, or the folder that all files lie in: empty where files were renamed so that there is none.</summary>
    private static (string? Name, bool HasFolder) ContentOf(LibraryTorrent torrent, Metainfo? metainfo)
    {
        if (metainfo is not { Files: [{ Path: var first }, ..] })
        {
            return (metainfo?.Name, false);
        }

        var renamed = TorrentItems.RenamedFiles(torrent);
        var top = FileNames.TopOf(metainfo, renamed);
        var isFolder =
            renamed.Count == 0
                ? first.Contains('/', StringComparison.Ordinal)
                : TransmissionFacts.NamesOf(torrent).Count > 1;
        return (top ?? "", top is not null && isFolder);
    }

    /// <summary>The name that apps know the torrent by: 40 digits, of a v2 hash the first as BEP 52 shortens it.</summary>
    public static string HashOf(LibraryEntry entry) => entry.Id.Length > 40 ? entry.Id[..40] : entry.Id;
}
