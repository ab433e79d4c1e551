using System.Security.Cryptography;

namespace Shoal.Protocol;

/// <summary>
/// Reads and checks an info dictionary: what the infohash covers. Used for .torrent files and for what peers
/// sent (BEP 9).
/// </summary>
internal sealed class InfoReader(MetainfoLimits limits, PathRules rules)
{
    private readonly PathBudget _budget = new(limits, rules);
    private readonly List<FileDraft> _v1 = [];
    private readonly List<FileDraft> _v2 = [];

    public TorrentFormat Format { get; private set; }
    public string Name { get; private set; } = "";
    public InfoHashes InfoHashes { get; private set; }
    public PieceLayout Layout { get; private set; } = PieceLayout.Contiguous(0, PieceLayout.BlockSize);
    public IReadOnlyList<MetainfoFile> Files { get; private set; } = [];
    public ReadOnlyMemory<byte> V1PieceHashes { get; private set; }
    public bool IsPrivate { get; private set; }
    public string? Source { get; private set; }
    public ReadOnlyMemory<byte> SslCertificate { get; private set; }

    /// <summary>Null: the dictionary is good and the properties are set.</summary>
    public MetainfoError? Read(BencodeDocument document, BencodeNode info)
    {
        // BEP 52: "Implementations must check this field first and indicate that a torrent is of a newer version than
        // they can handle before performing other validations".
        var error = ReadVersion(document, info) ?? ReadName(info);
        if (error is not null)
        {
            return error;
        }

        if (
            !info.Find("piece length"u8).TryGetInteger(out var pieceLength)
            || pieceLength is < 1 or > PieceLayout.MaxPieceLength
        )
        {
            return new MetainfoError(MetainfoFault.BadPieceLength, "the piece length is missing or impossible");
        }

        // BEP 52: "It must be a power of two and at least 16KiB."
        if (
            Format != TorrentFormat.V1
            && (pieceLength < PieceLayout.BlockSize || (pieceLength & (pieceLength - 1)) != 0)
        )
        {
            return new MetainfoError(
                MetainfoFault.BadPieceLength,
                $"the piece length {pieceLength} is not a power of two of at least 16 KiB"
            );
        }

        error = ReadFiles(document, info) ?? CheckSizes(pieceLength);
        if (error is not null)
        {
            return error;
        }

        error = Format switch
        {
            TorrentFormat.V1 => SetContiguous(_v1, (int)pieceLength),
            TorrentFormat.V2 => SetAligned(_v2, (int)pieceLength),
            _ => SetHybrid((int)pieceLength),
        };
        error ??= ReadPieceHashes(document, info);
        if (error is not null)
        {
            return error;
        }

        IsPrivate = info.Find("private"u8).IntegerOr(0) != 0;
        Source = info.Find("source"u8).TextOrNull();
        SslCertificate = info.Find("ssl-cert"u8).Bytes.ToArray();
        return null;
    }

    private MetainfoError? ReadVersion(BencodeDocument document, BencodeNode info)
    {
        var version = info.Find("meta version"u8);
        var number = version.IntegerOr(version.Exists ? -1 : 1);
        if (number is < 1 or > 2)
        {
            return new MetainfoError(
                MetainfoFault.UnknownVersion,
                $"this torrent's meta version ({number}) is not known here"
            );
        }

        var hasTree = info.Find("file tree"u8).Exists;
        var hasV1 = info.Find("pieces"u8).Exists || info.Find("files"u8).Exists || info.Find("length"u8).Exists;
        if (number == 2 != hasTree)
        {
            return hasTree
                ? new MetainfoError(MetainfoFault.UnknownVersion, "the torrent has a file tree but no meta version")
                : new MetainfoError(MetainfoFault.BadFileTree, "the torrent says it is v2 but has no file tree");
        }

        Format = (number == 2, hasV1) switch
        {
            (false, _) => TorrentFormat.V1,
            (true, false) => TorrentFormat.V2,
            (true, true) => TorrentFormat.Hybrid,
        };

        var raw = info.Raw;
        InfoHashes = new InfoHashes(
            Format == TorrentFormat.V2 ? null : new Sha1Digest(SHA1.HashData(raw)),
            Format == TorrentFormat.V1 ? null : new Sha256Digest(SHA256.HashData(raw))
        );

        // BEP 52: "implementations must either reject invalid metainfo files or extract the substring directly." We
        // hash what we found, as everybody does for v1; for v2, where all creators are known to do it right, we
        // are strict besides.
        if (Format != TorrentFormat.V1 && document.Deviation.Fault != BencodeFault.None)
        {
            var tokenizer = new BencodeTokenizer(raw, [], limits.Bencode, BencodeMode.Strict);
            if (!tokenizer.Run())
            {
                return new MetainfoError(
                    MetainfoFault.BadEncoding,
                    $"the info dictionary is not canonical: {tokenizer.Error}"
                );
            }
        }

        return null;
    }

