using System.Text.Json;
using Shoal.Api;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Daemon;

/// <summary>One torrent in detail: properties, files, trackers, pieces, its .torrent.</summary>
internal static class QBittorrentDetails
{
    // "status" of a tracker.
    private const int Disabled = 0;
    private const int NotContacted = 1;
    private const int Working = 2;
    private const int NotWorking = 4;

    public static IReadOnlyDictionary<string, QBittorrentRoute> Routes { get; } =
        new Dictionary<string, QBittorrentRoute>
        {
            ["torrents/properties"] = new(AccessScope.Read, false, PropertiesAsync),
            ["torrents/trackers"] = new(AccessScope.Read, false, TrackersAsync),
            ["torrents/webseeds"] = new(AccessScope.Read, false, WebSeedsAsync),
            ["torrents/files"] = new(AccessScope.Read, false, FilesAsync),
            ["torrents/pieceStates"] = new(AccessScope.Read, false, PieceStatesAsync),
            ["torrents/pieceHashes"] = new(AccessScope.Read, false, PieceHashesAsync),
            ["torrents/export"] = new(AccessScope.Read, false, ExportAsync),
        };

    private static Task PropertiesAsync(QBittorrentCall call)
    {
        var torrent = call.Torrent();
        var facts = QBittorrentFacts.Of(torrent, call.Library.Item(torrent), call.Settings);
        var item = facts.Item;
        var entry = torrent.Entry;
        (string Name, QBittorrentValue Value)[] fields =
        [
            ("addition_date", item.AddedAt),
            ("availability", item.Availability),
            ("comment", facts.Comment),
            ("completion_date", item.CompletedAt ?? -1),
            ("created_by", facts.CreatedBy),
            ("creation_date", facts.CreatedAt > 0 ? facts.CreatedAt : -1),
            ("dl_limit", item.DownloadLimit > 0 ? item.DownloadLimit : -1),
            ("dl_speed", item.DownloadRate),
            ("dl_speed_avg", item.Downloaded / Math.Max(1, entry.DownloadingSeconds)),
            ("download_path", item.IncompleteDirectory ?? ""),
            ("eta", item.SecondsLeft ?? QBittorrentFields.NoEnd),
            ("has_metadata", facts.HasMetadata),
            ("hash", facts.Hash),
            ("infohash_v1", item.InfoHashV1 ?? ""),
            ("infohash_v2", item.InfoHashV2 ?? ""),
            ("is_private", item.Private),
            ("last_seen", item.Availability >= 1 ? item.ActiveAt ?? -1 : -1),
            ("name", item.Name),
            ("nb_connections", item.Peers),
            ("nb_connections_limit", facts.MaxPeers),
            ("peers", item.Peers - item.Seeds),
            ("peers_total", item.SwarmPeers ?? item.Peers - item.Seeds),
            ("piece_size", facts.PieceLength),
            ("pieces_have", facts.PiecesDone),
            ("pieces_num", facts.Pieces),
            ("popularity", QBittorrentFields.Popularity(item)),
            ("private", facts.HasMetadata ? item.Private : QBittorrentValue.Null),
            ("progress", QBittorrentFields.Progress(facts)),
            ("reannounce", NextAnnounce(call, torrent)),
            ("save_path", item.SaveDirectory),
            ("seeding_time", item.SeedingSeconds),
            ("seeds", item.Seeds),
            ("seeds_total", item.SwarmSeeds ?? item.Seeds),
            ("share_ratio", item.Ratio),
            ("time_elapsed", entry.DownloadingSeconds + entry.SeedingSeconds),
            ("total_downloaded", item.Downloaded),
            ("total_downloaded_session", facts.SessionDownloaded),
            ("total_size", item.Size),
            ("total_uploaded", item.Uploaded),
            ("total_uploaded_session", facts.SessionUploaded),
            ("total_wasted", facts.Wasted),
            ("up_limit", item.UploadLimit > 0 ? item.UploadLimit : -1),
            ("up_speed", item.UploadRate),
            ("up_speed_avg", item.Uploaded / Math.Max(1, entry.DownloadingSeconds + entry.SeedingSeconds)),
        ];
        return call.WriteJsonAsync(json => WriteObject(json, fields));
    }

