using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>Writing.</summary>
internal sealed partial class DiskShard
{
    private readonly int _heldBudget;

    // Pieces with unwritten blocks, the longest waiting first.
    private readonly Queue<(ShardTorrent Torrent, OpenPiece Piece)> _dirty = new();
    private readonly List<ReadOnlyMemory<byte>> _run = [];
    private readonly List<ReadOnlyMemory<byte>> _runPart = [];
    private readonly List<Memory<byte>> _readPart = [];
    private readonly List<Memory<byte>> _chunk = [default];

    // Torrents with open pieces.
    private readonly HashSet<ShardTorrent> _active = [];
    private int _held;

    private void WriteBlock(ShardTorrent torrent, in DiskRequest request)
    {
        var buffer = request.Buffer!;
        var piece = GetOrOpen(torrent, request.Piece);
        var block = request.Begin / PieceLayout.BlockSize;
        // A second copy (end of the download, or a late answer) changes nothing; the first is hashed already.
        if (block >= piece.BlockCount || piece.Has(block) || buffer.Length != piece.SizeOf(block))
        {
            buffer.Release();
            return;
        }

        if (torrent.IsWriteBlocked && torrent.HeldCount >= _heldBudget / 2)
        {
            buffer.Release();
            GiveUp(torrent, piece);
            return;
        }

        if (torrent.Disk.Storage.Map.HasPads)
        {
            // What a peer says about padding is not kept: files have none, and what we read back must be what
            // was hashed.
            torrent.Disk.Storage.ClearPadding(piece.Offset + request.Begin, buffer.Span);
        }

        piece.Add(block, buffer);
        torrent.HeldCount++;
        _held++;
        if (piece.Leaves is { } leaves)
        {
            leaves[block] = LeafOf(buffer.Span[..piece.DataSizeOf(block)]);
            if (piece.IsWatched)
            {
                TellLeaf(torrent, piece, block);
            }
        }

        Queue(torrent, piece);
        if (!HashInOrder(torrent, piece))
        {
            return;
        }

        if (piece.IsComplete)
        {
            Complete(torrent, piece);
        }
        else
        {
            RelievePressure();
        }
    }

    private void Queue(ShardTorrent torrent, OpenPiece piece)
    {
        if (!piece.IsQueued && piece.IsDirty)
        {
            piece.IsQueued = true;
            piece.DirtySince = _time.GetTimestamp();
            _dirty.Enqueue((torrent, piece));
        }
    }

    private OpenPiece GetOrOpen(ShardTorrent torrent, PieceIndex index)
    {
        if (torrent.Pieces.TryGetValue(index.Value, out var piece))
        {
            return piece;
        }

        piece = NewPiece(torrent, index);
        if (torrent.Resumed.Remove(index.Value, out var resumed))
        {
            for (var block = 0; block < piece.BlockCount; block++)
            {
                if ((resumed[block >> 6] & (1UL << block)) != 0)
                {
                    piece.AddResumed(block);
                }
            }
        }

        piece.IsWatched = torrent.Watched.Remove(index.Value);
        torrent.Pieces.Add(index.Value, piece);
        _active.Add(torrent);
        return piece;
    }

    private OpenPiece NewPiece(ShardTorrent torrent, PieceIndex index, bool withLeaves = false)
    {
        var disk = torrent.Disk;
        return new OpenPiece(index, disk.Layout)
        {
            Sha1 = disk.NeedsSha1 ? RentSha1() : null,
            Leaves =
                withLeaves || disk.NeedsLeaves || torrent.Discarded.Contains(index.Value)
                    ? new Sha256Digest[disk.Layout.DataBlockCount(index)]
                    : null,
        };
    }

    /// <summary>All blocks are here: writes the rest and reports the hash.</summary>
    private void Complete(ShardTorrent torrent, OpenPiece piece)
    {
        if (piece.IsReported || !Flush(torrent, piece, releaseAll: true))
        {
            return; // The disk fails: the retry comes back here.
        }

        piece.IsReported = true;
        Report(torrent, piece);
    }

    private static void Answer(ShardTorrent torrent, PieceHashResult result) =>
        torrent.Post(new SwarmEvent(SwarmEventKind.PieceHashed, Piece: (uint)result.Piece.Value, Payload: result));

    /// <summary>Writes what of the piece is not in its file.</summary>
    /// <param name="releaseAll">Also give up blocks that hashing has not reached; they are read back later.</param>
    /// <returns>False when the disk fails.</returns>
    private bool Flush(ShardTorrent torrent, OpenPiece piece, bool releaseAll)
    {
        if (torrent.IsWriteBlocked || torrent.IsFrozen)
        {
            return !piece.IsDirty;
        }

        _touched.Add(torrent);
        var from = 0;
        while (piece.IsDirty)
        {
            var (first, count) = piece.NextDirtyRun(from);
            _run.Clear();
            var length = 0;
            for (var block = first; block < first + count; block++)
            {
                var memory = piece.Held(block)!.Memory;
                _run.Add(memory);
                length += memory.Length;
            }

            var offset = piece.Offset + first * PieceLayout.BlockSize;
            try
            {
                torrent.Disk.BeforeWrite(torrent, offset, length);
                var began = _time.GetTimestamp();
                torrent.Disk.Storage.Write(offset, _run, length, _runPart);
                _times.Writes.Add(_time.GetElapsedTime(began));
            }
            catch (Exception e) when (StorageException.IsExpected(e))
            {
                BlockWrites(torrent, StorageException.From(e, "cannot write", torrent.Disk.Storage.Root).Failure);
                return false;
            }

            for (var block = first; block < first + count; block++)
            {
                piece.MarkWritten(block);
                if (block < piece.Cursor || piece.Sha1 is null || releaseAll)
                {
                    Release(torrent, piece, block);
                }
            }

            from = first + count;
            torrent.Record.Blocks[piece.Index.Value] = piece;
        }

        if (releaseAll)
        {
            var before = piece.HeldCount;
            piece.ReleaseAll();
            torrent.HeldCount -= before;
            _held -= before;
        }

        return true;
    }

