using System.Diagnostics.CodeAnalysis;
using System.Numerics;

namespace Shoal.Protocol;

/// <summary>
/// What is known of one file's tree (BEP 52): the root always; the hashes of its pieces from the torrent file, or
/// bit by bit from peers; the hashes of blocks as far as the owner keeps them. Everything in it was proven
/// against the root. Not safe for several threads; a swarm owns it.
/// </summary>
public sealed class FileMerkle
{
    /// <summary>BEP 52: "Length SHOULD NOT be greater than 512."</summary>
    public const int MaxRequestLength = 512;

    /// <summary>
    /// Hashes we answer with at most: the blocks of a piece of 128 MiB, which well-known clients ask for at once.
    /// </summary>
    public const int MaxAnswerLength = 8192;

    private const int HashSize = Sha256Digest.Size;

    private readonly int _pieceLength;

    // The layer whose hashes are those of pieces; the root's for a file of one piece.
    private readonly int _pieceLayer;
    private readonly byte[] _layer;
    private readonly Bitfield _known;

    // Hashes of blocks by piece, 32 bytes each, without padding; null until kept.
    private readonly byte[]?[] _blocks;

    // The layers above the pieces', without padding; made when first needed.
    private List<byte[]>? _upper;

    /// <summary>A file of which nothing but the root is known.</summary>
    public FileMerkle(Sha256Digest root, long size, int pieceLength)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        Root = root;
        Size = size;
        _pieceLength = pieceLength;
        Height = MerkleTree.Height(size);
        PieceCount = (int)((size + pieceLength - 1) / pieceLength);
        _pieceLayer = Math.Min(Height, MerkleTree.PieceLayer(pieceLength));
        _layer = new byte[(long)PieceCount * HashSize];
        _known = new Bitfield(PieceCount);
        _blocks = new byte[PieceCount][];
        if (PieceCount == 1)
        {
            root.CopyTo(_layer);
            _known.SetAll();
        }
    }

    /// <summary>A file whose piece layer was proven before, as <see cref="MetainfoReader"/> does.</summary>
    internal FileMerkle(Sha256Digest root, long size, int pieceLength, ReadOnlySpan<byte> provenLayer)
        : this(root, size, pieceLength)
    {
        provenLayer.CopyTo(_layer);
        _known.SetAll();
    }

    public Sha256Digest Root { get; }

    /// <summary>Bytes.</summary>
    public long Size { get; }

    /// <summary>Layers from the leaves to the root.</summary>
    public int Height { get; }

    public int PieceCount { get; }

    /// <summary>Whether every piece's hash is known.</summary>
    public bool IsComplete => _known.IsFull;

    /// <summary>The hash of a piece, counted within the file.</summary>
    public bool TryGetPieceHash(int piece, out Sha256Digest hash)
    {
        var known = _known[piece];
        hash = known ? new Sha256Digest(_layer.AsSpan(piece * HashSize, HashSize)) : default;
        return known;
    }

    /// <summary>The hash of one block, if it was kept.</summary>
    public bool TryGetBlockHash(int piece, int block, out Sha256Digest hash)
    {
        var blocks = _blocks[piece];
        var found = blocks is not null && (uint)block < (uint)(blocks.Length / HashSize);
        hash = found ? new Sha256Digest(blocks.AsSpan(block * HashSize, HashSize)) : default;
        return found;
    }

    /// <summary>Blocks of data in a piece.</summary>
    public int BlockCount(int piece) =>
        (int)MerkleTree.BlockCount(Math.Min(_pieceLength, Size - (long)piece * _pieceLength));

    /// <summary>Compares a piece with its hash.</summary>
    /// <param name="piece">Counted within the file.</param>
    /// <param name="blocks">SHA-256 of each of its blocks of data.</param>
    public MerkleVerdict Check(int piece, ReadOnlySpan<Sha256Digest> blocks)
    {
        if (blocks.Length != BlockCount(piece))
        {
            throw new ArgumentException($"the piece has {BlockCount(piece)} blocks", nameof(blocks));
        }

        return !TryGetPieceHash(piece, out var hash) ? MerkleVerdict.Unknown
            : MerkleTree.Root(blocks, 0, _pieceLayer) == hash ? MerkleVerdict.Good
            : MerkleVerdict.Bad;
    }

    /// <summary>
    /// Remembers the hashes of a piece's blocks, which <see cref="Check"/> found good, so that peers can be served
    /// with them: 32 bytes for each 16 KiB.
    /// </summary>
    public void KeepBlocks(int piece, ReadOnlySpan<Sha256Digest> blocks) =>
        _blocks[piece] = System.Runtime.InteropServices.MemoryMarshal.AsBytes(blocks).ToArray();

    public void DropBlocks(int piece) => _blocks[piece] = null;

    /// <summary>Takes a whole piece layer, if it leads to the root.</summary>
    public bool TrySetPieceLayer(ReadOnlySpan<byte> layer)
    {
        if (layer.Length != _layer.Length || MerkleTree.Root(layer, _pieceLayer, Height) != Root)
        {
            return false;
        }

        layer.CopyTo(_layer);
        _known.SetAll();
        return true;
    }

    /// <summary>
    /// The whole piece layer, once it is known: what a torrent file holds. Empty for a file of one piece.
    /// </summary>
    public bool TryGetPieceLayer(out ReadOnlyMemory<byte> layer)
    {
        layer = IsComplete && PieceCount > 1 ? _layer : default(ReadOnlyMemory<byte>);
        return IsComplete;
    }

    /// <summary>The request that brings the hash of this piece and of those around it, with proof up to the root.</summary>
    public HashRequest RequestPieces(int piece)
    {
        var first = piece / MaxRequestLength * MaxRequestLength;
        var length = 1 << MerkleTree.LayersAbove(Math.Clamp(PieceCount - first, 2, MaxRequestLength));
        return new HashRequest(Root, (uint)_pieceLayer, (uint)first, (uint)length, (uint)(Height - 1 - _pieceLayer));
    }

    /// <summary>
    /// The request that brings the hashes of a piece's blocks, to find the bad one. False if there is no use in
    /// it: the piece is one block, or too many to ask for, or its own hash is not known.
    /// </summary>
    public bool TryRequestBlocks(int piece, out HashRequest request)
    {
        request = default;
        if (_pieceLayer == 0 || 1 << _pieceLayer > MaxAnswerLength || !_known[piece])
        {
            return false;
        }

        // BEP 52 counts the layers that follow from the hashes themselves as proof layers, too; no uncle is needed.
        var length = 1u << _pieceLayer;
        request = new HashRequest(Root, 0, (uint)piece * length, length, (uint)_pieceLayer - 1);
        return true;
    }

    /// <summary>
    /// Proves hashes that answer one of our requests, and keeps them. Anything that is not the whole and true
    /// answer is <see cref="MerkleVerdict.Bad"/>.
    /// </summary>
    public MerkleVerdict AddHashes(in HashRequest request, ReadOnlySpan<byte> hashes)
    {
        if (!IsPossible(request) || hashes.Length != AnswerLength(request) * HashSize)
        {
            return MerkleVerdict.Bad;
        }

        var layer = (int)request.BaseLayer;
        var index = (long)request.Index;
        var run = hashes[..((int)request.Length * HashSize)];
        var real = (int)Math.Clamp(CountAt(layer) - index, 0, request.Length);
        for (var i = real; i < (int)request.Length; i++)
        {
            if (!run.Slice(i * HashSize, HashSize).SequenceEqual(MerkleTree.PadHash(layer).Span))
            {
                return MerkleVerdict.Bad;
            }
        }

        var span = BitOperations.Log2(request.Length);
        var top = layer + span;
        index >>= span;
        var hash = MerkleTree.Root(run, layer, top);
        for (var uncles = hashes[run.Length..]; !uncles.IsEmpty; uncles = uncles[HashSize..])
        {
            var uncle = new Sha256Digest(uncles[..HashSize]);
            hash = index % 2 == 0 ? MerkleTree.Combine(hash, uncle) : MerkleTree.Combine(uncle, hash);
            index /= 2;
            top++;
        }

        if (!TryGetNode(top, index, out var known))
        {
            return MerkleVerdict.Unknown;
        }

        if (known != hash)
        {
            return MerkleVerdict.Bad;
        }

        Keep(layer, (int)request.Index, run[..(real * HashSize)]);
        return MerkleVerdict.Good;
    }

    /// <summary>Makes the answer to a peer's request; false: it must be rejected.</summary>
    public bool TryAnswer(in HashRequest request, [NotNullWhen(true)] out byte[]? hashes)
    {
        hashes = null;
        if (!IsPossible(request))
        {
            return false;
        }

        var layer = (int)request.BaseLayer;
        var answer = new byte[AnswerLength(request) * HashSize];
        var at = 0;
        for (uint i = 0; i < request.Length; i++)
        {
            if (!TryPut(layer, request.Index + (long)i))
            {
                return false;
            }
        }

        var span = BitOperations.Log2(request.Length);
        var top = layer + span;
        for (var index = (long)request.Index >> span; at < answer.Length; index /= 2, top++)
        {
            if (!TryPut(top, index ^ 1))
            {
                return false;
            }
        }

        hashes = answer;
        return true;

        bool TryPut(int nodeLayer, long node)
        {
            var found = TryGetNode(nodeLayer, node, out var hash);
            hash.CopyTo(answer.AsSpan(at));
            at += HashSize;
            return found;
        }
    }

    /// <summary>Whether a request asks for something this tree has and we are willing to send.</summary>
    public bool IsPossible(in HashRequest request)
    {
        // BEP 52: "Clients are only required to support setting the base layer to the leaf and piece layers."
        // "Index MUST be a multiple of length". "Length MUST be equal-to-or-greater-than two and a power of two."
        return request.PiecesRoot == Root
            && (request.BaseLayer == 0 || request.BaseLayer == _pieceLayer)
            && request.BaseLayer < Height
            && request.Length is >= 2 and <= MaxAnswerLength
            && BitOperations.IsPow2(request.Length)
            && request.Index % request.Length == 0
            && (ulong)request.Index + request.Length <= 1UL << (Height - (int)request.BaseLayer)
            && request.ProofLayers < (uint)(Height - (int)request.BaseLayer);
    }

    /// <summary>
    /// Hashes in the answer to a request. BEP 52: "the first log2(length)-1 proof layers are ommitted. The ommitted
    /// layers are still counted towards the requested proof layers."
    /// </summary>
    public static int AnswerLength(in HashRequest request) =>
        (int)request.Length + Math.Max(0, (int)request.ProofLayers - (BitOperations.Log2(request.Length) - 1));

    /// <summary>Hashes of a layer that cover data.</summary>
    private long CountAt(int layer)
    {
        var blocks = MerkleTree.BlockCount(Size);
        return (blocks + (1L << layer) - 1) >> layer;
    }

    private void Keep(int layer, int first, ReadOnlySpan<byte> run)
    {
        if (run.IsEmpty)
        {
            return;
        }

        if (layer == _pieceLayer)
        {
            run.CopyTo(_layer.AsSpan(first * HashSize));
            for (var i = 0; i < run.Length / HashSize; i++)
            {
                _known.Set(first + i);
            }

            return;
        }

        // Blocks are kept by whole pieces, padding left out.
        var width = 1 << _pieceLayer;
        if (first % width != 0)
        {
            return;
        }

        for (var piece = first / width; !run.IsEmpty && piece < PieceCount; piece++)
        {
            var length = BlockCount(piece) * HashSize;
            if (length > run.Length)
            {
                return;
            }

            _blocks[piece] = run[..length].ToArray();
            run = run[Math.Min(run.Length, width * HashSize)..];
        }
    }

    private bool TryGetNode(int layer, long index, out Sha256Digest hash)
    {
        if (index >= CountAt(layer))
        {
            hash = MerkleTree.PadHash(layer);
            return true;
        }

        if (layer == Height)
        {
            hash = Root;
            return true;
        }

        if (layer == _pieceLayer)
        {
            return TryGetPieceHash((int)index, out hash);
        }

        if (layer > _pieceLayer)
        {
            return TryGetUpper(layer, (int)index, out hash);
        }

        // Below the pieces: from the blocks of the piece it lies in.
        var first = index << layer;
        var blocks = _blocks[first >> _pieceLayer];
        if (blocks is null)
        {
            hash = default;
            return false;
        }

        var start = (int)(first & ((1L << _pieceLayer) - 1)) * HashSize;
        var length = Math.Min(blocks.Length - start, HashSize << layer);
        hash = MerkleTree.Root(blocks.AsSpan(start, length), 0, layer);
        return true;
    }

    private bool TryGetUpper(int layer, int index, out Sha256Digest hash)
    {
        hash = default;
        if (!IsComplete)
        {
            return false;
        }

        if (_upper is null)
        {
            _upper = [];
            var below = _layer;
            for (var at = _pieceLayer; at + 1 < Height; at++)
            {
                var scratch = new byte[below.Length + HashSize];
                below.CopyTo(scratch, 0);
                var count = MerkleTree.Reduce(scratch, below.Length / HashSize, at);
                below = scratch[..(count * HashSize)];
                _upper.Add(below);
            }
        }

        hash = new Sha256Digest(_upper[layer - _pieceLayer - 1].AsSpan(index * HashSize, HashSize));
        return true;
    }
}
