using System.Net;
using Shoal.Api;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Daemon;

// What callers do to torrents. Each method completes when it is durable; the engine follows.
internal sealed partial class TorrentLibrary
{
    /// <summary>
    /// How long a call waits to be durable. A disk that is slow and busy takes seconds for one sync, and a record may have to
    /// wait for two; one that takes longer than this hangs.
    /// </summary>
    private static readonly TimeSpan SaveTime = TimeSpan.FromSeconds(15);

    /// <summary>Changes what is wanted of a torrent.</summary>
    public async Task ChangeAsync(LibraryTorrent torrent, TorrentChange change)
    {
        CheckTitle(change.Name);
        CheckLabels(change.Labels, change.Category);
        CheckNumbers(change.DownloadLimit, change.UploadLimit, change.RatioLimit, change.SeedTimeLimit, least: -1);
        Task saved;
        lock (_lock)
        {
            var before = torrent.Entry;
            var entry = before with
            {
                Paused = change.Paused ?? before.Paused,
                Forced = change.Forced ?? before.Forced,
                Sequential = change.Sequential ?? before.Sequential,
                FirstLast = change.FirstLast ?? before.FirstLast,
                Title = change.Name is null ? before.Title : TitleOf(change.Name),
                SuperSeeding = change.SuperSeeding ?? before.SuperSeeding,
                Category =
                    change.Category is null ? before.Category
                    : change.Category is { Length: > 0 } set ? set
                    : null,
                Labels = change.Labels is null ? before.Labels : Distinct(change.Labels),
                DownloadLimit = change.DownloadLimit ?? before.DownloadLimit,
                UploadLimit = change.UploadLimit ?? before.UploadLimit,
                RatioLimit = change.RatioLimit switch
                {
                    null => before.RatioLimit,
                    < 0 => null,
                    var ratio => ratio,
                },
                SeedTimeLimit = change.SeedTimeLimit switch
                {
                    null => before.SeedTimeLimit,
                    < 0 => null,
                    var time => time,
                },
                Order = change.QueuePosition is { } place ? OrderAt(torrent, place) : before.Order,
            };
            if (before.Paused && !entry.Paused)
            {
                // Who says "go on" knows that the limits were reached.
                entry = entry with
                {
                    SeedingSeconds = 0,
                };
                torrent.LookedAt = _pass;
                torrent.IsQueued = false;
            }

            saved = Keep(torrent, entry);
            if (change.QueuePosition is not null)
            {
                Reorder();
            }

            // Whose turn it is the next pass sees, within a second: asked for each of ten thousand it would take minutes.
            Tell(torrent, before);
        }

        await SavedAsync(saved).ConfigureAwait(false);
    }

    /// <summary>To the head or the end of the queue, in the order they have among themselves.</summary>
    public async Task MoveInQueueAsync(IEnumerable<LibraryTorrent> torrents, bool toTop)
    {
        Task saved;
        lock (_lock)
        {
            var moving = torrents.ToHashSet();
            var chosen = _order.FindAll(moving.Contains);
            var rest = _order.FindAll(torrent => !moving.Contains(torrent));
            var first =
                rest.Count == 0 ? 0
                : toTop ? rest[0].Entry.Order - 1024L * chosen.Count
                : rest[^1].Entry.Order + 1024;
            saved = Task.WhenAll(
                chosen.Select((torrent, i) => Keep(torrent, torrent.Entry with { Order = first + 1024L * i })).ToList()
            );
            Reorder();
        }

        await SavedAsync(saved).ConfigureAwait(false);
    }

    /// <summary>Takes a torrent out, and its files if wanted.</summary>
    public async Task RemoveAsync(LibraryTorrent torrent, bool deleteData)
    {
        Task saved;
        lock (_lock)
        {
            if (torrent.Entry.Removal != RemovalStage.None)
            {
                return;
            }

            Bury(torrent);
            saved = Keep(
                torrent,
                torrent.Entry with
                {
                    Removal = deleteData ? RemovalStage.DeleteData : RemovalStage.KeepData,
                }
            );
            torrent.Engine?.Pause();
            Do(torrent, () => EndRemovalAsync(torrent));
        }

        await SavedAsync(saved).ConfigureAwait(false);
    }

    /// <summary>Hashes what is on disk again; also tries again what failed.</summary>
    public async Task RecheckAsync(LibraryTorrent torrent)
    {
        Task saved = Task.CompletedTask;
        lock (_lock)
        {
            if (torrent.Engine is { Metainfo: not null, Status.State: not TorrentState.Failed } engine)
            {
                engine.Recheck();
            }
            else
            {
                // Kept, so that it is not forgotten when the daemon ends before it could begin.
                saved = Keep(torrent, torrent.Entry with { Recheck = true });
                Do(torrent, () => ReopenAsync(torrent, torrent.Entry));
            }
        }

        await SavedAsync(saved).ConfigureAwait(false);
    }

    /// <summary>Looks for peers as soon as trackers and the DHT allow.</summary>
    public void Announce(LibraryTorrent torrent)
    {
        lock (_lock)
        {
            torrent.Engine?.Announce();
        }
    }

    public async Task ChangeFilesAsync(LibraryTorrent torrent, IReadOnlyList<FilePriorityWish> wishes)
    {
        Task saved;
        lock (_lock)
        {
            var metainfo = torrent.Engine?.Metainfo;
            var priorities = PrioritiesOf(wishes, torrent.Entry.Priorities, metainfo);
            saved = Keep(torrent, torrent.Entry with { Priorities = priorities });
            if (metainfo is not null)
            {
                torrent.Engine!.SetFilePriorities(AllPriorities(metainfo, priorities));
                TellFirstLast(torrent);
            }
        }

        await SavedAsync(saved).ConfigureAwait(false);
    }

