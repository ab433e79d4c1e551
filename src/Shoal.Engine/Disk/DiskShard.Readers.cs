using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>What somebody who reads a torrent while it comes in needs: leaves of a piece block by block, and bytes.</summary>
internal sealed partial class DiskShard
{
    /// <summary>From now on each block of the piece is told with its hash; those that are here at once.</summary>
    private void Watch(ShardTorrent torrent, PieceIndex index)
    {
        if (!torrent.Disk.NeedsLeaves)
        {
            return;
        }

        if (!torrent.Pieces.TryGetValue(index.Value, out var piece) && !torrent.Resumed.ContainsKey(index.Value))
        {
            torrent.Watched.Add(index.Value);
            return;
        }

        piece ??= GetOrOpen(torrent, index);
        piece.IsWatched = true;
        for (var block = 0; block < piece.BlockCount; block++)
        {
            if (piece.Has(block) && HasLeaf(torrent, piece, block))
            {
                TellLeaf(torrent, piece, block);
            }
        }
    }

    private static void TellLeaf(ShardTorrent torrent, OpenPiece piece, int block) =>
        torrent.Post(
            new SwarmEvent(
                SwarmEventKind.BlockHashed,
                Piece: (uint)piece.Index.Value,
                Begin: (uint)(block * PieceLayout.BlockSize),
                Payload: piece.Leaves![block]
            )
        );

    /// <summary>Blocks of an earlier run get their hash when it is wanted.</summary>
    private bool HasLeaf(ShardTorrent torrent, OpenPiece piece, int block)
    {
        if (!piece.Leaves![block].IsZero)
        {
            return true;
        }

        var length = piece.DataSizeOf(block);
        if (!TryRead(torrent, piece.Offset + (long)block * PieceLayout.BlockSize, length))
        {
            return false;
        }

        piece.Leaves[block] = LeafOf(_scratch.Span[..length]);
        return true;
    }

    /// <summary>One block of a piece is false: it will come again. What was hashed over it is hashed anew.</summary>
    private void DiscardBlock(ShardTorrent torrent, PieceIndex index, int begin)
    {
        var block = begin / PieceLayout.BlockSize;
        if (!torrent.Pieces.TryGetValue(index.Value, out var piece) || block >= piece.BlockCount || !piece.Has(block))
        {
            return;
        }

        if (piece.Held(block) is not null)
        {
            Release(torrent, piece, block);
        }

        if (piece.IsWritten(block))
        {
            torrent.Record.Blocks[index.Value] = piece;
        }

        piece.Remove(block);
        if (piece.Leaves is { } leaves)
        {
            // The old ones may have been handed out with a result.
            piece.Leaves = [.. leaves];
            piece.Leaves[block] = default;
        }

        if (piece.Cursor > block || (torrent.Disk.NeedsSha1 && piece.Sha1 is null))
        {
            ReturnSha1(piece);
            piece.Sha1 = torrent.Disk.NeedsSha1 ? RentSha1() : null;
            piece.Cursor = 0;
        }

        piece.IsReported = false;
    }

    /// <summary>Reads for somebody who waits outside. On the shard's thread.</summary>
    public ReadVerdict ReadFor(ShardTorrent torrent, PieceIndex index, int begin, Memory<byte> into, bool isWhole)
    {
        if (torrent.IsClosed)
        {
            return ReadVerdict.Failed;
        }

        if (torrent.IsFrozen)
        {
            return ReadVerdict.NotNow;
        }

        _touched.Add(torrent);
        torrent.Pieces.TryGetValue(index.Value, out var piece);
        if (!isWhole && !HasAll(piece, begin, into.Length))
        {
            // Whole by now, or lost: the swarm knows which.
            return ReadVerdict.NotNow;
        }

        if (piece is { IsDirty: true } && !Flush(torrent, piece, releaseAll: false))
        {
            return ReadVerdict.Failed;
        }

        _chunk[0] = into;
        return TryRead(torrent, torrent.Disk.Layout.OffsetOf(index) + begin, _chunk, into.Length)
            ? ReadVerdict.Done
            : ReadVerdict.Failed;
    }

    private static bool HasAll(OpenPiece? piece, int begin, int length)
    {
        for (
            var at = begin / PieceLayout.BlockSize * PieceLayout.BlockSize;
            at < begin + length;
            at += PieceLayout.BlockSize
        )
        {
            if (piece is null || !piece.Has(at / PieceLayout.BlockSize))
            {
                return false;
            }
        }

        return true;
    }
}

internal enum ReadVerdict
{
    Done,

    /// <summary>Files are being moved, or the piece has just changed: ask again.</summary>
    NotNow,
    Failed,
}
