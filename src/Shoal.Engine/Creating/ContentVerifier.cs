using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>What verifying one file found.</summary>
public sealed record VerifiedFile
{
    /// <summary>As in the torrent.</summary>
    public required string Path { get; init; }

    /// <summary>Bytes the file should have.</summary>
    public required long Size { get; init; }

    /// <summary>Bytes that lie in pieces which are right.</summary>
    public required long GoodBytes { get; init; }

    /// <summary>The file is not there.</summary>
    public required bool IsMissing { get; init; }

    /// <summary>The file is longer than it should be; what follows its end was not looked at.</summary>
    public required bool IsTooLong { get; init; }

    public bool IsGood => GoodBytes == Size && !IsMissing && !IsTooLong;
}

/// <summary>What verifying a torrent's content found.</summary>
public sealed record VerificationResult
{
    /// <summary>All files but pad files, in the torrent's order.</summary>
    public required IReadOnlyList<VerifiedFile> Files { get; init; }

    public long Size => Files.Sum(f => f.Size);

    public long GoodBytes => Files.Sum(f => f.GoodBytes);

    public bool IsComplete => Files.All(f => f.IsGood);
}

/// <summary>
/// Compares files on disk with a torrent, on all cores, by every hash the torrent has: a hybrid's pieces must fit
/// both.
/// </summary>
public static class ContentVerifier
{
    /// <param name="metainfo">With the piece layers of its files, if it is v2 or hybrid.</param>
    /// <param name="folder">The folder that holds the content: a torrent named x lies at folder/x.</param>
    /// <param name="progress">Told about ten times a second.</param>
    /// <param name="workers">0: one for each core.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public static async Task<VerificationResult> VerifyAsync(
        Metainfo metainfo,
        string folder,
        IProgress<HashingProgress>? progress = null,
        int workers = 0,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(metainfo);
        var layout = metainfo.Layout;
        var files = metainfo.Files.Where(f => !f.IsPad).ToList();
        var withData = files.Where(f => f.Size > 0).ToList();
        var content = withData.ConvertAll(f => new ContentFile(DiskPath(folder, f.Path), f.Offset, f.Size));
        var good = new long[withData.Count];
        var meter = new ProgressMeter(progress, metainfo.Size);
        var hashes = PieceHashes.Of(metainfo);
        var hasher = new ContentHasher(
            layout,
            content,
            metainfo.Format != TorrentFormat.V2,
            metainfo.Format != TorrentFormat.V1
        );
        await hasher
            .RunAsync(workers > 0 ? workers : Environment.ProcessorCount, Take, cancellationToken)
            .ConfigureAwait(false);
        meter.Finish();

        var goodOf = withData.Zip(good).ToDictionary(pair => pair.First, pair => pair.Second);
        return new VerificationResult
        {
            Files = [.. files.Select(f => Describe(f, DiskPath(folder, f.Path), goodOf.GetValueOrDefault(f)))],
        };

        bool Take(in HashedPiece piece)
        {
            if (piece.Failure is null && IsRight(metainfo, hashes, piece))
            {
                var start = layout.OffsetOf(piece.Piece);
                var end = start + layout.DataSizeOf(piece.Piece);
                for (var i = FirstEndingAfter(withData, start); i < withData.Count && withData[i].Offset < end; i++)
                {
                    var overlap = Math.Min(end, withData[i].End) - Math.Max(start, withData[i].Offset);
                    Interlocked.Add(ref good[i], overlap);
                }
            }

            meter.Add(layout.DataSizeOf(piece.Piece));
            return true;
        }
    }

    internal static bool IsRight(Metainfo metainfo, PieceHashes? hashes, in HashedPiece piece)
    {
        var index = piece.Piece.Value;
        if (
            metainfo.Format != TorrentFormat.V2
            && !metainfo.V1PieceHashes.Span.Slice(index * Sha1Digest.Size, Sha1Digest.Size).SequenceEqual(piece.V1)
        )
        {
            return false;
        }

        return hashes is null
            || hashes.Check(
                piece.Piece,
                System.Runtime.InteropServices.MemoryMarshal.Cast<byte, Sha256Digest>(piece.Blocks)
            ) == MerkleVerdict.Good;
    }

    private static int FirstEndingAfter(List<MetainfoFile> files, long offset)
    {
        var low = 0;
        var high = files.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (files[middle].End <= offset)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    private static VerifiedFile Describe(MetainfoFile file, string diskPath, long goodBytes)
    {
        var info = new FileInfo(diskPath);
        var isLink = file.SymlinkTarget is not null;
        return new VerifiedFile
        {
            Path = file.Path,
            Size = file.Size,
            GoodBytes = goodBytes,
            IsMissing = isLink ? info.LinkTarget is null : !info.Exists,
            IsTooLong = !isLink && info.Exists && info.Length > file.Size,
        };
    }

    /// <summary>The files that hold bytes, where they lie.</summary>
    /// <param name="renamed">Other names that the user gave; null: none.</param>
    internal static IReadOnlyList<ContentFile> FilesOf(
        Metainfo metainfo,
        string folder,
        IReadOnlyDictionary<int, string>? renamed = null
    ) =>
        [
            .. metainfo
                .Files.Select((file, index) => (File: file, Path: renamed?.GetValueOrDefault(index) ?? file.Path))
                .Where(one => one.File is { IsPad: false, Size: > 0, SymlinkTarget: null })
                .Select(one => new ContentFile(DiskPath(folder, one.Path), one.File.Offset, one.File.Size)),
        ];

    private static string DiskPath(string folder, string path) =>
        Path.Combine(folder, path.Replace('/', Path.DirectorySeparatorChar));
}
