using System.Buffers;
using System.Globalization;
using System.Text;

namespace Shoal.Protocol;

/// <summary>
/// Writes .torrent files. The same draft gives the same bytes, on every platform; docs/formats/torrent.md says
/// what is in them.
/// </summary>
public static class MetainfoWriter
{
    /// <summary>
    /// The order in which files stand in our torrents: element by element by the bytes of their UTF-8, which is
    /// the order BEP 52's file tree has.
    /// </summary>
    public static IComparer<IReadOnlyList<string>> PathOrder { get; } = new PathComparer();

    public static void Write(MetainfoDraft draft, IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(draft);
        ArgumentNullException.ThrowIfNull(output);
        CheckOrder(draft);
        var writer = new BencodeWriter(output);
        writer.BeginDictionary();
        if (draft.Trackers.Count > 0)
        {
            writer.Entry("announce"u8, draft.Trackers[0][0]);
            if (draft.Trackers.Count > 1 || draft.Trackers[0].Count > 1)
            {
                WriteTiers(writer, draft.Trackers);
            }
        }

        WriteText(writer, "comment"u8, draft.Comment);
        WriteText(writer, "created by"u8, draft.CreatedBy);
        if (draft.CreationDate is { } date)
        {
            writer.Entry("creation date"u8, date);
        }

        writer.String("info"u8);
        WriteInfo(writer, draft);
        if (draft.Format != TorrentFormat.V1)
        {
            WritePieceLayers(writer, draft);
        }

        if (draft.WebSeeds.Count > 0)
        {
            writer.String("url-list"u8);
            WritePath(writer, draft.WebSeeds);
        }

        writer.End();
    }

    /// <summary>Writes the .torrent file of what is known already, its info dictionary byte by byte.</summary>
    /// <param name="metainfo">What it is: from a .torrent file, or from peers.</param>
    /// <param name="hashes">What is known of its v2 hashes; null: it is v1.</param>
    /// <param name="trackers">Instead of its own.</param>
    /// <param name="webSeeds">Instead of its own.</param>
    /// <param name="output">Where to; nothing is written if it fails.</param>
    /// <returns>False: not all v2 hashes are known, without which there is no such file.</returns>
    public static bool TryWrite(
        Metainfo metainfo,
        PieceHashes? hashes,
        IReadOnlyList<IReadOnlyList<string>> trackers,
        IReadOnlyList<string> webSeeds,
        IBufferWriter<byte> output
    )
    {
        ArgumentNullException.ThrowIfNull(metainfo);
        ArgumentNullException.ThrowIfNull(trackers);
        ArgumentNullException.ThrowIfNull(webSeeds);
        var layers = new SortedDictionary<Sha256Digest, ReadOnlyMemory<byte>>();
        foreach (var file in metainfo.Format == TorrentFormat.V1 ? [] : metainfo.Files)
        {
            // BEP 52: "for each file in the file tree that is larger than the piece size it contains one string value".
            if (file.PiecesRoot is { } root && file.Size > metainfo.Layout.PieceLength)
            {
                if (hashes?.Find(root) is not { } tree || !tree.TryGetPieceLayer(out var layer))
                {
                    return false;
                }

                layers.TryAdd(root, layer);
            }
        }

        var writer = new BencodeWriter(output);
        writer.BeginDictionary();
        var tiers = trackers.Where(tier => tier.Count > 0).ToList();
        if (tiers.Count > 0)
        {
            writer.Entry("announce"u8, tiers[0][0]);
            WriteTiers(writer, tiers);
        }

        WriteText(writer, "comment"u8, metainfo.Comment);
        WriteText(writer, "created by"u8, metainfo.CreatedBy);
        if (metainfo.CreationDate is { } date)
        {
            writer.Entry("creation date"u8, date);
        }

        writer.String("info"u8);
        writer.Raw(metainfo.InfoBytes.Span);
        if (metainfo.Format != TorrentFormat.V1)
        {
            WriteLayers(writer, layers);
        }

        if (webSeeds.Count > 0)
        {
            writer.String("url-list"u8);
            WritePath(writer, webSeeds);
        }

        writer.End();
        return true;
    }

