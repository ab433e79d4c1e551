using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>Which requests become of what the swarm asks for.</summary>
public sealed class WebSeedQueueTests
{
    private const int Block = PieceLayout.BlockSize;

    /// <summary>Pieces of two blocks: what is asked for, piece and block, in order; and the runs.</summary>
    [Theory]
    [InlineData("0:0 0:1 1:0 1:1", "0:0-1:1")]
    [InlineData("0:1 0:0", "0:1|0:0")]
    [InlineData("0:0 1:0 1:1 0:1", "0:0-1:1")]
    [InlineData("3:0 0:0 0:1 3:1", "3:0-3:1|0:0-0:1")]
    [InlineData("0:0 2:0", "0:0|2:0")]
    [InlineData("0:0 0:0", "0:0")]
    public void Blocks_that_follow_each_other_are_one_run(string asked, string expected)
    {
        var torrent = new TorrentBuilder(TorrentFormat.V1, 2 * Block).Single(8 * Block).Build();
        var queue = QueueOf(torrent, WebSeedLimits.Default);
        foreach (var block in asked.Split(' '))
        {
            queue.Add(Parse(torrent, block));
        }

        Assert.Equal(expected, string.Join('|', TakeAll(queue).Select(Describe)));
    }

    [Fact]
    public void A_run_ends_at_its_limits()
    {
        var torrent = new TorrentBuilder(TorrentFormat.V1, 2 * Block).Single(16 * Block).Build();
        var queue = QueueOf(torrent, new WebSeedLimits { MaxBlocksPerRun = 5 });
        AddAll(queue, torrent);
        Assert.Equal([5, 5, 5, 1], TakeAll(queue).Select(run => run.Blocks.Count));

        var many = new TorrentBuilder(TorrentFormat.V1, 2 * Block);
        for (var i = 0; i < 40; i++)
        {
            many.File($"{i:00}", 7_000, i);
        }

        torrent = many.Build();
        queue = QueueOf(torrent, new WebSeedLimits { MaxFilesPerRun = 4 });
        AddAll(queue, torrent);
        // A block of 16 KiB has parts of three or four of these files, so a run ends one block after the third file.
        Assert.All(TakeAll(queue), run => Assert.InRange(run.Parts.Count, 1, 4 + 3));
    }

    [Fact]
    public void What_was_cancelled_is_not_fetched()
    {
        var torrent = new TorrentBuilder(TorrentFormat.V1, 2 * Block).Single(8 * Block).Build();
        var queue = QueueOf(torrent, WebSeedLimits.Default);
        AddAll(queue, torrent);
        Assert.True(queue.Cancel(Parse(torrent, "1:0")));
        Assert.False(queue.Cancel(Parse(torrent, "1:0")));
        Assert.Equal("0:0-0:1|1:1-3:1", string.Join('|', TakeAll(queue).Select(Describe)));
        Assert.Equal(0, queue.Count);
        Assert.False(queue.Cancel(Parse(torrent, "0:0")));
    }

    [Fact]
    public void A_run_that_nobody_wants_any_more_is_pointless()
    {
        var torrent = new TorrentBuilder(TorrentFormat.V1, 2 * Block).Single(4 * Block).Build();
        var queue = QueueOf(torrent, WebSeedLimits.Default);
        AddAll(queue, torrent);
        var run = queue.Take()!;
        Assert.True(run.Cancel(Parse(torrent, "0:0")));
        Assert.False(run.Complete());
        Assert.True(run.Complete());
        Assert.False(run.Cancel(Parse(torrent, "0:0")));
        Assert.True(run.Cancel(Parse(torrent, "1:0")));
        Assert.False(run.IsPointless);
        Assert.True(run.Cancel(Parse(torrent, "1:1")));
        Assert.True(run.IsPointless);
    }