    private void FlushDue()
    {
        while (_dirty.TryPeek(out var head))
        {
            var (torrent, piece) = head;
            var isOpen = torrent.Pieces.TryGetValue(piece.Index.Value, out var open) && open == piece;
            if (isOpen && piece.IsDirty && _time.GetElapsedTime(piece.DirtySince) < DiskLimits.FlushDelay)
            {
                return;
            }

            _dirty.Dequeue();
            piece.IsQueued = false;
            if (isOpen && piece.IsDirty)
            {
                Flush(torrent, piece, releaseAll: false);
            }
        }
    }

    /// <summary>Too much memory is held: the longest waiting pieces are written and let go.</summary>
    private void RelievePressure()
    {
        for (var tries = _dirty.Count; _held > _heldBudget && tries > 0; tries--)
        {
            var (torrent, piece) = _dirty.Dequeue();
            piece.IsQueued = false;
            if (torrent.Pieces.TryGetValue(piece.Index.Value, out var open) && open == piece)
            {
                Flush(torrent, piece, releaseAll: true);
            }
        }

        if (_held <= _heldBudget)
        {
            return;
        }

        // What is left was written already and kept for hashing.
        foreach (var torrent in _active)
        {
            foreach (var piece in torrent.Pieces.Values)
            {
                if (piece.HeldCount > 0)
                {
                    Flush(torrent, piece, releaseAll: true);
                }
            }
        }
    }

    private void Release(ShardTorrent torrent, OpenPiece piece, int block)
    {
        piece.Release(block);
        torrent.HeldCount--;
        _held--;
    }

    /// <summary>Blocks of the piece are lost: the swarm must fetch it again.</summary>
    private void GiveUp(ShardTorrent torrent, OpenPiece piece)
    {
        Close(torrent, piece);
        torrent.Record.Lost.Add(piece.Index.Value);
        _touched.Add(torrent);
        Answer(torrent, new PieceHashResult { Piece = piece.Index, IsComplete = false });
    }

    private void Close(ShardTorrent torrent, OpenPiece piece)
    {
        var held = piece.HeldCount;
        piece.ReleaseAll();
        torrent.HeldCount -= held;
        _held -= held;
        ReturnSha1(piece);
        torrent.Pieces.Remove(piece.Index.Value);
        if (torrent.Pieces.Count == 0)
        {
            _active.Remove(torrent);
        }

        torrent.Record.Blocks.Remove(piece.Index.Value);
    }

    private void Commit(ShardTorrent torrent, PieceIndex index)
    {
        if (torrent.Pieces.TryGetValue(index.Value, out var piece))
        {
            Close(torrent, piece);
        }

        torrent.Watched.Remove(index.Value);
        torrent.Discarded.Remove(index.Value);
        torrent.Record.Committed.Add(index.Value);
    }

    private void Discard(ShardTorrent torrent, PieceIndex index)
    {
        if (torrent.Pieces.TryGetValue(index.Value, out var piece))
        {
            Close(torrent, piece);
        }

        torrent.Resumed.Remove(index.Value);
        torrent.Discarded.Add(index.Value);
        torrent.Disk.Lose(torrent, index);
    }

    /// <summary>Notes that writing fails; it is tried again every <see cref="DiskLimits.RetryDelay"/>.</summary>
    private void BlockWrites(ShardTorrent torrent, DiskFailure failure)
    {
        torrent.IsWriteBlocked = true;
        torrent.FailedAt = _time.GetTimestamp();
        _failed.Add(torrent);
        torrent.Fail(failure);
    }

    private void RetryFailed()
    {
        if (_failed.Count == 0)
        {
            return;
        }

        foreach (var torrent in _failed.ToArray())
        {
            if (_time.GetElapsedTime(torrent.FailedAt) < DiskLimits.RetryDelay || torrent.IsFrozen)
            {
                continue;
            }

            _touched.Add(torrent);
            torrent.FailedAt = _time.GetTimestamp();
            if (torrent.UnreadableRange is { } range && IsReadable(torrent, range))
            {
                torrent.UnreadableRange = null;
            }

            if (torrent.IsWriteBlocked)
            {
                RetryWrites(torrent);
            }

            if (!torrent.HasFailed)
            {
                _failed.Remove(torrent);
                torrent.Disk.ReportRecovery(torrent);
            }
        }
    }

    private void RetryWrites(ShardTorrent torrent)
    {
        torrent.IsWriteBlocked = false;
        foreach (var piece in torrent.Pieces.Values.ToArray())
        {
            if (!Flush(torrent, piece, releaseAll: false))
            {
                return; // Blocked again.
            }

            if (piece.IsComplete)
            {
                Complete(torrent, piece);
            }
        }

        RetryCopies(torrent);
    }
}
