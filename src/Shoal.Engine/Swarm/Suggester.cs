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
    /// <summary>Pieces suggested or given to a peer before it has passed on any.</summary>
    private const int Credit = 2;

    /// <summary>Who has passed on nothing for so long after it had a piece keeps what it gets to itself.</summary>
    private static readonly TimeSpan KeepingAfter = TimeSpan.FromSeconds(4);

    /// <summary>Pieces of one peer that are remembered as under way; beyond, others may be sent to them too.</summary>
    private const int MaxTaken = 64;

    // Every piece once, in random order: each is offered when its turn comes, if it is still only here.
    private int[]? _order;
    private int _next;

    // Before this place in the order others have every piece, as long as nobody leaves.
    private int _firstOnlyHere;

    // Pieces that nobody has but one who keeps them to itself.
    private readonly HashSet<int> _lost = [];

    // Pieces whose taker left without them.
    private readonly Stack<int> _returned = new();

    // How many of the connected peers were told of each piece or asked for it, and do not have it.
    private int[] _takers = [];

    // Who of the connected peers got each piece from us first.
    private PeerState?[] _firstTakers = [];

    private bool IsOn => state.IsSeeding && !state.IsSuperSeeding && state.Content is { Have.IsFull: true };

    /// <summary>Suggestions are for those who can ask.</summary>
    public void OnUnchoking(PeerState peer) => Fill(peer);

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
        if (
            (state.Content!.Availability[piece] == 0 || IsLost(piece))
            && (FirstTaker(piece) is null or { IsKeeping: true })
        )
        {
            FirstTaker(piece) = peer;
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

        if (
            !isOfUs
            && index < _firstTakers.Length
            && _firstTakers[index] is { } first
            && first != peer
            && first.Have![piece]
        )
        {
            // Where it came from cannot be seen, but there was no other who had it whole.
            first.HasPassedOn = true;
            first.IsKeeping = false;
            _firstTakers[index] = null;
        }

        if (isOfUs)
        {
            peer.HadFromUs++;
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
        _firstOnlyHere = 0;
        for (var i = 0; i < _firstTakers.Length; i++)
        {
            if (_firstTakers[i] == peer)
            {
                _firstTakers[i] = null;
                _returned.Push(i);
            }
        }
    }

    /// <summary>Notices who keeps everything to itself: what only such a peer has is as good as lost.</summary>
    public void OnSecond()
    {
        if (!IsOn)
        {
            return;
        }

        foreach (var peer in state.Peers)
        {
            // Whatever it says of what it has.
            if (peer.Up.Total >= state.Content!.Layout.PieceLength)
            {
                peer.HadFromUsAt ??= state.Now;
            }

            if (!peer.IsKeeping && !peer.HasPassedOn && state.Now - peer.HadFromUsAt >= KeepingAfter)
            {
                peer.IsKeeping = true;
                GiveUp(peer);
            }
        }
    }

    /// <summary>All that the peer has first, or was to have, is for others too.</summary>
    private void GiveUp(PeerState peer)
    {
        Release(peer, _ => true);
        for (var piece = 0; piece < _firstTakers.Length; piece++)
        {
            if (_firstTakers[piece] == peer && peer.Have![piece] && state.Content!.Availability[piece] <= 1)
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
            if (FirstTaker(piece) == peer && !peer.Have![piece])
            {
                FirstTaker(piece) = null;
            }

            _returned.Push(piece);
        }

        peer.SuggestedToPeer?.Clear();
        peer.TakenFromUs?.RemoveWhere(isFreed);
        peer.LastAsked = uint.MaxValue;
    }

    private void Fill(PeerState peer)
    {
        if (!IsOn || !peer.IsFast || peer.IsSeed || peer.AreWeChoking || peer.IsKeeping)
        {
            return;
        }

        // Where everything is spread already, the peers know better than we do.
        var suggested = peer.SuggestedToPeer ??= [];
        while (
            suggested.Count == 0
            && (peer.HasPassedOn || (peer.TakenFromUs?.Count ?? 0) + peer.HadFromUs < Credit)
            && NextFor(peer) is { } piece
        )
        {
            FirstTaker(piece) = peer;
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

        return _next < _order.Length || _returned.Count > 0;
    }

    /// <summary>Whether there are pieces that only we have, fetched by somebody or not.</summary>
    public bool HasOnlyHere()
    {
        if (!IsOn)
        {
            return false;
        }

        _order ??= CreateOrder(state.Content!.Layout.PieceCount);
        while (_firstOnlyHere < _order.Length && state.Content!.Availability[_order[_firstOnlyHere]] > 0)
        {
            _firstOnlyHere++;
        }

        _lost.RemoveWhere(piece => state.Content!.Availability[piece] > 1);
        return _firstOnlyHere < _order.Length || _lost.Count > 0;
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

    /// <summary>Whether nobody but us has the piece, and nobody but the peer fetches it or fetched it first.</summary>
    public bool IsOnlyFor(PeerState peer, int piece) =>
        (state.Content!.Availability[piece] == 0 || IsLost(piece)) && (Takers(piece) <= 1 || FirstTaker(piece) == peer);

    private bool IsLost(int piece) => state.Content!.Availability[piece] <= 1 && _lost.Contains(piece);

    private bool IsOnlyHere(int piece) =>
        (state.Content!.Availability[piece] == 0 || IsLost(piece)) && Takers(piece) == 0;

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
