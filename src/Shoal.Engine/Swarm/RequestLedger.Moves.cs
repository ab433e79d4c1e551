using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// Requests that wait at a busy peer are moved to one that has nothing to do for us: else its uplink would be lost, since
/// all it has is asked of others already.
/// </summary>
internal sealed partial class RequestLedger
{
    /// <summary>A peer that has at least so many more requests can do without the last of them.</summary>
    private const int MoveFrom = 4;

    /// <summary>Requests moved at once.</summary>
    private const int MostMoved = 8;

    private void MoveTo(PeerState peer, int want)
    {
        if (
            peer.IsWebSeed
            || peer.ActiveAsks > 0
            // Who reads has chosen carefully whom to ask for what.
            || state.Readers.Count > 0
            // It has better things to do.
            || GuidedPicker.IsGuiding(peer, state.Now)
        )
        {
            return;
        }

        for (var left = Math.Min(want, MostMoved); left > 0; left--)
        {
            PeerState? busiest = null;
            var place = -1;
            foreach (var other in state.Peers)
            {
                if (
                    other.ActiveAsks >= Math.Max(peer.ActiveAsks + MoveFrom, (busiest?.ActiveAsks ?? 0) + 1)
                    // Others do not say whether the block still comes.
                    && other is { IsFast: true, IsWebSeed: false }
                    && LastMovable(other, peer) is >= 0 and var last
                )
                {
                    (busiest, place) = (other, last);
                }
            }

            if (busiest is null)
            {
                return;
            }

            var ask = busiest.Asks[place];
            Cancel(busiest, place);
            ask.Piece.Ask(ask.Block, peer);
            Send(peer, new BlockRef(ask.Piece.Piece, ask.Block));
            peer.Asks[peer.Asks.Count - 1].IsMoved = true;
        }
    }

    /// <summary>The peer chokes us, for who knows how long: what it had for itself is for others.</summary>
    private void LeavePieces(PeerState peer)
    {
        foreach (var partial in state.Content?.PartialOrder ?? [])
        {
            partial.Owner = partial.Owner == peer && !partial.IsOnParole ? null : partial.Owner;
        }
    }

    /// <summary>The last request that can be moved: not the first, which may be on its way, and none that was moved before.</summary>
    private static int LastMovable(PeerState from, PeerState to)
    {
        for (var i = from.Asks.Count - 1; i >= 1; i--)
        {
            ref var ask = ref from.Asks[i];
            if (
                ask
                    is {
                        Phase: AskPhase.Active,
                        IsMoved: false,
                        Piece: { IsGone: false, IsOnParole: false, Level: > 0 }
                    }
                && ask.Piece[ask.Block] == BlockPhase.Requested
                && ask.Piece.AskersOf(ask.Block) == 1
                && to.Have![ask.Piece.Piece]
                && to.FindAsk(new BlockRef(ask.Piece.Piece, ask.Block)) < 0
            )
            {
                return i;
            }
        }

        return -1;
    }
}
