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

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_renaming_that_is_cut_short_at_any_step_loses_no_file(bool isPowerCut)
    {
        var random = new Random(23);
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 100_000, 50_000);
        var (renamed, not) = (0, 0);
        for (var step = 1; step < 100; step++)
        {
            var time = new ManualTime();
            var files = new MemoryFileSystem(time);
            files.CreateDirectory("/disk");
            files.CreateDirectory("/disk/state");
            var rig = new DiskRig(torrent, files, "/disk", time: time);
            rig.FetchAll();
            rig.Close();
            rig = new DiskRig(torrent, files, "/disk", time: time);
            var cut = files.CutAt = files.Changes + step;
            try
            {
                rig.Complete(rig.Disk.RenameFilesAsync(new Dictionary<int, string> { [1] = "t/other/name" }));
            }
            catch (PowerCutException) { }

            var isOver = files.Changes < cut;
            files.CutAt = null;
            files = isPowerCut ? files.AfterPowerCut(random) : files;
            // The next start may be killed too.
            files.CutAt = files.Changes + 1 + random.Next(6);
            try
            {
                new DiskRig(torrent, files, "/disk", time: time).Close();
            }
            catch (PowerCutException) { }

            files.CutAt = null;
            var next = new DiskRig(torrent, files, "/disk", time: time);
            _ = next.Disk.RenamedFiles.Count > 0 ? renamed++ : not++;
            Assert.True(next.Resume.Have.IsFull, $"step {step}");
            next.Close();
            var name = next.Disk.RenamedFiles.GetValueOrDefault(1, torrent.Metainfo.Files[1].Path);
            Assert.Equal(50_000, files.ReadAll($"/disk/data/{name}").Length);
            if (isOver)
            {
                Assert.True(renamed > 1 && not > 1, $"{renamed} renamed, {not} not");
                return;
            }
        }

        Assert.Fail("it never ends");
    }

    [Fact]
    public void A_renaming_that_failed_is_not_taken_up_by_the_next_run()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 100_000, 50_000);
        var rig = new DiskRig(torrent, place.Files, place.Root, time: place.Time);
        rig.FetchAll();
        place.Memory!.Before = (operation, path) =>
        {
            if (operation == FileOperation.Names && path == rig.PathOf(0))
            {
                throw new IOException("not now");
            }
        };
        var refused = rig.Disk.RenameFilesAsync(new Dictionary<int, string> { [0] = "t/mine" });
        Assert.Throws<StorageException>(() => rig.Complete(refused));
        place.Memory.Before = null;
        rig.Close();
        // Its owner takes it away, and puts something else where it was to go.
        place.Files.Delete(rig.PathOf(0));
        place.Memory.WriteAll("/disk/data/t/mine", [1]);

        var next = new DiskRig(torrent, place.Files, place.Root, time: place.Time);
        Assert.Empty(next.Disk.RenamedFiles);
        next.Close();
    }

    [Fact]
    public void A_new_name_that_a_run_finds_is_durable_before_the_journal_says_it()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 100_000, 50_000);
        var rig = new DiskRig(torrent, place.Files, place.Root, time: place.Time);
        rig.FetchAll();
        place.Memory!.Before = (operation, path) =>
        {
            if (operation == FileOperation.Sync && path == "/disk/data/t/other")
            {
                throw new PowerCutException();
            }
        };
        var cut = rig.Disk.RenameFilesAsync(new Dictionary<int, string> { [0] = "t/other/name" });
        Assert.Throws<PowerCutException>(() => rig.Complete(cut));
        var synced = new List<string>();
        place.Memory.Before = (operation, path) =>
        {
            if (operation == FileOperation.Sync)
            {
                synced.Add(path);
            }
        };
        var next = new DiskRig(torrent, place.Files, place.Root, time: place.Time);
        Assert.Equal("t/other/name", next.Disk.RenamedFiles[0]);
        Assert.Contains("/disk/data/t/other", synced);
        var journal = synced.FindLastIndex(path => path.StartsWith("/disk/state/", StringComparison.Ordinal));
        Assert.True(synced.IndexOf("/disk/data/t/other") < journal);
        next.Close();
    }

    [Fact]
    public void Nothing_is_renamed_that_the_journal_could_not_say_is_renamed()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 100_000, 50_000);
        var rig = new DiskRig(torrent, place.Files, place.Root, time: place.Time);
        rig.FetchAll();
        place.Memory!.Before = (operation, path) =>
        {
            if (operation == FileOperation.Write && path.StartsWith("/disk/state", StringComparison.Ordinal))
            {
                throw new IOException("no space left", 28);
            }
        };
        var refused = rig.Disk.RenameFilesAsync(new Dictionary<int, string> { [0] = "t/mine" });
        var error = Assert.Throws<StorageException>(() => rig.Complete(refused));
        Assert.Contains("journal", error.Message, StringComparison.Ordinal);
        Assert.NotNull(place.Files.StampOf(rig.PathOf(0)));
        place.Memory.Before = null;
        rig.Close();
        var next = new DiskRig(torrent, place.Files, place.Root, time: place.Time);
        Assert.Empty(next.Disk.RenamedFiles);
        Assert.True(next.Resume.Have.IsFull);
        next.Close();
    }

    [Fact]
    public void A_folder_that_renaming_emptied_is_no_failure_of_the_disk()
    {
        using var place = TestPlace.OnDisk();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 100_000, 50_000);
        var rig = new DiskRig(torrent, place.Files, place.Root, time: place.All[0].Time);
        rig.FetchAll();
        rig.Complete(rig.Disk.RenameFilesAsync(new Dictionary<int, string> { [0] = "t/name" }));
        Assert.False(Directory.Exists(Path.GetDirectoryName(rig.PathOf(0))));
        rig.Disk.Checkpoint();
        Assert.DoesNotContain(rig.Events, e => e.Kind == SwarmEventKind.DiskFailed);
        rig.Close();
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
