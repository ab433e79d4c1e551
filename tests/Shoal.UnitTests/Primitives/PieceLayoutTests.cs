using Shoal.Protocol;

namespace Shoal.UnitTests;

public sealed class PieceLayoutTests
{
    private const int Block = PieceLayout.BlockSize;

    private static (int Size, int Data, int Blocks, int DataBlocks)[] Pieces(PieceLayout layout) =>
        [
            .. Enumerable
                .Range(0, layout.PieceCount)
                .Select(layout.Piece)
                .Select(p => (layout.SizeOf(p), layout.DataSizeOf(p), layout.BlockCount(p), layout.DataBlockCount(p))),
        ];

    [Fact]
    public void Contiguous_pieces_are_full_but_for_the_last()
    {
        var layout = PieceLayout.Contiguous(100_000, 40_000);
        Assert.Equal(100_000, layout.Extent);
        Assert.Equal([(40_000, 40_000, 3, 3), (40_000, 40_000, 3, 3), (20_000, 20_000, 2, 2)], Pieces(layout));
        Assert.Equal(40_000 - 2 * Block, layout.SizeOf(new BlockRef(layout.Piece(0), 2)));
        Assert.Empty(Pieces(PieceLayout.Contiguous(0, 1)));
        Assert.Equal([(7, 7, 1, 1)], Pieces(PieceLayout.Contiguous(7, 7)));
    }

    [Theory]
    [InlineData(false, false, 3 * 2 * Block + 5)]
    [InlineData(true, false, 3 * 2 * Block + 5)]
    [InlineData(true, true, 4 * 2 * Block)]
    public void Aligned_files_start_at_pieces(bool padded, bool trailingPad, long extent)
    {
        // 1 byte; nothing; exactly a piece; a piece and 5 bytes.
        var layout = PieceLayout.FileAligned([1, 0, 2 * Block, 2 * Block + 5], 2 * Block, padded, trailingPad);
        Assert.Equal(extent, layout.Extent);
        var full = (2 * Block, 2 * Block, 2, 2);
        Assert.Equal(
            [
                padded ? (2 * Block, 1, 2, 1) : (1, 1, 1, 1),
                full,
                full,
                trailingPad ? (2 * Block, 5, 2, 1) : (5, 5, 1, 1),
            ],
            Pieces(layout)
        );
    }

    [Fact]
    public void Numbers_of_the_wire_become_pieces_and_blocks_only_if_they_exist()
    {
        var layout = PieceLayout.Contiguous(3 * Block + 100, 2 * Block);
        Assert.True(layout.TryBlock(1, Block, 100, out var last));
        Assert.Equal(new BlockRef(layout.Piece(1), 1), last);
        Assert.True(layout.TryBlock(0, 0, Block, out _));
        Assert.False(layout.TryBlock(2, 0, Block, out _));
        Assert.False(layout.TryBlock(uint.MaxValue, 0, Block, out _));
        Assert.False(layout.TryBlock(0, 1, Block, out _));
        Assert.False(layout.TryBlock(0, 2 * Block, Block, out _));
        Assert.False(layout.TryBlock(1, Block, Block, out _));
        Assert.False(layout.TryBlock(0, 0, 0, out _));

        Assert.True(layout.TryRange(1, 1, Block + 99, out _));
        Assert.False(layout.TryRange(1, 1, Block + 100, out _));
        Assert.False(layout.TryRange(1, uint.MaxValue, uint.MaxValue, out _));
        Assert.False(layout.TryRange(0, 0, 0, out _));
        Assert.False(layout.TryPiece(2, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => layout.Piece(2));
        Assert.Throws<ArgumentOutOfRangeException>(() => layout.Piece(-1));
        Assert.Equal(1, layout.PieceAt(2 * Block).Value);
    }

    [Fact]
    public void Large_torrents_keep_their_64_bits()
    {
        var layout = PieceLayout.Contiguous((1L << 50) + 1, PieceLayout.MaxPieceLength);
        Assert.Equal((1 << 21) + 1, layout.PieceCount);
        var last = layout.Piece(layout.PieceCount - 1);
        Assert.Equal(1L << 50, layout.OffsetOf(last));
        Assert.Equal(1, layout.SizeOf(last));
        Assert.Throws<ArgumentOutOfRangeException>(() => PieceLayout.Contiguous(1L << 50, 16));
        Assert.Throws<ArgumentOutOfRangeException>(() => PieceLayout.FileAligned([1], 3 * Block, padded: false));
    }

    [Fact]
    public void A_request_may_reach_into_the_gap_after_a_short_piece_of_a_v2_torrent_but_not_beyond()
    {
        var layout = PieceLayout.FileAligned([Block + 100, 50], 2 * Block, padded: false);

        Assert.True(layout.TryRange(0, Block, Block, out _));
        Assert.True(layout.TryRange(1, 0, Block, out _));
        Assert.False(layout.TryRange(0, Block, Block + 1, out _));
        Assert.False(layout.TryRange(2, 0, 1, out _));
    }
}
