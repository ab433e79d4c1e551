using System.Security.Cryptography;
using System.Text;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class MetainfoReaderTests
{
    public static TheoryData<TorrentFormat> Formats => [TorrentFormat.V1, TorrentFormat.V2, TorrentFormat.Hybrid];

    private static TorrentBuilder Mixed(TorrentFormat format) =>
        new TorrentBuilder(format, 32 * 1024)
        {
            Trackers =
            [
                ["http://a/announce", "udp://b:1"],
                ["http://c/announce"],
            ],
            WebSeeds = ["http://seed/"],
        }
            .File("a/large", 100_000)
            .File("a/empty", 0)
            .File("a.b", 32 * 1024)
            .File("b", 1)
            .File("z", 70_000);

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_torrent_of_many_files(TorrentFormat format)
    {
        var built = Mixed(format).Build();
        var torrent = built.Metainfo;
        Assert.Equal(format, torrent.Format);
        Assert.Equal("content", torrent.Name);
        Assert.Equal(100_000 + 32 * 1024 + 1 + 70_000, torrent.Size);
        Assert.Equal(
            ["content/a/empty", "content/a/large", "content/a.b", "content/b", "content/z"],
            torrent.Files.Where(f => !f.IsPad).Select(f => f.Path)
        );
        Assert.Equal(built.Range.Length, torrent.Layout.Extent);
        Assert.Equal(format == TorrentFormat.Hybrid ? 3 : 0, torrent.Files.Count(f => f.IsPad));
        Assert.Equal(["http://a/announce", "udp://b:1"], torrent.Trackers[0]);
        Assert.Equal(["http://c/announce"], torrent.Trackers[1]);
        Assert.Equal(["http://seed/"], torrent.WebSeeds);

        var info = built.TorrentBytes.AsSpan(built.TorrentBytes.AsSpan().IndexOf("4:infod"u8) + 6);
        info = info[..torrent.InfoBytes.Length];
        Assert.Equal(info, torrent.InfoBytes.Span);
        Assert.Equal(format != TorrentFormat.V2, torrent.InfoHashes.V1 == new Sha1Digest(SHA1.HashData(info)));
        Assert.Equal(format != TorrentFormat.V1, torrent.InfoHashes.V2 == new Sha256Digest(SHA256.HashData(info)));
        Assert.Equal(format == TorrentFormat.V1 ? 0 : 2, torrent.PieceLayers.Count);
        Assert.Equal(format == TorrentFormat.V1 ? 0 : 4, torrent.Files.Count(f => f.PiecesRoot is not null));
        Assert.Equal(format == TorrentFormat.V2 ? 0 : torrent.Layout.PieceCount * 20, torrent.V1PieceHashes.Length);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_torrent_of_a_single_file_has_no_folder(TorrentFormat format)
    {
        var torrent = new TorrentBuilder(format, name: "movie.mkv").Single(50_000).Build().Metainfo;
        Assert.Equal("movie.mkv", Assert.Single(torrent.Files).Path);
        Assert.Equal("movie.mkv", torrent.Name);
        Assert.Equal(50_000, torrent.Layout.Extent);

        var folder = new TorrentBuilder(format, name: "d").File("movie.mkv", 50_000).Build().Metainfo;
        Assert.Equal(
            format == TorrentFormat.V2 ? "movie.mkv" : "d/movie.mkv",
            Assert.Single(folder.Files, f => !f.IsPad).Path
        );
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_torrent_of_nothing_but_empty_files_has_no_pieces(TorrentFormat format)
    {
        var torrent = new TorrentBuilder(format).File("a", 0).File("b", 0).Build().Metainfo;
        Assert.Equal(0, torrent.Layout.PieceCount);
        Assert.Equal(2, torrent.Files.Count);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void What_peers_send_is_read_when_it_hashes_to_what_was_asked_for(TorrentFormat format)
    {
        var original = Mixed(format).Build().Metainfo;
        Assert.True(
            MetainfoReader.TryReadInfo(
                original.InfoBytes,
                original.InfoHashes,
                MetainfoLimits.Default,
                [
                    ["http://t/"],
                ],
                [],
                out var torrent,
                out _
            )
        );
        Assert.Equal(original.InfoHashes, torrent.InfoHashes);
        Assert.Equal(original.Files, torrent.Files);
        Assert.Empty(torrent.PieceLayers);
        Assert.Equal("http://t/", torrent.Trackers[0][0]);

        // Both hashes of a hybrid are checked.
        var v1 = new InfoHashes(original.InfoHashes.V1 ?? default, null);
        var wrong = original.InfoHashes with { V2 = default(Sha256Digest) };
        Assert.Equal(MetainfoFault.InfoHashMismatch, FaultOfInfo(original.InfoBytes, wrong));
        Assert.Equal(format == TorrentFormat.V2, FaultOfInfo(original.InfoBytes, v1) == MetainfoFault.InfoHashMismatch);
    }

    [Fact]
    public void The_certificate_of_an_SSL_torrent_is_read()
    {
        var bytes =
            "d4:infod6:lengthi1e4:name1:a12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaa8:ssl-cert5:hello" + "ee";
        Assert.True(
            MetainfoReader.TryRead(
                System.Text.Encoding.ASCII.GetBytes(bytes),
                MetainfoLimits.Default,
                out var metainfo,
                out _
            )
        );
        Assert.Equal("hello", System.Text.Encoding.ASCII.GetString(metainfo.SslCertificate.Span));
        Assert.True(new TorrentBuilder(TorrentFormat.V1).Single(1, 1).Build().Metainfo.SslCertificate.IsEmpty);
    }

    [Fact]
    public void A_v1_hash_does_not_lead_to_v2_content()
    {
        // The SHA-1 of a v2-only dictionary names nothing.
        var info = Mixed(TorrentFormat.V2).Build().Metainfo.InfoBytes;
        var sha1 = new InfoHashes(new Sha1Digest(SHA1.HashData(info.Span)), null);
        Assert.Equal(MetainfoFault.InfoHashMismatch, FaultOfInfo(info, sha1));
    }

    private static MetainfoFault FaultOfInfo(ReadOnlyMemory<byte> info, InfoHashes hashes) =>
        MetainfoReader.TryReadInfo(info, hashes, MetainfoLimits.Default, [], [], out _, out var error)
            ? MetainfoFault.None
            : error.Fault;

    [Fact]
    public void Unsorted_v1_torrents_are_read_and_hashed_as_found()
    {
        var info = "d4:name1:a6:lengthi1e12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaae"u8.ToArray();
        byte[] torrent = [.. "d4:info"u8, .. info, .. "e\r\n"u8];
        Assert.True(MetainfoReader.TryRead(torrent, MetainfoLimits.Default, out var metainfo, out _));
        Assert.Equal(new Sha1Digest(SHA1.HashData(info)), metainfo.InfoHashes.V1);
    }

    [Fact]
    public void Outer_fields_are_read_and_hints_of_both_places_merged()
    {
        var hash = new string('h', 20);
        var other = new string('i', 20);
        var text =
            $"d8:announce6:http:/11:collectionsl1:xe7:comment1:c10:created by1:b13:creation datei7e"
            + $"4:infod11:collectionsl1:y1:xe6:lengthi1e4:name1:a12:piece lengthi16384e6:pieces20:{hash}"
            + $"7:privatei1e7:similarl20:{hash}3:bade6:source1:se"
            + $"5:nodesll4:hosti80eel4:hosti0eee7:similarl20:{hash}20:{other}e8:url-list5:http:e";
        Assert.True(
            MetainfoReader.TryRead(
                Encoding.ASCII.GetBytes(text),
                MetainfoLimits.Default,
                out var torrent,
                out var error
            ),
            error?.Message
        );
        Assert.Equal(
            [
                ["http:/"],
            ],
            torrent.Trackers
        );
        Assert.Equal(["y", "x"], torrent.Collections);
        Assert.Equal(2, torrent.Similar.Count);
        Assert.Equal([("host", 80)], torrent.Nodes);
        Assert.Equal(["http:"], torrent.WebSeeds);
        Assert.Equal(("c", "b", 7, "s"), (torrent.Comment, torrent.CreatedBy, torrent.CreationDate, torrent.Source));
        Assert.True(torrent.IsPrivate);
    }
}
