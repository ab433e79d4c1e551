using System.Numerics;

namespace Shoal.Protocol;

/// <summary>
/// All arithmetic between bytes, pieces and blocks of one torrent, and the only maker of
/// <see cref="PieceIndex"/> and <see cref="BlockRef"/> from integers that came from outside.
/// </summary>
/// <remarks>
/// The content of a torrent is one range of bytes cut into pieces. Three kinds of layout exist:
/// <list type="bullet">
/// <item>v1: files follow each other without gaps; every piece has the piece length, but for the last.</item>
/// <item>hybrid: the same, with pad files so that each file starts at a piece. Peers exchange the padding's
/// bytes as if they were data (they count in <see cref="SizeOf"/>), but blocks of nothing but padding are
/// never asked for, and the v2 hash of a piece covers only <see cref="DataSizeOf"/> bytes.</item>
/// <item>v2: each file starts at a piece and its last piece is as short as the file needs; the gap up to the
/// next piece exists in offsets only.</item>
/// </list>
/// Callers use the sizes asked for here and never multiply by <see cref="PieceLength"/> themselves, so that a
/// later layout may have pieces of different lengths.
/// </remarks>
public sealed class PieceLayout
{
    /// <summary>16 KiB: what peers request at a time, and the leaf of a v2 merkle tree.</summary>
    public const int BlockSize = 16 * 1024;

    /// <summary>Largest piece length accepted: the index and begin of a block must fit the wire's 32 bits.</summary>
    public const int MaxPieceLength = 512 * 1024 * 1024;

    // For layouts with short pieces in the middle: piece -> bytes of data in it. Sorted by piece, only the
    // pieces that are shorter than the piece length are listed.
    private readonly int[] _shortPieces;
    private readonly int[] _shortSizes;
    private readonly bool _gapsOnTheWire;
    private readonly int _blocksPerPiece;

    private PieceLayout(int pieceLength, int pieceCount, long extent, int[] shortPieces, int[] shortSizes, bool gaps)
    {
        PieceLength = pieceLength;
        PieceCount = pieceCount;
        Extent = extent;
        _shortPieces = shortPieces;
        _shortSizes = shortSizes;
        _gapsOnTheWire = gaps;
        _blocksPerPiece = (int)(((long)pieceLength + BlockSize - 1) / BlockSize);
    }

    /// <summary>Nominal length of a piece in bytes.</summary>
    public int PieceLength { get; }

    /// <summary>Number of pieces, 0 for a torrent of empty files.</summary>
    public int PieceCount { get; }

    /// <summary>
    /// End of the last byte in the torrent's range, in bytes. Includes padding (hybrid) and alignment gaps (v2).
    /// </summary>
    public long Extent { get; }

    /// <summary>Files one after another, as in v1 torrents.</summary>
    public static PieceLayout Contiguous(long totalSize, int pieceLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(totalSize);
        CheckPieceLength(pieceLength);
        return new PieceLayout(pieceLength, CountPieces(totalSize, pieceLength), totalSize, [], [], gaps: false);
    }

    /// <summary>
    /// Each file aligned to a piece, as in v2 and hybrid torrents.
    /// </summary>
    /// <param name="fileSizes">Sizes in bytes of the real files in order, without pad files.</param>
    /// <param name="pieceLength">A power of two, at least 16 KiB.</param>
    /// <param name="padded">
    /// True for a hybrid: the gaps are pad files and count as part of their piece on the wire.
    /// </param>
    /// <param name="trailingPad">
    /// True for a hybrid that has a pad file after its last file too (allowed, seldom seen).
    /// </param>
    public static PieceLayout FileAligned(
        IReadOnlyList<long> fileSizes,
        int pieceLength,
        bool padded,
        bool trailingPad = false
    )
    {
        CheckPieceLength(pieceLength);
        if (!BitOperations.IsPow2(pieceLength) || pieceLength < BlockSize)
        {
            throw new ArgumentOutOfRangeException(nameof(pieceLength), "v2 needs a power of two of at least 16 KiB");
        }

        var pieces = new List<int>();
        var sizes = new List<int>();
        long next = 0;
        long extent = 0;
        foreach (var size in fileSizes)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(size, nameof(fileSizes));
            if (size == 0)
            {
                continue;
            }

            var count = CountPieces(size, pieceLength);
            var last = (int)(size - (long)(count - 1) * pieceLength);
            if (last < pieceLength)
            {
                pieces.Add(checked((int)next) + count - 1);
                sizes.Add(last);
            }

            extent = next * pieceLength + size;
            next += count;
        }

