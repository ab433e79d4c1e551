using Shoal.Protocol;

namespace Shoal.Engine;

internal enum PieceVerdict
{
    Good,
    Bad,
}

/// <summary>Compares what the disk computed with what the torrent says.</summary>
internal sealed class PieceVerifier
{
    private readonly Metainfo _metainfo;

    public PieceVerifier(Metainfo metainfo) => _metainfo = metainfo;

    /// <summary>Whether the hash the piece should have is known.</summary>
    public bool CanVerify(int piece) => _metainfo.V1PieceHashes.Length >= (piece + 1) * Sha1Digest.Size;

    public PieceVerdict Verify(PieceHashResult result)
    {
        if (!result.IsComplete || result.V1 is not { } v1)
        {
            return PieceVerdict.Bad;
        }

        var expected = _metainfo.V1PieceHashes.Span.Slice(result.Piece.Value * Sha1Digest.Size, Sha1Digest.Size);
        return v1.Span.SequenceEqual(expected) ? PieceVerdict.Good : PieceVerdict.Bad;
    }
}
