using System.Security.Cryptography;
using Shoal.Protocol;

namespace Shoal.Testing;

/// <summary>A torrent with content, made for tests of the disk: the metainfo says nothing that the disk does not need.</summary>
internal sealed class DiskTorrent
{
    private DiskTorrent(Metainfo metainfo, byte[] content)
    {
        Metainfo = metainfo;
        Content = content;
    }

    public Metainfo Metainfo { get; }

    /// <summary>The torrent's range: files, padding as zeros.</summary>
    public byte[] Content { get; }

    public PieceLayout Layout => Metainfo.Layout;

    /// <param name="sizes">Sizes of files; negative: a pad file of that size (v1 only; a hybrid gets its own).</param>
    public static DiskTorrent Make(TorrentFormat format, int pieceLength, params long[] sizes)
    {
        var random = new Random(sizes.Length * 31 + pieceLength);
        var files = new List<MetainfoFile>();
        long offset = 0;
        for (var i = 0; i < sizes.Length; i++)
        {
            var isPad = sizes[i] < 0;
            var size = Math.Abs(sizes[i]);
            if (format != TorrentFormat.V1 && size > 0 && offset % pieceLength != 0)
            {
                var gap = pieceLength - offset % pieceLength;
                if (format == TorrentFormat.Hybrid)
                {
                    files.Add(Entry($"t/.pad/{i}", gap, offset, isPad: true));
                }

                offset += gap;
            }

            files.Add(Entry(isPad ? $"t/.pad/{i}" : $"t/folder{i % 3}/file{i}", size, offset, isPad));
            offset += size;
        }

        var layout =
            format == TorrentFormat.V1
                ? PieceLayout.Contiguous(offset, pieceLength)
                : PieceLayout.FileAligned([.. sizes], pieceLength, padded: format == TorrentFormat.Hybrid);
        var content = new byte[layout.Extent];
        foreach (var file in files.Where(f => !f.IsPad))
        {
            random.NextBytes(content.AsSpan((int)file.Offset, (int)file.Size));
        }

        var info = new byte[20];
        random.NextBytes(info);
        return new DiskTorrent(
            new Metainfo
            {
                Name = "t",
                Format = format,
                Files = files,
                Layout = layout,
                Size = files.Where(f => !f.IsPad).Sum(f => f.Size),
                InfoBytes = info,
                InfoHashes = new InfoHashes(
                    format == TorrentFormat.V2 ? null : new Sha1Digest(SHA1.HashData(info)),
                    format == TorrentFormat.V1 ? null : new Sha256Digest(SHA256.HashData(info))
                ),
            },
            content
        );
    }

    public ReadOnlySpan<byte> Piece(PieceIndex piece) =>
        Content.AsSpan((int)Layout.OffsetOf(piece), Layout.SizeOf(piece));

    public Sha1Digest Sha1Of(PieceIndex piece) => new(SHA1.HashData(Piece(piece)));

    /// <summary>Leaf hashes of the piece's data.</summary>
    public Sha256Digest[] LeavesOf(PieceIndex piece)
    {
        var data = Piece(piece)[..Layout.DataSizeOf(piece)];
        var leaves = new Sha256Digest[Layout.DataBlockCount(piece)];
        for (var i = 0; i < leaves.Length; i++)
        {
            var rest = data[(i * PieceLayout.BlockSize)..];
            leaves[i] = new Sha256Digest(SHA256.HashData(rest[..Math.Min(rest.Length, PieceLayout.BlockSize)]));
        }

        return leaves;
    }

    private static MetainfoFile Entry(string path, long size, long offset, bool isPad) =>
        new()
        {
            Path = path,
            Size = size,
            Offset = offset,
            IsPad = isPad,
        };
}
