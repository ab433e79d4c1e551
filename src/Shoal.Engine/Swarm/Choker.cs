namespace Shoal.Engine;

/// <summary>
/// Decides to whom we upload. While leeching: those that upload most to us, plus a few tried out (BEP 3: "optimistic
/// unchoking"). While seeding: by the mode the user chose. Changes every ten seconds, so that nobody flutters; a slot
/// that falls free is given away at once.
/// </summary>
/// <remarks>
/// How many at once: as many as keep the uplink busy. While nothing is asked of us though others would like to ask, the
/// uplink is lost to everybody, so further slots are opened; what nobody used costs nobody anything, also where a
/// selfish peer gets it. And a seed that has pieces nobody else has gives them to many, each its own, so that all have
/// something to trade.
/// </remarks>
internal sealed partial class Choker(SwarmState state, Uploader uploader)
{
    public static readonly TimeSpan RoundInterval = TimeSpan.FromSeconds(10);
    public static readonly TimeSpan OptimisticInterval = TimeSpan.FromSeconds(30);

    /// <summary>BEP 3: "new connections are three times as likely to start as the current optimistic unchoke".</summary>
    private const int NewcomerWeight = 3;

    /// <summary>Slots opened in a tick in which nothing was asked of us.</summary>
    private const int GrowthPerTick = 2;

    /// <summary>
    /// A seed that spreads gives to so many at once that each has a piece within this time, in seconds: soon enough to
    /// pass it on.
    /// </summary>
    private const double SpreadingSeconds = 2;

    /// <summary>
    /// The same for a super-seed, which nobody asks for what another gets: sooner, since whoever has a piece is to pass it on. With
    /// the least number of places it has nothing to send for a second after each round, until enough have grown again.
    /// </summary>
    private const double SuperSeedingSeconds = 0.75;

    private readonly List<PeerState> _order = [];
    private TimeSpan _nextRound;
    private TimeSpan _nextOptimistic;

    // Slots opened beyond the limit since the uplink was idle. A round takes a fifth of them back.
    private int _grown;

    /// <summary>Whether we may have pieces that nobody else has or fetches.</summary>
    public Func<bool>? IsSpreading { get; set; }

    /// <summary>Most peers unchoked at once: a torrent that has a part of the slots has that part of these, too.</summary>
    private int MostSlots
    {
        get
        {
            var limits = state.Limits;
            var part = limits.MaxUploadSlots * (long)state.UploadSlots / Math.Max(1, limits.UploadSlots);
            return (int)Math.Clamp(part, state.UploadSlots, Math.Max(state.UploadSlots, limits.MaxUploadSlots));
        }
    }

    /// <summary>Peers unchoked at once, as things stand.</summary>
    private int Slots
    {
        get
        {
            // Who gives nothing to anybody is not made to.
            if (state.UploadSlots == 0 || state.Content is not { } content)
            {
                return state.UploadSlots;
            }

            var seconds =
                !state.IsSeeding ? 0
                : state.IsSuperSeeding ? SuperSeedingSeconds
                : IsSpreading?.Invoke() == true ? SpreadingSeconds
                : 0;
            var spreading = (int)(state.Up.Slow * seconds / content.Layout.PieceLength);
            var most = MostSlots;
            return Math.Clamp(spreading, Math.Min(state.UploadSlots + _grown, most), most);
        }
    }

    private int OptimisticSlots => Math.Max(1, state.UploadSlots / 5);

    public void OnInterest(PeerState peer)
    {
        peer.IsNewcomer = false;
        if (!peer.IsInterested)
        {
            // It keeps its place until the round: BEP 3 lets it come back without a new decision.
            return;
        }

        FillFreeSlots();
    }

    public void OnTick()
    {
        if (state.Now >= _nextRound)
        {
            // Leeches that began together must not all decide at the same moments: who is unlucky with many of them would have
            // nothing for a whole round. Seeds decide with nobody.
            var isFirst = _nextRound == TimeSpan.Zero && !state.IsSeeding;
            _nextRound = state.Now + RoundInterval * (isFirst ? 0.5 + state.Random.NextDouble() / 2 : 1);
            Round();
        }

        ServePoorest();
        GrowWhileIdle();
    }

    /// <summary>A place may have become free.</summary>
    public void FillFreeSlots()
    {
        var used = CountUsed();
        var slots = Slots;
        while (used < slots && LongestWaiting(used) is { } next)
        {
            uploader.Unchoke(next);
            TryPlace(next);
            used++;
        }
    }

