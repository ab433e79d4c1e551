using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// BEP 16: a seed with little bandwidth shows each peer one piece at a time, and the next only when it has seen the
/// former at another peer: each piece leaves us about once.
/// </summary>
internal sealed class SuperSeeder(SwarmState state)
{
    // How often we have shown each piece; null while we do not super-seed or know no pieces.
    private int[]? _shown;

    private bool IsOn => state.IsSuperSeeding && state.IsSeeding && state.Content is { Have.IsFull: true };

    /// <summary>Nobody was shown anything yet.</summary>
    public bool IsBlank => _shown is null;

    public void Join(PeerState peer)
    {
        if (IsOn && !peer.IsSeed)
        {
            // Two, so that the link is busy while the first is on its way to the others.
            Show(peer);
            Show(peer);
        }
    }

    /// <summary>Who came before we had everything, or before it was known that we have, was shown nothing.</summary>
    public void OnSecond()
    {
        if (IsOn)
        {
            foreach (var peer in state.Peers)
            {
                if (peer.Shown.Count == 0 && peer.WasShown.Count == 0)
                {
                    Join(peer);
                }
            }
        }
    }

    /// <summary>A peer has got a piece. Those we showed it to have passed it on.</summary>
    public void OnHave(PeerState from, uint index)
    {
        if (!IsOn || !state.Content!.Layout.TryPiece(index, out var piece))
        {
            return;
        }

        foreach (var peer in state.Peers)
        {
            if (peer != from && peer.Shown.Remove(piece.Value))
            {
                peer.WasShown.Add(piece.Value);
                Show(peer);
            }
        }

        // It has what we showed it, and nobody else is left to pass it on to.
        if (from.Shown.Contains(piece.Value) && !state.Peers.Exists(peer => peer != from && !peer.Have![piece]))
        {
            from.Shown.Remove(piece.Value);
            from.WasShown.Add(piece.Value);
            Show(from);
        }
    }

    /// <summary>Whether the peer may not know that we have the piece.</summary>
    public bool IsHidden(PeerState peer, PieceIndex piece) =>
        IsOn && !peer.Shown.Contains(piece.Value) && !peer.WasShown.Contains(piece.Value);

    /// <summary>The mode was switched: off means that everything is shown.</summary>
    public void OnSwitched()
    {
        if (!state.IsSuperSeeding && state.Content is { } content)
        {
            foreach (var peer in state.Peers)
            {
                for (var i = 0; i < content.Layout.PieceCount; i++)
                {
                    if (content.Have[i] && !peer.Shown.Contains(i) && !peer.WasShown.Contains(i))
                    {
                        state.Send(peer, MessageId.Have, (uint)i);
                    }
                }

                peer.Shown.Clear();
                peer.WasShown.Clear();
            }

            _shown = null;
        }
    }

    private void Show(PeerState peer)
    {
        var content = state.Content!;
        _shown ??= new int[content.Layout.PieceCount];
        var best = -1;
        var bestScore = int.MaxValue;
        var start = state.Random.Next(_shown.Length);
        for (var i = 0; i < _shown.Length; i++)
        {
            var piece = (start + i) % _shown.Length;
            if (peer.Have![piece] || peer.Shown.Contains(piece) || peer.WasShown.Contains(piece))
            {
                continue;
            }

            // First what nobody has and nobody was shown.
            var score = content.Availability[piece] * 2 + _shown[piece];
            if (score < bestScore)
            {
                (best, bestScore) = (piece, score);
            }
        }

        if (best >= 0)
        {
            _shown[best]++;
            peer.Shown.Add(best);
            state.Send(peer, MessageId.Have, (uint)best);
        }
    }
}
