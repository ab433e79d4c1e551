using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>What the DHT needs to know about a torrent, asked just before each search; quick.</summary>
internal readonly record struct DhtFacts(bool IsComplete, bool WantsPeers);

/// <summary>
/// The DHT's side of one torrent: looks for peers and announces by its <see cref="DhtAnnounceSchedule"/>, for each of
/// its names. Safe to use from any thread. Not made for private torrents; <see cref="Stop"/> when one turns out to be.
/// </summary>
internal sealed class TorrentDht(
    DhtLoop dht,
    Func<int> port,
    Func<DhtFacts> facts,
    Action<CandidateBatch> found,
    Func<double> jitter,
    TimeProvider time
)
{
    private readonly Lock _lock = new();
    private readonly List<(NodeId Name, DhtAnnounceSchedule Schedule)> _names = [];
    private readonly long _epoch = time.GetTimestamp();
    private bool _isStopped;
    private bool _isPaused;
    private bool _wasIn;

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
    }

    /// <summary>Begins the searches that are due. Called a few times a second.</summary>
    public void Tick()
    {
        List<(NodeId Name, DhtAnnounceSchedule Schedule)>? due = null;
        lock (_lock)
        {
            var now = Now;
            var isIn = dht.NodeCount > 0;
            if (isIn && !_wasIn)
            {
                _names.ForEach(name => name.Schedule.Joined(now));
            }

            _wasIn = isIn;
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
                IsSeed = facts().IsComplete,
            };
            dht.FindPeers(query, Take, done => Done(schedule, done));
        }
    }

    /// <summary>More peers would help.</summary>
    public void NeedPeers()
    {
        lock (_lock)
        {
            _names.ForEach(name => name.Schedule.NeedPeers());
        }
    }

    /// <summary>What is announced has changed.</summary>
    public void Changed()
    {
        lock (_lock)
        {
            var now = Now;
            _names.ForEach(name => name.Schedule.Changed(now));
        }
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

    private void Done(DhtAnnounceSchedule schedule, DhtResult.PeersDone done)
    {
        var wantsPeers = facts().WantsPeers;
        lock (_lock)
        {
            schedule.Done(done.Answered, done.Found, wantsPeers, Now);
        }
    }
}