    /// <summary>
    /// Nothing waits to be sent: more may ask. Who comes to have something to ask for only later keeps its place until
    /// the round.
    /// </summary>
    private void GrowWhileIdle()
    {
        foreach (var peer in state.Peers)
        {
            if (peer.SendAhead > 0 || peer.Uploads.Count > 0)
            {
                return;
            }
        }

        var used = CountUsed();
        var most = MostSlots;
        for (var i = 0; i < GrowthPerTick && used >= Slots && used < most; i++)
        {
            if (LongestWaiting(used, isIdle: true) is not { } next)
            {
                return;
            }

            uploader.Unchoke(next);
            TryPlace(next);
            used++;
            _grown = Math.Max(_grown, used - state.UploadSlots);
        }
    }

    /// <summary>How many may ask now. Counts the places of their neighbourhoods besides.</summary>
    private int CountUsed()
    {
        var used = 0;
        _places.Clear();
        foreach (var peer in state.Peers)
        {
            if (!peer.AreWeChoking && peer.IsInterested)
            {
                used++;
                TryPlace(peer);
            }
        }

        return used;
    }

    /// <summary>
    /// Places beyond the limit are for those who have given something, and not for crowds: else who gives nothing
    /// would end as early as who does.
    /// </summary>
    private bool MayHaveMore(PeerState peer) => !IsCrowded(peer) && HasGiven(peer);

    /// <summary>To us; or, of a seed that spreads, to others.</summary>
    private bool HasGiven(PeerState peer) =>
        state.IsSeeding ? !peer.IsKeeping && (peer.HasPassedOn || IsSpreading?.Invoke() != true) : peer.Down.Total > 0;

    /// <summary>
    /// Of those who keep everything the one whose last place is longest ago: perhaps nobody could reach it, and it is as good as the
    /// others.
    /// </summary>
    private PeerState? LongestKeeping()
    {
        PeerState? longest = null;
        foreach (var peer in _order)
        {
            if (peer.IsKeeping && (longest is null || peer.UnchokedAt < longest.UnchokedAt))
            {
                longest = peer;
            }
        }

        return longest;
    }

    /// <summary>Whether a seed has to serve anybody but those who keep everything to themselves.</summary>
    private bool IsAnybodyElse() => state.Peers.Exists(peer => peer is { IsInterested: true, IsKeeping: false });

    /// <summary>One decision about everybody.</summary>
    public void Round()
    {
        var optimisticDue = state.Now >= _nextOptimistic;
        if (optimisticDue)
        {
            _nextOptimistic = state.Now + OptimisticInterval;
        }

        _order.Clear();
        foreach (var peer in state.Peers)
        {
            if (peer.IsInterested && !peer.IsGone)
            {
                _order.Add(peer);
            }
        }

        _grown -= (_grown + 4) / 5;
        Sort();
        var spread = Spread();
        var deserving = 0;
        for (var i = 0; i < spread; i++)
        {
            deserving += HasGiven(_order[i]) ? 1 : 0;
        }

        var slots = Math.Max(state.UploadSlots, Math.Min(Slots, deserving));
        var regular = Math.Max(1, slots - OptimisticSlots);
        var optimistic = ChooseOptimistic(regular, slots, Math.Max(spread, regular + OptimisticSlots), optimisticDue);
        var isAnybodyElse = state.IsSeeding && IsAnybodyElse();
        var free = state.UploadSlots - _order.Count;
        // For one round of three: a place at all times cost those who give a tenth.
        var tried =
            optimisticDue && isAnybodyElse && !optimistic.Exists(peer => peer.IsKeeping) ? LongestKeeping() : null;
        foreach (var peer in state.Peers)
        {
            var place = _order.IndexOf(peer);
            var isRegular =
                place >= 0 && (place < regular || _order.Count <= slots) && !(isAnybodyElse && peer.IsKeeping);
            var isChosen = isRegular || peer == tried || peer == _poorest || (place >= 0 && optimistic.Contains(peer));
            peer.IsOptimistic = optimistic.Contains(peer);
            if (isChosen)
            {
                uploader.Unchoke(peer);
            }
            else if (free > 0 && MayKeepPlace(peer))
            {
                free--;
            }
            else
            {
                uploader.Choke(peer);
            }
        }

        foreach (var peer in state.Peers)
        {
            peer.DownloadedAtRound = peer.Down.Total;
            peer.UploadedAtRound = peer.Up.Total;
        }

        FillFreeSlots();
    }

