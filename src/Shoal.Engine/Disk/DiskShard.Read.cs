using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>Reading for peers and for checking.</summary>
internal sealed partial class DiskShard
{
    private static readonly Comparison<(ShardTorrent Torrent, DiskRequest Request)> ByPlace = (a, b) =>
    {
        var order = a.Torrent.Disk.Number.CompareTo(b.Torrent.Disk.Number);
        order = order != 0 ? order : a.Request.Piece.CompareTo(b.Request.Piece);
        return order != 0 ? order : a.Request.Begin.CompareTo(b.Request.Begin);
    };

    private readonly List<(ShardTorrent Torrent, DiskRequest Request)> _reads = [];
    private readonly List<BlockBuffer> _readBuffers = [];
    private readonly List<Memory<byte>> _readRun = [];
    private bool _awaitsBuffers;

    /// <summary>
    /// Answers the reads of the round, neighbours together. What there are no buffers for stays, and comes next
    /// when some return.
    /// </summary>
    private void ServeReads()
    {
        if (_reads.Count == 0)
        {
            return;
        }

        if (_reads.Count > 1)
        {
            _reads.Sort(ByPlace);
        }

        var at = 0;
        while (at < _reads.Count)
        {
            if (_reads[at].Torrent.IsFrozen)
            {
                _reads[at].Torrent.Deferred.Add(_reads[at].Request);
                at++;
                continue;
            }

            var count = RentForRun(at);
            if (count == 0)
            {
                AwaitBuffers();
                break;
            }

            ReadRun(at, count);
            at += count;
        }

        _reads.RemoveRange(0, at);
    }

    /// <summary>Rents buffers for the reads from here on that join without a gap in one piece.</summary>
    private int RentForRun(int at)
    {
        _readBuffers.Clear();
        var (torrent, first) = _reads[at];
        var end = first.Begin;
        for (var i = at; i < _reads.Count && i - at < DiskLimits.BlocksPerRead; i++)
        {
            var (other, request) = _reads[i];
            if (
                other != torrent
                || request.Piece != first.Piece
                || request.Begin != end
                || !_options.UploadPool.TryRent(out var buffer)
            )
            {
                break;
            }

            buffer.Length = request.Length;
            end += request.Length;
            _readBuffers.Add(buffer);
        }

        return _readBuffers.Count;
    }

    private void ReadRun(int at, int count)
    {
        var (torrent, first) = _reads[at];
        _touched.Add(torrent);
        _readRun.Clear();
        var length = 0;
        foreach (var buffer in _readBuffers)
        {
            _readRun.Add(buffer.Memory);
            length += buffer.Length;
        }

        // A piece still open may have blocks that are in memory only.
        if (torrent.Pieces.TryGetValue(first.Piece.Value, out var piece) && piece.IsDirty)
        {
            Flush(torrent, piece, releaseAll: false);
        }

        var offset = torrent.Disk.Layout.OffsetOf(first.Piece) + first.Begin;
        var isRead = TryRead(torrent, offset, _readRun, length);
        for (var i = 0; i < count; i++)
        {
            var request = _reads[at + i].Request;
            if (!isRead)
            {
                _readBuffers[i].Release();
            }

            torrent.Post(
                new SwarmEvent(
                    SwarmEventKind.BlockRead,
                    request.Peer,
                    Piece: (uint)request.Piece.Value,
                    Begin: (uint)request.Begin,
                    Length: (uint)request.Length,
                    Payload: isRead ? _readBuffers[i] : null
                )
            );
        }
    }

    private bool TryRead(ShardTorrent torrent, long offset, int length)
    {
        _chunk[0] = _scratch.AsMemory(0, length);
        return TryRead(torrent, offset, _chunk, length);
    }