    private static Task TrackersAsync(QBittorrentCall call)
    {
        var torrent = call.Torrent();
        var peers = torrent.Engine?.Status.Peers ?? [];
        var settings = call.Settings;
        return call.WriteJsonAsync(json =>
        {
            json.WriteStartArray();
            Source("** [DHT] **", PeerSource.Dht, "network.dht");
            Source("** [PeX] **", PeerSource.Pex, "network.pex");
            Source("** [LSD] **", PeerSource.LocalDiscovery, "network.lsd");
            foreach (var tracker in DetailEndpoints.Trackers(torrent).Trackers)
            {
                var status = tracker.Working switch
                {
                    null => NotContacted,
                    true => Working,
                    false => NotWorking,
                };
                WriteObject(
                    json,
                    [
                        ("url", tracker.Url),
                        ("tier", tracker.Tier),
                        ("status", status),
                        ("msg", tracker.Message ?? ""),
                        ("num_peers", tracker.Seeds + tracker.Peers ?? -1),
                        ("num_seeds", tracker.Seeds ?? -1),
                        ("num_leeches", tracker.Peers ?? -1),
                        ("num_downloaded", -1),
                    ]
                );
            }

            json.WriteEndArray();

            // Ways to find peers stand among the trackers, in tier -1.
            void Source(string name, PeerSource source, string key)
            {
                var found = peers.Where(peer => peer.Source.HasFlag(source)).ToList();
                var isPrivate = torrent.Entry.Private;
                WriteObject(
                    json,
                    [
                        ("url", name),
                        ("tier", -1),
                        ("status", (bool)settings[key] && !isPrivate ? Working : Disabled),
                        ("msg", isPrivate ? "This torrent is private" : ""),
                        ("num_peers", 0),
                        ("num_seeds", found.Count(peer => peer.Progress >= 1)),
                        ("num_leeches", found.Count(peer => peer.Progress < 1)),
                        ("num_downloaded", 0),
                    ]
                );
            }
        });
    }

    private static Task WebSeedsAsync(QBittorrentCall call)
    {
        var seeds = call.Torrent().Engine?.Metainfo?.WebSeeds ?? [];
        return call.WriteJsonAsync(json =>
        {
            json.WriteStartArray();
            foreach (var url in seeds)
            {
                WriteObject(json, [("url", url)]);
            }

            json.WriteEndArray();
        });
    }

