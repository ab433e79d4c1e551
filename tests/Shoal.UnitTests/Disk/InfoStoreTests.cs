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
    }
}
