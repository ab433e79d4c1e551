using Shoal.Api;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Daemon;

// What the engine does to torrents: opening, removing, moving. One thing after the other for each torrent.
internal sealed partial class TorrentLibrary
{
    /// <summary>Torrents that are opened at once at the start: reading and hashing metainfo is work for processors.</summary>
    private static readonly int Openers = Math.Clamp(Environment.ProcessorCount, 2, 8);

    // Of those that come later, among which a few may lie on a disk that hangs.
    private readonly SemaphoreSlim _opening = new(4 * Openers, 4 * Openers);

    /// <summary>Opens what was here at the start, and begins to watch. Once.</summary>
    public void Start()
    {
        List<LibraryTorrent> all;
        lock (_lock)
        {
            all = [.. _torrents.Values.OrderBy(torrent => torrent.Entry.Order)];
        }

        _hasBegun = true;
        _tasks.Add(Task.Run(() => OpenAllAsync(all)));
        _tasks.Add(Task.Run(WatchAsync));
        _tasks.Add(Task.Run(HearAsync));
    }

    private async Task OpenAllAsync(List<LibraryTorrent> all)
    {
        try
        {
            await Parallel
                .ForEachAsync(
                    all,
                    new ParallelOptions { MaxDegreeOfParallelism = Openers, CancellationToken = _stopping.Token },
                    async (torrent, _) =>
                        await Do(
                                torrent,
                                () =>
                                    torrent.Entry.Removal == RemovalStage.None
                                        ? OpenAsync(torrent, null)
                                        : EndRemovalAsync(torrent)
                            )
                            .ConfigureAwait(false)
                )
                .ConfigureAwait(false);
            IsLoaded = true;
        }
        catch (OperationCanceledException)
        {
            // The daemon stops.
        }
    }

    /// <summary>Adds to a torrent's chain of work. What fails there is told as the torrent's problem.</summary>
    /// <returns>Completes when it is done; never fails.</returns>
    private Task Do(LibraryTorrent torrent, Func<Task> work)
    {
        lock (_lock)
        {
            var begun = RunAsync(torrent, torrent.Work, work);
            torrent.Work = begun;
            // What is done is not kept: it holds on to all that it used.
            begun.ContinueWith(_ => Done(torrent, begun), TaskScheduler.Default);
            return begun;
        }
    }

    private void Done(LibraryTorrent torrent, Task work)
    {
        lock (_lock)
        {
            if (torrent.Work == work)
            {
                torrent.Work = Task.CompletedTask;
            }
        }
    }

    private async Task RunAsync(LibraryTorrent torrent, Task before, Func<Task> work)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        if (_stopping.IsCancellationRequested)
        {
            return;
        }

