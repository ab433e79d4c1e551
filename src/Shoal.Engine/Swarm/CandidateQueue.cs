using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// In which order candidates are tried, and which is forgotten when there are too many. Whoever names candidates has a
/// lane of its own; lanes take turns, so that thousands of invented addresses delay nobody else's honest ones.
/// </summary>
/// <remarks>
/// Fair queueing: an attempt costs its lane one, a connection pays it back; the cheapest lane is next. So a lane whose
/// addresses answer is preferred to one whose addresses do not. A lane that was empty begins where the others are.
/// All hearsay together counts as one lane besides: peers are many, and free to make. What the user or the local network
/// names goes first. Every operation costs the logarithm of the number of candidates and the number of lanes.
/// </remarks>
internal sealed class CandidateQueue
{
    internal readonly record struct LaneKey(CandidateTeller Teller, Hearsay.Sponsor? Sponsor, bool AreSeeds);

    internal sealed class Lane(LaneKey key, int number)
    {
        public LaneKey Key => key;
        public int Number => number;

        /// <summary>To be tried now, best first.</summary>
        public SortedSet<Candidate> Ready { get; } = new(TryOrder);

        /// <summary>Of all that are queued those that failed, worst first.</summary>
        public SortedSet<Candidate> Failed { get; } = new(ForgetOrder);

        /// <summary>Queued in all: ready, or waiting for their time.</summary>
        public int Count { get; set; }
        public double Cost { get; set; }

        /// <summary>0: the user, 1: the local network and calls agreed on (BEP 55), 2: everybody else.</summary>
        public int Rank { get; } =
            key.Sponsor is not null ? 2
            : key.Teller.Source == PeerSource.User ? 0
            : key.Teller.Source is PeerSource.LocalDiscovery or PeerSource.HolePunch ? 1
            : 2;
    }

    private static readonly Comparer<Candidate> TryOrder = Comparer<Candidate>.Create(
        static (a, b) =>
            a.Failures != b.Failures ? a.Failures.CompareTo(b.Failures)
            : a.Priority != b.Priority ? b.Priority.CompareTo(a.Priority)
            : a.Number.CompareTo(b.Number)
    );

    private static readonly Comparer<Candidate> TimeOrder = Comparer<Candidate>.Create(
        static (a, b) => a.NotBefore != b.NotBefore ? a.NotBefore.CompareTo(b.NotBefore) : a.Number.CompareTo(b.Number)
    );

    private static readonly Comparer<Candidate> ForgetOrder = Comparer<Candidate>.Create(
        static (a, b) => a.Failures != b.Failures ? b.Failures.CompareTo(a.Failures) : a.Number.CompareTo(b.Number)
    );

    private readonly Dictionary<LaneKey, Lane> _byKey = [];
    private readonly List<Lane> _lanes = [];
    private readonly SortedSet<Candidate> _waiting = new(TimeOrder);
    private double _hearsayCost;
    private double _floor;
    private int _lastLane;

    /// <summary>Queued candidates.</summary>
    public int Count { get; private set; }

    /// <summary>Queues an idle candidate: to be tried from <see cref="Candidate.NotBefore"/> on.</summary>
    public void Add(Candidate candidate)
    {
        var key = KeyOf(candidate);
        if (!_byKey.TryGetValue(key, out var lane))
        {
            if (key.Sponsor is not null && !_lanes.Exists(other => other.Key.Sponsor is not null))
            {
                _hearsayCost = Math.Max(_hearsayCost, _floor);
            }

            _byKey[key] = lane = new Lane(key, _lastLane++) { Cost = _floor };
            _lanes.Add(lane);
        }

        candidate.Lane = lane;
        lane.Count++;
        if (candidate.Failures > 0)
        {
            lane.Failed.Add(candidate);
        }

        Count++;
        _waiting.Add(candidate);
    }

