using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// A seed tells each peer which pieces nobody has got from it yet. BEP 6: suggestions are for "'super-seeding' without
/// throughput reduction, to avoid redundant downloads"; peers that begin at once would else choose the same pieces,
/// since none of them can know what the others have just asked for.
/// </summary>
internal sealed class Suggester(SwarmState state)
{
    /// <summary>Suggestions a peer has not fulfilled yet: one to fetch, one to go on with.</summary>
    private const int Outstanding = 2;

    /// <summary>Pieces looked at for one suggestion: close to the rarest at a fixed cost.</summary>
    private const int Sample = 64;

    private int[]? _suggested;

    private bool IsOn => state.IsSeeding && !state.IsSuperSeeding && state.Content is { Have.IsFull: true };

    public void Join(PeerState peer)
    {
        for (var i = 0; i < Outstanding; i++)
        {
            Suggest(peer);
        }
    }

    public void OnHave(PeerState peer, uint index)
    {
        if (IsOn && peer.SuggestedToPeer.Remove((int)index))
        {
            Suggest(peer);
        }
    }

    private void Suggest(PeerState peer)
    {
        if (!IsOn || !peer.IsFast || peer.IsSeed || peer.SuggestedToPeer.Count >= Outstanding)
        {
            return;
        }

        var content = state.Content!;
        var count = content.Layout.PieceCount;
        if (count == 0)
        {
            return;
        }

        _suggested ??= new int[count];
        var best = -1;
        var bestScore = int.MaxValue;
        var start = state.Random.Next(count);
        for (var i = 0; i < Math.Min(count, Sample); i++)
        {
            var piece = (start + i) % count;
            var score = content.Availability[piece] + _suggested[piece];
            if (score < bestScore && !peer.Have![piece] && !peer.SuggestedToPeer.Contains(piece))
            {
                (best, bestScore) = (piece, score);
            }
        }

        // Where everything is spread already, the peers know better than we do.
        if (best >= 0 && bestScore <= 1)
        {
            _suggested[best]++;
            peer.SuggestedToPeer.Add(best);
            state.Send(peer, MessageId.Suggest, (uint)best);
        }
    }
}
