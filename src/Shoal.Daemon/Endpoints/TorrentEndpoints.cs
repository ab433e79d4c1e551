using Shoal.Api;

namespace Shoal.Daemon;

/// <summary>The list of torrents, and what can be done to them.</summary>
internal static class TorrentEndpoints
{
    /// <summary>Torrents of a page where no limit is given.</summary>
    private const int DefaultPage = 1000;

    private static readonly (string Name, string Help)[] ListQuery =
    [
        ("since", "A revision: only what changed after it, and the ids that are gone."),
        ("offset", "How many to leave out, from 0."),
        ("limit", "How many at most, from 1 to 20,000; 1,000 where it is left out, all of the changes with since."),
        ("state", "Only those in this state."),
        ("name", "Only those with exactly this name."),
        ("q", "Only those with this text in their name."),
        ("label", "Only those with this label."),
        ("category", "Only those of this category; empty: without one."),
        ("sort", "queue, name, size, progress, added, download-rate, upload-rate, ratio, peers or state."),
        ("descending", "true: the other way round."),
    ];

    public static IReadOnlyList<ApiRoute> Routes { get; } =
    [
        new("GET", "/torrents", AccessScope.Read, "The torrents, or what changed of them since a revision.", ListAsync)
        {
            Query = ListQuery,
            Answer = ApiJson.Default.TorrentPage,
        },
        new(
            "POST",
            "/torrents/actions",
            AccessScope.Control,
            "Does the same to several torrents, or to all.",
            BatchAsync
        )
        {
            Body = ApiJson.Default.BatchAction,
            Answer = ApiJson.Default.BatchResult,
        },
        new("PATCH", "/torrents/{id}", AccessScope.Control, "Changes what is wanted of a torrent.", ChangeAsync)
        {
            Body = ApiJson.Default.TorrentChange,
            Answer = ApiJson.Default.TorrentItem,
        },
        new("DELETE", "/torrents/{id}", AccessScope.Control, "Removes a torrent.", RemoveAsync)
        {
            Query = [("data", "true: its files too.")],
            Status = 204,
        },
        Simple(
            "pause",
            "Pauses a torrent.",
            (library, torrent) => library.ChangeAsync(torrent, new TorrentChange { Paused = true })
        ),
        Simple(
            "resume",
            "Resumes a torrent.",
            (library, torrent) => library.ChangeAsync(torrent, new TorrentChange { Paused = false })
        ),
        Simple(
            "recheck",
            "Hashes what is on disk again, or tries again what failed.",
            (library, torrent) => library.RecheckAsync(torrent)
        ),
        Simple(
            "announce",
            "Looks for peers as soon as trackers and the DHT allow.",
            (library, torrent) =>
            {
                library.Announce(torrent);
                return Task.CompletedTask;
            }
        ),
        new(
            "POST",
            "/torrents/{id}/move",
            AccessScope.Control,
            "Begins to move the content to another folder; an event tells of the end.",
            MoveAsync
        )
        {
            Body = ApiJson.Default.MoveTorrent,
            Answer = ApiJson.Default.TorrentItem,
            Status = 202,
        },
    ];

    private static ApiRoute Simple(string action, string summary, Func<TorrentLibrary, LibraryTorrent, Task> what) =>
        new(
            "POST",
            "/torrents/{id}/" + action,
            AccessScope.Control,
            summary,
            async call =>
            {
                var torrent = call.Torrent;
                await what(call.Library, torrent).ConfigureAwait(false);
                await call.WriteAsync(call.Library.Item(torrent), ApiJson.Default.TorrentItem).ConfigureAwait(false);
            }
        )
        {
            Answer = ApiJson.Default.TorrentItem,
        };

    private static Task ListAsync(ApiCall call)
    {
        var since = call.QueryNumber("since", 0, long.MaxValue);
        var order = call.Query("sort");
        if (order is not null && !TorrentQuery.Orders.ContainsKey(order))
        {
            throw ApiException.Bad("sort", $"sort: one of {string.Join(", ", TorrentQuery.Orders.Keys)}");
        }

        var query = new TorrentQuery
        {
            Since = since,
            Offset = (int)(call.QueryNumber("offset", 0, int.MaxValue) ?? 0),
            Limit =
                (int?)call.QueryNumber("limit", 1, LibraryLimits.Default.MaxPage)
                ?? (since is null ? DefaultPage : null),
            State = call.QueryWord<TorrentPhase>("state"),
            Name = call.Query("name"),
            Text = call.Query("q"),
            Label = call.Query("label"),
            Category = call.Query("category"),
            Order = order,
            Descending = call.QueryFlag("descending"),
        };
        return call.WriteAsync(call.Library.Page(query), ApiJson.Default.TorrentPage);
    }

    private static async Task BatchAsync(ApiCall call)
    {
        var batch = await call.ReadAsync(ApiJson.Default.BatchAction).ConfigureAwait(false);
        var library = call.Library;
        var result = await library.BatchAsync(batch.Ids, ActionOf(call, batch, library)).ConfigureAwait(false);
        await call.WriteAsync(result, ApiJson.Default.BatchResult).ConfigureAwait(false);
    }

    private static Func<LibraryTorrent, Task> ActionOf(ApiCall call, BatchAction batch, TorrentLibrary library)
    {
        switch (batch.Action)
        {
            case TorrentAction.Pause:
                return torrent => library.ChangeAsync(torrent, new TorrentChange { Paused = true });
            case TorrentAction.Resume:
                return torrent => library.ChangeAsync(torrent, new TorrentChange { Paused = false });
            case TorrentAction.Recheck:
                return library.RecheckAsync;
            case TorrentAction.Announce:
                return torrent =>
                {
                    library.Announce(torrent);
                    return Task.CompletedTask;
                };
            case TorrentAction.Remove:
                return torrent => library.RemoveAsync(torrent, batch.DeleteData);
            case TorrentAction.Move when batch.Move is { } move:
                var folder = PathJail.Check(move.SaveDirectory, call.AllowedFolders);
                return torrent => library.MoveAsync(torrent, folder, move.KeepFiles);
            case TorrentAction.Change when batch.Change is { } change:
                return torrent => library.ChangeAsync(torrent, change);
            default:
                throw ApiException.Bad("action", $"action: {batch.Action} needs the field of its name");
        }
    }

    private static async Task ChangeAsync(ApiCall call)
    {
        var torrent = call.Torrent;
        var change = await call.ReadAsync(ApiJson.Default.TorrentChange).ConfigureAwait(false);
        await call.Library.ChangeAsync(torrent, change).ConfigureAwait(false);
        await call.WriteAsync(call.Library.Item(torrent), ApiJson.Default.TorrentItem).ConfigureAwait(false);
    }

    private static async Task RemoveAsync(ApiCall call)
    {
        await call.Library.RemoveAsync(call.Torrent, call.QueryFlag("data")).ConfigureAwait(false);
        await call.WriteNothingAsync().ConfigureAwait(false);
    }

    private static async Task MoveAsync(ApiCall call)
    {
        var torrent = call.Torrent;
        var move = await call.ReadAsync(ApiJson.Default.MoveTorrent).ConfigureAwait(false);
        await call
            .Library.MoveAsync(torrent, PathJail.Check(move.SaveDirectory, call.AllowedFolders), move.KeepFiles)
            .ConfigureAwait(false);
        await call.WriteAsync(call.Library.Item(torrent), ApiJson.Default.TorrentItem, 202).ConfigureAwait(false);
    }
}
