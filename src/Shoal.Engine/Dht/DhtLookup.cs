using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

internal enum CandidateState : byte
{
    New,
    Asked,

    /// <summary>Asked, and the answer is overdue: somebody else is asked besides.</summary>
    Slow,
    Answered,
    Failed,
}

/// <summary>A node that a lookup knows of.</summary>
internal sealed class LookupCandidate(NodeContact contact, bool isIdKnown, LookupInformant? informant)
{
    public NodeId Id { get; private set; } = contact.Id;
    public IPEndPoint EndPoint { get; } = contact.EndPoint;

    /// <summary>False for an address without a name (bootstrap): it stands last, and gets its place when it answers.</summary>
    public bool IsIdKnown { get; private set; } = isIdKnown;

    /// <summary>Whether the id fits the address (BEP 42).</summary>
    public bool IsVerified { get; private set; } =
        isIdKnown && NodeIdRule.IsValid(contact.Id, contact.EndPoint.Address);

    public ulong? Subnet { get; } =
        DhtAddress.IsLocal(contact.EndPoint.Address) ? null : DhtAddress.Subnet(contact.EndPoint.Address);

    public CandidateState State { get; set; }

    /// <summary>Who named it first; null when it is our own knowledge.</summary>
    public LookupInformant? Informant => informant;

    /// <summary>
    /// One of those we know ourselves, asked in any case: else the first liar asked could surround us with his friends,
    /// all closer than those who would tell the truth.
    /// </summary>
    public bool IsStart { get; init; }

    /// <summary>Queries it takes to get to know it: 1 for those we know ourselves, one more than who named it first.</summary>
    public int Hops { get; init; } = 1;

    /// <summary>Several named it.</summary>
    public bool IsVouchedFor { get; set; }

    public byte[] Token { get; set; } = [];

    /// <summary>BEP 44: the sequence number it has, if it has the item.</summary>
    public long? Sequence { get; set; }

    public void Named(NodeId id)
    {
        Id = id;
        IsIdKnown = true;
        IsVerified = NodeIdRule.IsValid(id, EndPoint.Address);
    }
}

/// <summary>How those did whom one node named, over all lookups.</summary>
internal sealed class LookupInformant
{
    // Enough to remember: what was long ago counts half and less.
    private const int Window = 24;

    private int _silent;
    private int _good;

    /// <summary>Most of its contacts kept silent: it probably makes them up, or passes on what others make up.</summary>
    public bool IsSuspect => _silent >= 3 && _silent > _good;

    public void WasSilent() => Count(ref _silent);

    public void WasGood() => Count(ref _good);

    private void Count(ref int which)
    {
        which++;
        if (_silent + _good > Window)
        {
            _silent /= 2;
            _good /= 2;
        }
    }
}

/// <summary>
/// An iterative search for the nodes closest to a target: whom to ask next, and when it is over. Knows neither
/// time nor messages.
/// </summary>
/// <remarks>
/// Nodes whose id does not fit their address do not count towards the K closest (BEP 42: "Non-compliant nodes also
/// must not be considered to have sent a valid response when checking the termination condition of a lookup"), and
/// only so many are asked. Whoever names nodes that are silent is believed no more. One node per network counts.
/// </remarks>
internal sealed class DhtLookup(NodeId target, DhtLimits limits)
{
    // Closest first; those without a name last.
    private readonly List<LookupCandidate> _candidates = [];

    // By name and address: whoever names an address under a false id must not hide the one who has it.
    private readonly Dictionary<NodeContact, LookupCandidate> _byContact = [];
    private readonly HashSet<IPEndPoint> _askedAt = [];
    private readonly List<LookupCandidate> _start = [];
    private readonly HashSet<ulong> _networks = [];
    private int _unverifiedNew;
    private int _unverifiedAsked;

    public NodeId Target => target;

    /// <summary>Queries sent so far.</summary>
    public int Asked { get; private set; }

    public int Answered { get; private set; }

    /// <summary>Those of them whose id fits their address.</summary>
    public int VerifiedAnswered { get; private set; }

    public int Waiting { get; private set; }

    /// <summary>Adds an address of which nothing else is known.</summary>
    public void AddUnnamed(IPEndPoint endPoint) =>
        Insert(new LookupCandidate(new NodeContact(default, endPoint), false, null));

    /// <summary>Adds what we know ourselves: these are asked wherever they stand.</summary>
    public void AddStart(NodeContact contact)
    {
        var candidate = new LookupCandidate(contact, true, null) { IsStart = true };
        Insert(candidate);
        _start.Add(candidate);
    }

    /// <summary>Of the closest node that answered; 0: none has.</summary>
    public int Hops => _candidates.Find(node => node.State == CandidateState.Answered)?.Hops ?? 0;

    /// <summary>Adds what another node named, or what we know besides.</summary>
    public void Add(NodeContact contact, LookupInformant? informant, int hops)
    {
        if (_byContact.TryGetValue(contact, out var known))
        {
            known.IsVouchedFor |= known.Informant != informant;
            return;
        }

        Insert(new LookupCandidate(contact, true, informant) { Hops = hops });
    }

    /// <summary>Whom to ask now; null when enough queries are under way, or nobody is left to ask.</summary>
    public LookupCandidate? Next()
    {
        if (Waiting >= limits.LookupBranching)
        {
            return null;
        }

        var next = FindNext();
        if (next is null)
        {
            return null;
        }

        if (next.Subnet is { } network)
        {
            _networks.Add(network);
        }

        _askedAt.Add(next.EndPoint);
        next.State = CandidateState.Asked;
        Waiting++;
        Asked++;
        if (next.IsIdKnown && !next.IsVerified)
        {
            _unverifiedAsked++;
            _unverifiedNew--;
        }

        return next;
    }

