using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// Decides when one torrent announces what to which tracker. A state machine with one caller at a time: what
/// happened and the time go in, <see cref="AnnounceJob"/>s come out of <see cref="Tick"/> and <see cref="Stop"/>.
/// </summary>
internal sealed partial class AnnounceSchedule
{
    private readonly AnnounceScheduleOptions _options;
    private readonly Random _random;
    private readonly List<TrackerUrl> _trackers = [];
    private readonly List<int> _tierOf = [];
    private readonly List<List<int>> _tiers = [];
    private readonly List<AnnounceLane> _lanes = [];
    private readonly Dictionary<int, Flight> _flights = [];
    private bool _isComplete;
    private bool _isPartialSeed;
    private bool _isStopped;
    private bool _isPaused;
    private int _lastId;

    public AnnounceSchedule(AnnounceScheduleOptions options)
    {
        _options = options;
        _random = new Random(options.Seed);
        _isComplete = options.IsComplete;
        _isPartialSeed = options.IsPartialSeed;
        for (var tier = 0; tier < options.Tiers.Count; tier++)
        {
            var numbers = new List<int>();
            // The same tracker twice would count us twice.
            foreach (var url in options.Tiers[tier].Where(url => !_trackers.Contains(url)))
            {
                numbers.Add(_trackers.Count);
                _trackers.Add(url);
                _tierOf.Add(tier);
            }

            // BEP 12: "the list will be shuffled when first read, and then parsed in order"
            _random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(numbers));
            if (numbers.Count > 0)
            {
                _tiers.Add(numbers);
            }
        }

