using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;
using Xunit;

namespace Shoal.UnitTests;

/// <summary>Blocks in, hashes out, files right, nothing leaked; the same for all formats and both file systems.</summary>
public class TorrentDiskTests
{
    private const int KiB = 1024;

    public static readonly TheoryData<TorrentFormat, int, long[]> Torrents = new()
    {
        { TorrentFormat.V1, 64 * KiB, [100_000, 1, 0, 300_000, 17, 65_536] },
        { TorrentFormat.V1, 40_000, [100_000, 3, 50_001] },
        { TorrentFormat.V1, 16 * KiB, [10_000, -6_384, 20_000, -40_000, 5] },
        { TorrentFormat.V2, 64 * KiB, [100_000, 1, 0, 300_000, 17, 65_536] },
        { TorrentFormat.V2, 16 * KiB, [100_000, 16_384] },
        { TorrentFormat.Hybrid, 64 * KiB, [100_000, 1, 0, 300_000, 17, 65_536] },
        { TorrentFormat.Hybrid, 128 * KiB, [5, 300_000, 20_000, 6] },
    };

    [Theory]
    [MemberData(nameof(Torrents))]
    public void Pieces_arrive_in_any_order_and_the_files_are_right(TorrentFormat format, int pieceLength, long[] sizes)
    {
        using var place = TestPlace.Both();
        foreach (var (files, root, time) in place.All)
        {
            var torrent = DiskTorrent.Make(format, pieceLength, sizes);
            var rig = new DiskRig(torrent, files, root, time: time);
            var random = new Random(1);
            var blocks = new List<BlockRef>();
            for (var piece = 0; piece < torrent.Layout.PieceCount; piece++)
            {
                var index = torrent.Layout.Piece(piece);
                blocks.AddRange(
                    Enumerable.Range(0, torrent.Layout.DataBlockCount(index)).Select(b => new BlockRef(index, b))
                );
            }

            random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(blocks));
            foreach (var block in blocks)
            {
                rig.SendBlock(block.Piece, block.Block);
                if (random.Next(5) == 0)
                {
                    rig.Pass(TimeSpan.FromMilliseconds(random.Next(20)));
                }
            }

            rig.Pump();
            for (var piece = 0; piece < torrent.Layout.PieceCount; piece++)
            {
                var result = rig.TakeResult(torrent.Layout.Piece(piece));
                Assert.NotNull(result);
                Assert.True(rig.IsGood(result));
                Assert.Equal(format != TorrentFormat.V2, result.V1 is not null);
                Assert.Equal(format != TorrentFormat.V1, result.Blocks is not null);
            }

            Assert.Empty(rig.Events);
            Assert.Equal(0, rig.Downloads.Leased);
            CheckFiles(rig, files);
            CheckHashing(rig);
            CheckReading(rig);
            rig.Close();
        }
    }

    [Fact]
    public void A_small_cache_writes_early_and_reads_back()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.Hybrid, 1024 * KiB, 3_000_000);
        var rig = new DiskRig(torrent, place.Files, place.Root, workers: 1, cacheBlocks: 40, time: place.Time);
        // Backwards, so that nothing can be hashed as it comes.
        for (var piece = torrent.Layout.PieceCount - 1; piece >= 0; piece--)
        {
            var index = torrent.Layout.Piece(piece);
            for (var block = torrent.Layout.DataBlockCount(index) - 1; block >= 0; block--)
            {
                rig.SendBlock(index, block);
                rig.Pump();
                Assert.InRange(rig.Downloads.Leased, 0, 21);
            }

            Assert.True(rig.IsGood(rig.TakeResult(index)!));
        }

        CheckFiles(rig, place.Files);
        rig.Close();
        Assert.Equal(0, rig.Downloads.Leased);
    }

    [Fact]
    public void Blocks_wait_for_neighbours_only_briefly()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 256 * KiB, 256 * KiB);
        var rig = new DiskRig(torrent, place.Files, place.Root, time: place.Time);
        rig.SendBlock(torrent.Layout.Piece(0), 3);
        rig.Pump();
        Assert.Null(place.Files.StampOf(rig.PathOf(0)));
        rig.Pass(DiskLimits.FlushDelay);
        Assert.Equal(4L * PieceLayout.BlockSize, place.Files.StampOf(rig.PathOf(0))?.Size);
        rig.Close();
        Assert.Equal(0, rig.Downloads.Leased);
    }

    [Fact]
    public void A_discarded_v1_piece_comes_with_leaf_hashes_the_next_time()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 64 * KiB);
        var rig = new DiskRig(torrent, place.Files, place.Root, time: place.Time);
        var piece = torrent.Layout.Piece(0);
        for (var block = 0; block < 4; block++)
        {
            rig.SendBlock(piece, block, block == 2 ? m => m.Span[7] ^= 1 : null);
        }

        rig.Pump();
        var bad = rig.TakeResult(piece);
        Assert.NotNull(bad);
        Assert.True(bad.IsComplete);
        Assert.NotEqual(torrent.Sha1Of(piece), bad.V1);
        Assert.Null(bad.Blocks);

        rig.Submit(new DiskRequest(DiskRequestKind.DiscardPiece, piece));
        rig.SendPiece(piece);
        rig.Pump();
        var good = rig.TakeResult(piece);
        Assert.NotNull(good);
        Assert.True(rig.IsGood(good));
        Assert.NotNull(good.Blocks);
        rig.Close();
    }

    [Fact]
    public void A_second_copy_of_a_block_changes_nothing()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 64 * KiB);
        var rig = new DiskRig(torrent, place.Files, place.Root, time: place.Time);
        var piece = torrent.Layout.Piece(0);
        rig.SendBlock(piece, 0);
        rig.SendBlock(piece, 0, m => m.Span.Clear());
        rig.Pump();
        rig.SendPiece(piece);
        rig.SendBlock(piece, 1, m => m.Span.Clear());
        rig.Pump();
        Assert.True(rig.IsGood(rig.TakeResult(piece)!));
        Assert.Null(rig.TakeResult(piece));
        Assert.Equal(0, rig.Downloads.Leased);
        rig.Close();
    }

    [Fact]
    public void What_a_peer_sends_as_padding_is_not_kept()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.Hybrid, 32 * KiB, 10_000, 5);
        var rig = new DiskRig(torrent, place.Files, place.Root, time: place.Time);
        var piece = torrent.Layout.Piece(0);
        rig.SendBlock(piece, 0, m => m.Span[10_000..].Fill(1));
        rig.Pump();
        Assert.True(rig.IsGood(rig.TakeResult(piece)!));
        Assert.Equal(10_000, place.Files.StampOf(rig.PathOf(0))?.Size);
        rig.Close();
    }

    [Fact]
    public void Reads_wait_for_buffers_and_come_when_some_return()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 128 * KiB, 128 * KiB);
        var rig = new DiskRig(torrent, place.Files, place.Root, workers: 1, uploadBlocks: 3, time: place.Time);
        var piece = torrent.Layout.Piece(0);
        rig.Fetch(piece);
        for (var block = 0; block < 8; block++)
        {
            rig.Submit(
                new DiskRequest(
                    DiskRequestKind.ReadBlock,
                    piece,
                    block * PieceLayout.BlockSize,
                    PieceLayout.BlockSize,
                    new PeerHandle(9)
                )
            );
        }

        var got = new HashSet<uint>();
        for (var round = 0; round < 8 && got.Count < 8; round++)
        {
            rig.Pump();
            Assert.InRange(rig.Events.Count, 1, 3);
            foreach (var answer in rig.Events)
            {
                Assert.Equal(new PeerHandle(9), answer.Peer);
                var buffer = (BlockBuffer)answer.Payload!;
                Assert.True(torrent.Piece(piece).Slice((int)answer.Begin, 16 * KiB).SequenceEqual(buffer.Span));
                buffer.Release();
                got.Add(answer.Begin);
            }

            rig.Events.Clear();
        }

        Assert.Equal(8, got.Count);
        rig.Close();
        Assert.Equal(0, rig.Uploads.Leased);
    }

    [Fact]
    public void No_more_files_are_open_than_allowed()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(
            TorrentFormat.V1,
            64 * KiB,
            [.. Enumerable.Range(0, 60).Select(i => 20_000L + i)]
        );
        var rig = new DiskRig(torrent, place.Files, place.Root, maxOpenFiles: 4, time: place.Time);
        rig.FetchAll();

        CheckFiles(rig, place.Files);
        Assert.InRange(place.Memory!.MostOpenFiles, 1, 7);
        rig.Close();
        Assert.Equal(0, place.Memory.OpenFiles);
    }

    [Fact]
    public void Hashing_says_when_data_is_missing()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 200_000);
        var rig = new DiskRig(torrent, place.Files, place.Root, time: place.Time);
        rig.Fetch(torrent.Layout.Piece(1));
        for (var piece = 0; piece < 4; piece++)
        {
            rig.Submit(new DiskRequest(DiskRequestKind.HashPiece, torrent.Layout.Piece(piece)));
        }

        rig.Pump();
        Assert.True(rig.IsGood(rig.TakeResult(torrent.Layout.Piece(1))!));
        Assert.False(rig.TakeResult(torrent.Layout.Piece(3))!.IsComplete);
        // The hole before what was written reads as zeros.
        Assert.False(rig.IsGood(rig.TakeResult(torrent.Layout.Piece(0))!));
        Assert.Null(rig.Events.Find(e => e.Kind == SwarmEventKind.DiskFailed).Payload);
        rig.Close();
    }

    private static void CheckFiles(DiskRig rig, IFileSystem files)
    {
        foreach (var (file, i) in rig.Torrent.Metainfo.Files.Select((f, i) => (f, i)))
        {
            if (file.IsPad)
            {
                Assert.Equal(PathKind.Missing, files.KindOf(rig.PathOf(i)));
                continue;
            }

            using var open = files.Open(rig.PathOf(i), writable: false, create: false);
            var content = new byte[file.Size];
            Assert.Equal(file.Size, open.Stamp.Size);
            Assert.Equal(content.Length, open.Read(content, 0));
            Assert.True(rig.Torrent.Content.AsSpan((int)file.Offset, content.Length).SequenceEqual(content));
        }
    }

    private static void CheckHashing(DiskRig rig)
    {
        for (var piece = 0; piece < rig.Torrent.Layout.PieceCount; piece++)
        {
            rig.Submit(new DiskRequest(DiskRequestKind.HashPiece, rig.Torrent.Layout.Piece(piece)));
            rig.Pump();
            Assert.True(rig.IsGood(rig.TakeResult(rig.Torrent.Layout.Piece(piece))!));
        }
    }

    private static void CheckReading(DiskRig rig)
    {
        var random = new Random(2);
        for (var round = 0; round < 20; round++)
        {
            var requests = new List<DiskRequest>();
            for (var i = 0; i < 10; i++)
            {
                var piece = rig.Torrent.Layout.Piece(random.Next(rig.Torrent.Layout.PieceCount));
                var size = rig.Torrent.Layout.SizeOf(piece);
                var begin = random.Next(size);
                var length = 1 + random.Next(Math.Min(size - begin, PieceLayout.BlockSize));
                requests.Add(new DiskRequest(DiskRequestKind.ReadBlock, piece, begin, length, new PeerHandle(i)));
                if (begin + length < size)
                {
                    // A neighbour, to be read in one go with it.
                    var next = Math.Min(size - begin - length, PieceLayout.BlockSize);
                    requests.Add(
                        new DiskRequest(DiskRequestKind.ReadBlock, piece, begin + length, next, new PeerHandle(i))
                    );
                }
            }

            rig.Submit([.. requests]);
            rig.Pump();
            Assert.Equal(requests.Count, rig.Events.Count);
            foreach (var answer in rig.Events)
            {
                var buffer = Assert.IsType<BlockBuffer>(answer.Payload);
                var expected = rig.Torrent.Piece(rig.Torrent.Layout.Piece((int)answer.Piece));
                Assert.True(expected.Slice((int)answer.Begin, (int)answer.Length).SequenceEqual(buffer.Span));
                buffer.Release();
            }

            rig.Events.Clear();
        }

        Assert.Equal(0, rig.Uploads.Leased);
    }
}
