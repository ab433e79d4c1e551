using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>Reading for peers.</summary>
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
        torrent.Disk.LookForChanges(offset, _time);
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
        _chunk[0] = _scratch.Slice(0, length);
        return TryRead(torrent, offset, _chunk, length);
    }

    private bool TryRead(ShardTorrent torrent, long offset, List<Memory<byte>> buffers, int length)
    {
        DiskFailure failure;
        try
        {
            var began = _time.GetTimestamp();
            if (torrent.Disk.Storage.Read(offset, buffers, length, _readPart))
            {
                _times.Reads.Add(_time.GetElapsedTime(began));
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
        _chunk[0] = _scratch.Slice(0, range.Length);
        try
        {
            return torrent.Disk.Storage.Read(range.Offset, _chunk, range.Length, _readPart);
        }
        catch (Exception e) when (StorageException.IsExpected(e))
        {
            return false;
        }
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
