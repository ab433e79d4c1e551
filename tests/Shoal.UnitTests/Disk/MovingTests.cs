using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;
using Xunit;

namespace Shoal.UnitTests;

/// <summary>Moving between devices takes longer than anything else: what others do meanwhile, and what they have there already.</summary>
public class MovingTests
{
    private const int KiB = 1024;
    private const string Target = "/far/data";
    private static readonly FilePriority[] AllButTheLast =
    [
        FilePriority.Normal,
        FilePriority.Normal,
        FilePriority.Skip,
    ];

    [Theory]
    [InlineData("full")]
    [InlineData("cancelled")]
    public void A_move_that_fails_deletes_its_copies_and_nothing_that_others_have_there(string why)
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 100_000, 150_000, 70_000);
        var rig = Filled(torrent, place, AllButTheLast);
        var theirs = Path.Combine(Target, torrent.Metainfo.Files[2].Path);
        place.Memory!.WriteAll(theirs, [1, 2, 3]);
        using var cancel = new CancellationTokenSource();
        place.Memory.Before = (operation, path) =>
        {
            if (operation == FileOperation.Write && path.Contains("/far/data/t/folder1", StringComparison.Ordinal))
            {
                cancel.Cancel();
                if (why == "full")
                {
                    throw new IOException("no space left", 28);
                }
            }
        };
        var move = rig.Disk.MoveAsync(Target, null, why == "full" ? CancellationToken.None : cancel.Token);
        Assert.ThrowsAny<Exception>(() => rig.Complete(move));
        Assert.True(cancel.IsCancellationRequested);
        Assert.Equal([1, 2, 3], place.Memory.ReadAll(theirs));
        Assert.Equal([theirs], FilesBelow(place, "/far"));
        Assert.Equal("/disk/data", rig.Disk.Storage.Root);
        CheckFile(place, torrent, "/disk/data", 0);
        rig.Close();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_comes_to_the_new_place_while_others_are_copied_is_not_ours(bool isCancelled)
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 100_000, 150_000, 70_000);
        var rig = Filled(torrent, place, AllButTheLast);
        var theirs = Path.Combine(Target, torrent.Metainfo.Files[1].Path);
        using var cancel = new CancellationTokenSource();
        place.Memory!.Before = (operation, path) =>
        {
            if (operation == FileOperation.Write && path.StartsWith(Target, StringComparison.Ordinal))
            {
                place.Memory.WriteAll(theirs, [1, 2, 3]);
                if (isCancelled)
                {
                    cancel.Cancel();
                }
            }
        };
        var move = rig.Disk.MoveAsync(Target, null, cancel.Token);
        Assert.ThrowsAny<Exception>(() => rig.Complete(move));
        Assert.Equal([1, 2, 3], place.Memory.ReadAll(theirs));
        Assert.Equal([theirs], FilesBelow(place, "/far"));
        Assert.Equal("/disk/data", rig.Disk.Storage.Root);
        CheckFile(place, torrent, "/disk/data", 1);
        rig.Close();
    }

    [Fact]
    public void A_move_that_succeeds_leaves_what_others_have_where_an_unwanted_file_would_be()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 100_000, 150_000, 70_000);
        var rig = Filled(torrent, place, AllButTheLast);
        var theirs = Path.Combine(Target, torrent.Metainfo.Files[2].Path);
        place.Memory!.WriteAll(theirs, [1, 2, 3]);
        rig.Complete(rig.Disk.MoveAsync(Target, null, CancellationToken.None));
        Assert.Equal([1, 2, 3], place.Memory.ReadAll(theirs));
        CheckFile(place, torrent, Target, 1);
        Assert.Empty(FilesBelow(place, "/disk/data"));
        rig.Close();
    }

    [Fact]
    public void Where_others_have_a_file_that_is_still_to_come_nothing_is_copied()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 128 * KiB, 128 * KiB, 70_000);
        place.Memory!.OtherDevice = "/far";
        var rig = Open(torrent, place, null);
        rig.Fetch(torrent.Layout.Piece(0));
        var theirs = Path.Combine(Target, torrent.Metainfo.Files[1].Path);
        place.Memory.WriteAll(theirs, [1, 2, 3]);
        var move = rig.Disk.MoveAsync(Target, null, CancellationToken.None);
        Assert.Contains(
            "it exists",
            Assert.Throws<StorageException>(() => rig.Complete(move)).Message,
            StringComparison.Ordinal
        );
        Assert.Equal([theirs], FilesBelow(place, "/far"));
        Assert.Equal([1, 2, 3], place.Memory.ReadAll(theirs));
        rig.Close();
    }

    [Fact]
    public void A_copy_that_is_made_again_has_nothing_of_the_first()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 200_000, 10);
        var rig = Filled(torrent, place, null);
        // What was wrong is fetched again while it is copied, and is nothing but zeros.
        var isCopied = false;
        place.Memory!.Before = (operation, path) =>
        {
            if (
                operation == FileOperation.Sync
                && !isCopied
                && path == Path.Combine(Target, torrent.Metainfo.Files[0].Path)
            )
            {
                isCopied = true;
                place.Time.Advance(TimeSpan.FromSeconds(1));
                place.Memory.WriteAll(rig.PathOf(0), new byte[200_000]);
            }
        };
        rig.Complete(rig.Disk.MoveAsync(Target, null, CancellationToken.None));
        Assert.True(isCopied);
        Assert.True(
            new byte[200_000]
                .AsSpan()
                .SequenceEqual(place.Memory.ReadAll(Path.Combine(Target, torrent.Metainfo.Files[0].Path)))
        );
        rig.Close();
    }

    [Fact]
    public void What_goes_away_while_it_is_copied_is_not_left_at_the_new_place()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 100_000, 150_000, 70_000);
        var rig = Filled(torrent, place, AllButTheLast);
        Task? wish = null;
        place.Memory!.Before = (operation, path) =>
        {
            if (operation == FileOperation.Sync && path.StartsWith("/far/data/.", StringComparison.Ordinal))
            {
                place.Time.Advance(TimeSpan.FromSeconds(1));
                wish ??= rig.Disk.SetFilePriorities([.. Enumerable.Repeat(FilePriority.Normal, 3)]);
            }
        };
        var move = rig.Disk.MoveAsync(Target, null, CancellationToken.None);
        rig.Complete(move);
        rig.Complete(wish!);
        rig.Close();
        Assert.DoesNotContain(FilesBelow(place, "/"), path => path.EndsWith(".parts", StringComparison.Ordinal));
    }

    [Fact]
    public void Who_renames_during_a_move_finds_the_file_under_its_new_name_at_its_new_place()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 100_000, 150_000);
        var rig = Filled(torrent, place, null);
        Task? rename = null;
        place.Memory!.Before = (operation, path) =>
        {
            if (operation == FileOperation.Write && path.StartsWith("/far/", StringComparison.Ordinal))
            {
                rename ??= rig.Disk.RenameFilesAsync(new Dictionary<int, string> { [1] = "t/other" });
            }
        };
        rig.Complete(rig.Disk.MoveAsync(Target, null, CancellationToken.None));
        rig.Complete(rename!);
        Assert.True(
            torrent
                .Content.AsSpan(100_000, 150_000)
                .SequenceEqual(place.Memory.ReadAll(Path.Combine(Target, "t/other")))
        );
        Assert.Equal(2, FilesBelow(place, "/far").Count());
        rig.Close();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_others_changed_is_hashed_at_the_new_place_too(bool isOtherDevice)
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 128 * KiB, 128 * KiB);
        var rig = Filled(torrent, place, null);
        place.Memory!.OtherDevice = isOtherDevice ? "/far" : null;
        rig.Disk.Checkpoint();
        place.Time.Advance(TimeSpan.FromMinutes(1));
        place.Memory.WriteAll(rig.PathOf(1), new byte[128 * KiB]);
        rig.Complete(rig.Disk.MoveAsync(Target, null, CancellationToken.None));
        rig.Close();

        var next = Open(torrent, place, null, Target);
        Assert.Equal([0, 1], Enumerable.Range(0, 4).Where(i => next.Resume.Have[i]));
        Assert.Equal([2, 3], Enumerable.Range(0, 4).Where(i => next.Resume.Check[i]));
        next.Close();
    }

    [Theory]
    [InlineData("/disk/data/")]
    [InlineData("/disk/./data//")]
    public void A_folder_is_the_same_however_it_is_written(string written)
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 100_000);
        Filled(torrent, place, null).Close();
        var next = Open(torrent, place, null, written);
        Assert.True(next.Resume.Have.IsFull);
        next.Complete(next.Disk.MoveAsync(written, null, CancellationToken.None));
        next.Close();
    }

    [Fact]
    public void Names_of_copies_are_durable_before_an_original_is_deleted()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 100_000, 150_000);
        var rig = Filled(torrent, place, null);
        var synced = new HashSet<string>();
        HashSet<string>? before = null;
        var isCopied = false;
        place.Memory!.Before = (operation, path) =>
        {
            isCopied |= operation == FileOperation.Write && path.StartsWith(Target, StringComparison.Ordinal);
            if (operation == FileOperation.Sync)
            {
                synced.Add(path);
            }
            else if (isCopied && operation == FileOperation.Names && path == rig.PathOf(0))
            {
                before ??= [.. synced];
            }
        };
        rig.Complete(rig.Disk.MoveAsync(Target, null, CancellationToken.None));
        rig.Close();
        string[] folders = ["/far", Target, Target + "/t", Target + "/t/folder0", Target + "/t/folder1"];
        Assert.Superset(folders.ToHashSet(), before!);
    }

    [Fact]
    public void A_link_that_its_owner_put_in_place_of_a_file_is_not_lost_by_a_move()
    {
        using var place = TestPlace.OnDisk();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 100_000, 50_000);
        var rig = new DiskRig(torrent, place.Files, place.Root, time: place.All[0].Time);
        rig.Fetch(torrent.Layout.Piece(0));
        rig.Fetch(torrent.Layout.Piece(1));
        rig.Fetch(torrent.Layout.Piece(2));
        rig.Workers.Handles.CloseAll(rig.Disk.Storage);
        var elsewhere = Path.Combine(place.Root, "elsewhere");
        File.Move(rig.PathOf(1), elsewhere);
        File.CreateSymbolicLink(rig.PathOf(1), elsewhere);
        var move = new ContentMove(rig.Disk.Storage, Path.Combine(place.Root, "far"));
        move.BeginCopy();
        Assert.Throws<StorageException>(() => move.Copy(CancellationToken.None));
        move.DeleteCopies();
        Assert.True(File.Exists(rig.PathOf(1)));
        rig.Close();
    }

    private static DiskRig Open(DiskTorrent torrent, TestPlace place, FilePriority[]? priorities, string? at = null) =>
        new(
            torrent,
            place.Files,
            place.Root,
            time: place.Time,
            options: o => o with { Priorities = priorities, SaveDirectory = at ?? o.SaveDirectory }
        );

    private static DiskRig Filled(DiskTorrent torrent, TestPlace place, FilePriority[]? priorities)
    {
        place.Memory!.OtherDevice = "/far";
        var rig = Open(torrent, place, priorities);
        for (var piece = 0; piece < torrent.Layout.PieceCount; piece++)
        {
            if (
                priorities is null
                || torrent.Layout.OffsetOf(torrent.Layout.Piece(piece)) < torrent.Metainfo.Files[2].Offset
            )
            {
                rig.Fetch(torrent.Layout.Piece(piece));
            }
        }

        return rig;
    }

    private static IEnumerable<string> FilesBelow(TestPlace place, string folder) =>
        place.Memory!.Paths.Where(path =>
            path.StartsWith(folder, StringComparison.Ordinal) && place.Files.KindOf(path) == PathKind.File
        );

    private static void CheckFile(TestPlace place, DiskTorrent torrent, string root, int index)
    {
        var file = torrent.Metainfo.Files[index];
        var content = place.Memory!.ReadAll(Path.Combine(root, file.Path));
        Assert.True(torrent.Content.AsSpan((int)file.Offset, (int)file.Size).SequenceEqual(content));
    }
}
