using Shoal.Protocol;

namespace Shoal.Engine;

// What readers need of the ledger.
internal sealed partial class RequestLedger
{
    /// <summary>Set by readers: makes room for what they need at a peer that has just unchoked us.</summary>
    public Action<PeerState>? BeforeUnchokedRefill { get; set; }

    public void OnUnchoke(PeerState peer)
    {
        peer.IsChokingUs = false;
        peer.NoAskBefore = default;
        peer.RejectsInRow = 0;
        BeforeUnchokedRefill?.Invoke(peer);
        Refill(peer);
    }

    /// <summary>
    /// Allowed pieces are something to begin with. But whoever reads would wait until they are through the line, and most
    /// peers unchoke within a round trip.
    /// </summary>
    private bool IsPatient(PeerState peer) =>
        state.Readers.Count > 0 && state.Now - peer.JoinedAt < state.Limits.Readers.Patience;

    /// <summary>Takes requests back: others are more urgent.</summary>
    public void CancelWhere(PeerState peer, Func<BlockRef, bool> isInTheWay)
    {
        for (var i = peer.Asks.Count - 1; i >= 0; i--)
        {
            var ask = peer.Asks[i];
            if (ask.Phase == AskPhase.Active && isInTheWay(new BlockRef(ask.Piece.Piece, ask.Block)))
            {
                Cancel(peer, i);
            }
        }
    }
}
