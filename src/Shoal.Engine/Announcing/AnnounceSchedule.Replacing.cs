using Shoal.Protocol;

namespace Shoal.Engine;

// Other trackers than at the start: the user edited them.
internal sealed partial class AnnounceSchedule
{
    // Trackers that are not used any more. They keep their numbers, by which all else knows them.
    private readonly HashSet<int> _retired = [];

    /// <summary>
    /// Announces to these from now on. Those that are kept are asked when they would have been; new ones at once; those that
    /// list us and are gone hear that we stop. What peers named stays.
    /// </summary>
    public void SetTiers(IReadOnlyList<IReadOnlyList<TrackerUrl>> tiers, TimeSpan now, ICollection<AnnounceJob> jobs)
    {
        if (_isStopped)
        {
            return;
        }

        var seen = new HashSet<int>();
        _tiers.Clear();
        foreach (var tier in tiers)
        {
            var numbers = tier.Select(url => NumberOf(url, _tiers.Count)).Where(seen.Add).ToList();
            if (numbers.Count > 0)
            {
                _tiers.Add(numbers);
            }
        }

        var before = _lanes.ToList();
        var promoted = _hearsay.Where(seen.Contains).ToList();
        _hearsay.RemoveAll(seen.Contains);
        foreach (var number in _hearsay)
        {
            _tierOf[number] = _tiers.Count;
        }

        for (var number = 0; number < _trackers.Count; number++)
        {
            _ = seen.Contains(number) || _hearsay.Contains(number) ? _retired.Remove(number) : _retired.Add(number);
        }

        _lanes.RemoveAll(lane => !_hearsayLanes.Contains(lane));
        foreach (var infoHash in _infoHashes)
        {
            AddLanes(infoHash);
        }

        foreach (var lane in _lanes.Except(_hearsayLanes))
        {
            GoOnAs(lane, before.FindAll(old => old.InfoHash == lane.InfoHash && old.Origin.Equals(lane.Origin)), now);
        }

        foreach (var lane in before.Except(_hearsayLanes))
        {
            Leave(lane, jobs);
        }

        foreach (var lane in _hearsayLanes)
        {
            promoted.ForEach(number => Promote(lane, number, now));
        }
    }

    /// <summary>A tracker that a peer had named is the user's now.</summary>
    private void Promote(AnnounceLane lane, int number, TimeSpan now)
    {
        _namedBy.Remove(number);
        if (lane.IsAsking && lane.Current == number)
        {
            lane.IsAsking = false;
            lane.Due = now;
        }

        Forget(flight => flight.Lane == lane && flight.Tracker == number);
        lane.Remove(number);
    }

    /// <summary>The number of a tracker that the user names.</summary>
    private int NumberOf(TrackerUrl url, int tier)
    {
        var number = _trackers.IndexOf(url);
        if (number < 0)
        {
            _trackers.Add(url);
            _tierOf.Add(tier);
            return _trackers.Count - 1;
        }

        _tierOf[number] = tier;
        return number;
    }

    private static void GoOnAs(AnnounceLane lane, List<AnnounceLane> before, TimeSpan now)
    {
        lane.Due = now;
        foreach (var old in before)
        {
            foreach (var (tracker, state) in old.States)
            {
                lane.Inherit(tracker, state);
            }

            if (old.Current >= 0 && lane.States.ContainsKey(old.Current))
            {
                lane.Current = old.Current;
                lane.NotBefore = old.NotBefore;
                lane.Due = old.IsAsking ? now : old.Due;
            }
        }
    }

    /// <summary>A lane that is no more: what it asked is forgotten, and who lists us and is not used any more hears it.</summary>
    private void Leave(AnnounceLane lane, ICollection<AnnounceJob> jobs)
    {
        Forget(flight => flight.Lane == lane);
        foreach (var (tracker, state) in lane.States)
        {
            if (_retired.Contains(tracker) && (state.IsStarted || (lane.IsAsking && lane.Current == tracker)))
            {
                state.IsStarted = false;
                lane.Goodbyes++;
                jobs.Add(Send(lane, tracker, AnnounceJobKind.Announce, AnnounceEvent.Stopped));
            }
        }
    }

    /// <summary>Answers to these questions are not awaited any more.</summary>
    private void Forget(Func<Flight, bool> which)
    {
        foreach (var (id, flight) in _flights.ToList())
        {
            if (which(flight) && IsQuestion(flight))
            {
                _flights.Remove(id);
            }
        }
    }

    private static bool IsQuestion(Flight flight) =>
        flight.Kind != AnnounceJobKind.Announce || flight.Event != AnnounceEvent.Stopped;
}
