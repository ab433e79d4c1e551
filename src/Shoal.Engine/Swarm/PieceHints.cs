namespace Shoal.Engine;

/// <summary>What peers advise us to take: pieces allowed although choked, and pieces suggested (BEP 6).</summary>
internal sealed class PieceHints(SwarmState state, RequestLedger ledger)
{
    public DisconnectReason? OnAllowedFast(PeerState peer, uint index)
    {
        if (!peer.IsFast)
        {
            return DisconnectReason.UnexpectedMessage;
        }

        if (state.Content is not { } content)
        {
            peer.Noise++;
            return null;
        }

        if (!content.Layout.TryPiece(index, out var piece))
        {
            return DisconnectReason.BadIndex;
        }

        peer.Noise++;
        // As many as anybody offers; a longer list would only make the search slow.
        if (peer.AllowedToUs.Count < 64 && !peer.AllowedToUs.Contains(piece))
        {
            peer.AllowedToUs.Add(piece);
            ledger.Refill(peer);
        }

        return null;
    }

    public DisconnectReason? OnSuggest(PeerState peer, uint index)
    {
        if (!peer.IsFast)
        {
            return DisconnectReason.UnexpectedMessage;
        }

        peer.Noise++;
        if (state.Content is not { } content)
        {
            return null;
        }

        if (!content.Layout.TryPiece(index, out var piece))
        {
            return DisconnectReason.BadIndex;
        }

        if (!peer.Suggested.Contains(piece))
        {
            if (peer.Suggested.Count == state.Limits.MaxSuggested)
            {
                peer.Suggested.RemoveAt(0);
            }

            peer.Suggested.Add(piece);
        }

        return null;
    }
}