        try
        {
            await work().ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The daemon stops.
        }
        catch (Exception error)
        {
            var isExpected = error is IOException or UnauthorizedAccessException or InvalidOperationException;
            Fail(
                torrent,
                isExpected ? error.Message : $"this is a bug in Shoal: {error.GetType().Name}: {error.Message}"
            );
        }
    }

    private void Fail(LibraryTorrent torrent, string message)
    {
        lock (_lock)
        {
            torrent.Problem = message;
            if (torrent.Entry.MoveTarget is not null && torrent.Engine is not null)
            {
                // The content is where it was.
                torrent.NextMoveAt = Uptime + MoveAgainAfter;
                Keep(torrent, torrent.Entry with { MoveTarget = null, HasMoveBegun = false });
            }

            if (torrent.Entry.Removal == RemovalStage.None)
            {
                Publish(torrent);
            }

            Events.Add(Event("torrent-failed", torrent) with { Code = "torrent-failed", Message = message });
        }
    }

    private async Task OpenAsync(LibraryTorrent torrent, Metainfo? metainfo)
    {
        var entry = torrent.Entry;
        if (torrent.Engine is not null || entry.Removal != RemovalStage.None)
        {
            return;
        }

        SettlePlace(torrent);
        entry = torrent.Entry;
        var engine = await AddToEngineAsync(entry, metainfo, torrent.IsQueued).ConfigureAwait(false);
        lock (_lock)
        {
            torrent.Engine = engine;
            torrent.Problem = null;
            HasNews(torrent);
            var status = engine.Status;
            torrent.BytesAtOpening = status.AllTimeDownloaded + status.AllTimeUploaded;
            if (torrent.Entry is { AssumeComplete: true } or { Recheck: true })
            {
                Keep(torrent, torrent.Entry with { AssumeComplete = false, Recheck = false });
            }

            // The user may have changed his mind while it was opened.
            Apply(torrent);
            Publish(torrent);
            // Where its disk could not be opened the move stays as it is: it is ended at another start.
            if (
                torrent.Entry is { MoveTarget: { } target } moving
                && (engine.Metainfo is not null || !moving.HasMoveBegun)
            )
            {
                Do(torrent, () => MoveFilesAsync(torrent, target));
            }
        }

        await RenameAsync(torrent).ConfigureAwait(false);
    }

    private static TorrentOptions OptionsOf(LibraryEntry entry, bool isQueued) =>
        new()
        {
            SaveDirectory = entry.ContentDirectory,
            InterruptedMove = entry.HasMoveBegun ? entry.MoveTarget : null,
            Paused = entry.Paused || isQueued,
            Sequential = entry.Sequential,
            SuperSeeding = entry.SuperSeeding,
            DownloadLimit = entry.DownloadLimit,
            UploadLimit = entry.UploadLimit,
            Priorities = entry.PauseWhenKnown
                ? null
                : entry.Priorities?.ToDictionary(pair => pair.Key, pair => PriorityOf(pair.Value)),
            // Not a byte of what nobody has chosen yet, in the moment before it is paused.
            FilePriority = entry.PauseWhenKnown ? _ => FilePriority.Skip : null,
            Trackers = entry.Trackers,
            Peers = PeersOf(entry),
            AssumeComplete = entry.AssumeComplete,
            Recheck = entry.Recheck,
        };

    /// <summary>Tells the engine of what may be other than when the torrent was opened.</summary>
    private static void Apply(LibraryTorrent torrent)
    {
        if (torrent.Engine is { } engine)
        {
            var entry = torrent.Entry;
            engine.SetLimits(entry.DownloadLimit, entry.UploadLimit);
            TellFirstLast(torrent);
            Run(engine, !entry.Paused && !torrent.IsQueued);
        }
    }

    private static void Run(Torrent engine, bool runs)
    {
        if (runs)
        {
            engine.Resume();
        }
        else
        {
            engine.Pause();
        }
    }

    private static FilePriority PriorityOf(FileWish wish) =>
        wish switch
        {
            FileWish.Skip => FilePriority.Skip,
            FileWish.Low => FilePriority.Low,
            FileWish.High => FilePriority.High,
            _ => FilePriority.Normal,
        };

    /// <summary>Files are deleted by who knows them: the engine, which opens the torrent once more for that.</summary>
    /// <returns>Null: it cannot be opened; the torrent goes all the same.</returns>
    private async Task<Torrent?> OpenToDeleteAsync(LibraryTorrent torrent)
    {
        var entry = torrent.Entry;
        try
        {
            return await AddToEngineAsync(entry, null, isQueued: true).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            Events.Add(
                Event("warning", torrent) with
                {
                    Code = "cannot-delete",
                    Message = $"{entry.Name}: its files were not deleted: {error.Message}",
                }
            );
            return null;
        }
    }

    /// <summary>The engine lets go of it; then nothing is left of it in the library.</summary>
    private async Task EndRemovalAsync(LibraryTorrent torrent)
    {
        var entry = torrent.Entry;
        var deletes = entry.Removal == RemovalStage.DeleteData;
        if (torrent.Engine is null && deletes)
        {
            torrent.Engine = await OpenToDeleteAsync(torrent).ConfigureAwait(false);
        }

        if (torrent.Engine is { } engine)
        {
            torrent.Engine = null;
            try
            {
                await LetGoAsync(entry, engine, deletes).ConfigureAwait(false);
            }
            catch (IOException error)
            {
                Events.Add(
                    Event("warning", torrent) with
                    {
                        Code = "cannot-delete",
                        Message = $"{entry.Name}: not all files could be deleted: {error.Message}",
                    }
                );
            }
        }

        _files.Delete(entry);
        Task gone;
        lock (_lock)
        {
            _torrents.Remove(entry.Id);
            Unname(torrent);

            gone = _journal.AppendAsync([new LibraryRecord { Gone = entry.Id }]);
        }

        await gone.ConfigureAwait(false);
    }

    /// <summary>The content is elsewhere, or the torrent failed: the engine takes it in anew.</summary>
    private async Task ReopenAsync(LibraryTorrent torrent, LibraryEntry entry)
    {
        if (torrent.Engine is { } engine)
        {
            lock (_lock)
            {
                torrent.Engine = null;
            }

            await LetGoAsync(entry, engine, deleteData: false).ConfigureAwait(false);
        }

        await Keep(torrent, entry).ConfigureAwait(false);
        await OpenAsync(torrent, null).ConfigureAwait(false);
    }
}