    /// <summary>Nothing happens if it is not queued.</summary>
    public void Remove(Candidate candidate)
    {
        if (candidate.Lane is not { } lane)
        {
            return;
        }

        candidate.Lane = null;
        lane.Failed.Remove(candidate);
        Count--;
        _ = lane.Ready.Remove(candidate) || _waiting.Remove(candidate);
        if (--lane.Count == 0)
        {
            _byKey.Remove(lane.Key);
            _lanes.Remove(lane);
        }
    }

    /// <summary>Takes the best candidate out of the queue; null: none may be tried now.</summary>
    /// <param name="now">The time.</param>
    /// <param name="withHearsay">Whether what only peers say may be tried.</param>
    /// <param name="withSeeds">Whether those may that peers say are seeds.</param>
    public Candidate? Take(TimeSpan now, bool withHearsay, bool withSeeds)
    {
        Awake(now);
        Lane? best = null;
        foreach (var lane in _lanes)
        {
            var mayNot = (lane.Key.Sponsor is not null && !withHearsay) || (lane.Key.AreSeeds && !withSeeds);
            if (lane.Ready.Count > 0 && !mayNot && (best is null || IsBefore(lane, best)))
            {
                best = lane;
            }
        }

        if (best?.Ready.Min is not { } candidate)
        {
            return null;
        }

        if (best.Rank == 2)
        {
            _floor = Math.Max(_floor, CostOf(best));
        }

        Charge(best, 1);
        Remove(candidate);
        return candidate;
    }

    /// <summary>It was taken, and it answered: what it cost is paid back.</summary>
    public void Reward(Candidate candidate)
    {
        if (_byKey.TryGetValue(KeyOf(candidate), out var lane))
        {
            Charge(lane, -1);
        }
        else if (candidate.Sponsor is not null)
        {
            _hearsayCost--;
        }
    }

    /// <summary>
    /// Which queued candidate to forget for a newcomer: of the longest lane, or, where the newcomer's own is as long, of
    /// that one if it has one that failed. Null: the newcomer is the one that there is no room for.
    /// </summary>
    public Candidate? Worst(Candidate newcomer, TimeSpan now)
    {
        Awake(now);
        Lane? longest = null;
        foreach (var lane in _lanes)
        {
            longest = lane.Rank > 0 && lane.Count > (longest?.Count ?? 0) ? lane : longest;
        }

        var own = _byKey.GetValueOrDefault(KeyOf(newcomer));
        return longest is not null && longest.Count > (own?.Count ?? 0) + 1
            ? longest.Failed.Min ?? longest.Ready.Max ?? LastWaiting(longest)
            : own?.Failed.Min;
    }

    private Candidate? LastWaiting(Lane lane) => _waiting.Reverse().FirstOrDefault(one => one.Lane == lane);

    private void Awake(TimeSpan now)
    {
        while (_waiting.Min is { } next && next.NotBefore <= now)
        {
            _waiting.Remove(next);
            next.Lane!.Ready.Add(next);
        }
    }

    private bool IsBefore(Lane a, Lane b)
    {
        if (a.Rank != b.Rank)
        {
            return a.Rank < b.Rank;
        }

        if (CostOf(a) != CostOf(b))
        {
            return CostOf(a) < CostOf(b);
        }

        if (a.Key.Sponsor is { } one && b.Key.Sponsor is { } other && one.Missed != other.Missed)
        {
            return one.Missed < other.Missed;
        }

        return a.Cost != b.Cost ? a.Cost < b.Cost : a.Number < b.Number;
    }

    private double CostOf(Lane lane) => lane.Key.Sponsor is null ? lane.Cost : _hearsayCost;

    private void Charge(Lane lane, int attempts)
    {
        lane.Cost += attempts;
        _hearsayCost += lane.Key.Sponsor is null ? 0 : attempts;
    }

    private static LaneKey KeyOf(Candidate candidate) =>
        candidate.Sponsor is { } sponsor
            ? new LaneKey(default, sponsor, (candidate.Flags & PexFlags.UploadOnly) != 0)
            : new LaneKey(candidate.Teller, null, false);
}
