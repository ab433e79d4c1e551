using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;
using Xunit;

namespace Shoal.UnitTests;

public class InfoStoreTests
{
    [Theory]
    [InlineData(TorrentFormat.V1)]
    [InlineData(TorrentFormat.V2)]
    [InlineData(TorrentFormat.Hybrid)]
    public void What_was_saved_comes_back_unless_it_was_changed(TorrentFormat format)
    {
        var files = new MemoryFileSystem(new ManualTime());
        var metainfo = DiskTorrent.Make(format, 16 * 1024, 100).Metainfo;
        var hashes = metainfo.InfoHashes;
        Assert.Null(InfoStore.TryLoad(files, "/state", hashes));
        InfoStore.Save(files, "/state", hashes, metainfo.InfoBytes.Span);
        Assert.Equal(metainfo.InfoBytes.ToArray(), InfoStore.TryLoad(files, "/state", hashes));

        var path = files.Paths.Single(p => p.EndsWith(".info", StringComparison.Ordinal));
        var changed = files.ReadAll(path);
        changed[3] ^= 1;
        files.WriteAll(path, changed);
        Assert.Null(InfoStore.TryLoad(files, "/state", hashes));
        InfoStore.Delete(files, "/state", hashes);
        Assert.Equal(PathKind.Missing, files.KindOf(path));

        Assert.Null(InfoStore.TryLoadLayers(files, "/state", hashes));
        Assert.True(InfoStore.TrySaveLayers(files, "/state", hashes, [1, 2, 3]));
        Assert.Equal([1, 2, 3], InfoStore.TryLoadLayers(files, "/state", hashes));
        InfoStore.DeleteLayers(files, "/state", hashes);
        Assert.Null(InfoStore.TryLoadLayers(files, "/state", hashes));
    }

    [Fact]
    public void The_disk_of_a_torrent_keeps_its_piece_layers()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V2, 16 * 1024, 100_000);
        var rig = new DiskRig(torrent, place.Files, place.Root, time: place.Time);
        Assert.Null(rig.Resume.PieceLayers);
        rig.Complete(rig.Disk.SavePieceLayersAsync([1, 2, 3]));
        rig.Close();
        var again = new DiskRig(torrent, place.Files, place.Root, time: place.Time);
        Assert.Equal([1, 2, 3], again.Resume.PieceLayers);
        again.Complete(again.Disk.DeleteAsync());
        again.Workers.Dispose();
        Assert.DoesNotContain(place.Memory!.Paths, path => path.EndsWith(".layers", StringComparison.Ordinal));
    }
}
