using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// A seed tells each peer which pieces nobody else has got or fetches from it. BEP 6: suggestions are for
/// "'super-seeding' without throughput reduction, to avoid redundant downloads"; peers that begin at once would else
/// choose the same pieces, since none of them can know what the others have just asked for.
/// </summary>
/// <remarks>
/// A suggestion is spent when the peer asks for the piece, not when it has it: however long its queue is, there is
/// always one more piece it can begin without doing what another does.
/// </remarks>
internal sealed class Suggester(SwarmState state)
{
    /// <summary>Suggestions that a peer has not taken up yet: one to begin, one in case that many fit in its queue.</summary>
    private const int Outstanding = 2;

    /// <summary>
    /// Who has passed on nothing for so many seconds after it had a piece, while others wanted something, keeps what it gets to
    /// itself: other clients decide every ten or fifteen seconds whom they give to. Besides, it has the time in which a slow uplink
    /// sends a piece to several at once.
    /// </summary>
    private const double KeepingSeconds = 15;

    /// <summary>See there: four peers share 2 Mbit/s. In bytes a second for each.</summary>
    private const double SlowRate = 62_500;

    /// <summary>Pieces of one peer that are remembered as under way; beyond, others may be sent to them too.</summary>
    private const int MaxTaken = 64;

    // Every piece once, in random order: each is offered when its turn comes, if it is still only here.
    private int[]? _order;
    private int _next;

    // Pieces whose taker left without them.
    private readonly Stack<int> _returned = new();

    // Pieces that nobody has but a peer that keeps them to itself.
    private readonly HashSet<int> _lost = [];

    // How many of the connected peers were told of each piece or asked for it, and do not have it.
    private int[] _takers = [];

    // Who of the connected peers got each piece from us first.
    private PeerState?[] _firstTakers = [];

    private bool IsOn => state.IsSeeding && !state.IsSuperSeeding && state.Content is { Have.IsFull: true };

    /// <summary>Suggestions are for those who can ask.</summary>
    public void OnUnchoked(PeerState peer) => Fill(peer);

    /// <summary>
    /// The peer is about to be choked. What it has begun it may finish, if nobody else is about to have it; what it has
    /// only asked for is for others.
    /// </summary>
    public PieceIndex? OnChoking(PeerState peer)
    {
        if (!IsOn || !peer.IsFast)
        {
            return null;
        }

        var hasBegun = peer.TakenFromUs?.Contains(peer.LastServed) == true;
        var begun = hasBegun && Takers(peer.LastServed) == 1 ? peer.LastServed : -1;
        var waiting = new HashSet<int>();
        for (var i = 0; i < peer.Uploads.Count; i++)
        {
            waiting.Add(peer.Uploads[i].Piece.Value);
        }

        Release(peer, piece => piece != begun && waiting.Contains(piece));
        return begun < 0 ? null : state.Content!.Layout.Piece(begun);
    }

    /// <summary>The peer asks us for a block of the piece.</summary>
    public void OnRequest(PeerState peer, uint index)
    {
        if (!IsOn || peer.IsKeeping || peer.LastAsked == index || index >= state.Content!.Layout.PieceCount)
        {
            return;
        }

        // It is refused, and what it does not get is for others.
        if (peer.AreWeChoking && peer.MayFinish?.Value != index)
        {
            return;
        }

        peer.LastAsked = index;
        var piece = (int)index;
        var taken = peer.TakenFromUs ??= [];
        if (taken.Contains(piece))
        {
            return;
        }

        if (peer.SuggestedToPeer?.Remove(piece) != true)
        {
            if (taken.Count == MaxTaken || peer.Have![piece])
            {
                return;
            }

            Takers(piece)++;
        }

        taken.Add(piece);
        if (Takers(piece) == 1 && IsNowhereElse(piece) && !peer.IsGone)
        {
            FirstTaker(piece) = peer;
            peer.UploadedAtFirst ??= peer.Up.Total;
        }

        Fill(peer);
    }

    public void OnHave(PeerState peer, uint index)
    {
        var piece = (int)index;
        var isOfUs = peer.TakenFromUs?.Remove(piece) == true;
        if (!peer.IsKeeping)
        {
            _lost.Remove(piece);
        }
        else if (state.Content?.Availability[piece] == 1 && _lost.Add(piece))
        {
            _returned.Push(piece);
        }

        if (!isOfUs && index < _firstTakers.Length && _firstTakers[index] is { } first && first != peer)
        {
            // Where it came from cannot be seen, but there was no other who had it whole.
            (first.HasPassedOn, first.IsKeeping) = (true, false);
            _lost.RemoveWhere(lost => _firstTakers[lost] == first);
            _firstTakers[index] = null;
        }

        if (isOfUs || peer.SuggestedToPeer?.Remove(piece) == true)
        {
            Takers(piece)--;
            Fill(peer);
        }
    }

