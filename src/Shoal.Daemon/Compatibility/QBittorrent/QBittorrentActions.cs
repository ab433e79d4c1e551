using Shoal.Api;

namespace Shoal.Daemon;

/// <summary>What can be done to torrents that are here.</summary>
internal static class QBittorrentActions
{
    public static IReadOnlyDictionary<string, QBittorrentRoute> Routes { get; } =
        new Dictionary<string, QBittorrentRoute>
        {
            // Version 5 has new words for the same.
            ["torrents/pause"] = Change(_ => new TorrentChange { Paused = true }),
            ["torrents/stop"] = Change(_ => new TorrentChange { Paused = true }),
            ["torrents/resume"] = Change(_ => new TorrentChange { Paused = false, Forced = false }),
            ["torrents/start"] = Change(_ => new TorrentChange { Paused = false, Forced = false }),
            ["torrents/setForceStart"] = Change(call => new TorrentChange
            {
                Paused = false,
                Forced = call.Flag("value") ?? false,
            }),
            ["torrents/setSuperSeeding"] = Change(call => new TorrentChange
            {
                SuperSeeding = call.Flag("value") ?? false,
            }),
            ["torrents/setDownloadLimit"] = Change(call => new TorrentChange { DownloadLimit = LimitOf(call) }),
            ["torrents/setUploadLimit"] = Change(call => new TorrentChange { UploadLimit = LimitOf(call) }),
            ["torrents/setShareLimits"] = Change(call => new TorrentChange
            {
                RatioLimit = RatioOf(call.Number("ratioLimit")) ?? -1,
                SeedTimeLimit = SeedTimeOf(call.Whole("seedingTimeLimit")) ?? -1,
            }),
            ["torrents/toggleSequentialDownload"] = Each(
                (call, torrent) =>
                    call.Library.ChangeAsync(torrent, new TorrentChange { Sequential = !torrent.Entry.Sequential })
            ),
            ["torrents/toggleFirstLastPiecePrio"] = Each(
                (call, torrent) =>
                    call.Library.ChangeAsync(torrent, new TorrentChange { FirstLast = !torrent.Entry.FirstLast })
            ),
            // qBittorrent wants to be told of the files; some apps leave it out where they should stay.
            ["torrents/delete"] = Each(
                (call, torrent) => call.Library.RemoveAsync(torrent, call.Flag("deleteFiles") ?? false)
            ),
            ["torrents/recheck"] = Each((call, torrent) => call.Library.RecheckAsync(torrent)),
            ["torrents/reannounce"] = Each(
                (call, torrent) =>
                {
                    call.Library.Announce(torrent);
                    return Task.CompletedTask;
                }
            ),
            ["torrents/setLocation"] = new(AccessScope.Control, true, call => MoveAsync(call, "hashes", "location")),
            ["torrents/setSavePath"] = new(AccessScope.Control, true, call => MoveAsync(call, "id", "path")),
            ["torrents/setAutoManagement"] = new(AccessScope.Control, true, SetAutoManagementAsync),
            ["torrents/rename"] = new(AccessScope.Control, true, RenameAsync),
            ["torrents/filePrio"] = new(AccessScope.Control, true, SetFilePriorityAsync),
            ["torrents/downloadLimit"] = new(
                AccessScope.Read,
                false,
                call => LimitsAsync(call, entry => entry.DownloadLimit)
            ),
            ["torrents/uploadLimit"] = new(
                AccessScope.Read,
                false,
                call => LimitsAsync(call, entry => entry.UploadLimit)
            ),
            ["torrents/topPrio"] = new(AccessScope.Control, true, call => QueueEndAsync(call, toTop: true)),
            ["torrents/increasePrio"] = new(
                AccessScope.Control,
                true,
                call => QueueAsync(call, place => Math.Max(0, place - 1), lastFirst: false)
            ),
            ["torrents/decreasePrio"] = new(
                AccessScope.Control,
                true,
                call => QueueAsync(call, place => place + 1, lastFirst: true)
            ),
            ["torrents/bottomPrio"] = new(AccessScope.Control, true, call => QueueEndAsync(call, toTop: false)),
            ["torrents/addPeers"] = new(AccessScope.Control, true, AddPeersAsync),
            ["torrents/addTrackers"] = new(AccessScope.Control, true, AddTrackersAsync),
            ["torrents/editTracker"] = new(AccessScope.Control, true, EditTrackerAsync),
            ["torrents/removeTrackers"] = new(AccessScope.Control, true, RemoveTrackersAsync),
        };

