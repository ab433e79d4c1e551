using System.Text.Json.Nodes;
using Shoal.Api;

namespace Shoal.Daemon;

/// <summary>Calls about torrents, except for torrent_set.</summary>
internal static class TransmissionTorrents
{
    public static JsonObject Get(TransmissionCall call)
    {
        call.Need(AccessScope.Read);
        // As they were asked for: the answer has the same spelling.
        var fields = (call.Texts("fields") ?? throw ApiException.Bad("fields", "fields: which fields are wanted?"))
            .Distinct(StringComparer.Ordinal)
            .Select(name => (Asked: name, Name: TransmissionNames.ToNew(name)))
            .Where(field => TransmissionFields.All.Contains(field.Name))
            .ToList();
        var isTable = call.Text("format") == "table";
        var torrents = new JsonArray();
        if (isTable)
        {
            torrents.Add((JsonNode)TransmissionFacts.Array(fields, field => (JsonNode)field.Asked));
        }

        foreach (var torrent in call.Torrents())
        {
            var facts = new TransmissionFacts(torrent, call);
            var values = fields.Select(field => (field.Asked, Value: ValueOf(facts, field.Name)));
            JsonNode row = isTable
                ? new JsonArray([.. values.Select(field => field.Value)])
                : new JsonObject(values.Select(field => KeyValuePair.Create(field.Asked, field.Value)));
            torrents.Add(row);
        }

        var answer = new JsonObject { ["torrents"] = torrents };
        if (call.Arguments["ids"] is JsonValue)
        {
            answer["removed"] = TransmissionFacts.Array(call.Library.RecentlyRemoved, number => (JsonNode)number);
        }

        return answer;
    }

    public static async Task<JsonObject> AddAsync(TransmissionCall call, CancellationToken cancel)
    {
        call.Need(AccessScope.Control);
        var folder = PathJail.Check(
            call.Text("download_dir") is { Length: > 0 } given ? given : call.Services.Settings.Current.DownloadFolder,
            call.AllowedFolders,
            "download_dir"
        );
        var source = call.Text("metainfo") is { Length: > 0 } metainfo
            ? NewTorrent.OfFile(FromBase64(metainfo))
            : await NewTorrent
                .OfSourceAsync(
                    call.Text("filename") ?? throw ApiException.Bad("filename", "no filename or metainfo specified"),
                    call.Services.Network,
                    call.Caller.IsOwner,
                    cancel
                )
                .ConfigureAwait(false);
        var hash = source.InfoHashes.V1?.ToString() ?? source.InfoHashes.V2?.ToString() ?? "";
        if (call.Library.TryFindExact(hash) is { } present)
        {
            return new JsonObject { [Spell(call, "torrent_duplicate")] = Name(call, present) };
        }

        var wish = new AddTorrent
        {
            Paused = call.Flag("paused") ?? false,
            Sequential = call.Flag("sequential_download") ?? false,
            Labels = call.Texts("labels"),
            Files = TransmissionMutation.Files(call, source.Metainfo, null),
        };
        var item = await call.Library.AddAsync(new Addition(source, wish, folder)).ConfigureAwait(false);
        return new JsonObject { [Spell(call, "torrent_added")] = Name(call, call.Library.Find(item.Id)) };
    }

    public static async Task<JsonObject> RunAsync(TransmissionCall call, bool runs, bool forced)
    {
        call.Need(AccessScope.Control);
        var change = new TorrentChange { Paused = !runs, Forced = runs && forced };
        await EachAsync(call, torrent => call.Library.ChangeAsync(torrent, change)).ConfigureAwait(false);
        return [];
    }

    public static async Task<JsonObject> VerifyAsync(TransmissionCall call)
    {
        call.Need(AccessScope.Control);
        await EachAsync(call, call.Library.RecheckAsync).ConfigureAwait(false);
        return [];
    }

    public static JsonObject Announce(TransmissionCall call)
    {
        call.Need(AccessScope.Control);
        foreach (var torrent in call.Torrents())
        {
            call.Library.Announce(torrent);
        }

        return [];
    }

    public static async Task<JsonObject> RemoveAsync(TransmissionCall call)
    {
        call.Need(AccessScope.Control);
        var data = call.Flag("delete_local_data") ?? false;
        await EachAsync(call, torrent => call.Library.RemoveAsync(torrent, data)).ConfigureAwait(false);
        return [];
    }

    public static async Task<JsonObject> MoveAsync(TransmissionCall call)
    {
        call.Need(AccessScope.Control);
        var location = PathJail.Check(call.Text("location") ?? "", call.AllowedFolders, "location");
        var keeps = call.Flag("move") != true;
        await EachAsync(call, torrent => call.Library.MoveAsync(torrent, location, keeps)).ConfigureAwait(false);
        return [];
    }

    public static async Task<JsonObject> MoveInQueueAsync(TransmissionCall call)
    {
        call.Need(AccessScope.Control);
        if (call.Method is "queue_move_top" or "queue_move_bottom")
        {
            var toTop = call.Method == "queue_move_top";
            await call.Library.MoveInQueueAsync(call.Torrents(), toTop).ConfigureAwait(false);
            return [];
        }

        // Each in the order that keeps theirs among themselves.
        var torrents = call.Torrents().OrderBy(torrent => torrent.Item!.QueuePosition).ToList();
        var isUp = call.Method == "queue_move_up";
        if (!isUp)
        {
            torrents.Reverse();
        }

        foreach (var torrent in torrents)
        {
            var place = Math.Max(0, torrent.Item!.QueuePosition + (isUp ? -1 : 1));
            await call.Library.ChangeAsync(torrent, new TorrentChange { QueuePosition = place }).ConfigureAwait(false);
        }

        return [];
    }

    public static byte[] FromBase64(string text)
    {
        // Some clients break lines.
        var compact = string.Concat(text.Where(c => !char.IsWhiteSpace(c)));
        var bytes = new byte[compact.Length];
        return Convert.TryFromBase64String(compact, bytes, out var length)
            ? bytes[..length]
            : throw ApiException.Bad("metainfo", "metainfo: this is not base64");
    }

    private static async Task EachAsync(TransmissionCall call, Func<LibraryTorrent, Task> action) =>
        await Task.WhenAll(call.Torrents().Select(action)).ConfigureAwait(false);

    private static JsonNode? ValueOf(TransmissionFacts facts, string name)
    {
        TransmissionFields.TryGet(facts, name, out var value);
        return facts.Call.IsOld ? Old(value) : value;
    }

    private static JsonNode? Old(JsonNode? value) =>
        value switch
        {
            JsonObject inner => TransmissionNames.Rename(inner, TransmissionNames.ToOldTorrent),
            JsonArray list when list.Any(item => item is JsonObject) => new JsonArray([.. list.Select(Old)]),
            JsonArray list => list,
            _ => value,
        };

    private static JsonObject Name(TransmissionCall call, LibraryTorrent torrent) =>
        new()
        {
            ["id"] = torrent.Number,
            ["name"] = torrent.Entry.Name,
            [call.IsOld ? "hashString" : "hash_string"] = torrent.Entry.Id,
        };

    private static string Spell(TransmissionCall call, string name) =>
        call.IsOld ? TransmissionNames.ToOldSession(name) : name;
}
