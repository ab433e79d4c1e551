using System.Text.Json;
using Shoal.Api;
using Shoal.Engine;

namespace Shoal.Daemon;

/// <summary>Lists of which only changes are sent, after the first answer.</summary>
internal static class QBittorrentSync
{
    public static IReadOnlyDictionary<string, QBittorrentRoute> Routes { get; } =
        new Dictionary<string, QBittorrentRoute>
        {
            ["sync/maindata"] = new(AccessScope.Read, false, MainDataAsync),
            ["sync/torrentPeers"] = new(AccessScope.Read, false, PeersAsync),
        };

    private static Task MainDataAsync(QBittorrentCall call)
    {
        var rid = call.Whole("rid") ?? 0;
        return call.WriteJsonAsync(json =>
            call.Session.MainData.Write(json, rid, before => QBittorrentSnapshot.Take(call, before))
        );
    }

    private static Task PeersAsync(QBittorrentCall call)
    {
        var torrent = call.Torrent();
        var rid = call.Whole("rid") ?? 0;
        var peers = (torrent.Engine?.Status.Peers ?? [])
            .GroupBy(PeerText.Address)
            .ToDictionary(group => group.Key, group => FieldsOf(group.First()), StringComparer.Ordinal);
        return call.WriteJsonAsync(json => call.Session.Peers.Write(json, rid, torrent.Entry.Id, peers));
    }

    private static (string Name, QBittorrentValue Value)[] FieldsOf(PeerStatus peer) =>
        [
            ("client", peer.Client),
            (
                "connection",
                peer switch
                {
                    { WebSeed: not null } => "Web",
                    { Transport: TransportKind.Utp } => "μTP",
                    _ => "BT",
                }
            ),
            ("country", ""),
            ("country_code", ""),
            ("dl_speed", peer.DownloadRate),
            ("downloaded", peer.Downloaded),
            ("files", ""),
            ("flags", Flags(peer)),
            ("flags_desc", ""),
            ("ip", peer.WebSeed ?? peer.EndPoint.Address.ToString()),
            ("peer_id_client", ""),
            ("port", peer.WebSeed is null ? peer.EndPoint.Port : 0),
            ("progress", Math.Round(peer.Progress, 4)),
            ("relevance", 0d),
            ("up_speed", peer.UploadRate),
            ("uploaded", peer.Uploaded),
        ];

    private static string Flags(PeerStatus peer) =>
        string.Join(
            ' ',
            new[]
            {
                peer.AreWeInterested ? (peer.IsChokingUs ? "d" : "D")
                : peer.IsChokingUs ? ""
                : "K",
                peer.IsInterested ? (peer.AreWeChoking ? "u" : "U")
                : peer.AreWeChoking ? ""
                : "?",
                peer.IsOutgoing ? "" : "I",
                peer.Source.HasFlag(PeerSource.Dht) ? "H" : "",
                peer.Source.HasFlag(PeerSource.Pex) ? "X" : "",
                peer.Source.HasFlag(PeerSource.LocalDiscovery) ? "L" : "",
                peer.Encryption switch
                {
                    StreamEncryption.Rc4 => "E",
                    StreamEncryption.None => "",
                    _ => "e",
                },
                peer.Transport == TransportKind.Utp ? "P" : "",
            }.Where(flag => flag.Length > 0)
        );
}

/// <summary>What there was when an app asked.</summary>
internal sealed record QBittorrentSnapshot
{
    public long Id { get; init; }
    public required IReadOnlyDictionary<string, QBittorrentFacts> Torrents { get; init; }
    public required IReadOnlyDictionary<string, QBittorrentValue> Categories { get; init; }
    public required IReadOnlySet<string> Tags { get; init; }

    /// <summary>Names of torrents by URL.</summary>
    public required IReadOnlyDictionary<string, IReadOnlyList<string>> Trackers { get; init; }
    public required IReadOnlyList<(string Name, QBittorrentValue Value)> Server { get; init; }

