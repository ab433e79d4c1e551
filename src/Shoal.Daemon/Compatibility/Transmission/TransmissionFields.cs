using System.Text.Json.Nodes;
using Shoal.Api;
using Shoal.Engine;

namespace Shoal.Daemon;

/// <summary>The fields of torrent_get, in the new spelling; those that we have no notion of have their neutral value.</summary>
internal static class TransmissionFields
{
    private static readonly Dictionary<string, Func<TransmissionFacts, JsonNode?>> Fields = new(StringComparer.Ordinal)
    {
        ["activity_date"] = facts => facts.Item.ActiveAt ?? 0,
        ["added_date"] = facts => facts.Item.AddedAt,
        ["availability"] = Availability,
        ["bandwidth_priority"] = _ => 0,
        ["bytes_completed"] = facts =>
            TransmissionFacts.Array(
                facts.Files,
                entry => TorrentItems.DoneOf(facts.Metainfo!, entry.File, facts.Status?.Pieces)
            ),
        ["comment"] = facts => facts.Metainfo?.Comment ?? "",
        ["corrupt_ever"] = facts => facts.Status?.Wasted ?? 0,
        ["creator"] = facts => facts.Metainfo?.CreatedBy ?? "",
        ["date_created"] = facts => facts.Metainfo?.CreationDate ?? 0,
        ["desired_available"] = facts => facts.Item.Availability >= 1 ? facts.Item.WantedSize - facts.Item.Done : 0,
        ["done_date"] = facts => facts.Item.CompletedAt ?? 0,
        ["download_dir"] = facts => facts.Item.SaveDirectory,
        ["downloaded_ever"] = facts => facts.Item.Downloaded,
        ["download_limit"] = facts => ToKilobytes(facts.Item.DownloadLimit),
        ["download_limited"] = facts => facts.Item.DownloadLimit > 0,
        ["edit_date"] = _ => 0,
        // 3: "local error".
        ["error"] = facts => facts.Item.Error is null ? 0 : 3,
        ["error_string"] = facts => facts.Item.Error ?? "",
        ["eta"] = facts => facts.Item.SecondsLeft ?? -1,
        ["eta_idle"] = _ => -1,
        ["file_count"] = facts => facts.Files.Count,
        ["files"] = facts => TransmissionFacts.Array(facts.Files, entry => TransmissionLists.File(facts, entry)),
        ["file_stats"] = facts =>
            TransmissionFacts.Array(facts.Files, entry => TransmissionLists.FileStats(facts, entry)),
        ["group"] = _ => "",
        ["hash_string"] = facts => facts.Item.Id,
        ["have_unchecked"] = _ => 0,
        ["have_valid"] = facts => facts.Item.Done,
        ["honors_session_limits"] = _ => true,
        ["id"] = facts => facts.Torrent.Number,
        ["is_finished"] = facts => facts.Item is { Paused: true, CompletedAt: not null } && HasGivenEnough(facts),
        ["is_private"] = facts => facts.Item.Private,
        ["is_stalled"] = facts =>
            facts.Item is { State: TorrentPhase.Downloading or TorrentPhase.Seeding, DownloadRate: 0, UploadRate: 0 },
        ["labels"] = facts => TransmissionFacts.Array(facts.Item.Labels, label => (JsonNode)label),
        ["left_until_done"] = facts => Math.Max(0, facts.Item.WantedSize - facts.Item.Done),
        ["magnet_link"] = facts => DetailEndpoints.MagnetOf(facts.Torrent),
        ["manual_announce_time"] = _ => -1,
        ["max_connected_peers"] = MaxPeers,
        ["metadata_percent_complete"] = facts => facts.Item.Size > 0 ? 1 : 0,
        ["name"] = facts => facts.Item.Name,
        ["peer_limit"] = MaxPeers,
        ["peers"] = facts => TransmissionFacts.Array(facts.Peers, TransmissionLists.Peer),
        ["peers_connected"] = facts => facts.Item.Peers,
        ["peers_from"] = facts => TransmissionLists.PeersFrom(facts.Peers),
        ["peers_getting_from_us"] = facts => facts.Peers.Count(peer => peer.UploadRate > 0),
        ["peers_sending_to_us"] = facts => facts.Peers.Count(peer => peer.DownloadRate > 0),
        ["percent_complete"] = facts => Share(facts.Item.Done, facts.Item.Size),
        ["percent_done"] = facts => Share(facts.Item.Done, facts.Item.WantedSize),
        ["pieces"] = facts => Convert.ToBase64String(facts.Status?.Pieces is { } pieces ? pieces.Bytes : []),
        ["piece_count"] = facts => facts.Metainfo?.Layout.PieceCount ?? 0,
        ["piece_size"] = facts => facts.Metainfo?.Layout.PieceLength ?? 0,
        ["priorities"] = facts =>
            TransmissionFacts.Array(facts.Files, entry => TransmissionLists.Priority(facts.WishOf(entry.Index))),
        ["primary_mime_type"] = _ => "application/octet-stream",
        ["queue_position"] = facts => facts.Item.QueuePosition,
        ["rate_download"] = facts => facts.Item.DownloadRate,
        ["rate_upload"] = facts => facts.Item.UploadRate,
        ["recheck_progress"] = facts => facts.Item.State == TorrentPhase.Checking ? facts.Item.Progress : 0,
        ["seconds_downloading"] = facts => facts.Torrent.Entry.DownloadingSeconds,
        ["seconds_seeding"] = facts => facts.Torrent.Entry.SeedingSeconds,
        ["seed_idle_limit"] = _ => 30,
        // 2: never by idleness.
        ["seed_idle_mode"] = _ => 2,
        ["seed_ratio_limit"] = facts => facts.Item.RatioLimit is > 0 and { } ratio ? ratio : 2,
        // 0: as the session, 1: its own, 2: never.
        ["seed_ratio_mode"] = facts =>
            facts.Item.RatioLimit switch
            {
                null => 0,
                > 0 => 1,
                _ => 2,
            },
        ["sequential_download"] = facts => facts.Item.Sequential,
        ["sequential_download_from_piece"] = _ => 0,
        ["size_when_done"] = facts => facts.Item.WantedSize,
        ["start_date"] = facts => facts.Item.AddedAt,
        ["status"] = facts => facts.Activity,
        ["torrent_file"] = _ => "",
        ["total_size"] = facts => facts.Item.Size,
        ["trackers"] = facts =>
            TransmissionFacts.Array(
                facts.Trackers.Index(),
                entry => TransmissionLists.Tracker(entry.Item, entry.Index)
            ),
        ["tracker_list"] = facts =>
            string.Join(
                "\n\n",
                facts
                    .Trackers.GroupBy(tracker => tracker.Tier)
                    .Select(tier => string.Join('\n', tier.Select(tracker => tracker.Url)))
            ),
        ["tracker_stats"] = facts =>
            TransmissionFacts.Array(
                facts.Trackers.Index(),
                entry => TransmissionLists.TrackerStats(entry.Item, entry.Index)
            ),
        ["uploaded_ever"] = facts => facts.Item.Uploaded,
        ["upload_limit"] = facts => ToKilobytes(facts.Item.UploadLimit),
        ["upload_limited"] = facts => facts.Item.UploadLimit > 0,
        // -1: "not applicable".
        ["upload_ratio"] = facts => facts.Item.Downloaded + facts.Item.Size > 0 ? facts.Item.Ratio : -1,
        ["wanted"] = Wanted,
        ["webseeds"] = facts => TransmissionFacts.Array(facts.Metainfo?.WebSeeds ?? [], url => (JsonNode)url),
        ["webseeds_ex"] = facts =>
            TransmissionFacts.Array(
                (facts.Status?.Peers ?? []).Where(peer => peer.WebSeed is not null),
                TransmissionLists.WebSeed
            ),
        ["webseeds_sending_to_us"] = facts =>
            facts.Status?.Peers.Count(peer => peer is { WebSeed: not null, DownloadRate: > 0 }) ?? 0,
    };

