using BenchmarkDotNet.Attributes;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Benchmarks;

/// <summary>Per 1 MiB of content: the hash tree of a piece, and the cipher of encrypted connections. And renting a block.</summary>
public class HashBenchmarks
{
    private const int Size = 1024 * 1024;

    private readonly byte[] _content = new byte[Size];
    private readonly byte[] _leaves = new byte[Size / PieceLayout.BlockSize * Sha256Digest.Size];
    private readonly Rc4 _rc4 = new("a key of twenty byte"u8);
    private readonly BlockPool _pool = new(64);

    [Benchmark]
    public void Rc4OfMebibyte() => _rc4.Apply(_content);

    [Benchmark]
    public byte[] Sha1OfMebibyte() => System.Security.Cryptography.SHA1.HashData(_content);

    /// <summary>The leaves of a piece of 1 MiB, and the tree over them.</summary>
    [Benchmark]
    public Sha256Digest MerkleOfMebibyte()
    {
        for (var i = 0; i < Size / PieceLayout.BlockSize; i++)
        {
            System.Security.Cryptography.SHA256.HashData(
                _content.AsSpan(i * PieceLayout.BlockSize, PieceLayout.BlockSize),
                _leaves.AsSpan(i * Sha256Digest.Size)
            );
        }

        return MerkleTree.PieceHash(_leaves, 16L * Size, Size);
    }

    /// <summary>The tree alone, over the leaves of 1 GiB.</summary>
    [Benchmark]
    public Sha256Digest MerkleOfLeavesOfGibibyte() =>
        MerkleTree.Root(new byte[65536 * Sha256Digest.Size], layer: 0, top: 16);

    [Benchmark]
    public void RentAndReleaseBlock()
    {
        if (_pool.TryRent(out var block))
        {
            block.Release();
        }
    }
}
