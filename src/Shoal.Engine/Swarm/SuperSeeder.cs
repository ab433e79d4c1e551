using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// BEP 16: a seed with little bandwidth shows each peer one piece at a time, and the next only when it has seen the
/// former at another peer: each piece leaves us about once.
/// </summary>
/// <remarks>
/// A peer that may not ask is shown a piece too, or it would not want to. So a piece is shown to several, and is that of the first
/// who asks for it; from then on the others are refused. What others have they get from one another, and we rest: only who has got
/// nothing for a while from anybody is shown more.
/// </remarks>
internal sealed class SuperSeeder(SwarmState state)
{
    /// <summary>Pieces a peer that may ask has before it: one to fetch, one so that the link is busy meanwhile.</summary>
    private const int Outstanding = 2;

    /// <summary>Whoever fetches a piece has so long until others may, in seconds, and what it takes at <see cref="SlowRate"/>.</summary>
    private const double FetchSeconds = 60;

    /// <summary>
    /// Who has got no piece from anybody for so long, in seconds, and what one takes at <see cref="SlowRate"/>, finds none at the others.
    /// </summary>
    private const double StarvingSeconds = 10;

    /// <summary>Bytes a second.</summary>
    private const double SlowRate = 250_000;

    /// <summary>
    /// Each time somebody starves that time is halved, so often: others may say that they have what they do not have or do not give, and
    /// whoever waits for us should not wait for them again and again.
    /// </summary>
    private const int MostHalved = 4;

    private int _halved;

    // How often we have shown each piece; null while we do not super-seed or know no pieces.
    private int[]? _shown;

    // Who fetches each piece, or did, and since when.
    private (PeerState? Peer, TimeSpan Since)[] _takers = [];

    private bool IsOn => state.IsSuperSeeding && state.IsSeeding && state.Content is { Have.IsFull: true };

    /// <summary>Nobody was shown anything yet.</summary>
    public bool IsBlank => _shown is null;

    public void Join(PeerState peer)
    {
        if (IsOn && !peer.IsSeed)
        {
            peer.LastPieceAt = state.Now;
            Show(peer);
        }
    }

    /// <summary>The peer may ask: it is worth more than one piece to it.</summary>
    public void OnUnchoked(PeerState peer)
    {
        if (IsOn)
        {
            ShowNext(peer);
        }
    }

    /// <summary>An uplink with nothing to send waits for no proof that somebody passes on.</summary>
    public void OnTick()
    {
        if (!IsOn || state.Peers.Exists(peer => peer.SendAhead > 0 || peer.Uploads.Count > 0))
        {
            return;
        }

        foreach (var peer in state.Peers)
        {
            if (!peer.AreWeChoking && Unfetched(peer) == 0)
            {
                Show(peer);
            }
        }
    }

    /// <summary>Who came before we had everything, or before it was known that we have, was shown nothing.</summary>
    public void OnSecond()
    {
        if (!IsOn)
        {
            return;
        }

        foreach (var peer in state.Peers)
        {
            if (peer.Shown.Count == 0 && peer.WasShown.Count == 0)
            {
                Join(peer);
            }

            if (!peer.IsSeed && Unfetched(peer) == 0 && state.Now - peer.LastPieceAt >= Patience && Show(peer, true))
            {
                peer.LastPieceAt = state.Now;
                _halved = Math.Min(_halved + 1, MostHalved);
            }
        }
    }

    /// <summary>The peer is gone: what it was fetching is free.</summary>
    public void Leave(PeerState peer)
    {
        for (var piece = 0; piece < _takers.Length; piece++)
        {
            _takers[piece] = _takers[piece].Peer == peer ? default : _takers[piece];
        }
    }

    /// <summary>The peer asks for a block: the piece is its own, if nobody else has it or fetches it.</summary>
    public void OnRequest(PeerState peer, uint index)
    {
        if (
            IsOn
            && state.Content!.Layout.TryPiece(index, out var piece)
            && !peer.AreWeChoking
            && IsShown(peer, piece.Value)
            && _takers[piece.Value].Peer != peer
            && (IsFree(piece.Value) || !peer.IsFast)
        )
        {
            _takers[piece.Value] = (peer, state.Now);
        }
    }