        var pieceCount = checked((int)next);
        if (trailingPad)
        {
            extent = next * pieceLength;
        }

        return new PieceLayout(pieceLength, pieceCount, extent, [.. pieces], [.. sizes], gaps: !padded);
    }

    /// <summary>Offset of the piece in the torrent's range, in bytes.</summary>
    public long OffsetOf(PieceIndex piece) => (long)piece.Value * PieceLength;

    /// <summary>Bytes of the piece on the wire: what peers may ask for.</summary>
    public int SizeOf(PieceIndex piece)
    {
        if (_gapsOnTheWire)
        {
            return DataSizeOf(piece);
        }

        return piece.Value == PieceCount - 1 ? (int)(Extent - OffsetOf(piece)) : PieceLength;
    }

    /// <summary>
    /// Bytes of the piece before the padding or gap that ends it: what a v2 hash covers. Equals
    /// <see cref="SizeOf"/> for v1 and v2 torrents.
    /// </summary>
    public int DataSizeOf(PieceIndex piece)
    {
        var at = Array.BinarySearch(_shortPieces, piece.Value);
        if (at >= 0)
        {
            return _shortSizes[at];
        }

        return piece.Value == PieceCount - 1 ? (int)Math.Min(PieceLength, Extent - OffsetOf(piece)) : PieceLength;
    }

    /// <summary>Blocks in the piece on the wire, from 1.</summary>
    public int BlockCount(PieceIndex piece) => (SizeOf(piece) + BlockSize - 1) / BlockSize;

    /// <summary>
    /// Blocks that hold at least one byte of data: those that are requested. Blocks after them are padding.
    /// </summary>
    public int DataBlockCount(PieceIndex piece) => (DataSizeOf(piece) + BlockSize - 1) / BlockSize;

    /// <summary>Bytes of the block on the wire: 16 KiB, but for the last of a piece.</summary>
    public int SizeOf(BlockRef block) => Math.Min(BlockSize, SizeOf(block.Piece) - block.Begin);

    /// <summary>Blocks in a piece of full length.</summary>
    public int BlocksPerPiece => _blocksPerPiece;

    public PieceIndex Piece(int index) =>
        (uint)index < (uint)PieceCount
            ? new PieceIndex(index)
            : throw new ArgumentOutOfRangeException(nameof(index), index, $"the torrent has {PieceCount} pieces");

    /// <summary>Checks a piece index from a peer.</summary>
    public bool TryPiece(uint wireIndex, out PieceIndex piece)
    {
        piece = wireIndex < (uint)PieceCount ? new PieceIndex((int)wireIndex) : default;
        return wireIndex < (uint)PieceCount;
    }

    /// <summary>
    /// Checks that a peer's request or block is exactly one of our blocks: aligned, and of the block's size.
    /// </summary>
    public bool TryBlock(uint wireIndex, uint begin, uint length, out BlockRef block)
    {
        block = default;
        if (!TryPiece(wireIndex, out var piece) || begin % BlockSize != 0 || begin >= (uint)SizeOf(piece))
        {
            return false;
        }

        block = new BlockRef(piece, (int)(begin / BlockSize));
        return length == (uint)SizeOf(block);
    }

    /// <summary>
    /// Checks that a peer's request lies within one piece, whatever its alignment. Length 0 is refused. The gap after
    /// a short piece of a v2 torrent counts as part of it, and reads as zeros: libtorrent 2.0.8 pads v2 files
    /// like those of a hybrid, asks for whole pieces, and takes nothing less for an answer.
    /// </summary>
    public bool TryRange(uint wireIndex, uint begin, uint length, out PieceIndex piece) =>
        TryPiece(wireIndex, out piece)
        && length > 0
        && (ulong)begin + length <= (ulong)(_gapsOnTheWire ? PieceLength : SizeOf(piece));

    /// <summary>The piece that holds the byte at this offset.</summary>
    public PieceIndex PieceAt(long offset) => Piece(checked((int)(offset / PieceLength)));

    private static int CountPieces(long size, int pieceLength)
    {
        var count = (size + pieceLength - 1) / pieceLength;
        return count <= int.MaxValue
            ? (int)count
            : throw new ArgumentOutOfRangeException(nameof(size), "too many pieces");
    }

    private static void CheckPieceLength(int pieceLength)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(pieceLength, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(pieceLength, MaxPieceLength);
    }
}