    /// <param name="before">What was taken last: what has not changed is not looked at again.</param>
    public static QBittorrentSnapshot Take(QBittorrentCall call, QBittorrentSnapshot? before)
    {
        var settings = call.Settings;
        var torrents = new Dictionary<string, QBittorrentFacts>(StringComparer.Ordinal);
        var isSame = before is not null;
        foreach (var torrent in call.Library.All)
        {
            var item = torrent.Item ?? call.Library.Item(torrent);
            var hash = QBittorrentFacts.HashOf(torrent.Entry);
            var known = before?.Torrents.GetValueOrDefault(hash);
            var facts = ReferenceEquals(known?.Item, item) ? known : QBittorrentFacts.Of(torrent, item, settings);
            torrents[hash] = facts!;
            isSame &= known is not null && known.Trackers.SequenceEqual(facts!.Trackers);
        }

        return new QBittorrentSnapshot
        {
            Torrents = torrents,
            Categories = call
                .Library.Categories()
                .Categories.ToDictionary(category => category.Name, QBittorrentNames.PathOf, StringComparer.Ordinal),
            Tags = call.Library.Labels().Labels.Select(label => label.Name).ToHashSet(StringComparer.Ordinal),
            Trackers =
                isSame && before!.Torrents.Count == torrents.Count ? before.Trackers : TrackersOf(torrents.Values),
            Server = QBittorrentTransfer.ServerState(call),
        };
    }

    private static Dictionary<string, IReadOnlyList<string>> TrackersOf(IEnumerable<QBittorrentFacts> torrents) =>
        torrents
            .SelectMany(facts => facts.Trackers.Select(url => (Url: url, facts.Hash)))
            .GroupBy(pair => pair.Url, pair => pair.Hash, StringComparer.Ordinal)
            .ToDictionary(
                group => group.Key,
                group => (IReadOnlyList<string>)[.. group.Distinct()],
                StringComparer.Ordinal
            );
}

/// <summary>
/// What one app was told. It names the last answer it has got ("rid"); what changed since is sent, in whatever state the
/// answers between got lost.
/// </summary>
internal sealed class QBittorrentMainData
{
    private const long LastId = 1_000_000;

    private readonly Lock _lock = new();
    private QBittorrentSnapshot? _accepted;
    private QBittorrentSnapshot? _sent;

    /// <param name="rid">Of the answer that the app has; 0: none.</param>
    /// <param name="take">What there is now, of what was taken last.</param>
    public void Write(Utf8JsonWriter json, long rid, Func<QBittorrentSnapshot?, QBittorrentSnapshot> take)
    {
        lock (_lock)
        {
            if (_sent?.Id == rid)
            {
                _accepted = _sent;
            }

            var known = _accepted?.Id == rid ? _accepted : null;
            var now = take(_sent) with { Id = (_sent?.Id ?? 0) % LastId + 1 };
            _sent = now;
            _accepted = known;
            json.WriteStartObject();
            json.WriteNumber("rid", now.Id);
            if (known is null)
            {
                json.WriteBoolean("full_update", true);
            }

            WriteTorrents(json, now, known);
            WriteCategories(json, now, known);
            WriteTags(json, now, known);
            WriteTrackers(json, now, known);
            WriteServer(json, now, known);
            json.WriteEndObject();
        }
    }