    public void Leave(PeerState peer)
    {
        Release(peer, _ => true);
        for (var i = 0; peer.UploadedAtFirst is not null && i < _firstTakers.Length; i++)
        {
            _firstTakers[i] = _firstTakers[i] == peer ? null : _firstTakers[i];
        }
    }

    /// <summary>Notices who keeps everything to itself: what only such a peer has is as good as lost.</summary>
    public void OnSecond()
    {
        if (!IsOn)
        {
            return;
        }

        var pieceLength = state.Content!.Layout.PieceLength;
        foreach (var peer in state.Peers)
        {
            // By what it was sent, whatever it says of what it has. Who is alone has nobody to give to.
            if (
                peer is { IsKeeping: false, HasPassedOn: false }
                && peer.Up.Total - peer.UploadedAtFirst >= pieceLength
                && !IsAlone(peer)
            )
            {
                peer.KeptSeconds++;
                if (peer.KeptSeconds >= KeepingSeconds + pieceLength / SlowRate)
                {
                    peer.IsKeeping = true;
                    GiveUp(peer);
                }
            }
        }
    }

    /// <summary>All that the peer has first, or was to have, is for others too.</summary>
    private void GiveUp(PeerState peer)
    {
        Release(peer, _ => true);
        for (var piece = 0; piece < _firstTakers.Length; piece++)
        {
            if (_firstTakers[piece] == peer && peer.Have![piece] && state.Content!.Availability[piece] == 1)
            {
                _lost.Add(piece);
                _returned.Push(piece);
            }
        }
    }

    /// <summary>What it was told of, and those of the pieces it asked for, are for others.</summary>
    private void Release(PeerState peer, Predicate<int> isFreed)
    {
        foreach (
            var piece in (peer.SuggestedToPeer ?? []).Concat((peer.TakenFromUs ?? []).Where(piece => isFreed(piece)))
        )
        {
            Takers(piece)--;
            _returned.Push(piece);
        }

        peer.SuggestedToPeer?.Clear();
        peer.TakenFromUs?.RemoveWhere(isFreed);
        peer.LastAsked = uint.MaxValue;
    }

    private void Fill(PeerState peer)
    {
        if (!IsOn || !peer.IsFast || peer.IsSeed || peer.AreWeChoking || peer.IsKeeping || IsAlone(peer))
        {
            return;
        }

        // Where everything is spread already, the peers know better than we do.
        var suggested = peer.SuggestedToPeer ??= [];
        while (suggested.Count < Outstanding && NextFor(peer) is { } piece)
        {
            Takers(piece)++;
            suggested.Add(piece);
            state.Send(peer, MessageId.Suggest, (uint)piece);
        }
    }

    /// <summary>Whether there may be pieces that only we have and nobody fetches.</summary>
    public bool HasMore()
    {
        if (!IsOn)
        {
            return false;
        }

        _order ??= CreateOrder(state.Content!.Layout.PieceCount);
        while (_next < _order.Length && !IsOnlyHere(_order[_next]))
        {
            _next++;
        }

        while (_returned.TryPeek(out var piece) && !IsOnlyHere(piece))
        {
            _returned.Pop();
        }

        return _next < _order.Length || _returned.Count > 0;
    }

    private int? NextFor(PeerState peer)
    {
        while (_returned.TryPop(out var piece))
        {
            if (IsOnlyHere(piece) && !peer.Have![piece])
            {
                return piece;
            }
        }

        _order ??= CreateOrder(state.Content!.Layout.PieceCount);
        while (_next < _order.Length)
        {
            var piece = _order[_next++];
            if (IsOnlyHere(piece))
            {
                return piece;
            }
        }

        return null;
    }

    /// <summary>
    /// Nobody else wants anything. Then nobody fetches anything twice, and what it is told does harm: libtorrent takes what is suggested before what its user
    /// waits for (deadlines, files in order).
    /// </summary>
    private bool IsAlone(PeerState peer)
    {
        foreach (var other in state.Peers)
        {
            if (other != peer && other.IsInterested)
            {
                return false;
            }
        }

        return true;
    }

    private bool IsOnlyHere(int piece) => Takers(piece) == 0 && IsNowhereElse(piece);

    private bool IsNowhereElse(int piece) =>
        state.Content!.Availability[piece] is var copies && (copies == 0 || (copies == 1 && _lost.Contains(piece)));

    private ref PeerState? FirstTaker(int piece)
    {
        if (_firstTakers.Length == 0)
        {
            _firstTakers = new PeerState?[state.Content!.Layout.PieceCount];
        }

        return ref _firstTakers[piece];
    }

    private ref int Takers(int piece)
    {
        if (_takers.Length == 0)
        {
            _takers = new int[state.Content!.Layout.PieceCount];
        }

        return ref _takers[piece];
    }

    private int[] CreateOrder(int count)
    {
        var order = new int[count];
        for (var i = 0; i < count; i++)
        {
            order[i] = i;
        }

        state.Random.Shuffle(order);
        return order;
    }
}
