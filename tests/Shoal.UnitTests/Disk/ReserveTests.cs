using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>Space that is set aside before anything is fetched.</summary>
public sealed class ReserveTests
{
    private const int PieceLength = 64 * 1024;

    private static readonly DiskTorrent Torrent = DiskTorrent.Make(
        TorrentFormat.V1,
        PieceLength,
        100_000,
        0,
        300_000,
        200_000
    );

    [Fact]
    public void All_wanted_files_are_there_from_the_start_and_nobody_else_gets_their_space()
    {
        using var place = TestPlace.InMemory();
        place.Memory!.Capacity = 700_000;
        var rig = Open(place);
        Assert.All((int[])[0, 1, 2, 3], file => Assert.Equal(PathKind.File, place.Files.KindOf(rig.PathOf(file))));

        // Somebody else fills the disk: what was reserved is still ours.
        using (var other = place.Files.Open("/disk/other", writable: true, create: true))
        {
            Assert.Throws<IOException>(() => other.Write(new byte[200_000], 0));
        }

        for (var piece = 0; piece < Torrent.Layout.PieceCount; piece++)
        {
            rig.Fetch(Torrent.Layout.Piece(piece));
        }

        rig.Close();
        Assert.True(Torrent.Content.AsSpan(100_000, 300_000).SequenceEqual(place.Memory.ReadAll(rig.PathOf(2))));
    }

    [Fact]
    public void Where_there_is_not_enough_it_is_said_at_once_and_nothing_is_left()
    {
        using var place = TestPlace.InMemory();
        place.Memory!.Capacity = 450_000;
        var failure = Assert.Throws<StorageException>(() => Open(place));
        Assert.Equal(DiskFailureKind.Full, failure.Failure.Kind);
        Assert.Contains("cannot reserve 200000 bytes", failure.Message);
        Assert.EndsWith("the disk is full", failure.Message);
        Assert.All(
            (int[])[0, 2, 3],
            file =>
                Assert.DoesNotContain(
                    place.Memory.Paths,
                    path => path.EndsWith($"file{file}", StringComparison.Ordinal)
                )
        );
        Assert.Equal(0, place.Memory.OpenFiles);

        // With more space it works.
        place.Memory.Capacity = 700_000;
        Open(place).Close();
    }

    [Fact]
    public void Nothing_is_reserved_for_files_that_are_not_wanted_or_there_already()
    {
        using var place = TestPlace.InMemory();
        place.Memory!.Capacity = 450_000;
        FilePriority[] some = [FilePriority.Normal, FilePriority.Normal, FilePriority.Skip, FilePriority.Normal];
        var rig = Open(place, some);
        Assert.Equal(PathKind.Missing, place.Files.KindOf(rig.PathOf(2)));
        rig.Fetch(Torrent.Layout.Piece(0));
        rig.Close();

        var next = Open(place, some);
        Assert.True(next.Resume.Have[0]);
        Assert.True(
            Torrent
                .Content.AsSpan(0, PieceLength)
                .SequenceEqual(place.Memory.ReadAll(next.PathOf(0)).AsSpan(0, PieceLength))
        );
        next.Close();
    }

    [Fact]
    public void On_a_real_disk_the_files_have_their_space_and_content()
    {
        using var place = TestPlace.OnDisk();
        var rig = Open(place);
        for (var piece = 0; piece < Torrent.Layout.PieceCount; piece++)
        {
            rig.Fetch(Torrent.Layout.Piece(piece));
        }

        rig.Close();
        Assert.Equal(300_000, new FileInfo(rig.PathOf(2)).Length);
        Assert.True(Torrent.Content.AsSpan(400_000, 200_000).SequenceEqual(File.ReadAllBytes(rig.PathOf(3))));
    }

    private static DiskRig Open(TestPlace place, IReadOnlyList<FilePriority>? priorities = null) =>
        new(
            Torrent,
            place.Files,
            place.Root,
            time: place.All[0].Time,
            options: options => options with { Preallocate = true, Priorities = priorities }
        );
}