    /// <summary>Our limit of a ratio; null: none was given. -2: as the settings say, -1: never.</summary>
    public static double? RatioOf(double? ratio) =>
        ratio switch
        {
            null => null,
            -2 => -1,
            < 0 => 0,
            // With us 0 means never; with them: as soon as something was given.
            0 => 0.000_001,
            var some => some,
        };

    /// <summary>The same of seeding, in seconds, from minutes.</summary>
    public static long? SeedTimeOf(long? minutes) =>
        minutes switch
        {
            null => null,
            -2 => -1,
            < 0 => 0,
            0 => 1,
            var some => some * 60,
        };

    private static QBittorrentRoute Change(Func<QBittorrentCall, TorrentChange> change) =>
        new(
            AccessScope.Control,
            true,
            async call =>
            {
                var wish = change(call);
                await call.EachAsync(torrent => call.Library.ChangeAsync(torrent, wish)).ConfigureAwait(false);
                await call.WriteTextAsync("").ConfigureAwait(false);
            }
        );

    private static QBittorrentRoute Each(Func<QBittorrentCall, LibraryTorrent, Task> action) =>
        new(
            AccessScope.Control,
            true,
            async call =>
            {
                await call.EachAsync(torrent => action(call, torrent)).ConfigureAwait(false);
                await call.WriteTextAsync("").ConfigureAwait(false);
            }
        );

    private static long LimitOf(QBittorrentCall call)
    {
        call.Need("limit");
        return Math.Max(0, call.Whole("limit") ?? 0);
    }

    private static Task LimitsAsync(QBittorrentCall call, Func<LibraryEntry, long> limit) =>
        call.WriteJsonAsync(json =>
        {
            json.WriteStartObject();
            foreach (var hash in QBittorrentCall.Split(call.Need("hashes")).Distinct(StringComparer.Ordinal))
            {
                json.WriteNumber(hash, call.Library.TryFindExact(hash) is { } torrent ? limit(torrent.Entry) : -1);
            }

            json.WriteEndObject();
        });

    private static async Task MoveAsync(QBittorrentCall call, string hashes, string path)
    {
        var folder = QBittorrentAdding.FolderOf(call, path, call.Need(path));
        await Task.WhenAll(
                call.Torrents(hashes).Select(torrent => call.Library.MoveAsync(torrent, folder, keepFiles: false))
            )
            .ConfigureAwait(false);
        await call.WriteTextAsync("").ConfigureAwait(false);
    }

    private static Task SetAutoManagementAsync(QBittorrentCall call)
    {
        call.Need("hashes");
        call.Need("enable");
        return call.Flag("enable") == true
            ? throw new ApiException(409, "bad-value", "content does not move by itself when its category changes")
            : call.WriteTextAsync("");
    }

    private static async Task RenameAsync(QBittorrentCall call)
    {
        var name = call.Need("name").ReplaceLineEndings(" ").Trim();
        if (name.Length == 0)
        {
            throw new ApiException(409, "bad-value", "Incorrect torrent name");
        }

        await call.Library.ChangeAsync(call.Torrent(), new TorrentChange { Name = name }).ConfigureAwait(false);
        await call.WriteTextAsync("").ConfigureAwait(false);
    }

    private static async Task SetFilePriorityAsync(QBittorrentCall call)
    {
        var torrent = call.Torrent();
        var wish = WishOf(call.Need("priority"));
        var files = TransmissionFacts.FilesOf(torrent.Engine?.Metainfo);
        if (files.Count == 0)
        {
            throw new ApiException(409, "no-metainfo", "Torrent's metadata has not yet downloaded");
        }

        var indices = new List<int>();
        foreach (var text in QBittorrentCall.Split(call.Need("id")))
        {
            if (!int.TryParse(text, out var place))
            {
                throw ApiException.Bad("id", "File IDs must be integers");
            }

            indices.Add(
                (uint)place < (uint)files.Count
                    ? files[place].Index
                    : throw new ApiException(409, "bad-value", "File ID is not valid")
            );
        }

        await call.Library.ChangeFilesAsync(torrent, [new FilePriorityWish(indices, wish)]).ConfigureAwait(false);
        await call.WriteTextAsync("").ConfigureAwait(false);
    }

    /// <summary>Of a number of the protocol.</summary>
    public static FileWish WishOf(string priority) =>
        priority.Trim() switch
        {
            "0" => FileWish.Skip,
            "1" => FileWish.Normal,
            "6" or "7" => FileWish.High,
            _ => throw ApiException.Bad("priority", "Priority is not valid"),
        };

