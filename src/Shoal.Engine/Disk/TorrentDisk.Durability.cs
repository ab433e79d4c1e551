using System.Collections.Concurrent;
using Shoal.Protocol;

namespace Shoal.Engine;

// What was written is made durable, and only then relied on.
internal sealed partial class TorrentDisk
{
    private readonly Lock _dirtyLock = new();

    // Written by us since the last checkpoint.
    private HashSet<int>? _dirtyFiles;

    // Found to hold what is claimed of them, and to be made durable too. Perhaps others write to them.
    private HashSet<int>? _provenFiles;

    /// <summary>
    /// A piece is about to be read and hashed. What is found there is true of the files as they are now: what others change while
    /// the rest is hashed must not become ours.
    /// </summary>
    internal void BeforeHash(PieceIndex piece)
    {
        if (_journal is null)
        {
            return;
        }

        foreach (var span in Storage.Map.Locate(Layout.OffsetOf(piece), Layout.SizeOf(piece)))
        {
            if (
                span.File != FileMap.NoFile
                && Storage.Place(span).File is var file
                && _journal.StampOf(file) is null
                && Storage.StampOf(file) is { } stamp
            )
            {
                _journal.NoteStamp(file, stamp);
            }
        }
    }

    /// <summary>The user wants all of it to be hashed again: from now on nothing is claimed that was not, also if this run ends first.</summary>
    public Task SuspectAllAsync() => Task.Run(() => _journal?.SuspectAll());

    /// <summary>After the writes and before the record: a checkpoint that covers the record then syncs the files.</summary>
    private void NoteRound(ResumeJournal journal, ShardTorrent shard)
    {
        lock (_dirtyLock)
        {
            (_dirtyFiles ??= []).UnionWith(shard.Record.Files);
            foreach (var piece in shard.Record.Committed)
            {
                AddFilesOf(Layout.Piece(piece), _provenFiles ??= []);
            }
        }

        journal.End(shard.Shard, StampsOf(shard.Record.Files), shard.Record);
    }

    /// <summary>Makes durable what was written since the last time. Blocks for as long as the disk takes.</summary>
    internal void Checkpoint()
    {
        lock (_placeLock)
        {
            if (_journal?.Mark() is not { } mark)
            {
                return;
            }

            HashSet<int> written;
            HashSet<int> proven;
            lock (_dirtyLock)
            {
                (written, _dirtyFiles) = (_dirtyFiles ?? [], null);
                (proven, _provenFiles) = (_provenFiles ?? [], null);
            }

            try
            {
                var stamps = Sync([.. written, .. proven])
                    // Where we have not written whatever changed since was somebody else.
                    .ConvertAll(now =>
                        !written.Contains(now.Key) && _journal.StampOf(now.Key) is { } left ? new(now.Key, left) : now
                    );
                Storage.SyncFolders();
                _journal.Checkpoint(mark, stamps);
                ReportRecovery(this);
            }
            catch (StorageException e)
            {
                lock (_dirtyLock)
                {
                    (_dirtyFiles ??= []).UnionWith(written);
                    (_provenFiles ??= []).UnionWith(proven);
                }

                // After a failed sync the system may have dropped what it could not write, and says so only once.
                _journal.Distrust();
                ReportFailure(this, e.Failure);
            }
        }
    }

    /// <summary>Makes files durable, some at the same time: a file system does with one commit what all of those wait for.</summary>
    /// <returns>Their stamps, but of those that are gone.</returns>
    /// <exception cref="StorageException">Not all of them are durable.</exception>
    private List<KeyValuePair<int, FileStamp>> Sync(HashSet<int> files)
    {
        var waiting = new ConcurrentQueue<int>(files);
        var stamps = new ConcurrentBag<KeyValuePair<int, FileStamp>>();
        var syncs = Enumerable
            .Range(0, Math.Min(DiskLimits.SyncsAtOnce, files.Count / DiskLimits.FilesPerSync))
            .Select(_ =>
                // Threads of their own: they do nothing but wait, and the pool has as many as there are cores.
                Task.Factory.StartNew(
                    SyncSome,
                    CancellationToken.None,
                    TaskCreationOptions.LongRunning,
                    TaskScheduler.Default
                )
            )
            .ToArray();
        try
        {
            SyncSome();
        }
        finally
        {
            // None of them may go on behind our back.
            Task.WhenAll(syncs).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing).GetAwaiter().GetResult();
        }

        foreach (var sync in syncs)
        {
            // Throws what it met.
            sync.GetAwaiter().GetResult();
        }

        return [.. stamps];

        void SyncSome()
        {
            try
            {
                while (waiting.TryDequeue(out var file))
                {
                    var time = _workers.Options.Time;
                    var began = time.GetTimestamp();
                    if (Storage.Sync(file) is { } stamp)
                    {
                        _workers.Times.Syncs.Add(time.GetElapsedTime(began));
                        stamps.Add(new(file, stamp));
                    }
                }
            }
            catch (StorageException)
            {
                waiting.Clear();
                throw;
            }
        }
    }
}
