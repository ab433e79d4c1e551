using System.Security.Cryptography;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>Hashing: of blocks as they come, and of pieces that lie in their files.</summary>
internal sealed partial class DiskShard
{
    private readonly Stack<IncrementalHash> _sha1 = new();
    private readonly Memory<byte> _scratch = PageMemory.Allocate(DiskLimits.HashChunk);

    /// <summary>Moves the hash on over all blocks that follow it without a gap.</summary>
    /// <returns>False: a block had to be read back and could not be; the piece was given up.</returns>
    private bool HashInOrder(ShardTorrent torrent, OpenPiece piece)
    {
        if (piece.Sha1 is null && !piece.IsComplete)
        {
            return true; // Leaves are made as blocks come; resumed ones get theirs at the end.
        }

        while (piece.Cursor < piece.BlockCount && piece.Has(piece.Cursor))
        {
            var block = piece.Cursor;
            if (piece.Held(block) is { } held)
            {
                piece.Sha1?.AppendData(held.Span);
                piece.Cursor++;
                if (piece.IsWritten(block))
                {
                    Release(torrent, piece, block);
                }
            }
            else if (!HashFromFile(torrent, piece))
            {
                GiveUp(torrent, piece);
                return false;
            }
        }

        return true;
    }

    /// <summary>Hashes blocks that are in the file only: written early, or left by an earlier run.</summary>
    private bool HashFromFile(ShardTorrent torrent, OpenPiece piece)
    {
        var first = piece.Cursor;
        var needsLeaves = piece.Leaves is not null;
        var count = 0;
        while (
            first + count < piece.BlockCount
            && piece.Has(first + count)
            && piece.Held(first + count) is null
            && count < _scratch.Length / PieceLayout.BlockSize
        )
        {
            count++;
        }

        if (piece.Sha1 is null && !NeedsAnyLeaf(piece, first, count))
        {
            piece.Cursor += count;
            return true;
        }

        var begin = first * PieceLayout.BlockSize;
        var length = Math.Min(count * PieceLayout.BlockSize, piece.Size - begin);
        if (!TryRead(torrent, piece.Offset + begin, length))
        {
            return false;
        }

        piece.Sha1?.AppendData(_scratch.Span.Slice(0, length));
        for (var i = 0; i < count && needsLeaves; i++)
        {
            piece.Leaves![first + i] = LeafOf(
                _scratch.Span.Slice(i * PieceLayout.BlockSize, piece.DataSizeOf(first + i))
            );
        }

        piece.Cursor += count;
        return true;
    }

    private static bool NeedsAnyLeaf(OpenPiece piece, int first, int count)
    {
        for (var i = first; i < first + count && piece.Leaves is not null; i++)
        {
            // No SHA-256 of data is zero: zero means that it was not made yet.
            if (piece.Leaves[i].IsZero)
            {
                return true;
            }
        }

        return false;
    }

    private void Report(ShardTorrent torrent, OpenPiece piece)
    {
        Sha1Digest? v1 = null;
        if (piece.Sha1 is { } sha1)
        {
            AppendZeros(sha1, piece.Size - Math.Min(piece.Size, piece.BlockCount * PieceLayout.BlockSize));
            v1 = Finish(sha1);
            _sha1.Push(sha1);
            piece.Sha1 = null;
        }

        Answer(
            torrent,
            new PieceHashResult
            {
                Piece = piece.Index,
                IsComplete = true,
                V1 = v1,
                Blocks = piece.Leaves,
            }
        );
    }

    /// <summary>Hashes a piece from its files. Data that is missing is no failure: that is what checking is for.</summary>
    private void HashPiece(ShardTorrent torrent, PieceIndex index, bool withLeaves)
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

        torrent.Disk.BeforeHash(index);
        var piece = NewPiece(torrent, index, withLeaves);
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
            _chunk[0] = _scratch.Slice(0, length);
            if (!torrent.Disk.Storage.Read(piece.Offset + begin, _chunk, length, _readPart))
            {
                return false;
            }

            piece.Sha1?.AppendData(_scratch.Span.Slice(0, length));
            if (piece.Leaves is { } leaves)
            {
                for (var at = 0; at < length; at += PieceLayout.BlockSize)
                {
                    var block = (begin + at) / PieceLayout.BlockSize;
                    leaves[block] = LeafOf(_scratch.Span.Slice(at, piece.DataSizeOf(block)));
                }
            }
        }

        return true;
    }

    private static Sha256Digest LeafOf(ReadOnlySpan<byte> data)
    {
        Span<byte> hash = stackalloc byte[Sha256Digest.Size];
        TreeHash.Compute(data, hash);
        return new Sha256Digest(hash);
    }

    private static Sha1Digest Finish(IncrementalHash sha1)
    {
        Span<byte> hash = stackalloc byte[Sha1Digest.Size];
        sha1.GetHashAndReset(hash);
        return new Sha1Digest(hash);
    }

    private void AppendZeros(IncrementalHash sha1, int count)
    {
        if (count > 0)
        {
            _scratch.Span.Slice(0, Math.Min(count, _scratch.Length)).Clear();
        }

        while (count > 0)
        {
            var take = Math.Min(count, _scratch.Length);
            sha1.AppendData(_scratch.Span.Slice(0, take));
            count -= take;
        }
    }

    private IncrementalHash RentSha1() =>
        _sha1.TryPop(out var hash) ? hash : IncrementalHash.CreateHash(HashAlgorithmName.SHA1);

    private void ReturnSha1(OpenPiece piece)
    {
        if (piece.Sha1 is { } hash)
        {
            Span<byte> unused = stackalloc byte[Sha1Digest.Size];
            hash.GetHashAndReset(unused);
            _sha1.Push(hash);
            piece.Sha1 = null;
        }
    }
}
