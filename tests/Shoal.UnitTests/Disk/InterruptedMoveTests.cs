using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;
using Xunit;

namespace Shoal.UnitTests;

/// <summary>A move that ends in the middle, at each of its steps, is ended or undone at the next start.</summary>
public class InterruptedMoveTests
{
    private const int KiB = 1024;
    private const string Target = "/far/data";

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Cut_at_any_step_everything_is_at_one_place_and_whole(bool isOtherDevice, bool isPowerCut)
    {
        var random = new Random(17);
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 100_000, 0, 150_000, 70_000);
        var (ended, undone) = (0, 0);
        for (var step = 1; step < 500; step++)
        {
            var time = new ManualTime();
            var files = Filled(torrent, time, isOtherDevice);
            if (!MoveUntil(files, torrent, time, step))
            {
                Assert.True(step > 5);
                Assert.True(ended > 0 && undone > 0, $"{ended} ended, {undone} undone");
                return;
            }

            if (isPowerCut)
            {
                files = files.AfterPowerCut(random);
                files.OtherDevice = isOtherDevice ? "/far" : null;
            }

            // The next start may be killed too.
            files.CutAt = files.Changes + 1 + random.Next(20);
            try
            {
                Open(files, torrent, time).Close();
            }
            catch (PowerCutException) { }

            files.CutAt = null;
            var rig = Open(files, torrent, time);
            var root = rig.Disk.Storage.Root;
            _ = root == Target ? ended++ : undone++;
            CheckWhole(files, torrent, root);
            var other = root == Target ? "/disk/data/" : Target + "/";
            Assert.DoesNotContain(files.Paths, path => path.StartsWith(other, StringComparison.Ordinal));
            // And it can go on.
            rig.Complete(rig.Disk.MoveAsync(Target, null, CancellationToken.None));
            CheckWhole(files, torrent, Target);
            rig.Close();
        }

