using System.Buffers;
using System.Numerics;

namespace Shoal.Protocol;

/// <summary>
/// Arithmetic of BEP 52's trees. A tree has a leaf for each 16 KiB block of its file, padded with zero hashes
/// to a power of two. Layers count from the leaves: layer 0 is the leaves, layer <c>Height</c> the root.
/// Lists of hashes are bytes, 32 a hash.
/// </summary>
public static class MerkleTree
{
    /// <summary>Enough layers for the largest file that has 63-bit offsets.</summary>
    private const int Layers = 50;

    private static readonly Sha256Digest[] PadHashes = MakePadHashes();

    /// <summary>
    /// The hash of a subtree that lies wholly beyond the end of its file. BEP 52: "The remaining leaf hashes
    /// beyond the end of the file required to construct upper layers of the merkle tree are set to zero."
    /// </summary>
    public static Sha256Digest PadHash(int layer) => PadHashes[layer];

    /// <summary>Layers above <paramref name="count"/> hashes until there is one: the rounded-up logarithm.</summary>
    public static int LayersAbove(long count) =>
        count <= 1 ? 0 : 64 - BitOperations.LeadingZeroCount((ulong)(count - 1));

    /// <summary>The layer whose hashes each cover one piece.</summary>
    public static int PieceLayer(int pieceLength) => BitOperations.Log2((uint)(pieceLength / PieceLayout.BlockSize));

    /// <summary>Blocks, and so real leaves, of a file.</summary>
    public static long BlockCount(long fileSize) => (fileSize + PieceLayout.BlockSize - 1) / PieceLayout.BlockSize;

    /// <summary>Layers from the leaves to the root of a file's tree.</summary>
    public static int Height(long fileSize) => LayersAbove(BlockCount(fileSize));

    public static Sha256Digest Combine(in Sha256Digest left, in Sha256Digest right)
    {
        Span<byte> both = stackalloc byte[2 * Sha256Digest.Size];
        left.CopyTo(both);
        right.CopyTo(both[Sha256Digest.Size..]);
        Span<byte> hash = stackalloc byte[Sha256Digest.Size];
        TreeHash.Compute(both, hash);
        return new Sha256Digest(hash);
    }

    /// <summary>
    /// The hash that a run of hashes of one layer leads to.
    /// </summary>
    /// <param name="hashes">The hashes of the layer from the left; what is missing on the right is padding.</param>
    /// <param name="layer">Their layer.</param>
    /// <param name="top">The layer of the result; the run must fit below it.</param>
    public static Sha256Digest Root(ReadOnlySpan<byte> hashes, int layer, int top)
    {
        var count = hashes.Length / Sha256Digest.Size;
        ArgumentOutOfRangeException.ThrowIfNotEqual(hashes.Length, count * Sha256Digest.Size, nameof(hashes));
        ArgumentOutOfRangeException.ThrowIfLessThan(top - layer, LayersAbove(count), nameof(top));
        if (count == 0)
        {
            return PadHash(top);
        }

        if (count == 1 && layer == top)
        {
            return new Sha256Digest(hashes);
        }

        var scratch = ArrayPool<byte>.Shared.Rent(hashes.Length + Sha256Digest.Size);
        try
        {
            hashes.CopyTo(scratch);
            for (; layer < top; layer++)
            {
                count = Reduce(scratch, count, layer);
            }

            return new Sha256Digest(scratch.AsSpan(0, Sha256Digest.Size));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(scratch);
        }
    }

    /// <summary>As the other, for hashes that are values.</summary>
    public static Sha256Digest Root(ReadOnlySpan<Sha256Digest> hashes, int layer, int top) =>
        Root(System.Runtime.InteropServices.MemoryMarshal.AsBytes(hashes), layer, top);

    /// <summary>
    /// The hash of one piece from the hashes of its blocks: for a file of more than one piece the hash in the
    /// piece layer, else the file's root.
    /// </summary>
    /// <param name="blocks">32 bytes for each block that holds data.</param>
    /// <param name="fileSize">Bytes of the whole file.</param>
    /// <param name="pieceLength">Bytes.</param>
    public static Sha256Digest PieceHash(ReadOnlySpan<byte> blocks, long fileSize, int pieceLength) =>
        Root(blocks, 0, fileSize > pieceLength ? PieceLayer(pieceLength) : Height(fileSize));

    /// <summary>Makes the next layer in place; returns how many hashes it has.</summary>
    internal static int Reduce(Span<byte> hashes, int count, int layer)
    {
        const int size = Sha256Digest.Size;
        var parents = (count + 1) / 2;
        if (count % 2 != 0)
        {
            PadHash(layer).CopyTo(hashes.Slice(count * size, size));
        }

        for (var i = 0; i < parents; i++)
        {
            // The parent overwrites bytes that were read before: those of the left child or left of it.
            TreeHash.Compute(hashes.Slice(i * 2 * size, 2 * size), hashes.Slice(i * size, size));
        }

        return parents;
    }

    private static Sha256Digest[] MakePadHashes()
    {
        var hashes = new Sha256Digest[Layers];
        for (var i = 1; i < Layers; i++)
        {
            hashes[i] = Combine(hashes[i - 1], hashes[i - 1]);
        }

        return hashes;
    }
}
