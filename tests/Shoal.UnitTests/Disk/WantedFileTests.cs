using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;
using Xunit;

namespace Shoal.UnitTests;

/// <summary>Files that become wanted: what the part file holds of them has to get there, whatever it is and whatever the disk does.</summary>
public class WantedFileTests
{
    private const int KiB = 1024;
    private static readonly FilePriority[] NotTheSecond = [FilePriority.Normal, FilePriority.Skip, FilePriority.Normal];
    private static readonly FilePriority[] All = [FilePriority.Normal, FilePriority.Normal, FilePriority.Normal];

    [Theory]
    [InlineData(20_000)]
    [InlineData(200_000)]
    public void A_file_that_ends_with_zeros_is_as_long_as_it_should_be(int size)
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 100_000, size, 100_000);
        var end = 100_000 + size;
        var lastPiece = end / (64 * KiB) * (64 * KiB);
        Array.Clear(torrent.Content, Math.Max(100_000, lastPiece), end - Math.Max(100_000, lastPiece));
        var rig = Fetched(torrent, place);
        Assert.Equal(PathKind.Missing, place.Files.KindOf(rig.PathOf(1)));
        rig.Complete(rig.Disk.SetFilePriorities(All));
        for (var piece = 0; piece < torrent.Layout.PieceCount; piece++)
        {
            if (!IsEdge(torrent, piece))
            {
                rig.Fetch(torrent.Layout.Piece(piece));
            }
        }

        rig.Close();
        Assert.True(torrent.Content.AsSpan(100_000, size).SequenceEqual(place.Memory!.ReadAll(rig.PathOf(1))));
    }

    [Fact]
    public void Zeros_of_the_torrent_replace_what_was_put_there_meanwhile()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 100_000, 20_000, 100_000);
        Array.Clear(torrent.Content, 100_000, 20_000);
        var rig = Fetched(torrent, place);
        place.Memory!.WriteAll(rig.PathOf(1), [.. Enumerable.Repeat((byte)7, 20_000)]);
        rig.Complete(rig.Disk.SetFilePriorities(All));
        Assert.True(
            new byte[20_000]
                .AsSpan()
                .SequenceEqual(place.Memory.ReadAll(rig.PathOf(1)))
        );
        rig.Close();
    }

    [Fact]
    public void A_disk_that_fails_when_a_file_becomes_wanted_is_told_and_tried_again()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 100_000, 20_000, 100_000);
        var rig = Fetched(torrent, place);
        var file = rig.PathOf(1);
        place.Memory!.Before = (operation, path) =>
        {
            if (operation == FileOperation.Write && path == file)
            {
                throw new IOException("no space left", 28);
            }
        };
        rig.Complete(rig.Disk.SetFilePriorities(All));
        var failure = Assert.IsType<DiskFailure>(Assert.Single(rig.Events).Payload);
        Assert.Equal(DiskFailureKind.Full, failure.Kind);

        rig.Events.Clear();
        rig.Complete(rig.Disk.SettleSoon());
        Assert.Empty(rig.Events);

        place.Memory.Before = null;
        rig.Complete(rig.Disk.SettleSoon());
        Assert.Equal(SwarmEventKind.DiskRecovered, Assert.Single(rig.Events).Kind);
        Assert.True(torrent.Content.AsSpan(100_000, 20_000).SequenceEqual(place.Memory.ReadAll(file)));
        rig.Close();

        var next = Open(torrent, place, All);
        Assert.True(next.Resume.Have[1]);
        next.Close();
    }

    [Fact]
    public void What_cannot_be_made_at_the_start_is_made_when_the_disk_works_again()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 100_000, 0, 100_000);
        place.Memory!.Before = (operation, path) =>
        {
            if (operation == FileOperation.Open && path.Contains("/data/", StringComparison.Ordinal))
            {
                throw new IOException("read-only", 30);
            }
        };
        var rig = Open(torrent, place, null);
        Assert.Equal(SwarmEventKind.DiskFailed, Assert.Single(rig.Events).Kind);
        place.Memory.Before = null;
        rig.Complete(rig.Disk.SettleSoon());
        Assert.Equal(SwarmEventKind.DiskRecovered, rig.Events[^1].Kind);
        Assert.Equal(PathKind.File, place.Files.KindOf(rig.PathOf(1)));
        rig.Close();
    }

    private static DiskRig Open(DiskTorrent torrent, TestPlace place, FilePriority[]? priorities) =>
        new(torrent, place.Files, place.Root, time: place.Time, options: o => o with { Priorities = priorities });

    /// <summary>Without the second file, but with the pieces that it shares with others.</summary>
    private static DiskRig Fetched(DiskTorrent torrent, TestPlace place)
    {
        var rig = Open(torrent, place, NotTheSecond);
        for (var piece = 0; piece < torrent.Layout.PieceCount; piece++)
        {
            if (IsEdge(torrent, piece))
            {
                rig.Fetch(torrent.Layout.Piece(piece));
            }
        }

        return rig;
    }

    private static bool IsEdge(DiskTorrent torrent, int piece)
    {
        var start = torrent.Layout.OffsetOf(torrent.Layout.Piece(piece));
        var file = torrent.Metainfo.Files[1];
        return start < file.Offset || start + torrent.Layout.SizeOf(torrent.Layout.Piece(piece)) > file.End;
    }
}
