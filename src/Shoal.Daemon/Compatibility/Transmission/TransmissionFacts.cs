using System.Text.Json.Nodes;
using Shoal.Api;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Daemon;

/// <summary>One torrent while its fields are asked for: what is needed for several is looked up once.</summary>
internal sealed class TransmissionFacts(LibraryTorrent torrent, TransmissionCall call)
{
    private readonly Lazy<TrackerList> _trackers = new(() => DetailEndpoints.Trackers(torrent));
    private readonly Lazy<IReadOnlyDictionary<int, string>> _renamed = new(() => TorrentItems.RenamedFiles(torrent));

    public LibraryTorrent Torrent { get; } = torrent;
    public TransmissionCall Call { get; } = call;
    public TorrentItem Item { get; } = call.Library.Item(torrent);
    public TorrentStatus? Status { get; } = torrent.Engine?.Status;
    public Metainfo? Metainfo { get; } = torrent.Engine?.Metainfo;
    public DaemonSettings Settings => Call.Services.Settings.Current;
    public IReadOnlyList<TrackerItem> Trackers => _trackers.Value.Trackers;
    public IReadOnlyList<PeerStatus> Peers => [.. (Status?.Peers ?? []).Where(peer => peer.WebSeed is null)];

    /// <summary>Files that the user sees: padding is none. Their places here are what the protocol numbers.</summary>
    public IReadOnlyList<(MetainfoFile File, int Index)> Files => FilesOf(Metainfo);

    public static IReadOnlyList<(MetainfoFile File, int Index)> FilesOf(Metainfo? metainfo) =>
        [.. (metainfo?.Files ?? []).Select((file, index) => (file, index)).Where(entry => !entry.file.IsPad)];

    public string PathOf(int index) => FileNames.PathOf(Metainfo!, _renamed.Value, index);

    /// <summary>What the files that the user sees are called.</summary>
    /// <exception cref="ApiException">They are not known yet.</exception>
    public static IReadOnlyList<(int Index, string Path)> NamesOf(LibraryTorrent torrent)
    {
        if (torrent.Engine?.Metainfo is not { } metainfo)
        {
            throw new ApiException(409, "not-ready", "the files are not known yet");
        }

        var renamed = TorrentItems.RenamedFiles(torrent);
        return [.. FilesOf(metainfo).Select(entry => (entry.Index, FileNames.PathOf(metainfo, renamed, entry.Index)))];
    }

    public FileWish WishOf(int index) =>
        Torrent.Entry.Priorities?.GetValueOrDefault(index, FileWish.Normal) ?? FileWish.Normal;

    /// <summary>"tr_torrent_activity", as numbers.</summary>
    public int Activity =>
        Item.State switch
        {
            TorrentPhase.Loading => 1,
            TorrentPhase.Checking => 2,
            TorrentPhase.Queued => Item.CompletedAt is null ? 3 : 5,
            TorrentPhase.Metadata or TorrentPhase.Downloading => 4,
            TorrentPhase.Seeding => 6,
            _ => 0,
        };

    public static JsonArray Array<T>(IEnumerable<T> items, Func<T, JsonNode?> make) => new([.. items.Select(make)]);
}
