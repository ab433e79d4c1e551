using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;
using Xunit;

namespace Shoal.UnitTests;

/// <summary>Pieces filled from elsewhere on the machine: hashed as they are written, and durable like any other.</summary>
public class CopyPieceTests
{
    private const int KiB = 1024;
    private const int Length = 256 * KiB;

    /// <summary>The file is longer than what is hashed at once, and its end is no whole block.</summary>
    private const int FileSize = Length + 150_001;

    /// <summary>Two pieces; one; and again the first two.</summary>
    private static DiskTorrent Twins(TorrentFormat format)
    {
        var torrent = DiskTorrent.Make(format, Length, FileSize, 100, FileSize);
        torrent.Content.AsSpan(0, FileSize).CopyTo(torrent.Content.AsSpan(3 * Length));
        return torrent;
    }

    private static DiskRequest Copy(DiskTorrent torrent, int piece, int from, IContentSource? source = null) =>
        new(DiskRequestKind.CopyPiece, torrent.Layout.Piece(piece), from, Source: source);

    [Theory]
    [InlineData(TorrentFormat.V2)]
    [InlineData(TorrentFormat.Hybrid)]
    public void Pieces_of_an_equal_file_are_copied_and_survive_a_restart(TorrentFormat format)
    {
        using var place = TestPlace.Both();
        foreach (var (files, root, time) in place.All)
        {
            var torrent = Twins(format);
            var rig = new DiskRig(torrent, files, root, time: time);
            rig.Fetch(torrent.Layout.Piece(0));
            rig.Fetch(torrent.Layout.Piece(1));
            rig.Submit(Copy(torrent, 3, from: 0), Copy(torrent, 4, from: 1));
            rig.Pump();
            foreach (var piece in new[] { 3, 4 })
            {
                Assert.True(rig.IsGood(rig.TakeResult(torrent.Layout.Piece(piece))!));
                rig.Submit(new DiskRequest(DiskRequestKind.CommitPiece, torrent.Layout.Piece(piece)));
            }

            rig.Pump();
            Assert.Empty(rig.Events);
            rig.Close();
            using (var copied = files.Open(rig.PathOf(Last(torrent)), writable: false, create: false))
            {
                var bytes = new byte[FileSize];
                Assert.Equal(new FileStamp(FileSize, copied.Stamp.ModifiedTicks), copied.Stamp);
                Assert.Equal(FileSize, copied.Read(bytes, 0));
                Assert.True(bytes.AsSpan().SequenceEqual(torrent.Content.AsSpan(0, FileSize)));
            }

            var again = new DiskRig(torrent, files, root, time: time);
            Assert.Equal([0, 1, 3, 4], Enumerable.Range(0, 5).Where(piece => again.Resume.Have[piece]));
            again.Close();
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_file_elsewhere_is_read_as_far_as_it_is_there(bool isWhole)
    {
        using var place = TestPlace.InMemory();
        var torrent = Twins(TorrentFormat.Hybrid);
        place.Files.CreateDirectory(place.Root + "/elsewhere");
        var path = place.Root + "/elsewhere/file";
        place.Memory!.WriteAll(path, torrent.Content.AsSpan(0, isWhole ? FileSize : FileSize - 1));
        var source = new FileSource(place.Files, path);
        var rig = new DiskRig(torrent, place.Files, place.Root, time: place.Time);
        rig.Submit(Copy(torrent, 3, 0, source), Copy(torrent, 4, 0, source));
        rig.Pump();
        Assert.True(rig.IsGood(rig.TakeResult(torrent.Layout.Piece(3))!));
        Assert.Equal(isWhole, rig.TakeResult(torrent.Layout.Piece(4))!.IsComplete);
        place.Files.Delete(path);
        rig.Submit(Copy(torrent, 0, 0, source));
        rig.Pump();
        Assert.False(rig.TakeResult(torrent.Layout.Piece(0))!.IsComplete);
        // It is not this torrent's disk that failed; and the piece can come from peers.
        Assert.Empty(rig.Events);
        rig.Fetch(torrent.Layout.Piece(0));
        rig.Close();
        Assert.Equal(0, place.Memory.OpenFiles);
    }

    [Fact]
    public void A_full_disk_keeps_the_copy_waiting()
    {
        using var place = TestPlace.InMemory();
        var torrent = Twins(TorrentFormat.V2);
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
        rig.Submit(Copy(torrent, 3, from: 0), Copy(torrent, 4, from: 1));
        rig.Pump();
        rig.Pass(DiskLimits.RetryDelay);
        var failure = Assert.IsType<DiskFailure>(Assert.Single(rig.Events).Payload);
        Assert.Equal(DiskFailureKind.Full, failure.Kind);

        rig.Events.Clear();
        place.Memory.Before = null;
        rig.Pass(DiskLimits.RetryDelay);
        Assert.True(rig.IsGood(rig.TakeResult(torrent.Layout.Piece(3))!));
        Assert.True(rig.IsGood(rig.TakeResult(torrent.Layout.Piece(4))!));
        Assert.Equal(SwarmEventKind.DiskRecovered, Assert.Single(rig.Events).Kind);
        rig.Close();
    }

    private static int Last(DiskTorrent torrent) =>
        Enumerable.Range(0, torrent.Metainfo.Files.Count).Last(i => !torrent.Metainfo.Files[i].IsPad);
}
