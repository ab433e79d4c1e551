using System.Security.Cryptography;
using Shoal.Membership;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// Computes what a challenge asks for over files on disk. The blocks are those of files, one after the other, without padding, so that
/// nothing is asked that everybody knows.
/// </summary>
public static class ContentProof
{
    /// <summary>The answer to a challenge; null: the blocks are not all there.</summary>
    /// <param name="metainfo">Of the content.</param>
    /// <param name="folder">A torrent named x lies at folder/x.</param>
    /// <param name="challenge">What is asked.</param>
    /// <param name="cancellation">Stops it.</param>
    public static byte[]? Answer(
        Metainfo metainfo,
        string folder,
        CustodyChallenge challenge,
        CancellationToken cancellation
    ) => Answer(metainfo, folder, new Dictionary<int, string>(), challenge, cancellation);

    /// <summary>The answer by what a torrent of the engine has; null: the blocks are not all there, or not known.</summary>
    public static byte[]? Answer(Torrent torrent, CustodyChallenge challenge, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(torrent);
        return torrent.Metainfo is { } metainfo
            ? Answer(metainfo, torrent.SaveDirectory, torrent.RenamedFiles, challenge, cancellation)
            : null;
    }

    /// <param name="renamed">Where files lie that their user gave another name.</param>
    internal static byte[]? Answer(
        Metainfo metainfo,
        string folder,
        IReadOnlyDictionary<int, string> renamed,
        CustodyChallenge challenge,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(metainfo);
        ArgumentNullException.ThrowIfNull(challenge);
        var blocks = new FileBlocks(metainfo);
        using var reader = new ContentReader(ContentVerifier.FilesOf(metainfo, folder, renamed));
        using var hash = challenge.Begin();
        var buffer = new byte[PieceLayout.BlockSize];
        foreach (var block in challenge.Choose(blocks.Count))
        {
            cancellation.ThrowIfCancellationRequested();
            var (offset, length) = blocks.Locate(block);
            if (reader.Read(offset, buffer.AsSpan(0, length)) is not null)
            {
                return null;
            }

            CustodyChallenge.Append(hash, block, buffer.AsSpan(0, length));
        }

        return hash.GetHashAndReset();
    }

    /// <summary>
    /// Whether the pieces that the challenge's blocks lie in are right here: an answer is held only against what is proven.
    /// </summary>
    public static bool IsProven(
        Metainfo metainfo,
        string folder,
        CustodyChallenge challenge,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(metainfo);
        ArgumentNullException.ThrowIfNull(challenge);
        var blocks = new FileBlocks(metainfo);
        using var reader = new ContentReader(ContentVerifier.FilesOf(metainfo, folder));
        var hashes = PieceHashes.Of(metainfo);
        var pieces = challenge
            .Choose(blocks.Count)
            .SelectMany(block => PiecesOf(metainfo.Layout, blocks, block))
            .Distinct();
        foreach (var piece in pieces)
        {
            cancellation.ThrowIfCancellationRequested();
            if (!IsRight(metainfo, hashes, reader, piece))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Blocks of files and of pieces lie alike in v2 and hybrid; in v1 one can lie in two pieces.</summary>
    private static IEnumerable<PieceIndex> PiecesOf(PieceLayout layout, FileBlocks blocks, long block)
    {
        var (offset, length) = blocks.Locate(block);
        var (first, last) = (layout.PieceAt(offset), layout.PieceAt(offset + length - 1));
        return first == last ? [first] : [first, last];
    }

    private static bool IsRight(Metainfo metainfo, PieceHashes? hashes, ContentReader reader, PieceIndex piece)
    {
        var layout = metainfo.Layout;
        var data = layout.DataSizeOf(piece);
        var offset = layout.OffsetOf(piece);
        using var v1 = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        var digests = new byte[layout.DataBlockCount(piece) * SHA256.HashSizeInBytes];
        var buffer = new byte[PieceLayout.BlockSize];
        // A v1 piece covers the padding too, which reads as zeros.
        for (var at = 0; at < layout.SizeOf(piece); at += PieceLayout.BlockSize)
        {
            var part = buffer.AsSpan(0, Math.Min(PieceLayout.BlockSize, layout.SizeOf(piece) - at));
            if (reader.Read(offset + at, part) is not null)
            {
                return false;
            }

            v1.AppendData(part);
            if (at < data)
            {
                TreeHash.Compute(
                    part[..Math.Min(part.Length, data - at)],
                    digests.AsSpan(at / PieceLayout.BlockSize * SHA256.HashSizeInBytes)
                );
            }
        }

        var hashed = new HashedPiece
        {
            Piece = piece,
            V1 = v1.GetHashAndReset(),
            Blocks = digests,
        };
        return ContentVerifier.IsRight(metainfo, hashes, hashed);
    }

    /// <summary>The blocks of all files in the torrent's order, numbered.</summary>
    private sealed class FileBlocks
    {
        private readonly List<MetainfoFile> _files;
        private readonly long[] _ends;

        public FileBlocks(Metainfo metainfo)
        {
            _files = [.. metainfo.Files.Where(file => file is { IsPad: false, Size: > 0, SymlinkTarget: null })];
            _ends = new long[_files.Count];
            for (var i = 0; i < _ends.Length; i++)
            {
                Count += (_files[i].Size + PieceLayout.BlockSize - 1) / PieceLayout.BlockSize;
                _ends[i] = Count;
            }
        }

        public long Count { get; }

        /// <summary>Where a block lies in the torrent's range.</summary>
        public (long Offset, int Length) Locate(long block)
        {
            // The first whose end lies behind the block.
            var at = Array.BinarySearch(_ends, block + 1);
            at = at >= 0 ? at : ~at;
            var file = _files[at];
            var inFile = (block - (at == 0 ? 0 : _ends[at - 1])) * PieceLayout.BlockSize;
            return (file.Offset + inFile, (int)Math.Min(PieceLayout.BlockSize, file.Size - inFile));
        }
    }
}
