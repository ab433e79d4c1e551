using System.Text.Json.Nodes;
using Shoal.Api;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Daemon;

/// <summary>The lists inside torrents: files, peers, trackers. Names in the new spelling.</summary>
internal static class TransmissionLists
{
    public static JsonObject File(TransmissionFacts facts, (MetainfoFile File, int Index) entry)
    {
        var file = entry.File;
        var layout = facts.Metainfo!.Layout;
        var first = file.Size > 0 ? layout.PieceAt(file.Offset).Value : 0;
        return new JsonObject
        {
            ["bytes_completed"] = TorrentItems.DoneOf(facts.Metainfo, file, facts.Status?.Pieces),
            ["length"] = file.Size,
            ["name"] = facts.PathOf(entry.Index),
            ["begin_piece"] = first,
            ["end_piece"] = file.Size > 0 ? layout.PieceAt(file.End - 1).Value + 1 : first,
        };
    }

    public static JsonObject FileStats(TransmissionFacts facts, (MetainfoFile File, int Index) entry)
    {
        var wish = facts.WishOf(entry.Index);
        return new JsonObject
        {
            ["bytes_completed"] = TorrentItems.DoneOf(facts.Metainfo!, entry.File, facts.Status?.Pieces),
            ["wanted"] = wish != FileWish.Skip,
            ["priority"] = Priority(wish),
        };
    }

    /// <summary>-1 low, 0 normal, 1 high.</summary>
    public static int Priority(FileWish wish) =>
        wish switch
        {
            FileWish.Low => -1,
            FileWish.High => 1,
            _ => 0,
        };

    public static JsonObject Peer(PeerStatus peer)
    {
        var isDownloading = peer is { IsChokingUs: false, AreWeInterested: true, DownloadRate: > 0 };
        return new JsonObject
        {
            ["address"] = peer.EndPoint.Address.ToString(),
            ["bytes_to_client"] = peer.Downloaded,
            ["bytes_to_peer"] = peer.Uploaded,
            ["client_is_choked"] = peer.IsChokingUs,
            ["client_is_interested"] = peer.AreWeInterested,
            ["client_name"] = peer.Client,
            ["flag_str"] = Flags(peer, isDownloading),
            ["is_downloading_from"] = isDownloading,
            ["is_encrypted"] = peer.Encryption == StreamEncryption.Rc4,
            ["is_incoming"] = !peer.IsOutgoing,
            ["is_uploading_to"] = peer is { AreWeChoking: false, IsInterested: true },
            ["is_utp"] = peer.Transport == TransportKind.Utp,
            ["peer_id"] = Convert.ToBase64String(peer.PeerId.Span),
            ["peer_is_choked"] = peer.AreWeChoking,
            ["peer_is_interested"] = peer.IsInterested,
            ["port"] = peer.EndPoint.Port,
            ["progress"] = Math.Round(peer.Progress, 4),
            ["rate_to_client"] = peer.DownloadRate,
            ["rate_to_peer"] = peer.UploadRate,
        };
    }

    public static JsonObject PeersFrom(IReadOnlyList<PeerStatus> peers)
    {
        int From(PeerSource source) => peers.Count(peer => peer.Source.HasFlag(source));
        return new JsonObject
        {
            ["from_cache"] = From(PeerSource.Resume),
            ["from_dht"] = From(PeerSource.Dht),
            ["from_incoming"] = From(PeerSource.Incoming),
            ["from_lpd"] = From(PeerSource.LocalDiscovery),
            ["from_ltep"] = From(PeerSource.HolePunch),
            ["from_pex"] = From(PeerSource.Pex),
            ["from_tracker"] = From(PeerSource.Tracker),
        };
    }

    public static JsonObject WebSeed(PeerStatus peer) =>
        new()
        {
            ["url"] = peer.WebSeed,
            ["is_downloading"] = peer.DownloadRate > 0,
            ["download_bytes_per_second"] = peer.DownloadRate,
        };

    public static JsonObject Tracker(TrackerItem tracker, int id) =>
        new()
        {
            ["announce"] = tracker.Url,
            ["id"] = id,
            ["scrape"] = ScrapeOf(tracker.Url),
            ["sitename"] = SiteOf(tracker.Url),
            ["tier"] = tracker.Tier,
        };

    public static JsonObject TrackerStats(TrackerItem tracker, int id)
    {
        var works = tracker.Working == true;
        return new JsonObject
        {
            ["announce"] = tracker.Url,
            // 0 inactive, 1 waiting.
            ["announce_state"] = tracker.NextAnnounceAt is null ? 0 : 1,
            ["download_count"] = -1,
            ["downloader_count"] = -1,
            ["has_announced"] = tracker.Working is not null,
            ["has_scraped"] = tracker.Seeds is not null,
            ["host"] = HostOf(tracker.Url),
            ["id"] = id,
            ["is_backup"] = false,
            ["last_announce_peer_count"] = works ? tracker.Peers ?? 0 : 0,
            ["last_announce_result"] = works ? "Success" : tracker.Message ?? "",
            ["last_announce_start_time"] = 0,
            ["last_announce_succeeded"] = works,
            ["last_announce_time"] = 0,
            ["last_announce_timed_out"] = false,
            ["last_scrape_result"] = "",
            ["last_scrape_start_time"] = 0,
            ["last_scrape_succeeded"] = tracker.Seeds is not null,
            ["last_scrape_time"] = 0,
            ["last_scrape_timed_out"] = false,
            ["leecher_count"] = tracker.Peers ?? -1,
            ["next_announce_time"] = tracker.NextAnnounceAt ?? 0,
            ["next_scrape_time"] = 0,
            ["scrape"] = ScrapeOf(tracker.Url),
            ["scrape_state"] = 0,
            ["seeder_count"] = tracker.Seeds ?? -1,
            ["sitename"] = SiteOf(tracker.Url),
            ["tier"] = tracker.Tier,
        };
    }

    private static string Flags(PeerStatus peer, bool isDownloading) =>
        string.Concat(
            isDownloading ? "D"
                : peer.AreWeInterested ? "d"
                : "",
            peer is { AreWeChoking: false, IsInterested: true } ? "U"
                : peer.IsInterested ? "u"
                : "",
            peer is { IsChokingUs: false, AreWeInterested: false } ? "K" : "",
            peer is { AreWeChoking: false, IsInterested: false } ? "?" : "",
            peer.Encryption == StreamEncryption.Rc4 ? "E" : "",
            peer.Source.HasFlag(PeerSource.Dht) ? "H" : "",
            peer.Source.HasFlag(PeerSource.Pex) ? "X" : "",
            peer.IsOutgoing ? "" : "I",
            peer.Transport == TransportKind.Utp ? "T" : ""
        );

    // BEP 48: the last "announce" of the path makes room for "scrape".
    private static string ScrapeOf(string url)
    {
        var at = url.LastIndexOf("/announce", StringComparison.Ordinal);
        return at < 0 || url.StartsWith("udp:", StringComparison.Ordinal)
            ? ""
            : url[..at] + "/scrape" + url[(at + "/announce".Length)..];
    }

    private static string HostOf(string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var uri) ? $"{uri.Scheme}://{uri.Host}:{uri.Port}" : url;

    private static string SiteOf(string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var uri) && uri.Host.Split('.') is [.., var site, _] ? site : "";
}
