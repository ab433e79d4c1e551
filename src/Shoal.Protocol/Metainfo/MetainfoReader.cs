using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Shoal.Protocol;

/// <summary>
/// Reads .torrent files and info dictionaries. What comes out is checked in every way BEP 3 and BEP 52 ask for;
/// what cannot be is a <see cref="MetainfoError"/>. Never throws on hostile bytes.
/// </summary>
/// <remarks>The result keeps slices of the bytes given, so these must not change afterwards.</remarks>
public static class MetainfoReader
{
    /// <summary>Reads a .torrent file, with the rules for names of the platform we run on.</summary>
    public static bool TryRead(
        ReadOnlyMemory<byte> torrent,
        MetainfoLimits limits,
        [NotNullWhen(true)] out Metainfo? metainfo,
        [NotNullWhen(false)] out MetainfoError? error
    ) => TryRead(torrent, limits, PathSanitizer.PlatformRules, out metainfo, out error);

    /// <summary>Reads a .torrent file.</summary>
    public static bool TryRead(
        ReadOnlyMemory<byte> torrent,
        MetainfoLimits limits,
        PathRules rules,
        [NotNullWhen(true)] out Metainfo? metainfo,
        [NotNullWhen(false)] out MetainfoError? error
    )
    {
        ArgumentNullException.ThrowIfNull(limits);
        metainfo = null;
        if (!TryParse(torrent, limits, out var document, out error))
        {
            return false;
        }

        var root = document.Root;
        var info = root.Find("info"u8);
        if (!info.IsDictionary)
        {
            error = new MetainfoError(MetainfoFault.NotATorrent, "the file is no torrent: it has no info dictionary");
            return false;
        }

        var reader = new InfoReader(limits, rules);
        error = reader.Read(document, info);
        if (error is not null)
        {
            return false;
        }

        IReadOnlyDictionary<Sha256Digest, ReadOnlyMemory<byte>> layers =
            new Dictionary<Sha256Digest, ReadOnlyMemory<byte>>();
        if (reader.Format != TorrentFormat.V1)
        {
            error = PieceLayerReader.Read(document, root.Find("piece layers"u8), reader, out layers);
            if (error is not null)
            {
                return false;
            }
        }

        var outer = TorrentFieldReader.Read(root, info);
        metainfo = Make(document.Data.Slice(info.Offset, info.Raw.Length), reader, outer, layers);
        return true;
    }

    /// <summary>
    /// Reads an info dictionary that peers sent (BEP 9). Files of v2 torrents larger than a piece have no piece
    /// layer then; peers send those too.
    /// </summary>
    /// <param name="info">The dictionary.</param>
    /// <param name="expected">
    /// What the dictionary must hash to: every infohash that is known. Null: anything.
    /// </param>
    /// <param name="limits">Bounds.</param>
    /// <param name="trackers">Tiers, as the magnet link named them.</param>
    /// <param name="webSeeds">As the magnet link named them.</param>
    /// <param name="metainfo">The result.</param>
    /// <param name="error">What is wrong.</param>
    public static bool TryReadInfo(
        ReadOnlyMemory<byte> info,
        InfoHashes? expected,
        MetainfoLimits limits,
        IReadOnlyList<IReadOnlyList<string>> trackers,
        IReadOnlyList<string> webSeeds,
        [NotNullWhen(true)] out Metainfo? metainfo,
        [NotNullWhen(false)] out MetainfoError? error
    )
    {
        ArgumentNullException.ThrowIfNull(limits);
        metainfo = null;
        if (expected is { } hashes && !Matches(info.Span, hashes))
        {
            error = new MetainfoError(MetainfoFault.InfoHashMismatch, "the metadata is not what its infohash promises");
            return false;
        }

        if (!TryParse(info, limits, out var document, out error))
        {
            return false;
        }

        if (!document.Root.IsDictionary)
        {
            error = new MetainfoError(MetainfoFault.NotATorrent, "the metadata is not a dictionary");
            return false;
        }

        var reader = new InfoReader(limits, PathSanitizer.PlatformRules);
        error = reader.Read(document, document.Root);
        if (error is not null)
        {
            return false;
        }

        if (expected is { } wanted && !IsKind(reader.InfoHashes, wanted))
        {
            error = new MetainfoError(
                MetainfoFault.InfoHashMismatch,
                "the metadata is of another version than its infohash promises"
            );
            return false;
        }

        var outer = TorrentFieldReader.Read(default, document.Root) with { Trackers = trackers, WebSeeds = webSeeds };
        metainfo = Make(
            document.Data[..document.Root.Raw.Length],
            reader,
            outer,
            new Dictionary<Sha256Digest, ReadOnlyMemory<byte>>()
        );
        return true;
    }

    /// <summary>Whether an info dictionary hashes to every infohash given.</summary>
    public static bool Matches(ReadOnlySpan<byte> info, InfoHashes expected)
    {
        Span<byte> hash = stackalloc byte[Sha256Digest.Size];
        if (expected.V1 is { } v1)
        {
            SHA1.HashData(info, hash);
            if (!hash[..Sha1Digest.Size].SequenceEqual(v1.Span))
            {
                return false;
            }
        }

        if (expected.V2 is { } v2)
        {
            SHA256.HashData(info, hash);
            return hash.SequenceEqual(v2.Span);
        }

        return true;
    }

    /// <summary>A v1 hash must not lead to v2-only content nor the other way round.</summary>
    private static bool IsKind(InfoHashes actual, InfoHashes wanted) =>
        (wanted.V1 is null || actual.V1 is not null) && (wanted.V2 is null || actual.V2 is not null);

    private static bool TryParse(
        ReadOnlyMemory<byte> bytes,
        MetainfoLimits limits,
        out BencodeDocument document,
        [NotNullWhen(false)] out MetainfoError? error
    )
    {
        document = null!;
        if (bytes.Length > limits.MaxBytes)
        {
            error = new MetainfoError(MetainfoFault.TooLarge, $"the torrent is larger than {limits.MaxBytes} bytes");
            return false;
        }

        // Editors and shells leave line ends behind; anything else after the end is an error.
        var end = bytes.Length;
        while (end > 0 && bytes.Span[end - 1] is (byte)'\n' or (byte)'\r')
        {
            end--;
        }

        if (
            !BencodeDocument.TryParse(
                bytes[..end],
                BencodeMode.Lenient,
                limits.Bencode,
                out document,
                out var bencodeError
            )
        )
        {
            error = new MetainfoError(MetainfoFault.BadEncoding, $"this is not a torrent: {bencodeError}");
            return false;
        }

        error = null;
        return true;
    }

    private static Metainfo Make(
        ReadOnlyMemory<byte> infoBytes,
        InfoReader info,
        TorrentFields fields,
        IReadOnlyDictionary<Sha256Digest, ReadOnlyMemory<byte>> layers
    ) =>
        new()
        {
            InfoHashes = info.InfoHashes,
            Format = info.Format,
            Name = info.Name,
            Layout = info.Layout,
            Files = info.Files,
            Size = info.Files.Where(f => !f.IsPad).Sum(f => f.Size),
            InfoBytes = infoBytes,
            V1PieceHashes = info.V1PieceHashes,
            PieceLayers = layers,
            IsPrivate = info.IsPrivate,
            Trackers = fields.Trackers,
            WebSeeds = fields.WebSeeds,
            Nodes = fields.Nodes,
            Similar = fields.Similar,
            Collections = fields.Collections,
            Comment = fields.Comment,
            CreatedBy = fields.CreatedBy,
            CreationDate = fields.CreationDate,
            Source = info.Source,
            SslCertificate = info.SslCertificate,
        };
}