    /// <summary>
    /// The oracle fetches each block by itself: the bytes of a run's parts, taken from the files, must be those of its
    /// blocks, and no request may be for padding, a link or an empty file.
    /// </summary>
    [Theory]
    [InlineData(TorrentFormat.V1, 1)]
    [InlineData(TorrentFormat.V2, 2)]
    [InlineData(TorrentFormat.Hybrid, 3)]
    public void The_parts_of_runs_are_the_bytes_of_their_blocks(TorrentFormat format, int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 40; round++)
        {
            var builder = new TorrentBuilder(format, Block << random.Next(3));
            for (var i = 0; i < random.Next(1, 12); i++)
            {
                builder.File($"{i:00}", random.Next(4) == 0 ? 0 : random.Next(1, 5 * Block), random.Next());
            }

            builder.File("zz", 1, seed).Symlink("zzz", "zz");
            var torrent = builder.Build();
            var limits = new WebSeedLimits { MaxBlocksPerRun = random.Next(1, 20), MaxFilesPerRun = random.Next(1, 6) };
            var queue = QueueOf(torrent, limits);
            var wanted = Blocks(torrent).Where(_ => random.Next(4) > 0).ToArray();
            if (random.Next(2) == 0)
            {
                random.Shuffle(wanted);
            }

            Array.ForEach(wanted, queue.Add);
            var runs = TakeAll(queue);
            Assert.Equal(
                wanted.OrderBy(block => (block.Piece.Value, block.Block)),
                runs.SelectMany(run => run.Blocks).OrderBy(block => (block.Piece.Value, block.Block))
            );
            foreach (var run in runs)
            {
                var expected = run.Blocks.SelectMany(block => torrent.Block(block).ToArray()).ToArray();
                Assert.Equal(expected, run.Parts.SelectMany(part => BytesOf(torrent, part)).ToArray());
                Assert.All(
                    run.Parts.Where(part => part.File != FileMap.NoFile),
                    part =>
                        Assert.False(
                            torrent.Metainfo.Files[part.File] is { IsPad: true } or { SymlinkTarget: not null }
                        )
                );
                // Merged: no two requests where one would do.
                Assert.All(
                    run.Parts.Zip(run.Parts.Skip(1)),
                    pair => Assert.False(pair.First.File == pair.Second.File && pair.First.File != FileMap.NoFile)
                );
            }
        }
    }

    [Fact]
    public void A_web_seed_has_what_its_files_have()
    {
        // Files of 1.5, 1 and 0.5 pieces: the second lies in pieces 1 and 2.
        var torrent = new TorrentBuilder(TorrentFormat.V1, 2 * Block)
            .File("a", 3 * Block)
            .File("b", 2 * Block)
            .File("c", Block)
            .Build();
        var files = new WebSeedFiles(torrent.Metainfo, WebSeedPaths.Of(torrent.Metainfo), WebSeedLimits.Default);
        Assert.Equal("xxx", Draw(files.Pieces()));
        files.Miss(1, TimeSpan.Zero);
        Assert.Equal("x..", Draw(files.Pieces()));
        files.Retry(TimeSpan.FromMinutes(29));
        Assert.Equal("x..", Draw(files.Pieces()));
        files.Retry(TimeSpan.FromMinutes(30));
        Assert.Equal("xxx", Draw(files.Pieces()));
        var unnamed = new WebSeedFiles(torrent.Metainfo, ["content/a", "content/b", null], WebSeedLimits.Default);
        Assert.Equal("xx.", Draw(unnamed.Pieces()));
    }

    [Fact]
    public void Many_files_missing_in_a_row_mean_that_all_are()
    {
        var torrent = new TorrentBuilder(TorrentFormat.V1, Block).File("a", Block).File("b", Block).Build();
        var limits = new WebSeedLimits { MaxMissesInRow = 3 };
        var files = new WebSeedFiles(torrent.Metainfo, WebSeedPaths.Of(torrent.Metainfo), limits);
        files.Miss(0, TimeSpan.Zero);
        files.Miss(0, TimeSpan.Zero);
        files.Found();
        files.Miss(0, TimeSpan.Zero);
        files.Miss(1, TimeSpan.Zero);
        Assert.False(files.IsGone);
        files.Miss(1, TimeSpan.Zero);
        Assert.True(files.IsGone);
        files.Retry(TimeSpan.FromHours(1));
        Assert.False(files.IsGone);
    }

    private static WebSeedQueue QueueOf(BuiltTorrent torrent, WebSeedLimits limits) =>
        new(torrent.Metainfo.Layout, new FileMap(torrent.Metainfo), limits);

    private static List<WebSeedRun> TakeAll(WebSeedQueue queue)
    {
        var runs = new List<WebSeedRun>();
        while (queue.Take() is { } run)
        {
            runs.Add(run);
        }

        return runs;
    }

    private static void AddAll(WebSeedQueue queue, BuiltTorrent torrent)
    {
        foreach (var block in Blocks(torrent))
        {
            queue.Add(block);
        }
    }

    private static IEnumerable<BlockRef> Blocks(BuiltTorrent torrent)
    {
        var layout = torrent.Metainfo.Layout;
        return Enumerable
            .Range(0, layout.PieceCount)
            .Select(layout.Piece)
            .SelectMany(piece =>
                Enumerable.Range(0, layout.DataBlockCount(piece)).Select(block => new BlockRef(piece, block))
            );
    }

    private static byte[] BytesOf(BuiltTorrent torrent, WebSeedPart part) =>
        part.File == FileMap.NoFile
            ? new byte[part.Length]
            : torrent.Content(torrent.Metainfo.Files[part.File]).Slice((int)part.From, (int)part.Length).ToArray();

    private static BlockRef Parse(BuiltTorrent torrent, string text)
    {
        var numbers = text.Split(':').Select(int.Parse).ToArray();
        return new BlockRef(torrent.Metainfo.Layout.Piece(numbers[0]), numbers[1]);
    }

    private static string Describe(WebSeedRun run) =>
        run.Blocks.Count == 1
            ? $"{run.Blocks[0].Piece.Value}:{run.Blocks[0].Block}"
            : $"{run.Blocks[0].Piece.Value}:{run.Blocks[0].Block}-{run.Blocks[^1].Piece.Value}:{run.Blocks[^1].Block}";

    private static string Draw(Bitfield pieces) =>
        string.Concat(Enumerable.Range(0, pieces.Length).Select(piece => pieces[piece] ? 'x' : '.'));
}
