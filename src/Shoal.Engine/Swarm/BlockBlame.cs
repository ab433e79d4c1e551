using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// Finds who sent the block that made a piece fail. A piece from one peer condemns it at once. With several, the
/// digests of the blocks are kept, and compared with those of the attempt that succeeds: whose block differs from a
/// proven one has lied, the others have not.
/// </summary>
internal sealed class BlockBlame
{
    /// <summary>Failed attempts remembered; beyond: the oldest is forgotten. 64 x (64 blocks x 40 B) is small.</summary>
    private const int MaxAttempts = 64;

    private sealed record Attempt(PieceIndex Piece, PeerState?[] Senders, Sha256Digest[] Blocks);

    private readonly List<Attempt> _attempts = [];

    /// <summary>No piece waits for the truth.</summary>
    public bool IsBlank => _attempts.Count == 0;

    /// <summary>A piece failed. Returns the guilty if that is clear already.</summary>
    public PeerState? OnFailed(PartialPiece partial, Sha256Digest[]? blocks)
    {
        if (partial.OnlySender() is { } only)
        {
            return only;
        }

        if (blocks is not null && blocks.Length >= partial.BlockCount)
        {
            var senders = new PeerState?[partial.BlockCount];
            for (var i = 0; i < senders.Length; i++)
            {
                senders[i] = partial.SenderOf(i);
            }

            if (_attempts.Count == MaxAttempts)
            {
                _attempts.RemoveAt(0);
            }

            _attempts.Add(new Attempt(partial.Piece, senders, blocks));
        }

        return null;
    }

    /// <summary>Whether former attempts at the piece wait for a good one to compare with.</summary>
    public bool Awaits(PieceIndex piece) => _attempts.Exists(attempt => attempt.Piece == piece);

    /// <summary>The true digests of a piece's blocks are known. Returns those who sent others.</summary>
    public IReadOnlyList<PeerState> OnTruth(PieceIndex piece, ReadOnlySpan<Sha256Digest> blocks)
    {
        var guilty = new List<PeerState>();
        for (var i = _attempts.Count - 1; i >= 0; i--)
        {
            var attempt = _attempts[i];
            if (attempt.Piece != piece)
            {
                continue;
            }

            _attempts.RemoveAt(i);
            for (var block = 0; block < Math.Min(blocks.Length, attempt.Senders.Length); block++)
            {
                if (
                    attempt.Blocks[block] != blocks[block]
                    && attempt.Senders[block] is { } sender
                    && !guilty.Contains(sender)
                )
                {
                    guilty.Add(sender);
                }
            }
        }

        return guilty;
    }
}