    /// <param name="used">Places given already.</param>
    /// <param name="isIdle">Nothing waits to be sent: then also who keeps everything, if there is nobody else.</param>
    private PeerState? LongestWaiting(int used, bool isIdle = false)
    {
        var isBeyond = used >= state.UploadSlots;
        PeerState? best = null;
        var bestKey = (false, false, TimeSpan.Zero);
        foreach (var peer in state.Peers)
        {
            var isKeeper = state.IsSeeding && peer.IsKeeping;
            if (
                !peer.IsInterested
                || !peer.AreWeChoking
                || peer.IsGone
                || (isKeeper ? !isIdle && IsAnybodyElse() : isBeyond && !MayHaveMore(peer))
            )
            {
                continue;
            }

            var key = (isKeeper, IsCrowded(peer), peer.UnchokedAt);
            if (best is null || key.CompareTo(bestKey) < 0)
            {
                (best, bestKey) = (peer, key);
            }
        }

        return best;
    }

    /// <summary>Best first. Ties keep the order of joining, so that a decision can be repeated.</summary>
    private void Sort()
    {
        var keyed = new (double Key, int Place, PeerState Peer)[_order.Count];
        for (var i = 0; i < keyed.Length; i++)
        {
            var score = state.IsSeeding ? SeedScore(_order[i]) : LeechScore(_order[i]);
            // Of those who gave nothing lately, those who did before.
            score = score == 0 && HasGiven(_order[i]) ? 0.5 : score;
            keyed[i] = (state.IsSeeding && _order[i].IsKeeping ? double.MinValue : score, i, _order[i]);
        }

        Array.Sort(keyed, static (a, b) => a.Key != b.Key ? b.Key.CompareTo(a.Key) : a.Place.CompareTo(b.Place));
        for (var i = 0; i < keyed.Length; i++)
        {
            _order[i] = keyed[i].Peer;
        }
    }

    /// <summary>Tit for tat: what it gave us since the last round. A snubbing peer is only tried out.</summary>
    private static double LeechScore(PeerState peer) => peer.IsSnubbed ? -1 : peer.Down.Total - peer.DownloadedAtRound;

    private double SeedScore(PeerState peer) =>
        state.Options.SeedChoking switch
        {
            SeedChoking.Fastest => peer.Up.Total - peer.UploadedAtRound,
            SeedChoking.AntiLeech => Math.Abs(
                peer.Have is { Length: > 0 } have ? (double)have.Count / have.Length - 0.5 : 0.5
            ),
            _ => TurnScore(peer),
        };

    /// <summary>
    /// Who has its turn keeps it until it got its share; then the one that has waited longest is next.
    /// </summary>
    private double TurnScore(PeerState peer)
    {
        var piece = state.Content?.Layout.PieceLength ?? 0;
        var share = Math.Max(16L * 1024 * 1024, 2L * piece);
        var isServed =
            peer.Up.Total - peer.UploadedAtUnchoke > share || state.Now - peer.UnchokedAt > TimeSpan.FromSeconds(60);
        return !peer.AreWeChoking && !isServed ? double.MaxValue : -peer.UnchokedAt.TotalSeconds;
    }

    /// <param name="regular">Places in the order that are given already.</param>
    /// <param name="slots">Places in all.</param>
    /// <param name="end">Where the crowd begins that is not to be tried out.</param>
    /// <param name="isDue">Whether those tried out so far have had their time.</param>
    private List<PeerState> ChooseOptimistic(int regular, int slots, int end, bool isDue)
    {
        var chosen = new List<PeerState>();
        if (_order.Count <= slots)
        {
            return chosen;
        }

        end = Math.Min(end, _order.Count);
        for (var i = regular; i < end && !isDue; i++)
        {
            if (_order[i].IsOptimistic && chosen.Count < OptimisticSlots)
            {
                chosen.Add(_order[i]);
            }
        }

        while (chosen.Count < OptimisticSlots)
        {
            var total = 0;
            for (var i = regular; i < end; i++)
            {
                total += chosen.Contains(_order[i]) ? 0 : Weight(_order[i]);
            }

            if (total == 0)
            {
                break;
            }

            var draw = state.Random.Next(total);
            for (var i = regular; i < end; i++)
            {
                draw -= chosen.Contains(_order[i]) ? 0 : Weight(_order[i]);
                if (draw < 0)
                {
                    chosen.Add(_order[i]);
                    break;
                }
            }
        }

        return chosen;
    }

    private int Weight(PeerState peer) =>
        state.Now - peer.JoinedAt < OptimisticInterval + OptimisticInterval ? NewcomerWeight : 1;
}
