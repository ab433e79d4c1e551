using System.Text.Json.Nodes;
using Shoal.Api;
using Shoal.Protocol;

namespace Shoal.Daemon;

/// <summary>torrent_set, and the wishes for files that torrent_add has too.</summary>
internal static class TransmissionMutation
{
    public static async Task<JsonObject> SetAsync(TransmissionCall call)
    {
        call.Need(AccessScope.Control);
        var torrents = call.Torrents();
        var location = call.Text("location") is { } given
            ? PathJail.Check(given, call.AllowedFolders, "location")
            : null;
        foreach (var torrent in torrents)
        {
            await call.Library.ChangeAsync(torrent, ChangeOf(call)).ConfigureAwait(false);
            if (Files(call, torrent.Engine?.Metainfo, torrent) is { Count: > 0 } files)
            {
                await call.Library.ChangeFilesAsync(torrent, files).ConfigureAwait(false);
            }

            if (TrackersOf(call, torrent) is { } trackers)
            {
                await call.Library.SetTrackersAsync(torrent, trackers).ConfigureAwait(false);
            }

            if (location is not null)
            {
                await call.Library.MoveAsync(torrent, location, keepFiles: false).ConfigureAwait(false);
            }
        }

        return [];
    }

    /// <summary>"4.4.3": a file or folder gets another name where it is; with the topmost the torrent is called so, too.</summary>
    public static async Task<JsonObject> RenamePathAsync(TransmissionCall call)
    {
        call.Need(AccessScope.Control);
        if (call.Torrents() is not [var torrent])
        {
            throw ApiException.Bad("ids", "torrent-rename-path requires 1 torrent");
        }

        var path = call.Text("path") ?? "";
        var name = call.Text("name") ?? "";
        if (!PathRenames.TryName(TransmissionFacts.NamesOf(torrent), path, name, out var renames, out var fault))
        {
            throw new ApiException(409, "bad-value", fault);
        }

        await call.Library.RenameFilesAsync(torrent, renames, call.AllowedFolders).ConfigureAwait(false);
        if (!path.Trim('/').Contains('/', StringComparison.Ordinal))
        {
            await call.Library.ChangeAsync(torrent, new TorrentChange { Name = name }).ConfigureAwait(false);
        }

        return new JsonObject
        {
            ["path"] = path,
            ["name"] = name,
            ["id"] = torrent.Number,
        };
    }

    /// <summary>Wishes for files; null: none. What is not wanted stays so, whatever priority it would have.</summary>
    public static IReadOnlyList<FilePriorityWish>? Files(
        TransmissionCall call,
        Metainfo? metainfo,
        LibraryTorrent? torrent
    )
    {
        var files = TransmissionFacts.FilesOf(metainfo);
        var wishes = new List<FilePriorityWish>();
        var unwanted = (torrent?.Entry.Priorities ?? new Dictionary<int, FileWish>())
            .Where(pair => pair.Value == FileWish.Skip)
            .Select(pair => pair.Key)
            .ToHashSet();
        if (Indices(call, files, "files_wanted") is { } wanted)
        {
            wishes.Add(new FilePriorityWish([.. wanted.Where(unwanted.Contains)], FileWish.Normal));
            unwanted.ExceptWith(wanted);
        }

        foreach (
            var (name, wish) in new[]
            {
                ("priority_low", FileWish.Low),
                ("priority_normal", FileWish.Normal),
                ("priority_high", FileWish.High),
            }
        )
        {
            if (Indices(call, files, name) is { } indices)
            {
                wishes.Add(new FilePriorityWish([.. indices.Where(index => !unwanted.Contains(index))], wish));
            }
        }

        if (Indices(call, files, "files_unwanted") is { } skipped)
        {
            wishes.Add(new FilePriorityWish(skipped, FileWish.Skip));
        }

        return wishes.Count > 0 ? wishes : null;
    }

    private static TorrentChange ChangeOf(TransmissionCall call) =>
        new()
        {
            DownloadLimit = LimitOf(call, "download_limit", "download_limited"),
            UploadLimit = LimitOf(call, "upload_limit", "upload_limited"),
            RatioLimit = RatioOf(call),
            Labels = call.Texts("labels"),
            Sequential = call.Flag("sequential_download"),
            QueuePosition = (int?)call.Whole("queue_position"),
        };

    private static long? LimitOf(TransmissionCall call, string limit, string limited) =>
        call.Flag(limited) == false ? 0
        : call.Whole(limit) is { } kilobytes ? Math.Max(0, kilobytes) * 1000
        : null;

    private static double? RatioOf(TransmissionCall call) =>
        call.Whole("seed_ratio_mode") switch
        {
            0 => -1,
            2 => 0,
            _ => call.Number("seed_ratio_limit"),
        };

    /// <summary>Our indices of the files that the protocol numbers; "an empty array is shorthand for all files".</summary>
    private static List<int>? Indices(
        TransmissionCall call,
        IReadOnlyList<(MetainfoFile File, int Index)> files,
        string name
    ) =>
        call.Numbers(name) is not { } numbers ? null
        : numbers.Count == 0 ? [.. files.Select(entry => entry.Index)]
        :
        [
            .. numbers.Select(number =>
                (uint)number < (uint)files.Count
                    ? files[number].Index
                    : throw ApiException.Bad(name, $"{name}: there is no file {number}")
            ),
        ];

    private static IReadOnlyList<IReadOnlyList<string>>? TrackersOf(TransmissionCall call, LibraryTorrent torrent)
    {
        if (call.Text("tracker_list") is { } list)
        {
            return [.. list.ReplaceLineEndings("\n").Split("\n\n").Select(tier => (IReadOnlyList<string>)Lines(tier))];
        }

        var (add, remove, replace) = (
            call.Texts("tracker_add"),
            call.Numbers("tracker_remove"),
            call.List("tracker_replace")
        );
        if (add is null && remove is null && replace is null)
        {
            return null;
        }

        var known = DetailEndpoints.Trackers(torrent).Trackers.ToList();
        for (var i = 0; i + 1 < (replace?.Count ?? 0); i += 2)
        {
            var id = replace![i] is JsonValue value && value.TryGetValue<int>(out var number) ? number : -1;
            known[Known(id)] = known[id] with { Url = replace[i + 1]?.ToString() ?? "" };
        }

        var removed = (remove ?? []).Select(Known).ToHashSet();
        var tiers = known
            .Where((_, id) => !removed.Contains(id))
            .GroupBy(tracker => tracker.Tier, tracker => tracker.Url)
            .Select(tier => (IReadOnlyList<string>)[.. tier]);
        return
        [
            .. tiers,
            .. (add ?? [])
                .Where(url => known.TrueForAll(tracker => tracker.Url != url))
                .Select(url => (IReadOnlyList<string>)[url]),
        ];

        int Known(int id) =>
            (uint)id < (uint)known.Count ? id : throw ApiException.Bad("tracker", $"there is no tracker {id}");
    }

    private static string[] Lines(string tier) =>
        tier.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
