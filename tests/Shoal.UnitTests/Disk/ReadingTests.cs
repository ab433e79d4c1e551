using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>What the disk does for who reads a torrent while it comes in.</summary>
public sealed class ReadingTests : IDisposable
{
    private const int Piece = 128 * 1024;
    private readonly TempFolder _folder = new();
    private int _rigs;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(TorrentFormat.V2)]
    [InlineData(TorrentFormat.Hybrid)]
    public void Blocks_of_a_watched_piece_are_told_with_their_leaves_whenever_they_came(TorrentFormat format)
    {
        var rig = Create(format);
        var piece = rig.Torrent.Layout.Piece(1);
        rig.SendBlock(piece, 3);
        rig.Pump();
        Assert.Empty(Leaves(rig));
        rig.Submit(new DiskRequest(DiskRequestKind.WatchPiece, piece));
        rig.SendBlock(piece, 0);
        rig.Pump();
        var truth = rig.Torrent.LeavesOf(piece);
        Assert.Equal([(3, truth[3]), (0, truth[0])], Leaves(rig));
        rig.Close();
    }

    [Fact]
    public void A_piece_can_be_watched_before_anything_of_it_is_here_and_a_v1_piece_has_nothing_to_tell()
    {
        var rig = Create(TorrentFormat.V2);
        var piece = rig.Torrent.Layout.Piece(1);
        rig.Submit(new DiskRequest(DiskRequestKind.WatchPiece, piece));
        rig.SendBlock(piece, 2);
        rig.Pump();
        Assert.Equal(2, Assert.Single(Leaves(rig)).Block);
        rig.Close();
        var v1 = Create(TorrentFormat.V1);
        v1.Submit(new DiskRequest(DiskRequestKind.WatchPiece, piece));
        v1.SendBlock(piece, 0);
        v1.Pump();
        Assert.Empty(Leaves(v1));
        v1.Close();
    }

    [Theory]
    [InlineData(TorrentFormat.V2, true)]
    [InlineData(TorrentFormat.V2, false)]
    [InlineData(TorrentFormat.Hybrid, true)]
    [InlineData(TorrentFormat.Hybrid, false)]
    public void A_false_block_is_replaced_and_the_piece_is_good(TorrentFormat format, bool isWhole)
    {
        var rig = Create(format);
        var piece = rig.Torrent.Layout.Piece(0);
        rig.Submit(new DiskRequest(DiskRequestKind.WatchPiece, piece));
        for (var block = 0; block < (isWhole ? 8 : 5); block++)
        {
            rig.SendBlock(piece, block, block == 2 ? bytes => bytes.Span[0] ^= 1 : null);
        }

        rig.Pass(TimeSpan.FromMilliseconds(50));
        Assert.Equal(isWhole, rig.TakeResult(piece) is { } bad && !rig.IsGood(bad));
        rig.Submit(new DiskRequest(DiskRequestKind.DiscardBlock, piece, 2 * PieceLayout.BlockSize));
        rig.Pump();
        Assert.Null(rig.TakeResult(piece));
        rig.SendBlock(piece, 2);
        for (var block = 5; block < 8 && !isWhole; block++)
        {
            rig.SendBlock(piece, block);
        }

        rig.Pump();
        var good = rig.TakeResult(piece);
        Assert.NotNull(good);
        Assert.True(rig.IsGood(good));
        rig.Submit(new DiskRequest(DiskRequestKind.CommitPiece, piece));
        rig.Pump();
        rig.Close();
        Assert.Equal(0, rig.Downloads.Leased);
        Assert.True(File.ReadAllBytes(rig.PathOf(0)).AsSpan(0, Piece).SequenceEqual(rig.Torrent.Piece(piece)));
    }

    [Fact]
    public void Blocks_are_read_from_a_piece_that_is_not_whole_and_nothing_that_is_not_there()
    {
        var rig = Create(TorrentFormat.V2);
        var piece = rig.Torrent.Layout.Piece(1);
        rig.SendBlock(piece, 2);
        rig.SendBlock(piece, 3);
        Assert.Equal(ReadVerdict.Done, Read(rig, piece, 2 * 16384 + 100, 20_000, isWhole: false, out var bytes));
        Assert.True(bytes.AsSpan().SequenceEqual(rig.Torrent.Piece(piece).Slice(2 * 16384 + 100, 20_000)));
        Assert.Equal(ReadVerdict.NotNow, Read(rig, piece, 16384, 20_000, isWhole: false, out _));
        Assert.Equal(ReadVerdict.NotNow, Read(rig, rig.Torrent.Layout.Piece(2), 0, 1, isWhole: false, out _));
        rig.Submit(new DiskRequest(DiskRequestKind.DiscardBlock, piece, 2 * 16384));
        Assert.Equal(ReadVerdict.NotNow, Read(rig, piece, 2 * 16384, 10, isWhole: false, out _));
        rig.Fetch(rig.Torrent.Layout.Piece(0));
        Assert.Equal(ReadVerdict.Done, Read(rig, rig.Torrent.Layout.Piece(0), 5, 1000, isWhole: true, out bytes));
        Assert.True(bytes.AsSpan().SequenceEqual(rig.Torrent.Content.AsSpan(5, 1000)));
        rig.Close();
        Assert.Equal(ReadVerdict.Failed, Read(rig, piece, 0, 1, isWhole: true, out _));
    }

    private DiskRig Create(TorrentFormat format) =>
        new(
            DiskTorrent.Make(format, Piece, 3 * Piece + 1000),
            new LocalFileSystem(),
            _folder[$"{++_rigs}"],
            time: new ManualTime()
        );

    private static ReadVerdict Read(
        DiskRig rig,
        PieceIndex piece,
        int begin,
        int length,
        bool isWhole,
        out byte[] bytes
    )
    {
        bytes = new byte[length];
        var reading = rig.Disk.ReadAsync(piece, begin, bytes, isWhole);
        rig.Pump();
        Assert.True(reading.IsCompleted);
        return reading.GetAwaiter().GetResult();
    }

    private static List<(int Block, Sha256Digest Leaf)> Leaves(DiskRig rig) =>
        [
            .. rig
                .Events.Where(e => e.Kind == SwarmEventKind.BlockHashed)
                .Select(e => ((int)e.Begin / PieceLayout.BlockSize, (Sha256Digest)e.Payload!)),
        ];
}
