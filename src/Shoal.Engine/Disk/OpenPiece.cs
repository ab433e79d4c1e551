using System.Security.Cryptography;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// A piece on its way to the disk: which blocks came, which are still held in memory, how far hashing is. Belongs
/// to one shard and is touched by its thread only.
/// </summary>
internal sealed class OpenPiece
{
    private readonly BlockBuffer?[] _held;
    private readonly ulong[] _received;
    private readonly ulong[] _written;

    public OpenPiece(PieceIndex index, PieceLayout layout)
    {
        Index = index;
        Offset = layout.OffsetOf(index);
        Size = layout.SizeOf(index);
        DataSize = layout.DataSizeOf(index);
        BlockCount = layout.DataBlockCount(index);
        _held = new BlockBuffer?[BlockCount];
        _received = new ulong[(BlockCount + 63) / 64];
        _written = new ulong[(BlockCount + 63) / 64];
    }

    public PieceIndex Index { get; }

    /// <summary>In the torrent's range, in bytes.</summary>
    public long Offset { get; }

    /// <summary>Bytes on the wire.</summary>
    public int Size { get; }

    /// <summary>Bytes that are not padding at the end.</summary>
    public int DataSize { get; }

    /// <summary>Blocks that hold data: those that will come.</summary>
    public int BlockCount { get; }

    /// <summary>Blocks that came.</summary>
    public int Received { get; private set; }

    /// <summary>Blocks in files (in the page cache at least).</summary>
    public int Written { get; private set; }

    /// <summary>Blocks held in memory, written or not.</summary>
    public int HeldCount { get; private set; }

    public bool IsComplete => Received == BlockCount;

    /// <summary>Whether blocks are held that are not in the file.</summary>
    public bool IsDirty => Written < Received;

    /// <summary>When the oldest unwritten block came; valid while dirty.</summary>
    public long DirtySince { get; set; }

    /// <summary>Whether the shard has it in its list of pieces to write.</summary>
    public bool IsQueued { get; set; }

    /// <summary>The result was reported; commit or discard comes next.</summary>
    public bool IsReported { get; set; }

    /// <summary>Blocks before this one went through <see cref="Sha1"/> and have their leaf.</summary>
    public int Cursor { get; set; }

    /// <summary>Null for v2-only torrents.</summary>
    public IncrementalHash? Sha1 { get; set; }

    /// <summary>Null unless leaf hashes are wanted.</summary>
    public Sha256Digest[]? Leaves { get; set; }

    /// <summary>The swarm wants to hear of each block with its leaf.</summary>
    public bool IsWatched { get; set; }

    /// <summary>Bytes of the block on the wire.</summary>
    public int SizeOf(int block) => Math.Min(PieceLayout.BlockSize, Size - block * PieceLayout.BlockSize);

    /// <summary>Bytes of the block that a v2 leaf covers.</summary>
    public int DataSizeOf(int block) => Math.Min(PieceLayout.BlockSize, DataSize - block * PieceLayout.BlockSize);

    public bool Has(int block) => (_received[block >> 6] & (1UL << block)) != 0;

    public bool IsWritten(int block) => (_written[block >> 6] & (1UL << block)) != 0;

    public BlockBuffer? Held(int block) => _held[block];

    public void Add(int block, BlockBuffer buffer)
    {
        _received[block >> 6] |= 1UL << block;
        Received++;
        _held[block] = buffer;
        HeldCount++;
    }

    /// <summary>Notes a block that an earlier run left in the file.</summary>
    public void AddResumed(int block)
    {
        _received[block >> 6] |= 1UL << block;
        _written[block >> 6] |= 1UL << block;
        Received++;
        Written++;
    }

    public void MarkWritten(int block)
    {
        _written[block >> 6] |= 1UL << block;
        Written++;
    }

    /// <summary>Forgets a block that is not held.</summary>
    public void Remove(int block)
    {
        Written -= IsWritten(block) ? 1 : 0;
        Received--;
        _received[block >> 6] &= ~(1UL << block);
        _written[block >> 6] &= ~(1UL << block);
    }

    /// <summary>Gives the block's memory back.</summary>
    public void Release(int block)
    {
        _held[block]!.Release();
        _held[block] = null;
        HeldCount--;
    }

    /// <summary>Gives all memory back.</summary>
    public void ReleaseAll()
    {
        for (var block = 0; HeldCount > 0; block++)
        {
            if (_held[block] is not null)
            {
                Release(block);
            }
        }
    }

    /// <summary>The first run of held, unwritten blocks at or after a block; Count 0 if there is none.</summary>
    public (int First, int Count) NextDirtyRun(int from)
    {
        while (from < BlockCount && (_held[from] is null || IsWritten(from)))
        {
            from++;
        }

        var end = from;
        while (end < BlockCount && _held[end] is not null && !IsWritten(end))
        {
            end++;
        }

        return (from, end - from);
    }

    /// <summary>Written blocks as a bitmap, low bit first.</summary>
    public ReadOnlySpan<ulong> WrittenBits => _written;
}
