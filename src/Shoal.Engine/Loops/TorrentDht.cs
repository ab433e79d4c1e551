using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>What the DHT needs to know about a torrent, asked just before each search; quick.</summary>
internal readonly record struct DhtFacts(bool IsComplete, bool WantsPeers);

/// <summary>
/// The DHT's side of one torrent: looks for peers and announces by its <see cref="DhtAnnounceSchedule"/>, for each of
/// its names. Safe to use from any thread. Not made for private torrents; <see cref="Stop"/> when one turns out to be.
/// </summary>
/// <param name="sooner">Told when <see cref="NextWait"/> has become shorter, other than by time. Any thread; quick.</param>
internal sealed class TorrentDht(
    IPeerSearch dht,
    Func<int> port,
    Func<bool> isPortImplied,
    Func<DhtFacts> facts,
    Action<CandidateBatch> found,
    Action sooner,
    Func<double> jitter,
    TimeProvider time
)
{
    /// <summary>After the first announce: to know one's own swarm is worth a look-up, but is not urgent.</summary>
    private static readonly TimeSpan FirstScrape = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ScrapeInterval = TimeSpan.FromHours(1);

    private readonly Lock _lock = new();
    private readonly List<(NodeId Name, DhtAnnounceSchedule Schedule)> _names = [];
    private readonly long _epoch = time.GetTimestamp();
    private bool _isStopped;
    private bool _isPaused;
    private int _joins;
    private ScrapeResult? _scrape;
    private TimeSpan? _nextScrape;

    /// <summary>How many there are, about, as the DHT said last (BEP 33); null: it has not said.</summary>
    public ScrapeResult? Scrape => Volatile.Read(ref _scrape);

    private TimeSpan Now => time.GetElapsedTime(_epoch);

    /// <summary>Adds the names that are not there yet; a hybrid torrent has two.</summary>
    public void AddNames(InfoHash[] infoHashes)
    {
        lock (_lock)
        {
            foreach (var infoHash in infoHashes)
            {
                var name = NodeId.From(infoHash);
                if (!_names.Exists(known => known.Name == name))
                {
                    _names.Add((name, new DhtAnnounceSchedule(jitter)));
                }
            }
        }

        sooner();
    }

    /// <summary>
    /// How long nothing is due: <see cref="Tick"/> does nothing before, unless somebody says something sooner. Null: until somebody does.
    /// </summary>
    public TimeSpan? NextWait
    {
        get
        {
            lock (_lock)
            {
                if (_isStopped || _isPaused)
                {
                    return null;
                }

                var now = Now;
                var next = _nextScrape ?? TimeSpan.MaxValue;
                foreach (var (_, schedule) in _names)
                {
                    next = !schedule.IsRunning && schedule.Next < next ? schedule.Next : next;
                }

                return next == TimeSpan.MaxValue ? null
                    : next > now ? next - now
                    : TimeSpan.Zero;
            }
        }
    }

    /// <summary>Begins the searches that are due. Called a few times a second, or when <see cref="NextWait"/> is over.</summary>
    public void Tick()
    {
        List<(NodeId Name, DhtAnnounceSchedule Schedule)>? due = null;
        NodeId? scraped = null;
        lock (_lock)
        {
            var now = Now;
            var joins = dht.Joins;
            if (joins != _joins)
            {
                _joins = joins;
                _names.ForEach(name => name.Schedule.Joined(now));
            }

            if (!_isStopped && !_isPaused && now >= _nextScrape)
            {
                _nextScrape = now + ScrapeInterval;
                // Under the two names of a hybrid are the same people for the most part.
                scraped = _names[0].Name;
            }

            foreach (var name in _names)
            {
                if (!_isStopped && !_isPaused && name.Schedule.IsDue(now))
                {
                    name.Schedule.Begun();
                    (due ??= []).Add(name);
                }
            }
        }

        foreach (var (name, schedule) in due ?? [])
        {
            var query = new PeerQuery(name)
            {
                AnnouncePort = port() is > 0 and var told ? told : null,
                ImpliedPort = isPortImplied(),
                IsSeed = facts().IsComplete,
            };
            dht.FindPeers(query, Take, done => Done(schedule, done));
        }

        if (scraped is { } target)
        {
            // Apart from announces: who is asked for numbers need not name peers, and libtorrent does not.
            dht.FindPeers(new PeerQuery(target) { Scrape = true }, Take, Scraped);
        }
    }

    /// <summary>More peers would help.</summary>
    public void NeedPeers()
    {
        lock (_lock)
        {
            var isSooner = false;
            foreach (var (_, schedule) in _names)
            {
                var before = schedule.Next;
                schedule.NeedPeers();
                isSooner |= schedule.Next < before;
            }

            if (!isSooner)
            {
                return;
            }
        }

        sooner();
    }

    /// <summary>What is announced has changed.</summary>
    public void Changed()
    {
        lock (_lock)
        {
            var now = Now;
            _names.ForEach(name => name.Schedule.Changed(now));
        }

        sooner();
    }

    /// <summary>
    /// Paused, no search begins and what comes of those under way is dropped; what was announced expires. Afterwards it is
    /// announced at once.
    /// </summary>
    public void SetPaused(bool isPaused)
    {
        lock (_lock)
        {
            if (_isPaused && !isPaused)
            {
                var now = Now;
                _names.ForEach(name => name.Schedule.Changed(now));
            }

            _isPaused = isPaused;
        }

        if (!isPaused)
        {
            sooner();
        }
    }

    /// <summary>No search begins any more, and what comes of those under way is dropped.</summary>
    public void Stop()
    {
        lock (_lock)
        {
            _isStopped = true;
        }
    }

    private void Take(IReadOnlyList<IPEndPoint> peers)
    {
        lock (_lock)
        {
            if (_isStopped || _isPaused)
            {
                return;
            }
        }

        found(new CandidateBatch(peers, PeerSource.Dht));
    }

    private void Scraped(DhtResult.PeersDone done)
    {
        if (done.Answered > 0)
        {
            Volatile.Write(ref _scrape, done.Scrape);
        }
    }

    private void Done(DhtAnnounceSchedule schedule, DhtResult.PeersDone done)
    {
        var wantsPeers = facts().WantsPeers;
        lock (_lock)
        {
            schedule.Done(done.Answered, done.Found, wantsPeers, Now);
            if (done.Answered > 0)
            {
                _nextScrape ??= Now + FirstScrape;
            }
        }

        // It had no time while it ran.
        sooner();
    }
}