    private static void WriteTorrents(Utf8JsonWriter json, QBittorrentSnapshot now, QBittorrentSnapshot? known)
    {
        var changed = now
            .Torrents.Where(pair => !ReferenceEquals(known?.Torrents.GetValueOrDefault(pair.Key), pair.Value))
            .ToList();
        if (changed.Count > 0 || known is null)
        {
            json.WriteStartObject("torrents");
            foreach (var (hash, facts) in changed)
            {
                json.WriteStartObject(hash);
                QBittorrentFields.Write(json, facts, known?.Torrents.GetValueOrDefault(hash));
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        WriteList(json, "torrents_removed", Gone(known?.Torrents.Keys, now.Torrents.ContainsKey));
    }

    private static void WriteCategories(Utf8JsonWriter json, QBittorrentSnapshot now, QBittorrentSnapshot? known)
    {
        var changed = now
            .Categories.Where(pair =>
                known is null || !known.Categories.TryGetValue(pair.Key, out var path) || path != pair.Value
            )
            .ToList();
        if (changed.Count > 0 || known is null)
        {
            json.WriteStartObject("categories");
            foreach (var (name, path) in changed)
            {
                json.WritePropertyName(name);
                QBittorrentDetails.WriteObject(json, [("name", name), ("savePath", path)]);
            }

            json.WriteEndObject();
        }

        WriteList(json, "categories_removed", Gone(known?.Categories.Keys, now.Categories.ContainsKey));
    }

    private static void WriteTags(Utf8JsonWriter json, QBittorrentSnapshot now, QBittorrentSnapshot? known)
    {
        WriteList(
            json,
            "tags",
            [.. now.Tags.Where(tag => known?.Tags.Contains(tag) != true).Order(StringComparer.Ordinal)],
            isAlways: known is null
        );
        WriteList(json, "tags_removed", Gone(known?.Tags, now.Tags.Contains));
    }

    private static void WriteTrackers(Utf8JsonWriter json, QBittorrentSnapshot now, QBittorrentSnapshot? known)
    {
        if (ReferenceEquals(now.Trackers, known?.Trackers))
        {
            return;
        }

        var changed = now
            .Trackers.Where(pair =>
                known is null
                || !known.Trackers.TryGetValue(pair.Key, out var hashes)
                || !hashes.SequenceEqual(pair.Value)
            )
            .ToList();
        if (changed.Count > 0 || known is null)
        {
            json.WriteStartObject("trackers");
            foreach (var (url, hashes) in changed)
            {
                json.WritePropertyName(url);
                WriteValues(json, hashes);
            }

            json.WriteEndObject();
        }

        WriteList(json, "trackers_removed", Gone(known?.Trackers.Keys, now.Trackers.ContainsKey));
    }

    private static void WriteServer(Utf8JsonWriter json, QBittorrentSnapshot now, QBittorrentSnapshot? known)
    {
        var changed = now.Server.Where((field, place) => known is null || known.Server[place] != field).ToArray();
        if (changed.Length > 0)
        {
            json.WritePropertyName("server_state");
            QBittorrentDetails.WriteObject(json, changed);
        }
    }

    private static List<string> Gone(IEnumerable<string>? before, Func<string, bool> isThere) =>
        [.. (before ?? []).Where(name => !isThere(name))];

    private static void WriteList(Utf8JsonWriter json, string name, List<string> values, bool isAlways = false)
    {
        if (values.Count > 0 || isAlways)
        {
            json.WritePropertyName(name);
            WriteValues(json, values);
        }
    }

    private static void WriteValues(Utf8JsonWriter json, IReadOnlyList<string> values)
    {
        json.WriteStartArray();
        foreach (var value in values)
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }
}

/// <summary>The same for the connections of the torrent that an app looks at.</summary>
internal sealed class QBittorrentPeerSync
{
    private readonly Lock _lock = new();
    private IReadOnlyDictionary<string, (string Name, QBittorrentValue Value)[]> _sent =
        new Dictionary<string, (string, QBittorrentValue)[]>();
    private string _torrent = "";
    private long _id;

    public void Write(
        Utf8JsonWriter json,
        long rid,
        string torrent,
        IReadOnlyDictionary<string, (string Name, QBittorrentValue Value)[]> peers
    )
    {
        lock (_lock)
        {
            var isFull = rid <= 0 || rid != _id || torrent != _torrent;
            _id++;
            json.WriteStartObject();
            json.WriteNumber("rid", _id);
            json.WriteBoolean("show_flags", false);
            if (isFull)
            {
                json.WriteBoolean("full_update", true);
            }

            json.WriteStartObject("peers");
            foreach (var (address, fields) in peers)
            {
                var known = isFull ? null : _sent.GetValueOrDefault(address);
                var changed = fields.Where((field, place) => known is null || known[place] != field).ToArray();
                if (changed.Length > 0)
                {
                    json.WritePropertyName(address);
                    QBittorrentDetails.WriteObject(json, changed);
                }
            }

            json.WriteEndObject();
            var gone = isFull ? [] : _sent.Keys.Where(address => !peers.ContainsKey(address)).ToList();
            if (gone.Count > 0)
            {
                json.WriteStartArray("peers_removed");
                gone.ForEach(json.WriteStringValue);
                json.WriteEndArray();
            }

            json.WriteEndObject();
            (_sent, _torrent) = (peers, torrent);
        }
    }
}
