using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;
using Xunit;

namespace Shoal.UnitTests;

/// <summary>What others do to files at moments that are easily missed: while they are hashed, and behind links.</summary>
public class ForeignChangeTests
{
    private const int KiB = 1024;

    [Fact]
    public void What_changes_while_the_rest_is_hashed_is_hashed_by_the_next_run()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 256 * KiB);
        var file = "/disk/data/" + torrent.Metainfo.Files[0].Path;
        place.Memory!.WriteAll(file, torrent.Content);
        var rig = Open(torrent, place);
        Check(rig, 0);
        rig.Disk.Checkpoint();
        place.Time.Advance(TimeSpan.FromSeconds(20));
        var changed = torrent.Content.ToArray();
        changed[5] ^= 1;
        place.Memory.WriteAll(file, changed);
        Check(rig, 1, 2, 3);
        rig.Disk.Checkpoint();
        rig.Close();

        var next = Open(torrent, place);
        Assert.True(next.Resume.Have.IsEmpty);
        Assert.Equal([0, 1, 2, 3], Enumerable.Range(0, 4).Where(i => next.Resume.Check[i]));
        next.Close();
    }

    [Fact]
    public void What_nobody_changes_while_it_is_hashed_is_not_hashed_again()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 256 * KiB, 0, 100_000);
        place.Memory!.WriteAll("/disk/data/" + torrent.Metainfo.Files[0].Path, torrent.Content.AsSpan(0, 256 * KiB));
        place.Memory.WriteAll("/disk/data/" + torrent.Metainfo.Files[2].Path, torrent.Content.AsSpan(256 * KiB));
        var rig = Open(torrent, place);
        Check(rig, 0, 1, 2);
        place.Time.Advance(TimeSpan.FromSeconds(7));
        rig.Disk.Checkpoint();
        Check(rig, 3, 4, 5);
        rig.Close();

        var next = Open(torrent, place);
        Assert.True(next.Resume.Have.IsFull);
        next.Close();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_check_that_the_user_wanted_goes_on_in_the_next_run(bool isClosed)
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 256 * KiB);
        var rig = Open(torrent, place);
        rig.FetchAll();

        rig.Disk.Checkpoint();
        rig.Complete(rig.Disk.SuspectAllAsync());
        Check(rig, 2);
        rig.Disk.Checkpoint();
        if (isClosed)
        {
            rig.Close();
        }

        var next = Open(torrent, place);
        Assert.Equal([2], Enumerable.Range(0, 4).Where(i => next.Resume.Have[i]));
        Assert.Equal([0, 1, 3], Enumerable.Range(0, 4).Where(i => next.Resume.Check[i]));
        Check(next, 0, 1, 3);
        next.Close();
        var last = Open(torrent, place);
        Assert.True(last.Resume.Have.IsFull);
        last.Close();
    }

    [Fact]
    public void A_check_that_was_wanted_at_the_start_is_not_forgotten_by_a_kill_right_after()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 256 * KiB);
        var rig = Open(torrent, place);
        rig.FetchAll();

        rig.Close();
        var killed = new DiskRig(
            torrent,
            place.Files,
            place.Root,
            time: place.Time,
            options: o => o with { Recheck = true }
        );
        Assert.True(killed.Resume.Have.IsEmpty);
        var next = Open(torrent, place);
        Assert.True(next.Resume.Have.IsEmpty);
        Assert.True(next.Resume.Check.IsFull);
        next.Close();
    }

    [Fact]
    public void A_server_that_lost_an_open_file_ends_nothing()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 256 * KiB);
        var rig = Open(torrent, place);
        place.Memory!.Before = (operation, path) =>
        {
            if (operation == FileOperation.Stat && path.Contains("/data/", StringComparison.Ordinal))
            {
                throw new IOException("stale file handle", 116);
            }
        };
        // Who is hurt by it sees it when reading or writing; asking for the time is no reason to fall.
        rig.Fetch(torrent.Layout.Piece(0));
        rig.Submit(new DiskRequest(DiskRequestKind.ReadBlock, torrent.Layout.Piece(0), 0, 100));
        rig.Pump();
        Assert.IsType<BlockBuffer>(rig.Events.Single(e => e.Kind == SwarmEventKind.BlockRead).Payload).Release();
        place.Memory.Before = null;
        rig.Close();
    }

    [Fact]
    public void Deleting_follows_no_links()
    {
        using var place = TestPlace.OnDisk();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 10_000, 20_000);
        var outside = Directory.CreateDirectory(Path.Combine(place.Root, "mine")).FullName;
        var thesis = Path.Combine(outside, Path.GetFileName(torrent.Metainfo.Files[0].Path));
        File.WriteAllText(thesis, "three years of work");
        Directory.CreateDirectory(Path.Combine(outside, "empty"));
        var linked = Path.Combine(place.Root, "data", Path.GetDirectoryName(torrent.Metainfo.Files[0].Path)!);
        Directory.CreateDirectory(Path.GetDirectoryName(linked)!);
        Directory.CreateSymbolicLink(linked, outside);
        var rig = new DiskRig(torrent, place.Files, place.Root, time: place.All[0].Time);
        var own = rig.PathOf(1);
        Directory.CreateDirectory(Path.GetDirectoryName(own)!);
        File.WriteAllBytes(own, new byte[20_000]);

        var refused = rig.Disk.DeleteAsync();
        Assert.Contains(
            "link",
            Assert.Throws<StorageException>(() => rig.Complete(refused)).Message,
            StringComparison.Ordinal
        );
        rig.Workers.Dispose();
        Assert.Equal("three years of work", File.ReadAllText(thesis));
        Assert.True(Directory.Exists(linked));
        Assert.False(File.Exists(own));
    }

    private static DiskRig Open(DiskTorrent torrent, TestPlace place) =>
        new(torrent, place.Files, place.Root, time: place.Time);

    /// <summary>As the swarm does at the start.</summary>
    private static void Check(DiskRig rig, params int[] pieces)
    {
        foreach (var index in pieces)
        {
            var piece = rig.Torrent.Layout.Piece(index);
            rig.Submit(new DiskRequest(DiskRequestKind.HashPiece, piece));
            rig.Pump();
            Assert.True(rig.IsGood(rig.TakeResult(piece)!));
            rig.Submit(new DiskRequest(DiskRequestKind.CommitPiece, piece));
            rig.Pump();
        }
    }
}
