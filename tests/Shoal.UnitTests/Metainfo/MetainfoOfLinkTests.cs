using System.Buffers;
using System.Security.Cryptography;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>The .torrent file of a torrent that came by a link, of what peers have told.</summary>
public sealed class MetainfoOfLinkTests
{
    private static readonly string[][] Trackers =
    [
        ["http://a/announce", "udp://b:1"],
        [],
        ["http://c/announce"],
    ];

    [Theory]
    [InlineData(TorrentFormat.V1)]
    [InlineData(TorrentFormat.V2)]
    [InlineData(TorrentFormat.Hybrid)]
    public void It_is_the_same_torrent(TorrentFormat format)
    {
        var built = Build(format);
        var link = FromPeers(built);
        var hashes = PieceHashes.Of(link);
        var output = new ArrayBufferWriter<byte>();
        if (format != TorrentFormat.V1)
        {
            // Peers have told what it is, and not yet the hashes of its pieces.
            Assert.False(MetainfoWriter.TryWrite(link, hashes, Trackers, [], output));
            Assert.Equal(0, output.WrittenCount);
            hashes!.SetLayers(PieceHashes.Of(built.Metainfo)!.ToLayers());
        }

        Assert.True(MetainfoWriter.TryWrite(link, hashes, Trackers, ["http://seed/"], output));
        Assert.True(
            MetainfoReader.TryRead(output.WrittenMemory, MetainfoLimits.Default, out var read, out var error),
            $"{error}"
        );
        Assert.Equal(built.Metainfo.InfoHashes, read.InfoHashes);
        Assert.Equal(built.Metainfo.InfoBytes.Span, read.InfoBytes.Span);
        Assert.Equal(built.Metainfo.PieceLayers.Keys.Order(), read.PieceLayers.Keys.Order());
        Assert.Equal([Trackers[0], Trackers[2]], read.Trackers);
        Assert.Equal(["http://seed/"], read.WebSeeds);
    }

    [Fact]
    public void A_hybrid_that_came_by_v1_hashes_alone_learns_its_v2_hashes_of_whole_files()
    {
        var built = Build(TorrentFormat.Hybrid);
        var link = FromPeers(built);
        byte[]? told = null;
        var verifier = new PieceVerifier(link)
        {
            AllKnown = layers =>
            {
                Assert.Null(told);
                told = layers;
            },
        };
        for (var i = 0; i < link.Layout.PieceCount; i++)
        {
            Assert.Null(told);
            Assert.Equal(PieceVerdict.Good, verifier.Verify(Hash(built, link.Layout.Piece(i))));
        }

        Assert.Equal(PieceHashes.Of(built.Metainfo)!.ToLayers(), told);
    }

    [Fact]
    public void Without_trackers_it_names_none()
    {
        var output = new ArrayBufferWriter<byte>();
        Assert.True(MetainfoWriter.TryWrite(FromPeers(Build(TorrentFormat.V1)), null, [], [], output));
        Assert.True(MetainfoReader.TryRead(output.WrittenMemory, MetainfoLimits.Default, out var read, out _));
        Assert.Empty(read.Trackers);
        Assert.Empty(read.WebSeeds);
    }

    private static BuiltTorrent Build(TorrentFormat format) =>
        new TorrentBuilder(format, 32 * 1024)
            .File("a/large", 100_000)
            .File("same", 100_000)
            .File("b", 1)
            .File("z", 70_000, 2)
            .Build();

    private static PieceHashResult Hash(BuiltTorrent built, PieceIndex piece)
    {
        var bytes = built.Piece(piece);
        // What follows the end of a file is padding, of which v2 knows nothing.
        var start = built.Metainfo.Layout.OffsetOf(piece);
        var file = built.Metainfo.Files.First(file => !file.IsPad && file.Offset <= start && start < file.End);
        var data = bytes[..(int)Math.Min(bytes.Length, file.End - start)].ToArray();
        return new PieceHashResult
        {
            Piece = piece,
            IsComplete = true,
            V1 = new Sha1Digest(SHA1.HashData(bytes)),
            Blocks = [.. data.Chunk(PieceLayout.BlockSize).Select(block => new Sha256Digest(SHA256.HashData(block)))],
        };
    }

    private static Metainfo FromPeers(BuiltTorrent built)
    {
        Assert.True(
            MetainfoReader.TryReadInfo(
                built.Metainfo.InfoBytes,
                built.Metainfo.InfoHashes,
                MetainfoLimits.Default,
                [],
                [],
                out var metainfo,
                out var error
            ),
            $"{error}"
        );
        return metainfo;
    }
}