    /// <summary>Whether the K closest have answered, or nobody is left to wait for.</summary>
    public bool IsDone
    {
        get
        {
            // However near others are.
            if (_start.Exists(candidate => candidate.State is CandidateState.Asked || IsToBeAsked(candidate)))
            {
                return false;
            }

            var answered = 0;
            foreach (var candidate in _candidates)
            {
                if (answered >= limits.K)
                {
                    return true;
                }

                switch (candidate.State)
                {
                    case CandidateState.Answered:
                        answered += candidate.IsVerified ? 1 : 0;
                        break;
                    case CandidateState.Asked:
                    case CandidateState.Slow when candidate.IsVerified || !candidate.IsIdKnown:
                        return false;
                }
            }

            return answered >= limits.K || FindNext() is null;
        }
    }

    public void Slow(LookupCandidate candidate)
    {
        if (candidate.State == CandidateState.Asked)
        {
            candidate.State = CandidateState.Slow;
            Waiting--;
            if (candidate.Subnet is { } network)
            {
                _networks.Remove(network);
            }
        }
    }

    public void Failed(LookupCandidate candidate)
    {
        Slow(candidate);
        candidate.State = CandidateState.Failed;
    }

    /// <summary>The candidate answered, under whichever name.</summary>
    public void HasAnswered(LookupCandidate candidate, NodeId id)
    {
        Waiting -= candidate.State == CandidateState.Asked ? 1 : 0;
        candidate.State = CandidateState.Answered;
        Answered++;
        VerifiedAnswered += NodeIdRule.IsValid(id, candidate.EndPoint.Address) ? 1 : 0;
        if (!candidate.IsIdKnown || candidate.Id != id)
        {
            // Its place is where it says it is, not where somebody else said.
            _candidates.Remove(candidate);
            candidate.Named(id);
            _candidates.Insert(PlaceOf(candidate), candidate);
        }
    }

    /// <summary>
    /// Where to store: the closest that answered with a token, those with a proper id first (BEP 42), others only to
    /// make up the number.
    /// </summary>
    public List<LookupCandidate> StoreAt()
    {
        var able = _candidates.FindAll(node => node.State == CandidateState.Answered && node.Token.Length > 0);
        return [.. able.Where(node => node.IsVerified).Concat(able.Where(node => !node.IsVerified)).Take(limits.K)];
    }

    private LookupCandidate? FindNext()
    {
        if (Asked >= limits.LookupQueries)
        {
            return null;
        }

        LookupCandidate? closest = null;
        LookupCandidate? suspect = null;
        var alive = 0;
        var seen = 0;
        foreach (var candidate in _candidates)
        {
            // Enough are closer than this one.
            if (alive >= limits.K)
            {
                break;
            }

            switch (candidate.State)
            {
                case CandidateState.Asked:
                case CandidateState.Answered:
                    alive += candidate.IsVerified ? 1 : 0;
                    break;
                case CandidateState.New when MayAsk(candidate):
                    // Those that only one names may not exist, so of the next few those that several know go first.
                    if (candidate.IsVouchedFor && candidate.IsVerified && seen < limits.K)
                    {
                        return candidate;
                    }

                    seen++;
                    if (candidate.IsVouchedFor || candidate.Informant?.IsSuspect != true)
                    {
                        closest ??= candidate;
                    }
                    else
                    {
                        suspect ??= candidate;
                    }

                    break;
            }
        }

        // Rather the word of a liar than nothing.
        return closest ?? _start.Find(IsToBeAsked) ?? (Answered < limits.K / 2 ? suspect : null);
    }

    private bool IsToBeAsked(LookupCandidate candidate) =>
        candidate.State == CandidateState.New && Asked < limits.LookupQueries && MayAsk(candidate);

    private bool MayAsk(LookupCandidate candidate)
    {
        if (candidate.IsIdKnown && !candidate.IsVerified && _unverifiedAsked >= limits.LookupUnverified)
        {
            return false;
        }

        return !_askedAt.Contains(candidate.EndPoint)
            && (candidate.Subnet is not { } network || !_networks.Contains(network));
    }

    private void Insert(LookupCandidate candidate)
    {
        if (!_byContact.TryAdd(new NodeContact(candidate.Id, candidate.EndPoint), candidate))
        {
            return;
        }

        _candidates.Insert(PlaceOf(candidate), candidate);
        if (candidate.IsIdKnown && !candidate.IsVerified && ++_unverifiedNew > limits.LookupUnverified)
        {
            // Ids that anybody can choose must not crowd out those that were earned.
            ForgetLast(other => other.State == CandidateState.New && other.IsIdKnown && !other.IsVerified);
            _unverifiedNew--;
        }

        if (_candidates.Count > limits.LookupCandidates)
        {
            ForgetLast(other => other.State is CandidateState.New or CandidateState.Failed);
        }
    }

    private void ForgetLast(Predicate<LookupCandidate> which)
    {
        var index = _candidates.FindLastIndex(which);
        if (index >= 0)
        {
            _byContact.Remove(new NodeContact(_candidates[index].Id, _candidates[index].EndPoint));
            _candidates.RemoveAt(index);
        }
    }

    private int PlaceOf(LookupCandidate candidate)
    {
        if (!candidate.IsIdKnown)
        {
            return _candidates.Count;
        }

        var low = 0;
        var high = _candidates.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            var other = _candidates[middle];
            if (other.IsIdKnown && NodeId.CompareDistance(target, other.Id, candidate.Id) <= 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