    private static async Task QueueEndAsync(QBittorrentCall call, bool toTop)
    {
        await call.Library.MoveInQueueAsync(call.Torrents(), toTop).ConfigureAwait(false);
        await call.WriteTextAsync("").ConfigureAwait(false);
    }

    private static async Task QueueAsync(QBittorrentCall call, Func<int, int> place, bool lastFirst)
    {
        // Each in the order that keeps theirs among themselves.
        var torrents = call.Torrents().OrderBy(torrent => torrent.Item?.QueuePosition ?? 0).ToList();
        if (lastFirst)
        {
            torrents.Reverse();
        }

        foreach (var torrent in torrents)
        {
            var change = new TorrentChange { QueuePosition = place(torrent.Item?.QueuePosition ?? 0) };
            await call.Library.ChangeAsync(torrent, change).ConfigureAwait(false);
        }

        await call.WriteTextAsync("").ConfigureAwait(false);
    }

    private static async Task AddPeersAsync(QBittorrentCall call)
    {
        var named = QBittorrentCall.Split(call.Need("peers"));
        var peers = named.Where(text => System.Net.IPEndPoint.TryParse(text, out var end) && end.Port > 0).ToList();
        if (peers.Count == 0)
        {
            throw ApiException.Bad("peers", "No valid peers were specified");
        }

        var torrents = call.Torrents();
        await Task.WhenAll(torrents.Select(torrent => call.Library.AddPeersAsync(torrent, peers)))
            .ConfigureAwait(false);

        await call.WriteJsonAsync(json =>
            {
                json.WriteStartObject();
                foreach (var torrent in torrents)
                {
                    json.WriteStartObject(QBittorrentFacts.HashOf(torrent.Entry));
                    json.WriteNumber("added", peers.Count);
                    json.WriteNumber("failed", named.Length - peers.Count);
                    json.WriteEndObject();
                }

                json.WriteEndObject();
            })
            .ConfigureAwait(false);
    }

    private static async Task AddTrackersAsync(QBittorrentCall call)
    {
        // A line for each, an empty line before the next tier.
        var tiers = call.Need("urls")
            .ReplaceLineEndings("\n")
            .Split("\n\n")
            .Select(tier => tier.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            .Where(tier => tier.Length > 0)
            .ToList();
        foreach (var torrent in call.Torrents("hash"))
        {
            var known = TiersOf(torrent);
            var seen = known.SelectMany(tier => tier).ToHashSet(StringComparer.Ordinal);
            var added = tiers
                .Select(tier => (IReadOnlyList<string>)[.. tier.Where(seen.Add)])
                .Where(tier => tier.Count > 0);
            await call.Library.SetTrackersAsync(torrent, [.. known, .. added]).ConfigureAwait(false);
        }

        await call.WriteTextAsync("").ConfigureAwait(false);
    }

    private static async Task EditTrackerAsync(QBittorrentCall call)
    {
        // "url" is its name from version 2.13 on.
        var from = call.Text("origUrl") ?? call.Need("url");
        var to = call.Need("newUrl").Trim();
        var torrent = call.Torrent();
        var tiers = TiersOf(torrent);
        var all = tiers.SelectMany(tier => tier).ToList();
        if (!all.Contains(from))
        {
            throw new ApiException(409, "bad-value", "Tracker not found");
        }

        if (all.Contains(to))
        {
            throw new ApiException(409, "bad-value", "New tracker URL already exists");
        }

        await call
            .Library.SetTrackersAsync(
                torrent,
                [.. tiers.Select(tier => (IReadOnlyList<string>)[.. tier.Select(url => url == from ? to : url)])]
            )
            .ConfigureAwait(false);
        await call.WriteTextAsync("").ConfigureAwait(false);
    }

    private static async Task RemoveTrackersAsync(QBittorrentCall call)
    {
        // Some apps escape the URLs once more, since '|' may stand in one.
        var urls = QBittorrentCall
            .Split(call.Need("urls"))
            .SelectMany(url => new[] { url, Uri.UnescapeDataString(url) })
            .ToHashSet(StringComparer.Ordinal);
        foreach (var torrent in call.Torrents("hash"))
        {
            await call
                .Library.SetTrackersAsync(
                    torrent,
                    [
                        .. TiersOf(torrent)
                            .Select(tier => (IReadOnlyList<string>)[.. tier.Where(url => !urls.Contains(url))]),
                    ]
                )
                .ConfigureAwait(false);
        }

        await call.WriteTextAsync("").ConfigureAwait(false);
    }

    private static IReadOnlyList<IReadOnlyList<string>> TiersOf(LibraryTorrent torrent) =>
        torrent.Engine?.Trackers ?? torrent.Entry.Trackers ?? [];
}
