using System.Security.Cryptography;
using Shoal.Protocol;

namespace Shoal.Testing;

/// <summary>A torrent with its content, both made from a seed.</summary>
internal sealed class SimTorrent
{
    public required Metainfo Metainfo { get; init; }

    /// <summary>The torrent's range of bytes, padding and gaps included.</summary>
    public required byte[] Content { get; init; }

    public static SimTorrent V1(int seed, long size, int pieceLength, params (string Path, long Size)[] files)
    {
        var random = new Random(seed);
        var content = new byte[size];
        random.NextBytes(content);
        var layout = PieceLayout.Contiguous(size, pieceLength);
        var hashes = new byte[layout.PieceCount * 20];
        for (var i = 0; i < layout.PieceCount; i++)
        {
            var piece = layout.Piece(i);
            var bytes = content.AsSpan((int)layout.OffsetOf(piece), layout.SizeOf(piece));
            SHA1.HashData(bytes, hashes.AsSpan(i * 20));
        }

        if (files.Length == 0)
        {
            files = [("content", size)];
        }

        var list = new List<MetainfoFile>();
        long offset = 0;
        foreach (var (path, length) in files)
        {
            list.Add(
                new MetainfoFile
                {
                    Path = path,
                    Size = length,
                    Offset = offset,
                }
            );
            offset += length;
        }

        var info = SHA256.HashData(hashes);
        return new SimTorrent
        {
            Content = content,
            Metainfo = new Metainfo
            {
                InfoHashes = new InfoHashes(new Sha1Digest(SHA1.HashData(info)), null),
                Format = TorrentFormat.V1,
                Name = "content",
                Layout = layout,
                Files = list,
                Size = size,
                InfoBytes = info,
                V1PieceHashes = hashes,
            },
        };
    }
}