    /// <summary>Bytes of the zeros that fill the piece after a file of that size.</summary>
    public static int PaddingAfter(long fileSize, int pieceLength) =>
        (int)((pieceLength - fileSize % pieceLength) % pieceLength);

    private static void WriteInfo(BencodeWriter writer, MetainfoDraft draft)
    {
        var single = draft.IsSingleFile ? draft.Files[0] : null;
        var isV1 = draft.Format != TorrentFormat.V2;
        writer.BeginDictionary();
        if (isV1 && single is not null)
        {
            WriteAttributes(writer, single);
        }

        if (draft.Format != TorrentFormat.V1)
        {
            writer.String("file tree"u8);
            WriteTree(writer, draft);
        }

        if (isV1 && single is null)
        {
            writer.String("files"u8);
            WriteFiles(writer, draft);
        }

        if (isV1 && single is not null)
        {
            writer.Entry("length"u8, single.Size);
        }

        if (draft.Format != TorrentFormat.V1)
        {
            writer.Entry("meta version"u8, 2);
        }

        writer.Entry("name"u8, draft.Name);
        writer.Entry("piece length"u8, draft.PieceLength);
        if (isV1)
        {
            writer.Entry("pieces"u8, draft.V1PieceHashes.Span);
        }

        if (draft.IsPrivate)
        {
            writer.Entry("private"u8, 1);
        }

        WriteText(writer, "source"u8, draft.Source);
        if (!draft.SslCertificate.IsEmpty)
        {
            writer.Entry("ssl-cert"u8, draft.SslCertificate.Span);
        }

        writer.End();
    }

    private static void WriteFiles(BencodeWriter writer, MetainfoDraft draft)
    {
        writer.BeginList();
        foreach (var file in draft.Files)
        {
            writer.BeginDictionary();
            WriteAttributes(writer, file);
            writer.Entry("length"u8, file.Size);
            writer.String("path"u8);
            WritePath(writer, file.Path);
            WriteTarget(writer, file);
            writer.End();

            var padding = PaddingAfter(file.Size, draft.PieceLength);
            if (draft.Format == TorrentFormat.Hybrid && padding > 0)
            {
                // After the last file, too: it costs nobody a byte, and libtorrent does so: the same content then has the
                // same infohash whoever made the torrent.
                // BEP 47: "The recommended path is [".pad", "N"] where N is the length of the padding file in base10."
                writer.BeginDictionary();
                writer.Entry("attr"u8, "p"u8);
                writer.Entry("length"u8, padding);
                writer.String("path"u8);
                WritePath(writer, [".pad", padding.ToString(CultureInfo.InvariantCulture)]);
                writer.End();
            }
        }

        writer.End();
    }

    /// <summary>The files are in the tree's order, so folders open and close as they come and go.</summary>
    private static void WriteTree(BencodeWriter writer, MetainfoDraft draft)
    {
        writer.BeginDictionary();
        IReadOnlyList<string> folder = [];
        foreach (var file in draft.Files)
        {
            var shared = 0;
            while (shared < folder.Count && shared < file.Path.Count - 1 && folder[shared] == file.Path[shared])
            {
                shared++;
            }

            for (var i = shared; i < folder.Count; i++)
            {
                writer.End();
            }

            for (var i = shared; i < file.Path.Count - 1; i++)
            {
                writer.String(file.Path[i]);
                writer.BeginDictionary();
            }

            folder = [.. file.Path.Take(file.Path.Count - 1)];
            writer.String(file.Path[^1]);
            writer.BeginDictionary();
            writer.String(""u8);
            writer.BeginDictionary();
            WriteAttributes(writer, file);
            writer.Entry("length"u8, file.Size);
            if (file.PiecesRoot is { } root)
            {
                writer.Entry("pieces root"u8, root.Span);
            }

            WriteTarget(writer, file);
            writer.End();
            writer.End();
        }

        for (var i = 0; i < folder.Count; i++)
        {
            writer.End();
        }

        writer.End();
    }

