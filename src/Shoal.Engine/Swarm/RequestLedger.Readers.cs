using Shoal.Protocol;

namespace Shoal.Engine;

// What readers need of the ledger.
internal sealed partial class RequestLedger
{
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