    private static Task FilesAsync(QBittorrentCall call)
    {
        var torrent = call.Torrent();
        var metainfo = torrent.Engine?.Metainfo;
        var files = TransmissionFacts.FilesOf(metainfo);
        var chosen = QBittorrentCall
            .Split(call.Text("indexes") ?? "")
            .Select(text => int.TryParse(text, out var index) && (uint)index < (uint)files.Count ? index : -1)
            .Distinct()
            .ToList();
        if (chosen.Contains(-1))
        {
            throw new ApiException(409, "bad-value", "indexes: there is no such file");
        }

        var status = torrent.Engine?.Status;
        var renamed = TorrentItems.RenamedFiles(torrent);
        var copies = torrent.Engine?.AskForCopies();

        // As long as nobody has counted: of the whole torrent.
        double AvailabilityOf(int first, int last) =>
            copies is null ? status?.Availability ?? 0 : TorrentItems.AvailabilityOf(copies.AsSpan(first..(last + 1)));

        return call.WriteJsonAsync(json =>
        {
            json.WriteStartArray();
            foreach (var place in chosen.Count > 0 ? chosen : [.. Enumerable.Range(0, files.Count)])
            {
                var (file, index) = files[place];
                var layout = metainfo!.Layout;
                var first = file.Size > 0 ? layout.PieceAt(file.Offset).Value : 0;
                var last = file.Size > 0 ? layout.PieceAt(file.End - 1).Value : first;
                var done = TorrentItems.DoneOf(metainfo, file, status?.Pieces);
                json.WriteStartObject();
                json.WriteNumber("index", place);
                json.WriteString("name", FileNames.PathOf(metainfo, renamed, index));
                json.WriteNumber("size", file.Size);
                json.WriteNumber("progress", file.Size > 0 ? Math.Round((double)done / file.Size, 4) : 1);
                json.WriteNumber("priority", PriorityOf(torrent.Entry, index));
                json.WriteNumber("availability", done == file.Size ? 1 : AvailabilityOf(first, last));
                json.WriteStartArray("piece_range");
                json.WriteNumberValue(first);
                json.WriteNumberValue(last);
                json.WriteEndArray();
                if (place == 0)
                {
                    json.WriteBoolean("is_seed", status?.IsComplete ?? false);
                }

                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
    }

    /// <summary>0 not wanted, 1 normal, 6 high, 7 maximal; our low has no number of its own.</summary>
    private static int PriorityOf(LibraryEntry entry, int index) =>
        (entry.Priorities?.GetValueOrDefault(index, FileWish.Normal) ?? FileWish.Normal) switch
        {
            FileWish.Skip => 0,
            FileWish.High => 6,
            _ => 1,
        };

    private static Task PieceStatesAsync(QBittorrentCall call)
    {
        var torrent = call.Torrent();
        var pieces = torrent.Engine?.Status.Pieces;
        var count = torrent.Engine?.Metainfo?.Layout.PieceCount ?? 0;
        return call.WriteJsonAsync(json =>
        {
            json.WriteStartArray();
            for (var i = 0; i < count; i++)
            {
                json.WriteNumberValue(pieces?[i] == true ? 2 : 0);
            }

            json.WriteEndArray();
        });
    }

    private static Task PieceHashesAsync(QBittorrentCall call)
    {
        const int Size = 20;
        var hashes = call.Torrent().Engine?.Metainfo?.V1PieceHashes ?? ReadOnlyMemory<byte>.Empty;
        return call.WriteJsonAsync(json =>
        {
            json.WriteStartArray();
            for (var at = 0; at + Size <= hashes.Length; at += Size)
            {
                json.WriteStringValue(Convert.ToHexStringLower(hashes.Span.Slice(at, Size)));
            }

            json.WriteEndArray();
        });
    }

    private static async Task ExportAsync(QBittorrentCall call)
    {
        var torrent = call.Torrent();
        var bytes =
            await DetailEndpoints.MetainfoOfAsync(call.Services, torrent).ConfigureAwait(false)
            ?? throw new ApiException(409, "no-metainfo", DetailEndpoints.NoMetainfo);
        call.Context.Response.Headers.ContentDisposition =
            $"attachment; filename=\"{QBittorrentFacts.HashOf(torrent.Entry)}.torrent\"";
        await call.WriteAsync(bytes, "application/x-bittorrent").ConfigureAwait(false);
    }

    private static long NextAnnounce(QBittorrentCall call, LibraryTorrent torrent) =>
        DetailEndpoints.Trackers(torrent).Trackers.Min(tracker => tracker.NextAnnounceAt) is { } next
            ? Math.Max(0, next - call.Services.Time.GetUtcNow().ToUnixTimeSeconds())
            : 0;

    public static void WriteObject(Utf8JsonWriter json, ReadOnlySpan<(string Name, QBittorrentValue Value)> fields)
    {
        json.WriteStartObject();
        foreach (var (name, value) in fields)
        {
            json.WritePropertyName(name);
            value.Write(json);
        }

        json.WriteEndObject();
    }
}