    private static void WritePieceLayers(BencodeWriter writer, MetainfoDraft draft)
    {
        var layers = new SortedDictionary<Sha256Digest, ReadOnlyMemory<byte>>();
        foreach (var file in draft.Files)
        {
            if (file.PiecesRoot is { } root && !file.PieceLayer.IsEmpty)
            {
                layers.TryAdd(root, file.PieceLayer);
            }
        }

        WriteLayers(writer, layers);
    }

    private static void WriteLayers(BencodeWriter writer, SortedDictionary<Sha256Digest, ReadOnlyMemory<byte>> layers)
    {
        writer.String("piece layers"u8);
        writer.BeginDictionary();
        foreach (var (root, layer) in layers)
        {
            writer.Entry(root.Span, layer.Span);
        }

        writer.End();
    }

    private static void WriteTiers(BencodeWriter writer, IReadOnlyList<IReadOnlyList<string>> tiers)
    {
        writer.String("announce-list"u8);
        writer.BeginList();
        foreach (var tier in tiers)
        {
            WritePath(writer, tier);
        }

        writer.End();
    }

    private static void WriteAttributes(BencodeWriter writer, MetainfoDraftFile file)
    {
        var letters = new StringBuilder(3);
        if (file.IsHidden)
        {
            letters.Append('h');
        }

        if (file.IsExecutable)
        {
            letters.Append('x');
        }

        if (file.SymlinkTarget is not null)
        {
            letters.Append('l');
        }

        WriteText(writer, "attr"u8, letters.ToString());
    }

    private static void WriteTarget(BencodeWriter writer, MetainfoDraftFile file)
    {
        if (file.SymlinkTarget is { } target)
        {
            writer.String("symlink path"u8);
            WritePath(writer, target);
        }
    }

    private static void WritePath(BencodeWriter writer, IReadOnlyList<string> elements)
    {
        writer.BeginList();
        foreach (var element in elements)
        {
            writer.String(element);
        }

        writer.End();
    }

    private static void WriteText(BencodeWriter writer, ReadOnlySpan<byte> key, string? text)
    {
        if (!string.IsNullOrEmpty(text))
        {
            writer.Entry(key, text);
        }
    }

    private static void CheckOrder(MetainfoDraft draft)
    {
        for (var i = 1; i < draft.Files.Count; i++)
        {
            if (PathOrder.Compare(draft.Files[i - 1].Path, draft.Files[i].Path) >= 0)
            {
                throw new ArgumentException("files out of order, or one path twice", nameof(draft));
            }
        }
    }

    private sealed class PathComparer : IComparer<IReadOnlyList<string>>
    {
        public int Compare(IReadOnlyList<string>? x, IReadOnlyList<string>? y)
        {
            ArgumentNullException.ThrowIfNull(x);
            ArgumentNullException.ThrowIfNull(y);
            for (var i = 0; i < Math.Min(x.Count, y.Count); i++)
            {
                var order = CompareUtf8(x[i], y[i]);
                if (order != 0)
                {
                    return order;
                }
            }

            return x.Count.CompareTo(y.Count);
        }

        /// <summary>
        /// The order of the UTF-8 bytes is that of the code points: whatever takes two UTF-16 units comes behind whatever
        /// takes one, also behind those from U+E000 on, which UTF-16 has behind the surrogates.
        /// </summary>
        private static int CompareUtf8(string x, string y)
        {
            var at = x.AsSpan().CommonPrefixLength(y);
            if (at == x.Length || at == y.Length)
            {
                return x.Length.CompareTo(y.Length);
            }

            var (a, b) = (x[at], y[at]);
            return char.IsSurrogate(a) == char.IsSurrogate(b) ? a.CompareTo(b)
                : char.IsSurrogate(a) ? 1
                : -1;
        }
    }
}
