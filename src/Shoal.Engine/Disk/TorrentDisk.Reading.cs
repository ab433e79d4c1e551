using Shoal.Protocol;

namespace Shoal.Engine;

// Reading for somebody outside of the swarm.
internal sealed partial class TorrentDisk
{
    /// <summary>
    /// Reads what the swarm has found proven. Who does not want to wait any longer leaves the memory to it: the disk may
    /// still write there.
    /// </summary>
    /// <param name="piece">The piece.</param>
    /// <param name="begin">From this byte of it on.</param>
    /// <param name="into">As much as is to be read.</param>
    /// <param name="isWhole">All of the piece is proven; otherwise only blocks of it are.</param>
    public Task<ReadVerdict> ReadAsync(PieceIndex piece, int begin, Memory<byte> into, bool isWhole)
    {
        var done = new TaskCompletionSource<ReadVerdict>(TaskCreationOptions.RunContinuationsAsynchronously);
        var shard = _workers.Shards[ShardOf(piece)];
        shard.Enqueue(
            this,
            torrent =>
            {
                var verdict = ReadVerdict.Failed;
                try
                {
                    verdict = shard.ReadFor(torrent, piece, begin, into, isWhole);
                }
                finally
                {
                    done.SetResult(verdict);
                }
            }
        );
        return done.Task;
    }

    /// <summary>
    /// Somebody else may write to what we seed. Receivers refuse what does not match, and drop us for it, so its owner
    /// should hear of it. After a read for a peer, on the shard's thread; looks at one file every few seconds.
    /// </summary>
    internal void LookForChanges(long offset, TimeProvider time)
    {
        var last = Volatile.Read(ref _lookedForChanges);
        if (
            _contentChanged is null
            || _journal is null
            || (last != 0 && time.GetElapsedTime(last) < DiskLimits.ChangeInterval)
            || Interlocked.CompareExchange(ref _lookedForChanges, time.GetTimestamp(), last) != last
        )
        {
            return;
        }

        foreach (var span in Storage.Map.Locate(offset, 1))
        {
            if (
                span.File != FileMap.NoFile
                && _journal.SettledStampOf(span.File) is { } proven
                && Storage.OpenStampOf(span.File) is { } now
                && now != proven
                && TryNote(span.File, now)
            )
            {
                _contentChanged(Storage.PathOf(span.File));
            }
        }
    }

    private bool TryNote(int file, FileStamp stamp)
    {
        lock (_failureLock)
        {
            _changed ??= [];
            var isNew = !_changed.TryGetValue(file, out var told) || told != stamp;
            _changed[file] = stamp;
            return isNew;
        }
    }
}