    public static IEnumerable<string> All => Fields.Keys;

    /// <summary>False: there is no such field, which the protocol leaves out.</summary>
    public static bool TryGet(TransmissionFacts facts, string name, out JsonNode? value)
    {
        if (Fields.TryGetValue(name, out var make))
        {
            value = make(facts);
            return true;
        }

        value = null;
        return false;
    }

    /// <summary>The protocol counts kilobytes of 1,000 bytes.</summary>
    public static long ToKilobytes(long bytes) => (bytes + 999) / 1000;

    private static JsonNode? MaxPeers(TransmissionFacts facts) => (long)facts.Settings["network.max-peers-per-torrent"];

    private static double Share(long part, long whole) => whole > 0 ? Math.Round((double)part / whole, 4) : 0;

    private static bool HasGivenEnough(TransmissionFacts facts) =>
        (facts.Item.RatioLimit ?? facts.Settings.Ratio) is > 0 and var ratio && facts.Item.Ratio >= ratio;

    /// <summary>Peers that have each piece, -1 for those that are here; as long as nobody has counted, of the rarest.</summary>
    private static JsonArray Availability(TransmissionFacts facts)
    {
        var pieces = facts.Status?.Pieces;
        var copies = facts.Torrent.Engine?.AskForCopies();
        var rarest = (int)facts.Item.Availability;
        return TransmissionFacts.Array(
            Enumerable.Range(0, pieces?.Length ?? 0),
            piece => pieces![piece] ? -1 : copies?[piece] ?? rarest
        );
    }

    // "for backwards compatibility, in the old bespoke API, wanted is serialized as an array of 0 or 1"
    private static JsonArray Wanted(TransmissionFacts facts) =>
        TransmissionFacts.Array<(Protocol.MetainfoFile File, int Index)>(
            facts.Files,
            entry =>
            {
                var wanted = facts.WishOf(entry.Index) != FileWish.Skip;
                return facts.Call.IsOld
                    ? wanted
                        ? 1
                        : 0
                    : wanted;
            }
        );
}
