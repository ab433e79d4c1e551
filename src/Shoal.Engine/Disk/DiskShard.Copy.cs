using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>Pieces whose bytes are on this machine already: copied and hashed in one go, a chunk at a time.</summary>
internal sealed partial class DiskShard
{
    private void CopyPiece(ShardTorrent torrent, in DiskRequest request)
    {
        // The copy makes all blocks of the piece anew.
        torrent.Resumed.Remove(request.Piece.Value);
        if (torrent.Pieces.TryGetValue(request.Piece.Value, out var open))
        {
            Close(torrent, open);
        }

        if (torrent.IsWriteBlocked)
        {
            torrent.StuckCopies.Add(request);
            return;
        }

        var piece = NewPiece(torrent, request.Piece);
        switch (Copy(torrent, piece, request))
        {
            case CopyOutcome.Done:
                Report(torrent, piece);
                break;
            case CopyOutcome.NoSource:
                ReturnSha1(piece);
                Answer(torrent, new PieceHashResult { Piece = piece.Index, IsComplete = false });
                break;
            case CopyOutcome.Stuck:
                // Peers could not be asked for it either: it is tried again with the rest.
                ReturnSha1(piece);
                torrent.StuckCopies.Add(request);
                break;
        }
    }

    private CopyOutcome Copy(ShardTorrent torrent, OpenPiece piece, in DiskRequest request)
    {
        for (var begin = 0; begin < piece.DataSize; begin += _scratch.Length)
        {
            var length = Math.Min(_scratch.Length, piece.DataSize - begin);
            if (!TryReadSource(torrent, piece, request, begin, length))
            {
                return CopyOutcome.NoSource;
            }

            _run.Clear();
            _run.Add(_scratch.Slice(0, length));
            try
            {
                torrent.Disk.BeforeWrite(torrent, piece.Offset + begin, length);
                torrent.Disk.Storage.Write(piece.Offset + begin, _run, length, _runPart);
            }
            catch (Exception e) when (StorageException.IsExpected(e))
            {
                BlockWrites(torrent, StorageException.From(e, "cannot write", torrent.Disk.Storage.Root).Failure);
                return CopyOutcome.Stuck;
            }

            piece.Sha1?.AppendData(_scratch.Span.Slice(0, length));
            for (var at = 0; at < length && piece.Leaves is not null; at += PieceLayout.BlockSize)
            {
                var block = (begin + at) / PieceLayout.BlockSize;
                piece.Leaves[block] = LeafOf(_scratch.Span.Slice(at, piece.DataSizeOf(block)));
            }
        }

        if (piece.Sha1 is { } sha1)
        {
            // The padding in the last block; Report adds that of whole blocks.
            AppendZeros(sha1, Math.Min(piece.Size, piece.BlockCount * PieceLayout.BlockSize) - piece.DataSize);
        }

        return CopyOutcome.Done;
    }

    private bool TryReadSource(ShardTorrent torrent, OpenPiece piece, in DiskRequest request, int begin, int length)
    {
        var storage = torrent.Disk.Storage;
        if (request.Source is { } source)
        {
            var inFile = storage.Map.Locate(piece.Offset + begin, length);
            return inFile.MoveNext() && source.TryRead(inFile.Current.FileOffset, _scratch.Span.Slice(0, length));
        }

        _chunk[0] = _scratch.Slice(0, length);
        try
        {
            var twin = torrent.Disk.Layout.Piece(request.Begin);
            return storage.Read(torrent.Disk.Layout.OffsetOf(twin) + begin, _chunk, length, _readPart);
        }
        catch (Exception e) when (StorageException.IsExpected(e))
        {
            return false;
        }
    }

    /// <summary>Goes on with copies that the disk had no room for.</summary>
    private void RetryCopies(ShardTorrent torrent)
    {
        if (torrent.StuckCopies.Count == 0)
        {
            return;
        }

        var stuck = torrent.StuckCopies.ToArray();
        torrent.StuckCopies.Clear();
        foreach (var request in stuck)
        {
            CopyPiece(torrent, request);
        }
    }

    private enum CopyOutcome
    {
        Done,

        /// <summary>It cannot be read where it should be: that is no failure of this torrent's disk.</summary>
        NoSource,

        /// <summary>It cannot be written.</summary>
        Stuck,
    }
}
