using System.Collections.Concurrent;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;
using Xunit;

namespace Shoal.UnitTests;

/// <summary>A failing disk is told once, loses nothing it took while memory lasts, and goes on by itself.</summary>
public class DiskFailureTests
{
    private const int KiB = 1024;

    [Fact]
    public void A_full_disk_is_told_once_and_goes_on_when_there_is_space()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 500_000);
        var rig = new DiskRig(torrent, place.Files, place.Root, time: place.Time);
        rig.Fetch(torrent.Layout.Piece(0));
        rig.Fetch(torrent.Layout.Piece(1));
        place.Memory!.Before = (operation, path) =>
        {
            if (operation == FileOperation.Write && path.Contains("/data/", StringComparison.Ordinal))
            {
                throw new IOException("no space left", 28);
            }
        };
        rig.SendPiece(torrent.Layout.Piece(2));
        rig.SendPiece(torrent.Layout.Piece(3));
        rig.Pump();
        var failure = Assert.IsType<DiskFailure>(Assert.Single(rig.Events).Payload);
        Assert.Equal(DiskFailureKind.Full, failure.Kind);
        Assert.Contains(torrent.Metainfo.Files[0].Path, failure.Message, StringComparison.Ordinal);

        // It goes on seeding, and does not complain again.
        rig.Events.Clear();
        rig.Submit(new DiskRequest(DiskRequestKind.ReadBlock, torrent.Layout.Piece(1), 0, 100));
        rig.Pass(DiskLimits.RetryDelay);
        var read = Assert.IsType<BlockBuffer>(Assert.Single(rig.Events).Payload);
        Assert.True(torrent.Piece(torrent.Layout.Piece(1))[..100].SequenceEqual(read.Span));
        read.Release();

        rig.Events.Clear();
        place.Memory.Before = null;
        rig.Pass(DiskLimits.RetryDelay);
        Assert.True(rig.IsGood(rig.TakeResult(torrent.Layout.Piece(2))!));
        Assert.True(rig.IsGood(rig.TakeResult(torrent.Layout.Piece(3))!));
        Assert.Equal(SwarmEventKind.DiskRecovered, Assert.Single(rig.Events).Kind);
        rig.Close();
        Assert.Equal(0, rig.Downloads.Leased);
    }

    [Fact]
    public void A_failed_disk_holds_a_bounded_part_of_memory_and_says_what_it_lost()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 4_000_000);
        var rig = new DiskRig(torrent, place.Files, place.Root, workers: 1, cacheBlocks: 128, time: place.Time);
        place.Memory!.Capacity = 0;
        for (var piece = 0; piece < 30; piece++)
        {
            rig.SendPiece(torrent.Layout.Piece(piece));
            rig.Pump();
            Assert.InRange(rig.Downloads.Leased, 0, 33);
        }

        Assert.Contains(rig.Events, e => e.Kind == SwarmEventKind.PieceHashed);
        Assert.All(
            rig.Events.Where(e => e.Kind == SwarmEventKind.PieceHashed),
            e => Assert.False(((PieceHashResult)e.Payload!).IsComplete)
        );
        Assert.Single(rig.Events, e => e.Kind == SwarmEventKind.DiskFailed);
        rig.Close();
        Assert.Equal(0, rig.Downloads.Leased);
    }

    [Fact]
    public void A_piece_that_lost_blocks_is_whole_again_when_all_of_them_came_again()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 128 * KiB, 4_000_000);
        var rig = new DiskRig(torrent, place.Files, place.Root, workers: 1, cacheBlocks: 48, time: place.Time);
        place.Memory!.Capacity = 0;
        rig.SendPiece(torrent.Layout.Piece(0));
        // A failed disk keeps 12 blocks, a quarter of the cache: the fifth of this piece is too much, and the piece goes.
        var lossy = torrent.Layout.Piece(1);
        rig.SendPiece(lossy);
        rig.Pump();
        Assert.False(rig.TakeResult(lossy)!.IsComplete);

        // The blocks after the lost one were on their way: the disk has them, and the swarm does not know.
        rig.Submit(new DiskRequest(DiskRequestKind.DiscardPiece, lossy));
        rig.Pump();
        rig.Events.Clear();
        place.Memory.Capacity = long.MaxValue;
        rig.Pass(DiskLimits.RetryDelay);
        for (var block = 0; block < torrent.Layout.DataBlockCount(lossy); block++)
        {
            Assert.Null(rig.TakeResult(lossy));
            rig.SendBlock(lossy, block);
            rig.Pump();
        }

        Assert.True(rig.IsGood(rig.TakeResult(lossy)!));
        rig.Close();
        Assert.Equal(0, rig.Downloads.Leased);
    }

    [Fact]
    public void A_file_that_vanished_is_told_and_found_again()
    {
        using var place = TestPlace.OnDisk();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 64 * KiB);
        var rig = new DiskRig(torrent, place.Files, place.Root, time: place.All[0].Time);
        rig.Fetch(torrent.Layout.Piece(0));
        rig.Workers.Handles.CloseAll(rig.Disk.Storage);
        File.Move(rig.PathOf(0), rig.PathOf(0) + ".away");
        rig.Submit(new DiskRequest(DiskRequestKind.ReadBlock, torrent.Layout.Piece(0), 0, 100));
        rig.Pump();
        Assert.Contains(rig.Events, e => e is { Kind: SwarmEventKind.BlockRead, Payload: null });
        var failure = rig.Events.Single(e => e.Kind == SwarmEventKind.DiskFailed);
        Assert.Equal(DiskFailureKind.Missing, ((DiskFailure)failure.Payload!).Kind);
        Assert.Equal(0, rig.Uploads.Leased);

        rig.Events.Clear();
        File.Move(rig.PathOf(0) + ".away", rig.PathOf(0));
        rig.Pass(DiskLimits.RetryDelay);
        Assert.Equal(SwarmEventKind.DiskRecovered, Assert.Single(rig.Events).Kind);
        rig.Close();
    }

    [Theory]
    [InlineData("link to a folder")]
    [InlineData("link to a file")]
    [InlineData("file for a folder")]
    [InlineData("folder for a file")]
    public void What_stands_in_the_way_is_refused_and_links_are_not_followed(string obstacle)
    {
        using var place = TestPlace.OnDisk();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 64 * KiB);
        var data = Path.Combine(place.Root, "data");
        var outside = Directory.CreateDirectory(Path.Combine(place.Root, "outside")).FullName;
        var file = Path.Combine(data, torrent.Metainfo.Files[0].Path);
        var folder = Path.GetDirectoryName(file)!;
        Directory.CreateDirectory(
            obstacle.EndsWith("a folder", StringComparison.Ordinal) ? Path.GetDirectoryName(folder)! : folder
        );
        switch (obstacle)
        {
            case "link to a folder":
                Directory.CreateSymbolicLink(folder, outside);
                break;
            case "link to a file":
                File.CreateSymbolicLink(file, Path.Combine(outside, "victim"));
                break;
            case "file for a folder":
                File.WriteAllText(folder, "mine");
                break;
            case "folder for a file":
                Directory.CreateDirectory(file);
                break;
        }

        var rig = new DiskRig(torrent, place.Files, place.Root, time: place.All[0].Time);
        rig.SendPiece(torrent.Layout.Piece(0));
        rig.Pump();
        var failure = rig.Events.Single(e => e.Kind == SwarmEventKind.DiskFailed);
        Assert.Equal(DiskFailureKind.Denied, ((DiskFailure)failure.Payload!).Kind);
        Assert.Empty(Directory.EnumerateFileSystemEntries(outside));
        rig.Close();
        Assert.Equal(0, rig.Downloads.Leased);
    }

    [Fact]
    public void A_failed_sync_claims_nothing_for_good()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 200_000);
        var rig = new DiskRig(torrent, place.Files, place.Root, time: place.Time);
        rig.Fetch(torrent.Layout.Piece(0));
        place.Memory!.Before = (operation, path) =>
        {
            if (operation == FileOperation.Sync && path.Contains("/data/", StringComparison.Ordinal))
            {
                throw new IOException("broken", 5);
            }
        };
        rig.Disk.Checkpoint();
        Assert.Equal(SwarmEventKind.DiskFailed, Assert.Single(rig.Events).Kind);
        place.Memory.Before = null;
        rig.Events.Clear();
        rig.Disk.Checkpoint();
        Assert.Equal(SwarmEventKind.DiskRecovered, Assert.Single(rig.Events).Kind);

        var next = new DiskRig(torrent, place.Files, place.Root, time: place.Time);
        Assert.True(next.Resume.Have.IsEmpty);
        Assert.True(next.Resume.Check[0]);
        next.Close();
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(150)]
    [InlineData(299)]
    public void Many_files_are_synced_together_and_one_that_fails_counts_for_all(int broken)
    {
        using var place = TestPlace.InMemory();
        long[] sizes = [.. Enumerable.Repeat(100L, 300)];
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 16 * KiB, sizes);
        var rig = new DiskRig(torrent, place.Files, place.Root, time: place.Time);
        rig.Fetch(torrent.Layout.Piece(0));
        rig.Fetch(torrent.Layout.Piece(1));
        var synced = new ConcurrentDictionary<string, int>();
        place.Memory!.Before = (operation, path) =>
        {
            if (operation == FileOperation.Sync && path.Contains("/data/", StringComparison.Ordinal))
            {
                synced.AddOrUpdate(path, 1, (_, times) => times + 1);
                if (path.EndsWith($"/file{broken}", StringComparison.Ordinal))
                {
                    throw new IOException("broken", 5);
                }
            }
        };
        rig.Disk.Checkpoint();
        place.Memory.Before = null;
        Assert.All(synced.Values, times => Assert.Equal(1, times));
        if (broken < 0)
        {
            Assert.Equal(sizes.Length, synced.Keys.Count(path => path.Contains("/file", StringComparison.Ordinal)));
            Assert.DoesNotContain(rig.Events, e => e.Kind == SwarmEventKind.DiskFailed);
        }
        else
        {
            Assert.Equal(SwarmEventKind.DiskFailed, Assert.Single(rig.Events).Kind);
        }

        var next = new DiskRig(torrent, place.Files, place.Root, time: place.Time);
        Assert.Equal(broken < 0, next.Resume.Have[0]);
        Assert.Equal(broken >= 0, next.Resume.Check[0]);
        next.Close();
    }
}
