using Shoal.Protocol;

namespace Shoal.Engine;

internal enum PieceVerdict
{
    Good,
    Bad,

    /// <summary>What its hash should be is not known yet. It is remembered what it is.</summary>
    Unknown,

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

    // The v2 hashes of pieces that were hashed while it was unknown what they should be, by the file's first piece.
    private readonly Dictionary<int, (byte[] Layer, Bitfield Known)> _computed = [];

    public PieceVerifier(Metainfo metainfo)
    {
        _metainfo = metainfo;
        Hashes = PieceHashes.Of(metainfo);
    }

    /// <summary>Null for v1.</summary>
    public PieceHashes? Hashes { get; }

    /// <summary>
    /// Whole files of a hybrid, fetched by their v1 hashes alone, have told the last v2 hash that was missing: <see cref="PieceHashes.ToLayers"/>,
    /// to be kept as those that peers send.
    /// </summary>
    public Action<byte[]>? AllKnown { get; set; }

    /// <summary>A new one would know as much: nothing of it came from peers or the disk.</summary>
    public bool IsReproducible =>
        Hashes is null
        || _metainfo.Files.All(file =>
            file.PiecesRoot is not { } root
            || file.Size <= _metainfo.Layout.PieceLength
            || _metainfo.PieceLayers.ContainsKey(root)
        );

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
                MerkleVerdict.Unknown => Remember(tree, result.Piece.Value - inFile, inFile, blocks),
                _ => PieceVerdict.Bad,
            };
    }

    /// <summary>Judges by what was remembered; unknown as long as the piece's hash is.</summary>
    public PieceVerdict Recall(PieceIndex piece)
    {
        var tree = Hashes!.FileOf(piece, out var inFile);
        if (!tree.TryGetPieceHash(inFile, out var expected))
        {
            return PieceVerdict.Unknown;
        }

        var isKnown = _computed.TryGetValue(piece.Value - inFile, out var computed) && computed.Known[inFile];
        return
            isKnown && computed.Layer.AsSpan(inFile * Sha256Digest.Size, Sha256Digest.Size).SequenceEqual(expected.Span)
            ? PieceVerdict.Good
            : PieceVerdict.Bad;
    }

    /// <summary>What was remembered has been judged, as far as it can be: that of files known now goes.</summary>
    public void ForgetKnown()
    {
        foreach (var first in _computed.Keys)
        {
            if (Hashes!.FileOf(_metainfo.Layout.Piece(first), out _).IsComplete)
            {
                _computed.Remove(first);
            }
        }
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

    /// <summary>
    /// When the whole file has been seen, its root tells whether it is good. Until then a piece is only what v1 says it
    /// is; without v1, nobody knows.
    /// </summary>
    private PieceVerdict Remember(FileMerkle tree, int firstPiece, int piece, Sha256Digest[] blocks)
    {
        if (!_computed.TryGetValue(firstPiece, out var computed))
        {
            computed = (new byte[tree.PieceCount * Sha256Digest.Size], new Bitfield(tree.PieceCount));
            _computed.Add(firstPiece, computed);
        }

        var hash = MerkleTree.Root(blocks, 0, MerkleTree.PieceLayer(_metainfo.Layout.PieceLength));
        hash.CopyTo(computed.Layer.AsSpan(piece * Sha256Digest.Size));
        computed.Known.Set(piece);
        var isHybrid = _metainfo.Format == TorrentFormat.Hybrid;
        if (!computed.Known.IsFull)
        {
            return isHybrid ? PieceVerdict.Good : PieceVerdict.Unknown;
        }

        var isTrue = tree.TrySetPieceLayer(computed.Layer);
        if (isHybrid)
        {
            _computed.Remove(firstPiece);
            if (isTrue && Hashes!.IsComplete)
            {
                AllKnown?.Invoke(Hashes.ToLayers());
            }
        }

        // Without v1 it is not a contradiction but bad data: which piece is bad, peers can tell.
        return isTrue ? PieceVerdict.Good
            : isHybrid ? PieceVerdict.Contradiction
            : PieceVerdict.Unknown;
    }
}