        Assert.Fail("it never ends");
    }

    [Fact]
    public void What_others_have_at_the_new_place_is_refused_before_anything_begins()
    {
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 100_000, 50_000);
        var time = new ManualTime();
        var files = Filled(torrent, time, isOtherDevice: true);
        var theirs = Path.Combine(Target, torrent.Metainfo.Files[1].Path);
        files.WriteAll(theirs, [1, 2, 3]);
        var rig = new DiskRig(torrent, files, "/disk", time: time);
        var hasBegun = false;
        var move = rig.Disk.MoveAsync(
            Target,
            () =>
            {
                hasBegun = true;
                return Task.CompletedTask;
            },
            CancellationToken.None
        );
        Assert.Throws<StorageException>(() => rig.Complete(move));
        Assert.False(hasBegun);
        Assert.Equal([1, 2, 3], files.ReadAll(theirs));
        rig.Close();
        CheckWhole(files, torrent, "/disk/data");
    }

    /// <summary>A file that was not wanted when the move began comes in while others are copied, and then the program is killed.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_others_have_at_the_new_place_is_not_taken_for_a_copy(bool isPowerCut)
    {
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 64 * KiB, 64 * KiB, 64 * KiB);
        FilePriority[] some = [FilePriority.Normal, FilePriority.Normal, FilePriority.Skip];
        var theirs = Path.Combine(Target, torrent.Metainfo.Files[2].Path);
        for (var step = 1; step < 100; step++)
        {
            var time = new ManualTime();
            var files = new MemoryFileSystem(time) { OtherDevice = "/far" };
            files.CreateDirectory("/disk");
            files.CreateDirectory("/disk/state");
            files.CreateDirectory("/far");
            files.WriteAll(theirs, [1, 2, 3]);
            files.SyncDirectory("/far");
            using (var written = files.Open(theirs, writable: true, create: false))
            {
                written.Sync();
            }

            var rig = new DiskRig(torrent, files, "/disk", time: time, options: o => o with { Priorities = some });
            rig.Fetch(torrent.Layout.Piece(0));
            rig.Fetch(torrent.Layout.Piece(1));
            var (cut, ours) = (int.MaxValue, rig.PathOf(2));
            files.Before = (operation, path) =>
            {
                if (
                    operation == FileOperation.Write
                    && path.StartsWith(Target, StringComparison.Ordinal)
                    && cut == int.MaxValue
                )
                {
                    files.WriteAll(ours, torrent.Content.AsSpan(128 * KiB, 64 * KiB));
                    files.CutAt = cut = files.Changes + step;
                }
            };
            Assert.ThrowsAny<Exception>(() => rig.Complete(rig.Disk.MoveAsync(Target, null, CancellationToken.None)));
            files.Before = null;
            var isOver = files.Changes < cut;
            files.CutAt = null;
            files = isPowerCut ? files.AfterPowerCut(new Random(step)) : files;
            files.OtherDevice = "/far";
            var next = Open(files, torrent, time);
            Assert.Equal("/disk/data", next.Disk.Storage.Root);
            Assert.Equal([1, 2, 3], files.ReadAll(theirs));
            Assert.Equal(
                [theirs],
                files.Paths.Where(path =>
                    path.StartsWith(Target + "/", StringComparison.Ordinal) && files.KindOf(path) == PathKind.File
                )
            );
            if (!isPowerCut)
            {
                Assert.Equal(64 * KiB, files.ReadAll(ours).Length);
            }

            next.Close();
            if (isOver)
            {
                return;
            }
        }

        Assert.Fail("it never ends");
    }

    [Fact]
    public async Task An_original_that_cannot_be_deleted_costs_no_copy()
    {
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 100_000, 50_000);
        var time = new ManualTime();
        var files = Filled(torrent, time, isOtherDevice: true);
        var rig = new DiskRig(torrent, files, "/disk", time: time);
        var stuck = rig.PathOf(1);
        files.Before = (operation, path) =>
        {
            if (operation == FileOperation.Names && path == stuck)
            {
                throw new UnauthorizedAccessException("not yours");
            }
        };
        var move = rig.Disk.MoveAsync(Target, null, CancellationToken.None);
        rig.Complete(move);
        Assert.Contains("cannot delete", await move, StringComparison.Ordinal);
        Assert.Equal(Target, rig.Disk.Storage.Root);
        CheckWhole(files, torrent, Target);
        rig.Close();
    }

    [Fact]
    public void What_is_kept_of_the_pieces_is_claimed_at_the_new_place_when_the_move_was_over()
    {
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 100_000, 50_000);
        var time = new ManualTime();
        var files = Filled(torrent, time, isOtherDevice: false);
        var rig = new DiskRig(torrent, files, "/disk", time: time);
        rig.Complete(rig.Disk.MoveAsync(Target, null, CancellationToken.None));
        rig.Close();
        // Whoever remembers the move did not hear of its end.
        var next = Open(files, torrent, time);
        Assert.True(next.Resume.Have.IsFull);
        next.Close();
    }

    /// <summary>Killed or without power while it copies from a disk that is not there at the next start.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Copies_are_not_taken_for_the_content_where_the_old_folder_is_not_mounted(bool isPowerCut)
    {
        var random = new Random(17);
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 100_000, 0, 150_000, 70_000);
        var refused = 0;
        for (var step = 1; step < 500; step++)
        {
            var time = new ManualTime();
            var files = Filled(torrent, time, isOtherDevice: true);
            if (!MoveUntil(files, torrent, time, step))
            {
                Assert.True(refused > 5);
                return;
            }

            files = isPowerCut ? files.AfterPowerCut(random) : files;
            files.OtherDevice = "/far";
            var copies = Contents(files, Target);
            if (copies.Count == 0)
            {
                continue;
            }

            var unmounted = Unmount(files, "/disk/data");
            try
            {
                var rig = Open(files, torrent, time);
                // All was copied, and the journal says so.
                Assert.Equal(Target, rig.Disk.Storage.Root);
                Assert.True(rig.Resume.Have.IsFull);
                rig.Close();
                CheckWhole(files, torrent, Target);
            }
            catch (StorageException error)
            {
                refused++;
                Assert.Contains("'/disk/data'", error.Message, StringComparison.Ordinal);
                Assert.Equal(copies, Contents(files, Target));
                Mount(files, unmounted);
                var rig = Open(files, torrent, time);
                Assert.Equal("/disk/data", rig.Disk.Storage.Root);
                Assert.True(rig.Resume.Have.IsFull);
                rig.Close();
                CheckWhole(files, torrent, "/disk/data");
                Assert.Empty(Contents(files, Target));
            }
        }

        Assert.Fail("it never ends");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_was_written_at_the_new_place_since_stays_when_originals_are_left(bool isMounted)
    {
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 100_000, 50_000, 70_000);
        var time = new ManualTime();
        var files = Filled(torrent, time, isOtherDevice: true);
        var rig = new DiskRig(torrent, files, "/disk", time: time);
        var third = rig.PathOf(2);
        files.Before = (operation, path) =>
        {
            if (operation == FileOperation.Names && path == third)
            {
                throw new PowerCutException();
            }
        };
        Assert.Throws<PowerCutException>(() => rig.Complete(rig.Disk.MoveAsync(Target, null, CancellationToken.None)));
        files.Before = null;
        files.WriteAll(Path.Combine(Target, torrent.Metainfo.Files[2].Path), [1, 2, 3]);
        var arrived = Contents(files, Target);
        var originals = Contents(files, "/disk/data");
        Assert.NotEmpty(originals);
        if (!isMounted)
        {
            var unmounted = Unmount(files, Target);
            var error = Assert.Throws<StorageException>(() => Open(files, torrent, time));
            Assert.Contains($"'{Target}'", error.Message, StringComparison.Ordinal);
            Assert.Equal(originals, Contents(files, "/disk/data"));
            Mount(files, unmounted);
        }

        var next = Open(files, torrent, time);
        Assert.Equal(Target, next.Disk.Storage.Root);
        next.Close();
        Assert.Equal(arrived, Contents(files, Target));
        Assert.Empty(Contents(files, "/disk/data"));
    }

    /// <summary>Killed when it was said that a move begins, and before anything was moved or copied.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_came_to_the_new_place_before_anything_was_copied_is_others(bool isOtherDevice)
    {
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 100_000, 50_000);
        var time = new ManualTime();
        var files = Filled(torrent, time, isOtherDevice);
        var theirs = Path.Combine(Target, torrent.Metainfo.Files[1].Path);
        files.WriteAll(theirs, [1, 2, 3]);
        var rig = Open(files, torrent, time);
        Assert.Equal("/disk/data", rig.Disk.Storage.Root);
        rig.Close();
        Assert.Equal([1, 2, 3], files.ReadAll(theirs));
        CheckWhole(files, torrent, "/disk/data");
    }

    [Fact]
    public void Nothing_is_copied_that_the_journal_could_not_say_is_copied()
    {
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 100_000, 50_000);
        var time = new ManualTime();
        var files = Filled(torrent, time, isOtherDevice: true);
        var rig = new DiskRig(torrent, files, "/disk", time: time);
        files.Before = (operation, path) =>
        {
            if (operation == FileOperation.Write && path.StartsWith("/disk/state", StringComparison.Ordinal))
            {
                throw new IOException("no space left", 28);
            }
        };
        var error = Assert.Throws<StorageException>(() =>
            rig.Complete(rig.Disk.MoveAsync(Target, null, CancellationToken.None))
        );
        Assert.Contains("journal", error.Message, StringComparison.Ordinal);
        Assert.Empty(Contents(files, Target));
        files.Before = null;
        rig.Close();
        CheckWhole(files, torrent, "/disk/data");
    }

    private static Dictionary<string, string> Contents(MemoryFileSystem files, string root) =>
        files
            .Paths.Where(path =>
                path.StartsWith(root + "/", StringComparison.Ordinal) && files.KindOf(path) == PathKind.File
            )
            .ToDictionary(path => path, path => Convert.ToHexString(files.ReadAll(path)));

    /// <summary>Takes all from below a folder that is there; its files keep their times.</summary>
    private static List<(string From, string To)> Unmount(MemoryFileSystem files, string root)
    {
        var moved = files
            .Paths.Where(path => path.StartsWith(root + "/", StringComparison.Ordinal))
            .Select(path => (path, $"{(root == Target ? "/far" : "/disk")}/away{path}"))
            .ToList();
        moved.ForEach(move => files.TryMove(move.path, move.Item2));
        return moved;
    }

    private static void Mount(MemoryFileSystem files, List<(string From, string To)> moved) =>
        moved.ForEach(move => files.TryMove(move.To, move.From));

    private static MemoryFileSystem Filled(DiskTorrent torrent, ManualTime time, bool isOtherDevice)
    {
        var files = new MemoryFileSystem(time) { OtherDevice = isOtherDevice ? "/far" : null };
        files.CreateDirectory("/disk");
        files.CreateDirectory("/disk/state");
        files.CreateDirectory("/far");
        var rig = new DiskRig(torrent, files, "/disk", time: time);
        rig.FetchAll();

        rig.Close();
        return files;
    }

    /// <returns>Whether it was cut.</returns>
    private static bool MoveUntil(MemoryFileSystem files, DiskTorrent torrent, ManualTime time, int step)
    {
        var rig = new DiskRig(torrent, files, "/disk", time: time);
        files.CutAt = files.Changes + step;
        try
        {
            rig.Complete(rig.Disk.MoveAsync(Target, null, CancellationToken.None));
            files.CutAt = null;
            rig.Close();
            return false;
        }
        catch (PowerCutException)
        {
            files.CutAt = null;
            return true;
        }
    }

    private static DiskRig Open(MemoryFileSystem files, DiskTorrent torrent, ManualTime time) =>
        new(torrent, files, "/disk", time: time, options: options => options with { InterruptedMove = Target });

    private static void CheckWhole(MemoryFileSystem files, DiskTorrent torrent, string root)
    {
        foreach (var file in torrent.Metainfo.Files)
        {
            var content = files.ReadAll(Path.Combine(root, file.Path));
            Assert.True(torrent.Content.AsSpan((int)file.Offset, (int)file.Size).SequenceEqual(content), file.Path);
        }
    }
}