    private bool TryRead(ShardTorrent torrent, long offset, List<Memory<byte>> buffers, int length)
    {
        DiskFailure failure;
        try
        {
            if (torrent.Disk.Storage.Read(offset, buffers, length, _readPart))
            {
                return true;
            }

            failure = new DiskFailure(
                DiskFailureKind.Missing,
                $"a file in '{torrent.Disk.Storage.Root}' is shorter than it was"
            );
        }
        catch (Exception e) when (StorageException.IsExpected(e))
        {
            failure = StorageException.From(e, "cannot read", torrent.Disk.Storage.Root).Failure;
        }

        torrent.UnreadableRange ??= (offset, Math.Min(length, PieceLayout.BlockSize));
        torrent.FailedAt = _time.GetTimestamp();
        _failed.Add(torrent);
        torrent.Fail(failure);
        return false;
    }

    private bool IsReadable(ShardTorrent torrent, (long Offset, int Length) range)
    {
        _chunk[0] = _scratch.AsMemory(0, range.Length);
        try
        {
            return torrent.Disk.Storage.Read(range.Offset, _chunk, range.Length, _readPart);
        }
        catch (Exception e) when (StorageException.IsExpected(e))
        {
            return false;
        }
    }

    /// <summary>Hashes a piece from its files. Data that is missing is no failure: that is what checking is for.</summary>
    private void HashPiece(ShardTorrent torrent, PieceIndex index)
    {
        if (torrent.Pieces.TryGetValue(index.Value, out var open))
        {
            // Checked while its blocks come in: the check counts, so the rest would be in vain.
            if (open.IsDirty && !Flush(torrent, open, releaseAll: true))
            {
                Answer(torrent, new PieceHashResult { Piece = index, IsComplete = false });
                return;
            }

            Close(torrent, open);
        }

        var piece = new OpenPiece(index, torrent.Disk.Layout)
        {
            Sha1 = torrent.Disk.NeedsSha1 ? RentSha1() : null,
            Leaves =
                torrent.Disk.NeedsLeaves || torrent.Discarded.Contains(index.Value)
                    ? new Sha256Digest[torrent.Disk.Layout.DataBlockCount(index)]
                    : null,
        };
        try
        {
            if (HashWhole(torrent, piece))
            {
                Report(torrent, piece);
                return;
            }
        }
        catch (Exception e) when (StorageException.IsExpected(e))
        {
            var failure = StorageException.From(e, "cannot read", torrent.Disk.Storage.Root).Failure;
            if (failure.Kind != DiskFailureKind.Missing)
            {
                torrent.UnreadableRange ??= (piece.Offset, Math.Min(piece.DataSize, PieceLayout.BlockSize));
                torrent.FailedAt = _time.GetTimestamp();
                _failed.Add(torrent);
                torrent.Fail(failure);
            }
        }

        ReturnSha1(piece);
        Answer(torrent, new PieceHashResult { Piece = index, IsComplete = false });
    }

    private bool HashWhole(ShardTorrent torrent, OpenPiece piece)
    {
        var covered = Math.Min(piece.Size, piece.BlockCount * PieceLayout.BlockSize);
        for (var begin = 0; begin < covered; begin += _scratch.Length)
        {
            var length = Math.Min(_scratch.Length, covered - begin);
            _chunk[0] = _scratch.AsMemory(0, length);
            if (!torrent.Disk.Storage.Read(piece.Offset + begin, _chunk, length, _readPart))
            {
                return false;
            }

            piece.Sha1?.AppendData(_scratch.AsSpan(0, length));
            if (piece.Leaves is { } leaves)
            {
                for (var at = 0; at < length; at += PieceLayout.BlockSize)
                {
                    var block = (begin + at) / PieceLayout.BlockSize;
                    leaves[block] = LeafOf(_scratch.AsSpan(at, piece.DataSizeOf(block)));
                }
            }
        }

        return true;
    }

    private void AwaitBuffers()
    {
        if (_awaitsBuffers)
        {
            return;
        }

        _awaitsBuffers = true;
        _options
            .UploadPool.WhenAvailable(CancellationToken.None)
            .ContinueWith(
                _ =>
                {
                    Volatile.Write(ref _awaitsBuffers, false);
                    Wake();
                },
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default
            );
    }
}
