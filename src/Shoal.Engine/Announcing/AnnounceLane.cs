using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>What is known of one tracker in one lane. Mutable inside the schedule.</summary>
internal sealed class AnnounceTargetState
{
    /// <summary>The tracker has answered a first announce, so it lists us.</summary>
    public bool IsStarted { get; set; }

    /// <summary>The torrent became complete after the tracker was told that it was not.</summary>
    public bool OwesCompleted { get; set; }

    /// <summary>Not to be asked before; in the past when it may be.</summary>
    public TimeSpan NotBefore { get; set; } = TimeSpan.MinValue;

    /// <summary>Not to be asked again.</summary>
    public bool IsGivenUp { get; set; }

    /// <summary>In a row.</summary>
    public int Failures { get; set; }

    /// <summary>Null before anything came back.</summary>
    public bool? IsWorking { get; set; }

    public string? Message { get; set; }
    public int? Seeds { get; set; }
    public int? Leeches { get; set; }
    public ReadOnlyMemory<byte> TrackerId { get; set; }
}

/// <summary>
/// One series of announces: of one infohash, from one local address, to the trackers of one tier (or of all tiers
/// in turn). It has at most one announce on its way.
/// </summary>
internal sealed class AnnounceLane(InfoHash infoHash, IPAddress origin, List<List<int>> tiers)
{
    private readonly Dictionary<int, AnnounceTargetState> _states = tiers
        .SelectMany(tier => tier)
        .ToDictionary(tracker => tracker, _ => new AnnounceTargetState());

    public InfoHash InfoHash { get; } = infoHash;

    public IPAddress Origin { get; } = origin;

    public IReadOnlyDictionary<int, AnnounceTargetState> States => _states;

    /// <summary>When to announce next.</summary>
    public TimeSpan Due { get; set; } = TimeSpan.MinValue;

    /// <summary>Not sooner than this, however much peers are needed.</summary>
    public TimeSpan NotBefore { get; set; } = TimeSpan.MinValue;

    /// <summary>The tracker being asked, or that answered last; -1: none.</summary>
    public int Current { get; set; } = -1;

    public bool IsAsking { get; set; }

    /// <summary>Announces of a pause on their way: what comes after must not overtake them.</summary>
    public int Goodbyes { get; set; }

    public bool IsBusy => IsAsking || Goodbyes > 0;

    /// <summary>One more in the last tier.</summary>
    public void Add(int tracker)
    {
        tiers[^1].Add(tracker);
        _states.Add(tracker, new AnnounceTargetState());
        if (Due == TimeSpan.MaxValue)
        {
            // All others are given up.
            Due = TimeSpan.MinValue;
        }
    }

    /// <summary>One less.</summary>
    public void Remove(int tracker)
    {
        tiers.ForEach(tier => tier.Remove(tracker));
        _states.Remove(tracker);
        if (Current == tracker)
        {
            Current = -1;
        }
    }

    /// <summary>What another lane knew of a tracker, where this one has it too.</summary>
    public void Inherit(int tracker, AnnounceTargetState state)
    {
        if (_states.ContainsKey(tracker))
        {
            _states[tracker] = state;
        }
    }

    /// <summary>The first tracker that may be asked now, in the order of BEP 12; -1: none.</summary>
    public int Choose(TimeSpan now)
    {
        foreach (var tier in tiers)
        {
            foreach (var tracker in tier)
            {
                var state = _states[tracker];
                if (!state.IsGivenUp && state.NotBefore <= now)
                {
                    return tracker;
                }
            }
        }

        return -1;
    }

    /// <summary>When the first tracker may be asked again; null: never.</summary>
    public TimeSpan? Retry()
    {
        TimeSpan? first = null;
        foreach (var state in _states.Values)
        {
            if (!state.IsGivenUp && (first is null || state.NotBefore < first))
            {
                first = state.NotBefore;
            }
        }

        return first;
    }

    /// <summary>BEP 12: "if a connection with a tracker is successful, it will be moved to the front of the tier".</summary>
    public void MoveToFront(int tracker)
    {
        foreach (var tier in tiers)
        {
            if (tier.Remove(tracker))
            {
                tier.Insert(0, tracker);
            }
        }
    }
}