    private MetainfoError? ReadName(BencodeNode info)
    {
        var name = info.Find("name.utf-8"u8);
        name = name.IsString ? name : info.Find("name"u8);
        if (!name.IsString)
        {
            return new MetainfoError(MetainfoFault.BadName, "the torrent has no name");
        }

        // A name of which nothing safe is left must not collide with another torrent's.
        Name = PathSanitizer.SanitizeOrNull(name.Bytes, _budget.Rules) ?? InfoHashes.Primary.ToString();
        return null;
    }

    private MetainfoError? ReadFiles(BencodeDocument document, BencodeNode info)
    {
        var files = info.Find("files"u8);
        if (files.Exists && !files.IsList)
        {
            return new MetainfoError(MetainfoFault.NoFiles, "the list of files is not a list");
        }

        MetainfoError? error = null;
        if (Format != TorrentFormat.V2)
        {
            error = files.Exists
                ? FileListReader.ReadV1List(files, Name, _budget, _v1)
                : FileListReader.ReadV1Single(info, Name, _v1);
        }

        if (error is null && Format != TorrentFormat.V1)
        {
            var tree = info.Find("file tree"u8);
            error = tree.IsDictionary
                ? FileListReader.ReadV2Tree(document, tree, Name, files.Exists, _budget, _v2)
                : new MetainfoError(MetainfoFault.BadFileTree, "the file tree is not a dictionary");
        }

        return error;
    }

    /// <summary>After this, offsets and piece counts of both halves fit their types.</summary>
    private MetainfoError? CheckSizes(long pieceLength)
    {
        long total = 0;
        long pieces = 0;
        foreach (var file in _v1)
        {
            if (file.Size > long.MaxValue - total)
            {
                return new MetainfoError(
                    MetainfoFault.BadLength,
                    "the lengths of the files add up to more than 64 bits"
                );
            }

            total += file.Size;
        }

        foreach (var file in _v2)
        {
            var count = file.Size / pieceLength + (file.Size % pieceLength == 0 ? 0 : 1);
            if (count > limits.MaxPieces - pieces)
            {
                return TooManyPieces();
            }

            pieces += count;
        }

        return total / pieceLength > limits.MaxPieces - (total % pieceLength == 0 ? 0 : 1) ? TooManyPieces() : null;
    }

    private MetainfoError TooManyPieces() =>
        new(MetainfoFault.TooManyPieces, $"the torrent has more than {limits.MaxPieces} pieces");

    private MetainfoError? SetContiguous(List<FileDraft> drafts, int pieceLength)
    {
        var total = drafts.Sum(d => d.Size);
        Layout = PieceLayout.Contiguous(total, pieceLength);
        long offset = 0;
        return SetFiles(
            drafts,
            d =>
            {
                var at = offset;
                offset += d.Size;
                return at;
            }
        );
    }