    public async Task SetTrackersAsync(LibraryTorrent torrent, IReadOnlyList<IReadOnlyList<string>> tiers)
    {
        tiers = [.. ApiException.Whole("tiers", tiers).Select(tier => ApiException.Whole("tiers", tier))];
        if (tiers.Sum(tier => tier.Count) > _limits.MaxTrackers)
        {
            throw ApiException.Bad("tiers", $"tiers: more than {_limits.MaxTrackers} trackers");
        }

        foreach (var url in tiers.SelectMany(tier => tier))
        {
            if (url.Length > _limits.MaxUrlLength || !TrackerUrl.TryParse(url, out _))
            {
                throw ApiException.Bad(
                    "tiers",
                    $"tiers: '{Shorten(url)}' is not an http, https or udp URL of a tracker"
                );
            }
        }

        Task saved;
        lock (_lock)
        {
            saved = Keep(torrent, torrent.Entry with { Trackers = [.. tiers.Where(tier => tier.Count > 0)] });
            torrent.Engine?.SetTrackers(torrent.Entry.Trackers!);
        }

        await SavedAsync(saved).ConfigureAwait(false);
    }

    /// <summary>Does the same to many, and says of each what became of it.</summary>
    public async Task<BatchResult> BatchAsync(IReadOnlyList<string>? ids, Func<LibraryTorrent, Task> action)
    {
        var done = new List<string>();
        var failed = new List<BatchFailure>();
        var running = new List<(string Id, Task Work)>();
        var all = ids is null
            ? All.Select(torrent => torrent.Entry.Id)
            : ApiException.Whole("ids", ids).Distinct(StringComparer.Ordinal);
        foreach (var id in all.ToList())
        {
            try
            {
                var torrent = Find(id);
                // Begun together, so that all of them are saved together.
                running.Add((torrent.Entry.Id, action(torrent)));
            }
            catch (ApiException error)
            {
                failed.Add(new BatchFailure(id, error.Code, error.Message));
            }
        }

        foreach (var (id, work) in running)
        {
            try
            {
                await work.ConfigureAwait(false);
                done.Add(id);
            }
            catch (ApiException error)
            {
                failed.Add(new BatchFailure(id, error.Code, error.Message));
            }
        }

        return new BatchResult { Done = done, Failed = failed };
    }

    /// <summary>Until it is durable; a disk that hangs does not hold the caller for ever.</summary>
    /// <exception cref="ApiException">It was done, and is lost at the next start unless the state folder works again.</exception>
    private async Task SavedAsync(Task saved)
    {
        try
        {
            await saved.WaitAsync(SaveTime, _time).ConfigureAwait(false);
        }
        catch (TimeoutException) when (saved.IsCompletedSuccessfully)
        {
            // It is: only the news of it had to wait for a thread.
        }
        catch (Exception error) when (error is IOException or TimeoutException)
        {
            throw new ApiException(
                500,
                "state-not-saved",
                $"done, but the state folder cannot be written: {_journal.Problem ?? error.Message}"
            );
        }
    }

    /// <summary>Tells the engine what is other than before.</summary>
    private static void Tell(LibraryTorrent torrent, LibraryEntry before)
    {
        if (torrent.Engine is not { } engine)
        {
            return;
        }

        var entry = torrent.Entry;
        if (entry.DownloadLimit != before.DownloadLimit || entry.UploadLimit != before.UploadLimit)
        {
            engine.SetLimits(entry.DownloadLimit, entry.UploadLimit);
        }

        if (entry.Sequential != before.Sequential)
        {
            engine.SetSequential(entry.Sequential);
        }

        if (entry.FirstLast != before.FirstLast)
        {
            TellFirstLast(torrent);
        }

        if (entry.SuperSeeding != before.SuperSeeding)
        {
            engine.SetSuperSeeding(entry.SuperSeeding);
        }

        if (entry.Paused != before.Paused)
        {
            Run(engine, !entry.Paused && !torrent.IsQueued);
        }
    }

    private static FilePriority[] AllPriorities(Metainfo metainfo, IReadOnlyDictionary<int, FileWish>? wishes) =>
        [
            .. metainfo.Files.Select(
                (_, index) => PriorityOf(wishes?.GetValueOrDefault(index, FileWish.Normal) ?? FileWish.Normal)
            ),
        ];

    /// <summary>An order between the neighbours at a place; makes room where there is none.</summary>
    private long OrderAt(LibraryTorrent torrent, int place)
    {
        var others = _order.FindAll(other => other != torrent);
        place = Math.Clamp(place, 0, others.Count);
        if (others.Count == 0)
        {
            return 0;
        }

        if (place == 0)
        {
            return others[0].Entry.Order - 1024;
        }

        if (place == others.Count)
        {
            return others[^1].Entry.Order + 1024;
        }

        var (low, high) = (others[place - 1].Entry.Order, others[place].Entry.Order);
        if (high - low > 1)
        {
            return low + (high - low) / 2;
        }

        for (var i = place; i < others.Count; i++)
        {
            Keep(others[i], others[i].Entry with { Order = others[i].Entry.Order + 2048 });
        }

        return low + 1024;
    }

    private void Reorder()
    {
        _order = [.. _order.OrderBy(torrent => torrent.Entry.Order)];
        PublishAll();
    }
}
