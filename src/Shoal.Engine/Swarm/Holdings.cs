using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// Which peer has which pieces, and from that: availability and our interest. BEP 3: "Interest state must be kept
/// up to date at all times".
/// </summary>
internal sealed class Holdings(SwarmState state)
{
    /// <summary>A peer joined; it has nothing until it says otherwise.</summary>
    public void Join(PeerState peer)
    {
        if (state.Content is { } content)
        {
            peer.Have = new Bitfield(content.Layout.PieceCount);
        }
    }

    public void Leave(PeerState peer)
    {
        if (state.Content is { } content && peer.Have is { } have)
        {
            Uncount(content, peer, have);
        }
    }

    public DisconnectReason? OnBitfield(PeerState peer, byte[] bytes)
    {
        // BEP 3: "'bitfield' is only ever sent as the first message." We take later ones, too, as so many have
        // messages: aria2 sends one where that is shorter. It costs us a pass over all pieces, so it counts as noise.
        var isLater = peer.SaidWhatItHas;
        if (isLater)
        {
            peer.Noise += 10 + bytes.Length / 1024;
        }

        peer.SaidWhatItHas = true;
        if (state.Content is not { } content)
        {
            if (bytes.Length > (2_097_152 + 7) / 8)
            {
                return DisconnectReason.BadBitfield;
            }

            peer.EarlyBitfield = bytes;
            return null;
        }

        if (!Bitfield.TryParse(bytes, content.Layout.PieceCount, out var have))
        {
            return DisconnectReason.BadBitfield;
        }

        Replace(content, peer, isLater ? Union(peer.Have!, have) : have);
        return null;
    }

    public DisconnectReason? OnHaveAllOrNone(PeerState peer, bool all)
    {
        // BEP 6: "When the fast extension is disabled, if a peer receives Have All or Have None then the peer MUST
        // close the connection."
        if (!peer.IsFast || peer.SaidWhatItHas)
        {
            return DisconnectReason.UnexpectedMessage;
        }

        peer.SaidWhatItHas = true;
        if (state.Content is not { } content)
        {
            peer.EarlyHaveAll = all;
            return null;
        }

        var have = new Bitfield(content.Layout.PieceCount);
        if (all)
        {
            have.SetAll();
        }

        Replace(content, peer, have);
        return null;
    }

    public DisconnectReason? OnHave(PeerState peer, uint index)
    {
        peer.SaidWhatItHas = true;
        if (state.Content is not { } content)
        {
            peer.EarlyHaves ??= [];
            peer.EarlyHaves.Add(index);
            return peer.EarlyHaves.Count > state.Limits.MaxEarlyHaves ? DisconnectReason.Flood : null;
        }

        if (!content.Layout.TryPiece(index, out var piece))
        {
            return DisconnectReason.BadIndex;
        }

        if (!peer.Have!.Set(piece))
        {
            peer.Noise++;
            return null;
        }

        content.Availability.Add(piece.Value);
        if (content.Needed[piece])
        {
            peer.Offers++;
            UpdateInterest(peer);
        }

        return null;
    }

    /// <summary>lt_donthave: the peer lost a piece.</summary>
    public DisconnectReason? OnDontHave(PeerState peer, uint index)
    {
        if (state.Content is not { } content)
        {
            return null;
        }

        if (!content.Layout.TryPiece(index, out var piece))
        {
            return DisconnectReason.BadIndex;
        }

        if (!peer.Have![piece])
        {
            peer.Noise++;
            return null;
        }

        if (peer.IsCountedAsSeed)
        {
            // All pieces are counted one by one from now on. Only the bitfield of a seed brings this about again.
            content.Availability.RemoveSeed();
            content.Availability.Add(peer.Have);
            peer.IsCountedAsSeed = false;
        }

        content.Availability.Remove(piece.Value);
        peer.Have.Clear(piece);
        if (content.Needed[piece])
        {
            peer.Offers--;
            UpdateInterest(peer);
        }

        return null;
    }

    /// <summary>A web seed has these pieces and no others; false: it makes no sense.</summary>
    public bool OnReplaced(PeerState peer, byte[] bytes)
    {
        if (state.Content is not { } content || !Bitfield.TryParse(bytes, content.Layout.PieceCount, out var have))
        {
            return false;
        }

        Replace(content, peer, have);
        return true;
    }

    /// <summary>The metadata is known now: what peers said before can be understood.</summary>
    public void OnMetadata(ContentState content)
    {
        foreach (var peer in state.Peers)
        {
            var have = new Bitfield(content.Layout.PieceCount);
            if (peer.EarlyHaveAll)
            {
                have.SetAll();
            }
            else if (peer.EarlyBitfield is { } bytes)
            {
                if (!Bitfield.TryParse(bytes, content.Layout.PieceCount, out have))
                {
                    have = new Bitfield(content.Layout.PieceCount);
                    state.Doom(peer, DisconnectReason.BadBitfield);
                }
            }

            foreach (var index in peer.EarlyHaves ?? [])
            {
                if (content.Layout.TryPiece(index, out var piece))
                {
                    have.Set(piece);
                }
                else
                {
                    state.Doom(peer, DisconnectReason.BadIndex);
                }
            }

            (peer.EarlyBitfield, peer.EarlyHaves) = (null, null);
            peer.Have = new Bitfield(content.Layout.PieceCount);
            Replace(content, peer, have);
        }
    }

    /// <summary>A piece is proven: nobody can offer it any more.</summary>
    public void OnProven(PieceIndex piece, bool wasNeeded)
    {
        foreach (var peer in state.Peers)
        {
            // Advice that is of no use any more would be looked at each time we may ask for something.
            peer.AllowedToUs.Remove(piece);
            peer.Suggested.Remove(piece);
            if (wasNeeded && peer.Have![piece])
            {
                peer.Offers--;
                UpdateInterest(peer);
            }
        }
    }

    /// <summary>What we need changed as a whole.</summary>
    public void Recount()
    {
        foreach (var peer in state.Peers)
        {
            if (state.Content is { } content && peer.Have is { } have)
            {
                peer.Offers = BitScan.CountCommon(have, content.Needed);
                UpdateInterest(peer);
            }
        }
    }

    private void Replace(ContentState content, PeerState peer, Bitfield have)
    {
        Uncount(content, peer, peer.Have!);
        peer.Have = have;
        peer.IsCountedAsSeed = have.IsFull;
        if (have.IsFull)
        {
            content.Availability.AddSeed();
        }
        else
        {
            content.Availability.Add(have);
        }

        peer.Offers = BitScan.CountCommon(have, content.Needed);
        UpdateInterest(peer);
    }

    private static Bitfield Union(Bitfield before, Bitfield now)
    {
        for (var i = 0; i < before.Length; i++)
        {
            if (before[i])
            {
                now.Set(i);
            }
        }

        return now;
    }

    private static void Uncount(ContentState content, PeerState peer, Bitfield have)
    {
        if (peer.IsCountedAsSeed)
        {
            content.Availability.RemoveSeed();
        }
        else
        {
            content.Availability.Remove(have);
        }
    }

    private void UpdateInterest(PeerState peer)
    {
        var interested = peer.Offers > 0;
        if (interested != peer.AreWeInterested)
        {
            peer.AreWeInterested = interested;
            state.Send(peer, interested ? MessageId.Interested : MessageId.NotInterested);
        }
    }
}
