using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;
using Xunit;

namespace Shoal.UnitTests;

/// <summary>Unwanted files, moving, renaming and deleting while the torrent is in use.</summary>
public class FilePlacesTests
{
    private const int KiB = 1024;

    [Fact]
    public void Unwanted_files_do_not_appear_and_their_share_survives_until_they_are_wanted()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 100_000, 100_000, 100_000);
        FilePriority[] some = [FilePriority.Normal, FilePriority.Skip, FilePriority.Normal];
        var rig = new DiskRig(
            torrent,
            place.Files,
            place.Root,
            time: place.Time,
            options: o => o with { Priorities = some }
        );
        foreach (var index in new[] { 0, 1, 3, 4 })
        {
            rig.Fetch(torrent.Layout.Piece(index));
        }

        Assert.Equal(PathKind.Missing, place.Files.KindOf(rig.PathOf(1)));
        CheckRead(rig, 1);
        rig.Close();

        var next = new DiskRig(torrent, place.Files, place.Root, time: place.Time);
        Assert.Equal([0, 1, 3, 4], Enumerable.Range(0, 5).Where(i => next.Resume.Have[i]));
        CheckRead(next, 3);
        next.Complete(next.Disk.SetFilePriorities([FilePriority.Normal, FilePriority.Normal, FilePriority.Normal]));
        CheckRead(next, 1);
        CheckRead(next, 3);
        next.Fetch(torrent.Layout.Piece(2));
        Assert.True(torrent.Content.AsSpan(100_000, 100_000).SequenceEqual(place.Memory!.ReadAll(next.PathOf(1))));
        Assert.DoesNotContain(place.Memory.Paths, p => p.EndsWith(".parts", StringComparison.Ordinal));
        next.Close();

        var last = new DiskRig(torrent, place.Files, place.Root, time: place.Time);
        Assert.True(last.Resume.Have.IsFull);
        last.Close();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Content_moves_while_blocks_come_and_is_claimed_at_its_new_place(bool isOtherDevice)
    {
        using var place = TestPlace.InMemory();
        place.Memory!.OtherDevice = isOtherDevice ? "/far" : null;
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 100_000, 0, 200_000);
        var rig = new DiskRig(torrent, place.Files, place.Root, time: place.Time);
        rig.FetchAll();

        rig.SendBlock(torrent.Layout.Piece(4), 0);
        var move = rig.Disk.MoveAsync("/far/data", null, CancellationToken.None);
        rig.SendBlock(torrent.Layout.Piece(4), 1);
        rig.Complete(move);
        rig.SendBlock(torrent.Layout.Piece(4), 2);
        rig.Pump();
        var result = rig.TakeResult(torrent.Layout.Piece(4));
        Assert.True(result is not null && rig.IsGood(result));
        rig.Submit(new DiskRequest(DiskRequestKind.CommitPiece, torrent.Layout.Piece(4)));
        CheckRead(rig, 0);
        rig.Close();
        Assert.DoesNotContain(place.Memory.Paths, p => p.StartsWith("/disk/data/", StringComparison.Ordinal));

        var next = new DiskRig(
            torrent,
            place.Files,
            place.Root,
            time: place.Time,
            options: o => o with { SaveDirectory = "/far/data" }
        );
        Assert.True(next.Resume.Have.IsFull);
        next.Close();
    }

    [Fact]
    public void A_renamed_file_keeps_its_pieces()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 100_000, 50_000);
        var rig = new DiskRig(torrent, place.Files, place.Root, time: place.Time);
        rig.Fetch(torrent.Layout.Piece(0));
        rig.Complete(rig.Disk.RenameFilesAsync(new Dictionary<int, string> { [0] = "t/other/name" }));
        rig.Fetch(torrent.Layout.Piece(1));
        rig.Close();
        Assert.NotNull(place.Files.StampOf("/disk/data/t/other/name"));
        Assert.Null(place.Files.StampOf(rig.PathOf(0)));

        var next = new DiskRig(torrent, place.Files, place.Root, time: place.Time);
        Assert.Equal(2, next.Resume.Have.Count);
        Assert.Equal("t/other/name", next.Disk.RenamedFiles[0]);
        var refused = next.Disk.RenameFilesAsync(new Dictionary<int, string> { [0] = "../out" });
        Assert.Throws<StorageException>(() => next.Complete(refused));
        next.Close();
    }

    [Fact]
    public void A_file_of_others_is_not_overwritten_by_renaming()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 100_000, 50_000);
        var rig = new DiskRig(torrent, place.Files, place.Root, time: place.Time);
        rig.Fetch(torrent.Layout.Piece(0));
        place.Memory!.WriteAll("/disk/data/t/mine", [1]);
        var refused = rig.Disk.RenameFilesAsync(new Dictionary<int, string> { [0] = "t/mine" });
        Assert.Throws<StorageException>(() => rig.Complete(refused));
        Assert.Equal(1, place.Files.StampOf("/disk/data/t/mine")!.Value.Size);
        Assert.Empty(rig.Disk.RenamedFiles);
        rig.Fetch(torrent.Layout.Piece(1));
        rig.Close();
    }

    [Fact]
    public void Deleting_leaves_the_files_of_others()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 100_000, 50_000);
        var rig = new DiskRig(torrent, place.Files, place.Root, time: place.Time);
        rig.Fetch(torrent.Layout.Piece(0));
        place.Memory!.WriteAll("/disk/data/t/folder0/mine", [1]);
        rig.Complete(rig.Disk.DeleteAsync());
        rig.Workers.Dispose();
        Assert.Equal(
            ["/disk/data/t/folder0/mine"],
            place.Memory.Paths.Where(p => place.Files.KindOf(p) == PathKind.File)
        );
    }

    [Fact]
    public void Deleting_leaves_what_another_torrent_has_in_the_same_place()
    {
        using var place = TestPlace.InMemory();
        // Named alike, of different sizes: other content, as another release of the same has that shares most files.
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 100_000, 50_000, 7_000);
        var other = DiskTorrent.Make(TorrentFormat.V1, 32 * KiB, 100_000, 50_000);
        var rig = new DiskRig(torrent, place.Files, place.Root, time: place.Time);
        var second = new DiskRig(
            other,
            place.Files,
            place.Root,
            time: place.Time,
            options: o => o with { Priorities = [FilePriority.Skip, FilePriority.Normal] }
        );
        rig.FetchAll();

        var shared = rig.Disk.SharedWith([second.Disk]);
        Assert.Equal([1], shared);
        rig.Complete(rig.Disk.DeleteAsync(shared));
        rig.Workers.Dispose();
        // It never wanted the first.
        Assert.Equal(PathKind.Missing, place.Files.KindOf(second.PathOf(0)));
        Assert.Equal(PathKind.File, place.Files.KindOf(second.PathOf(1)));
        Assert.Equal(PathKind.Missing, place.Files.KindOf(rig.PathOf(2)));
        Assert.Empty(second.Disk.SharedWith([]));
        second.Close();
    }

    private static void CheckRead(DiskRig rig, int index)
    {
        var piece = rig.Torrent.Layout.Piece(index);
        rig.Submit(new DiskRequest(DiskRequestKind.HashPiece, piece));
        rig.Pump();
        var result = rig.TakeResult(piece);
        Assert.True(result is not null && rig.IsGood(result));
    }
}
