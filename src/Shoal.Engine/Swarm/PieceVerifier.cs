using Shoal.Protocol;

namespace Shoal.Engine;

internal enum PieceVerdict
{
    Good,
    Bad,

    /// <summary>Each piece was good by v1, but together they are not the file that v2 describes: a forged torrent.</summary>
    Contradiction,
}

/// <summary>
/// Compares what the disk computed with what the torrent says. BEP 52 on hybrids: "During the download they must also
/// verify that pieces match both piece hash formats."
/// </summary>
internal sealed class PieceVerifier
{
    private readonly Metainfo _metainfo;

    // Pieces of a hybrid that v1 found good while their v2 hashes were unknown: what v2 hash they have, by file.
    private readonly Dictionary<FileMerkle, (byte[] Layer, Bitfield Known)> _computed = [];

    public PieceVerifier(Metainfo metainfo)
    {
        _metainfo = metainfo;
        Hashes = PieceHashes.Of(metainfo);
    }

    /// <summary>Null for v1.</summary>
    public PieceHashes? Hashes { get; }

    /// <summary>Whether a hash the piece should have is known.</summary>
    public bool CanVerify(int piece) =>
        _metainfo.Format != TorrentFormat.V2 || Hashes!.TryGetPieceHash(_metainfo.Layout.Piece(piece), out _);

    public PieceVerdict Verify(PieceHashResult result)
    {
        if (!result.IsComplete || (_metainfo.Format != TorrentFormat.V2 && !IsGoodV1(result)))
        {
            return PieceVerdict.Bad;
        }

        if (Hashes is not { } hashes)
        {
            return PieceVerdict.Good;
        }

        if (result.Blocks is not { } blocks)
        {
            return PieceVerdict.Bad;
        }

        var tree = hashes.FileOf(result.Piece, out var inFile);
        return blocks.Length != tree.BlockCount(inFile)
            ? PieceVerdict.Bad
            : tree.Check(inFile, blocks) switch
            {
                MerkleVerdict.Good => PieceVerdict.Good,
                MerkleVerdict.Unknown when _metainfo.Format == TorrentFormat.Hybrid => Remember(tree, inFile, blocks),
                _ => PieceVerdict.Bad,
            };
    }

    private bool IsGoodV1(PieceHashResult result)
    {
        if (result.V1 is not { } v1)
        {
            return false;
        }

        var expected = _metainfo.V1PieceHashes.Span.Slice(result.Piece.Value * Sha1Digest.Size, Sha1Digest.Size);
        return v1.Span.SequenceEqual(expected);
    }

    /// <summary>Good by v1 for now; v2 decides when the whole file has been seen.</summary>
    private PieceVerdict Remember(FileMerkle tree, int piece, Sha256Digest[] blocks)
    {
        if (!_computed.TryGetValue(tree, out var computed))
        {
            computed = (new byte[tree.PieceCount * Sha256Digest.Size], new Bitfield(tree.PieceCount));
            _computed.Add(tree, computed);
        }

        var hash = MerkleTree.Root(blocks, 0, MerkleTree.PieceLayer(_metainfo.Layout.PieceLength));
        hash.CopyTo(computed.Layer.AsSpan(piece * Sha256Digest.Size));
        computed.Known.Set(piece);
        if (!computed.Known.IsFull)
        {
            return PieceVerdict.Good;
        }

        _computed.Remove(tree);
        return tree.TrySetPieceLayer(computed.Layer) ? PieceVerdict.Good : PieceVerdict.Contradiction;
    }
}