    private MetainfoError? SetAligned(List<FileDraft> drafts, int pieceLength)
    {
        Layout = PieceLayout.FileAligned([.. drafts.Select(d => d.Size)], pieceLength, padded: false);
        long offset = 0;
        return SetFiles(
            drafts,
            d =>
            {
                // BEP 52: "each non-empty file is aligned to a piece boundary".
                var at = offset;
                offset = Align(offset + d.Size, pieceLength);
                return at;
            }
        );
    }

    /// <summary>
    /// BEP 52: "Before doing so they must validate that the content (file names, order, piece alignment) is
    /// identical."
    /// </summary>
    private MetainfoError? SetHybrid(int pieceLength)
    {
        long offset = 0;
        long expected = 0;
        var next = 0;
        foreach (var file in _v1)
        {
            if (!file.IsPad)
            {
                if (next == _v2.Count || !Same(file, _v2[next]))
                {
                    return Mismatch($"'{file.Path}' differs between the two");
                }

                if (file.Size > 0 && offset != expected)
                {
                    return Mismatch($"'{file.Path}' does not start at a piece");
                }

                file.PiecesRoot = _v2[next].PiecesRoot;
                expected += file.Size > 0 ? Align(file.Size, pieceLength) : 0;
                next++;
            }

            offset += file.Size;
        }

        if (next != _v2.Count)
        {
            return Mismatch($"'{_v2[next].Path}' is missing in v1");
        }

        var sizes = _v2.Select(d => d.Size).ToArray();
        var layout = PieceLayout.FileAligned(sizes, pieceLength, padded: true);
        if (offset != layout.Extent)
        {
            if (offset != expected)
            {
                return Mismatch("the padding at the end does not fit");
            }

            layout = PieceLayout.FileAligned(sizes, pieceLength, padded: true, trailingPad: true);
        }

        Layout = layout;
        long at = 0;
        return SetFiles(
            _v1,
            d =>
            {
                var start = at;
                at += d.Size;
                return start;
            }
        );
    }

    private static bool Same(FileDraft v1, FileDraft v2) =>
        v1.Path == v2.Path && v1.Size == v2.Size && v1.LinkTarget == v2.LinkTarget;

    private static MetainfoError Mismatch(string what) =>
        new(MetainfoFault.HybridMismatch, $"the v1 and v2 halves describe different content: {what}");

    private static long Align(long value, int pieceLength) => (value + pieceLength - 1) / pieceLength * pieceLength;

    private MetainfoError? SetFiles(List<FileDraft> drafts, Func<FileDraft, long> offsetOf)
    {
        SymlinkResolver.Resolve(drafts, _budget);
        if (!DuplicateNames.Resolve(drafts, limits.MaxDuplicates))
        {
            return new MetainfoError(
                MetainfoFault.TooManyDuplicates,
                $"more than {limits.MaxDuplicates} files have the same name"
            );
        }

        Files =
        [
            .. drafts.Select(d => new MetainfoFile
            {
                Path = d.Path,
                Size = d.Size,
                Offset = offsetOf(d),
                IsPad = d.IsPad,
                IsExecutable = d.IsExecutable,
                IsHidden = d.IsHidden,
                SymlinkTarget = d.LinkTarget,
                PiecesRoot = d.PiecesRoot,
            }),
        ];
        return null;
    }

    private MetainfoError? ReadPieceHashes(BencodeDocument document, BencodeNode info)
    {
        if (Format == TorrentFormat.V2)
        {
            return null;
        }

        // BEP 3: "pieces maps to a string whose length is a multiple of 20. It is to be subdivided into strings of
        // length 20, each of which is the SHA1 hash of the piece at the corresponding index."
        var pieces = info.Find("pieces"u8);
        if (!pieces.IsString || pieces.Bytes.Length != (long)Layout.PieceCount * Sha1Digest.Size)
        {
            return new MetainfoError(
                MetainfoFault.BadPieceHashes,
                $"the torrent does not have one SHA-1 hash for each of its {Layout.PieceCount} pieces"
            );
        }

        V1PieceHashes = document.Data[pieces.BytesRange];
        return null;
    }
}
