using System.Buffers;
using System.Security.Cryptography;
using Shoal.Protocol;

namespace Shoal.Testing;

/// <summary>
/// Makes valid torrents of content in memory. Hashes in the plainest way, on purpose different from
/// production code.
/// </summary>
public sealed class TorrentBuilder(TorrentFormat format, int pieceLength = 16 * 1024, string name = "content")
{
    private readonly List<(string[] Path, byte[] Content, string[]? Target)> _files = [];
    private bool _isSingleFile;

    public IReadOnlyList<IReadOnlyList<string>> Trackers { get; init; } = [];

    public IReadOnlyList<string> WebSeeds { get; init; } = [];

    public bool IsPrivate { get; init; }

    /// <summary>Adds a file below the torrent's folder; '/' separates folders.</summary>
    public TorrentBuilder File(string path, byte[] content)
    {
        _files.Add((path.Split('/'), content, null));
        return this;
    }

    /// <summary>Adds a file of bytes that depend on the seed only.</summary>
    public TorrentBuilder File(string path, int size, int seed = 1)
    {
        var content = new byte[size];
        new Random(seed).NextBytes(content);
        return File(path, content);
    }

    /// <summary>Adds a BEP 47 symlink; the target lies below the torrent's folder too.</summary>
    public TorrentBuilder Symlink(string path, string target)
    {
        _files.Add((path.Split('/'), [], target.Split('/')));
        return this;
    }

    /// <summary>Makes it a torrent of one file that has the torrent's name.</summary>
    public TorrentBuilder Single(byte[] content)
    {
        _isSingleFile = true;
        _files.Add(([name], content, null));
        return this;
    }

    /// <summary>Makes it a torrent of one file of bytes that depend on the seed only.</summary>
    public TorrentBuilder Single(int size, int seed = 1)
    {
        var content = new byte[size];
        new Random(seed).NextBytes(content);
        return Single(content);
    }

    /// <summary>The torrent as bytes, read back, and its content.</summary>
    public BuiltTorrent Build()
    {
        var files = _files.OrderBy(f => f.Path, MetainfoWriter.PathOrder).ToList();
        var draft = new MetainfoDraft
        {
            Format = format,
            Name = name,
            PieceLength = pieceLength,
            IsSingleFile = _isSingleFile,
            Files = [.. files.Select(f => Describe(f.Path, f.Content, f.Target))],
            Trackers = Trackers,
            WebSeeds = WebSeeds,
            IsPrivate = IsPrivate,
        };
        var wire = Wire(draft, [.. files.Select(f => f.Content)]);
        if (format != TorrentFormat.V2)
        {
            draft = draft with { V1PieceHashes = wire.Chunk(pieceLength).SelectMany(SHA1.HashData).ToArray() };
        }

        var output = new ArrayBufferWriter<byte>();
        MetainfoWriter.Write(draft, output);
        var torrent = output.WrittenSpan.ToArray();
        return MetainfoReader.TryRead(torrent, MetainfoLimits.Default, PathRules.Posix, out var metainfo, out var error)
            ? new BuiltTorrent(torrent, metainfo, wire)
            : throw new InvalidOperationException($"the builder made a bad torrent: {error}");
    }

    private MetainfoDraftFile Describe(string[] path, byte[] content, string[]? target)
    {
        var isV2 = format != TorrentFormat.V1 && content.Length > 0;
        return new MetainfoDraftFile
        {
            Path = path,
            Size = content.Length,
            SymlinkTarget = target,
            PiecesRoot = isV2 ? new Sha256Digest(Layer(content, content.Length)[0]) : null,
            PieceLayer =
                isV2 && content.Length > pieceLength
                    ? Layer(content, pieceLength).SelectMany(h => h).ToArray()
                    : default,
        };
    }

    /// <summary>The hashes that each cover so many bytes, without those that cover padding only.</summary>
    private static List<byte[]> Layer(byte[] content, int width)
    {
        var layer = content.Chunk(PieceLayout.BlockSize).Select(SHA256.HashData).ToList();
        var pad = new byte[32];
        for (var covers = PieceLayout.BlockSize; covers < width; covers *= 2)
        {
            if (layer.Count % 2 == 1)
            {
                layer.Add(pad);
            }

            layer = [.. layer.Chunk(2).Select(pair => SHA256.HashData([.. pair[0], .. pair[1]]))];
            pad = SHA256.HashData([.. pad, .. pad]);
        }

        return layer;
    }

    /// <summary>The torrent's whole range, padding and gaps as zeros.</summary>
    private byte[] Wire(MetainfoDraft draft, List<byte[]> contents)
    {
        var range = new MemoryStream();
        foreach (var content in contents.Where(c => c.Length > 0))
        {
            // A gap of v2 is one only if something follows it; a pad file is there in any case.
            if (format == TorrentFormat.V2)
            {
                range.Write(new byte[MetainfoWriter.PaddingAfter(range.Length, pieceLength)]);
            }

            range.Write(content);
            if (format == TorrentFormat.Hybrid && !draft.IsSingleFile)
            {
                range.Write(new byte[MetainfoWriter.PaddingAfter(content.Length, pieceLength)]);
            }
        }

        return range.ToArray();
    }
}

/// <summary>What <see cref="TorrentBuilder"/> made.</summary>
/// <param name="TorrentBytes">The .torrent file.</param>
/// <param name="Metainfo">The same, read.</param>
/// <param name="Range">
/// The torrent's whole range, <see cref="PieceLayout.Extent"/> bytes: padding and alignment gaps are zeros.
/// </param>
public sealed record BuiltTorrent(byte[] TorrentBytes, Metainfo Metainfo, byte[] Range)
{
    /// <summary>The bytes of a piece as peers exchange them.</summary>
    public ReadOnlySpan<byte> Piece(PieceIndex piece) =>
        Range.AsSpan((int)Metainfo.Layout.OffsetOf(piece), Metainfo.Layout.SizeOf(piece));

    /// <summary>The bytes of a block as peers exchange them.</summary>
    public ReadOnlySpan<byte> Block(BlockRef block) =>
        Piece(block.Piece).Slice(block.Begin, Metainfo.Layout.SizeOf(block));

    public ReadOnlySpan<byte> Content(MetainfoFile file) => Range.AsSpan((int)file.Offset, (int)file.Size);
}