        foreach (var infoHash in options.InfoHashes)
        {
            AddInfoHash(infoHash);
        }
    }

    /// <summary>A lane waits for this; null: nothing to do before something happens.</summary>
    public TimeSpan? NextDue
    {
        get
        {
            TimeSpan? next = null;
            foreach (var lane in _isStopped || _isPaused ? [] : _lanes)
            {
                if (!lane.IsBusy && lane.Due < TimeSpan.MaxValue && (next is null || lane.Due < next))
                {
                    next = lane.Due;
                }
            }

            return next;
        }
    }

    /// <summary>Another name of the torrent became known: the metadata of a magnet link with one of two.</summary>
    public void AddInfoHash(InfoHash infoHash)
    {
        if (_infoHashes.Contains(infoHash))
        {
            return;
        }

        _infoHashes.Add(infoHash);
        AddLanes(infoHash);
        AddHearsayLanes(infoHash);
    }

    private void AddLanes(InfoHash infoHash)
    {
        foreach (var origin in _options.Origins)
        {
            if (_options.EveryTier)
            {
                _lanes.AddRange(
                    _tiers.Select(tier => new AnnounceLane(
                        infoHash,
                        origin,
                        [
                            [.. tier],
                        ]
                    ))
                );
            }
            else if (_tiers.Count > 0)
            {
                _lanes.Add(new AnnounceLane(infoHash, origin, [.. _tiers.Select(tier => tier.ToList())]));
            }
        }
    }

    /// <summary>Adds the announces that are due.</summary>
    public void Tick(TimeSpan now, ICollection<AnnounceJob> jobs)
    {
        if (_isPaused)
        {
            SayGoodbye(jobs);
            return;
        }

        foreach (var lane in _isStopped ? [] : _lanes)
        {
            if (lane.IsBusy || now < lane.Due)
            {
                continue;
            }

            var tracker = lane.Choose(now);
            if (tracker < 0)
            {
                lane.Due = lane.Retry() ?? TimeSpan.MaxValue;
                continue;
            }

            lane.IsAsking = true;
            lane.Current = tracker;
            jobs.Add(Send(lane, tracker, AnnounceJobKind.Announce, EventFor(lane.States[tracker])));
        }
    }

    /// <summary>A tracker answered an announce, if only with a refusal.</summary>
    /// <returns>Whether it is a refusal that is worth telling the user.</returns>
    public bool Answered(int id, AnnounceAnswer answer, TimeSpan now)
    {
        if (!Land(id, out var flight))
        {
            return false;
        }

        var (lane, state) = (flight.Lane, flight.Lane.States[flight.Tracker]);
        lane.IsAsking = false;
        if (answer.Failure is not null)
        {
            state.IsWorking = false;
            state.Message = answer.Failure;
            state.Failures++;
            state.IsGivenUp = answer.RetryIn == AnnounceAnswer.Never;
            state.NotBefore =
                now
                + (state.IsGivenUp ? TimeSpan.Zero : Min(answer.RetryIn ?? BackOff(state), Times.Limits.MaxInterval));
            lane.Due = now;
            return IsNews(flight);
        }

        state.IsWorking = true;
        state.Message = answer.Warning;
        state.Failures = 0;
        state.IsStarted = true;
        state.Seeds = answer.Seeds ?? state.Seeds;
        state.Leeches = answer.Leeches ?? state.Leeches;
        state.TrackerId = answer.TrackerId.IsEmpty ? state.TrackerId : answer.TrackerId;
        state.OwesCompleted =
            _isComplete && (state.OwesCompleted || !flight.WasComplete) && flight.Event != AnnounceEvent.Completed;
        lane.MoveToFront(flight.Tracker);
        var interval = Clamp(answer.Interval ?? Times.DefaultInterval);
        lane.NotBefore = now + Min(answer.MinInterval ?? Times.DefaultMinInterval, interval);
        // Up to a twentieth later, so that clients that began together come apart. Never earlier.
        lane.Due = state.OwesCompleted ? now : now + interval * (1 + 0.05 * _random.NextDouble());
        return false;
    }

    /// <summary>An announce came to nothing: the next tracker's turn.</summary>
    /// <returns>Whether it is worth telling the user.</returns>
    public bool Failed(int id, TrackerFailure failure, string message, TimeSpan now)
    {
        if (!Land(id, out var flight))
        {
            return false;
        }

        var (lane, state) = (flight.Lane, flight.Lane.States[flight.Tracker]);
        lane.IsAsking = false;
        lane.Due = now;
        if (failure == TrackerFailure.NoAddress)
        {
            state.NotBefore = now + Times.NoAddressPause;
            return false;
        }

        state.IsWorking = false;
        state.Message = message;
        state.Failures++;
        state.IsGivenUp = failure == TrackerFailure.Forbidden;
        state.NotBefore = now + BackOff(state);
        return IsNews(flight);
    }

    /// <summary>
    /// Whether a failure says anything that the user has not heard: a hybrid torrent asks under two names, and several addresses
    /// of ours ask too. The first that fails in a round tells for all that fail alike.
    /// </summary>
    private bool IsNews(Flight flight)
    {
        var failed = flight.Lane.States[flight.Tracker];
        return !_namedBy.ContainsKey(flight.Tracker)
            && !_lanes.Exists(lane =>
                lane != flight.Lane
                && lane.States.TryGetValue(flight.Tracker, out var other)
                && other.IsWorking == false
                && other.Message == failed.Message
                && other.Failures >= failed.Failures
            );
    }

    /// <summary>What a scrape brought.</summary>
    public void Scraped(int id, ScrapeCounts counts)
    {
        if (_flights.Remove(id, out var flight) && flight.Kind == AnnounceJobKind.Scrape)
        {
            var state = flight.Lane.States[flight.Tracker];
            state.Seeds = counts.Seeds;
            state.Leeches = counts.Leeches;
        }
    }

    /// <summary>A scrape brought nothing; that says nothing about announces.</summary>
    public void ScrapeFailed(int id) => _flights.Remove(id);

    /// <summary>The torrent has just become complete. Only the first time counts.</summary>
    public void Completed(TimeSpan now)
    {
        if (_isComplete)
        {
            return;
        }

        _isComplete = true;
        _isPartialSeed = false;
        foreach (var lane in _lanes)
        {
            foreach (var state in lane.States.Values)
            {
                state.OwesCompleted = state.IsStarted;
            }

            // A tracker is told at once, whatever its minimal interval: BEP 3 has an event for this.
            if (!lane.IsAsking && lane.Current >= 0 && lane.States[lane.Current].OwesCompleted)
            {
                lane.Due = now;
            }
        }
    }

    /// <summary>BEP 21: whether the torrent has all it wants without being complete; told with the next announces.</summary>
    public void SetPartialSeed(bool isPartialSeed) => _isPartialSeed = isPartialSeed && !_isComplete;

    /// <summary>Peers are needed: announce as soon as the trackers' minimal intervals allow.</summary>
    public void NeedPeers(TimeSpan now)
    {
        foreach (var lane in _lanes)
        {
            var soonest = lane.NotBefore > now ? lane.NotBefore : now;
            if (soonest < lane.Due)
            {
                lane.Due = soonest;
            }
        }
    }

    /// <summary>Adds a scrape of the tracker each lane uses, where it can be scraped.</summary>
    public void Scrape(TimeSpan now, ICollection<AnnounceJob> jobs)
    {
        foreach (var lane in _isStopped || _isPaused ? [] : _lanes)
        {
            var tracker = lane.Choose(now);
            if (tracker >= 0 && _trackers[tracker].Scrape is not null)
            {
                jobs.Add(Send(lane, tracker, AnnounceJobKind.Scrape, AnnounceEvent.None));
            }
        }
    }

    /// <summary>One line for each tracker, over all its lanes.</summary>
    /// <param name="toDate">Turns a time of this schedule into a date.</param>
    public TrackerStatus[] Status(Func<TimeSpan, DateTimeOffset> toDate)
    {
        var status = new List<TrackerStatus>(_trackers.Count);
        for (var tracker = 0; tracker < _trackers.Count; tracker++)
        {
            if (_retired.Contains(tracker))
            {
                continue;
            }

            var lanes = _lanes.FindAll(lane => lane.States.ContainsKey(tracker));
            var states = lanes.ConvertAll(lane => lane.States[tracker]);
            var isWorking = states.Exists(state => state.IsWorking == true);
            status.Add(
                new TrackerStatus
                {
                    Url = _trackers[tracker].ToString(),
                    Tier = _tierOf[tracker],
                    IsWorking =
                        isWorking ? true
                        : states.Exists(state => state.IsWorking == false) ? false
                        : null,
                    Message = states.Find(state => state.Message is not null && state.IsWorking == isWorking)?.Message,
                    Seeds = states.Max(state => state.Seeds),
                    Leeches = states.Max(state => state.Leeches),
                    NextAnnounce = Next(tracker, lanes) is { } next ? toDate(next) : null,
                }
            );
        }

        return [.. status];
    }

    private AnnounceTimes Times => _options.Times;

    private static TimeSpan? Next(int tracker, List<AnnounceLane> lanes)
    {
        TimeSpan? next = null;
        foreach (var lane in lanes)
        {
            var state = lane.States[tracker];
            var time = state.NotBefore > lane.Due ? state.NotBefore : lane.Due;
            var isNext = lane.Current == tracker || state.IsWorking == false;
            if (isNext && !state.IsGivenUp && time > TimeSpan.MinValue && time < TimeSpan.MaxValue && !(time >= next))
            {
                next = time;
            }
        }

        return next;
    }

    private AnnounceEvent EventFor(AnnounceTargetState state) =>
        state.OwesCompleted ? AnnounceEvent.Completed
        // BEP 21: "it MUST send an event=paused parameter in every announce while it is a partial seed".
        : _isPartialSeed ? AnnounceEvent.Paused
        : state.IsStarted ? AnnounceEvent.None
        : AnnounceEvent.Started;

    private AnnounceJob Send(AnnounceLane lane, int tracker, AnnounceJobKind kind, AnnounceEvent happened)
    {
        var id = ++_lastId;
        _flights[id] = new Flight(lane, tracker, kind, happened, _isComplete);
        return new AnnounceJob
        {
            Id = id,
            Kind = kind,
            Url = _trackers[tracker],
            InfoHash = lane.InfoHash,
            Origin = lane.Origin,
            Event = happened,
            NamedBy = _namedBy.TryGetValue(tracker, out var by) ? by : null,
            TrackerId = lane.States[tracker].TrackerId,
        };
    }

    private TimeSpan BackOff(AnnounceTargetState state)
    {
        var doublings = Math.Clamp(state.Failures - 1, 0, 20);
        return Min(Times.BackOff * Math.Pow(2, doublings), Times.MaxBackOff) * (0.75 + 0.5 * _random.NextDouble());
    }

    private TimeSpan Clamp(TimeSpan interval) =>
        interval < Times.Limits.MinInterval ? Times.Limits.MinInterval : Min(interval, Times.Limits.MaxInterval);

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    /// <summary>An announce or scrape on its way.</summary>
    /// <param name="WasComplete">Whether it said that nothing is left.</param>
    private sealed record Flight(
        AnnounceLane Lane,
        int Tracker,
        AnnounceJobKind Kind,
        AnnounceEvent Event,
        bool WasComplete
    );
}
