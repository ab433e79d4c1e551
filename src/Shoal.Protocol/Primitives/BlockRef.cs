namespace Shoal.Protocol;

/// <summary>A block that exists: the piece and the block's number within it (its offset / 16 KiB).</summary>
public readonly record struct BlockRef(PieceIndex Piece, int Block)
{
    /// <summary>Offset of the block within its piece, in bytes.</summary>
    public int Begin => Block * PieceLayout.BlockSize;

    public override string ToString() => $"{Piece}:{Block}";
}