    /// <summary>A peer has got a piece. Those we showed it to have passed it on.</summary>
    public void OnHave(PeerState from, uint index)
    {
        if (!IsOn || !state.Content!.Layout.TryPiece(index, out var piece))
        {
            return;
        }

        from.LastPieceAt = state.Now;
        foreach (var peer in state.Peers)
        {
            if (peer != from && peer.Shown.Remove(piece.Value))
            {
                peer.WasShown.Add(piece.Value);
                ShowNext(peer);
            }
        }

        // It has what we showed it, and nobody else is left to pass it on to.
        if (from.Shown.Contains(piece.Value) && !state.Peers.Exists(peer => peer != from && !peer.Have![piece]))
        {
            from.Shown.Remove(piece.Value);
            from.WasShown.Add(piece.Value);
            ShowNext(from);
        }
    }

    /// <summary>Whether the peer may not know that we have the piece, or must not get it from us since others can give it.</summary>
    public bool IsHidden(PeerState peer, PieceIndex piece) =>
        IsOn && (!IsShown(peer, piece.Value) || (peer.IsFast && _takers[piece.Value].Peer != peer));

    /// <summary>The mode was switched: off means that everything is shown.</summary>
    public void OnSwitched()
    {
        if (!state.IsSuperSeeding && state.Content is { } content)
        {
            foreach (var peer in state.Peers)
            {
                for (var i = 0; i < content.Layout.PieceCount; i++)
                {
                    if (content.Have[i] && !IsShown(peer, i))
                    {
                        state.Send(peer, MessageId.Have, (uint)i);
                    }
                }

                peer.Shown.Clear();
                peer.WasShown.Clear();
            }

            _shown = null;
            _takers = [];
        }
    }

    private double PieceSeconds => state.Content!.Layout.PieceLength / SlowRate;

    private TimeSpan Patience => TimeSpan.FromSeconds((StarvingSeconds + PieceSeconds) / (1 << _halved));

    private static bool IsShown(PeerState peer, int piece) =>
        peer.Shown.Contains(piece) || peer.WasShown.Contains(piece);

    /// <summary>Pieces that the peer was shown and can still fetch from us.</summary>
    private int Unfetched(PeerState peer)
    {
        var count = 0;
        foreach (var piece in peer.Shown)
        {
            count += !peer.Have![piece] && (IsFree(piece) || _takers[piece].Peer == peer) ? 1 : 0;
        }

        return count;
    }

    /// <summary>Nobody has the piece, nor is somebody about to.</summary>
    private bool IsFree(int piece)
    {
        var (peer, since) = _takers[piece];
        return state.Content!.Availability[piece] == 0
            && (
                peer is null
                || (peer.AreWeChoking && peer.MayFinish?.Value != piece)
                || (state.Now - since).TotalSeconds > FetchSeconds + PieceSeconds
            );
    }

    private void ShowNext(PeerState peer)
    {
        if (Unfetched(peer) < (peer.AreWeChoking ? 1 : Outstanding))
        {
            Show(peer);
        }
    }

    /// <returns>Whether there was one to show.</returns>
    private bool Show(PeerState peer, bool isStarving = false)
    {
        var content = state.Content!;
        _shown ??= new int[content.Layout.PieceCount];
        _takers = _takers.Length == _shown.Length ? _takers : new (PeerState?, TimeSpan)[_shown.Length];
        var best = -1;
        var bestScore = int.MaxValue;
        var start = state.Random.Next(_shown.Length);
        for (var i = 0; i < _shown.Length; i++)
        {
            var piece = (start + i) % _shown.Length;
            if (peer.Have![piece] || !(isStarving || (IsFree(piece) && !IsShown(peer, piece))))
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

        if (best < 0)
        {
            return false;
        }

        if (isStarving)
        {
            // Also what it knows of, and was refused since others had it.
            _takers[best] = (peer, state.Now);
        }

        if (IsShown(peer, best))
        {
            return true;
        }

        _shown[best]++;
        peer.Shown.Add(best);
        state.Send(peer, MessageId.Have, (uint)best);
        return true;
    }
}
