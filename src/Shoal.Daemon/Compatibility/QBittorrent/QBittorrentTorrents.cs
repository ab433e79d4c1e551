using System.Text.Json;
using Shoal.Api;

namespace Shoal.Daemon;

/// <summary>The list of torrents: filtered, sorted, in parts.</summary>
internal static class QBittorrentTorrents
{
    public static IReadOnlyDictionary<string, QBittorrentRoute> Routes { get; } =
        new Dictionary<string, QBittorrentRoute>
        {
            ["torrents/info"] = new(AccessScope.Read, false, ListAsync),
            ["torrents/count"] = new(AccessScope.Read, false, call => call.WriteTextAsync($"{call.Library.All.Count}")),
        };

    private static Task ListAsync(QBittorrentCall call)
    {
        var settings = call.Settings;
        var torrents = call.Text("hashes") is { Length: > 0 } ? call.Torrents() : call.Library.All;
        var facts = torrents
            .Select(torrent => QBittorrentFacts.Of(torrent, call.Library.Item(torrent), settings))
            .Where(FilterOf(call))
            .ToList();
        if (call.Text("sort") is { Length: > 0 } column)
        {
            var field = QBittorrentFields.Find(column) ?? throw ApiException.Bad("sort", "'sort' parameter is invalid");
            var keys = facts.ConvertAll(one => (Key: field(one), Facts: one));
            // Equal ones stay in the order of the queue.
            var sorted =
                call.Flag("reverse") == true ? keys.OrderByDescending(one => one.Key) : keys.OrderBy(one => one.Key);
            facts = [.. sorted.Select(one => one.Facts)];
        }

        var offset = call.Whole("offset") ?? 0;
        var limit = call.Whole("limit") ?? 0;
        offset = Math.Clamp(offset < 0 ? facts.Count + offset : offset, 0, facts.Count);
        var count = (int)Math.Min(limit > 0 ? limit : facts.Count, facts.Count - offset);
        return call.WriteJsonAsync(json =>
        {
            json.WriteStartArray();
            foreach (var one in facts.GetRange((int)offset, count))
            {
                json.WriteStartObject();
                json.WriteString("hash", one.Hash);
                QBittorrentFields.Write(json, one, null);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
    }

    private static Func<QBittorrentFacts, bool> FilterOf(QBittorrentCall call)
    {
        var state = StateFilter(call.Text("filter") ?? "");
        var category = call.Text("category");
        var tag = call.Text("tag");
        var isPrivate = call.Flag("private");
        return facts =>
            state(facts)
            && (category is null || (facts.Item.Category ?? "") == category)
            && (tag is null || (tag.Length == 0 ? facts.Item.Labels.Count == 0 : facts.Item.Labels.Contains(tag)))
            && (isPrivate is null || facts.Item.Private == isPrivate);
    }

    // Both spellings: "paused" and "resumed" became "stopped" and "running" with version 5.
    private static Func<QBittorrentFacts, bool> StateFilter(string word) =>
        word switch
        {
            "downloading" => facts => !facts.IsDone && facts.Item.State != TorrentPhase.Failed,
            "seeding" => facts =>
                facts.IsDone
                && facts.Item.State is TorrentPhase.Seeding or TorrentPhase.Queued or TorrentPhase.Checking,
            "completed" => facts => facts.IsDone,
            "stopped" or "paused" => facts => facts.Item.Paused,
            "running" or "resumed" => facts => !facts.Item.Paused,
            "active" => IsActive,
            "inactive" => facts => !IsActive(facts),
            "stalled" => facts => QBittorrentFields.State(facts) is "stalledUP" or "stalledDL",
            "stalled_uploading" => facts => QBittorrentFields.State(facts) == "stalledUP",
            "stalled_downloading" => facts => QBittorrentFields.State(facts) == "stalledDL",
            "checking" => facts => facts.Item.State is TorrentPhase.Checking or TorrentPhase.Loading,
            "moving" => facts => facts.Item.MovingTo is not null,
            "errored" => facts => facts.Item.State == TorrentPhase.Failed,
            _ => _ => true,
        };

    private static bool IsActive(QBittorrentFacts facts) => facts.Item.DownloadRate + facts.Item.UploadRate > 0;
}
