using System.Collections.Concurrent;

namespace Shoal.Engine;

// What was written is made durable, and only then relied on.
internal sealed partial class TorrentDisk
{
    /// <summary>Makes durable what was written since the last time. Blocks for as long as the disk takes.</summary>
    internal void Checkpoint()
    {
        lock (_placeLock)
        {
            if (_journal?.Mark() is not { } mark)
            {
                return;
            }

            HashSet<int> files;
            lock (_dirtyLock)
            {
                (files, _dirtyFiles) = (_dirtyFiles ?? [], null);
            }

            try
            {
                var stamps = Sync(files);
                Storage.SyncFolders();
                _journal.Checkpoint(mark, stamps);
                ReportRecovery(this);
            }
            catch (StorageException e)
            {
                lock (_dirtyLock)
                {
                    (_dirtyFiles ??= []).UnionWith(files);
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
                    if (Storage.Sync(file) is { } stamp)
                    {
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
