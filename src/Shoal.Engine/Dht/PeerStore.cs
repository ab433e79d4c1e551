using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// Peers that others announced to us: who has announced which infohash, for a while. One for each family, since
/// BEP 32 has "no IPv6 data ... stored in the IPv4 DHT, and, conversely, no IPv4 data ... stored in the IPv6 DHT".
/// </summary>
internal sealed class PeerStore(DhtLimits limits, DhtRandom random)
{
    /// <summary>Infohashes in one answer to sample_infohashes: 20 of them take 400 bytes.</summary>
    private const int MaxSamples = 20;

    // BEP 51: the subset is the same within the interval, so that asking more often brings nothing.
    private static readonly TimeSpan SampleInterval = TimeSpan.FromMinutes(5);

    private readonly Dictionary<NodeId, StoredSwarm> _swarms = [];
    private readonly Dictionary<ulong, int> _bySource = [];
    private List<InfoHash> _samples = [];
    private TimeSpan _samplesUntil = TimeSpan.MinValue;

    public int SwarmCount => _swarms.Count;

    public int PeerCount { get; private set; }

    /// <summary>
    /// Whether one more peer of the infohash could be stored. BEP 33: "not responding with tokens to get_peers requests
    /// for an infohash which has reached this limit".
    /// </summary>
    public bool HasRoom(NodeId infoHash) =>
        !_swarms.TryGetValue(infoHash, out var swarm) || swarm.Peers.Count < limits.StoredPeersOfInfoHash;

    /// <summary>Stores or renews; false when a limit stands against it.</summary>
    public bool Announce(NodeId infoHash, IPEndPoint peer, bool isSeed, TimeSpan now)
    {
        var source = DhtAddress.Source(peer.Address);
        if (_swarms.TryGetValue(infoHash, out var swarm) && swarm.TryRenew(peer, isSeed, now))
        {
            return true;
        }

        if (
            swarm?.Peers.Count >= limits.StoredPeersOfInfoHash
            || _bySource.GetValueOrDefault(source) >= limits.StoredPeersOfSource && !DhtAddress.IsLocal(peer.Address)
        )
        {
            return false;
        }

        while (PeerCount >= limits.StoredPeers || swarm is null && _swarms.Count >= limits.StoredInfoHashes)
        {
            RemoveOldest();
            swarm = _swarms.GetValueOrDefault(infoHash);
        }

        if (swarm is null)
        {
            swarm = new StoredSwarm();
            _swarms.Add(infoHash, swarm);
        }

        swarm.Add(peer, isSeed, now);
        _bySource[source] = _bySource.GetValueOrDefault(source) + 1;
        PeerCount++;
        return true;
    }

    /// <summary>Some of the peers, at random; null when the infohash is unknown.</summary>
    public List<IPEndPoint>? Sample(NodeId infoHash, int count, bool noSeeds)
    {
        if (!_swarms.TryGetValue(infoHash, out var swarm))
        {
            return null;
        }

        var peers = swarm.Peers;
        // BEP 33: "If "noseed" is set to 1 in the request then the responding node should try to fill the values list
        // with non-seed items on a best-effort basis."
        if (noSeeds && peers.Exists(peer => !peer.IsSeed))
        {
            peers = peers.FindAll(peer => !peer.IsSeed);
        }

        var result = new List<IPEndPoint>(Math.Min(count, peers.Count));
        var left = peers.Count;
        foreach (var peer in peers)
        {
            // Each is taken with the chance that makes all choices of the right size equally likely.
            if (random.Next(left--) < count - result.Count)
            {
                result.Add(peer.EndPoint);
            }
        }

        return result;
    }

    /// <summary>BEP 33: all stored seeds and all other peers of an infohash; false when it is unknown.</summary>
    public bool TryScrape(NodeId infoHash, out ScrapeFilter seeds, out ScrapeFilter peers)
    {
        seeds = new ScrapeFilter();
        peers = new ScrapeFilter();
        if (!_swarms.TryGetValue(infoHash, out var swarm))
        {
            return false;
        }

        foreach (var peer in swarm.Peers)
        {
            (peer.IsSeed ? seeds : peers).Add(peer.EndPoint.Address);
        }

        return true;
    }

    /// <summary>BEP 51: some infohashes at random.</summary>
    public KrpcSamples Samples(TimeSpan now)
    {
        if (now >= _samplesUntil)
        {
            _samples = [];
            var left = _swarms.Count;
            foreach (var infoHash in _swarms.Keys)
            {
                if (random.Next(left--) < MaxSamples - _samples.Count)
                {
                    _samples.Add(infoHash.ToInfoHash());
                }
            }

            _samplesUntil = now + SampleInterval;
        }

        return new KrpcSamples((int)SampleInterval.TotalSeconds, _swarms.Count, _samples);
    }

    /// <summary>Forgets announces that were not renewed.</summary>
    public void Expire(TimeSpan now)
    {
        List<NodeId>? empty = null;
        foreach (var (infoHash, swarm) in _swarms)
        {
            for (var i = swarm.Peers.Count - 1; i >= 0; i--)
            {
                if (now - swarm.Peers[i].At >= limits.PeerLifetime)
                {
                    Uncount(swarm.RemoveAt(i));
                }
            }

            if (swarm.Peers.Count == 0)
            {
                (empty ??= []).Add(infoHash);
            }
        }

        foreach (var infoHash in empty ?? [])
        {
            _swarms.Remove(infoHash);
        }
    }

    private void RemoveOldest()
    {
        var oldest = _swarms.MinBy(pair => pair.Value.LastAnnounce);
        foreach (var peer in oldest.Value.Peers)
        {
            Uncount(peer.EndPoint);
        }

        _swarms.Remove(oldest.Key);
    }

    private void Uncount(IPEndPoint peer)
    {
        PeerCount--;
        var source = DhtAddress.Source(peer.Address);
        if (--_bySource[source] == 0)
        {
            _bySource.Remove(source);
        }
    }

    private readonly record struct StoredPeer(IPEndPoint EndPoint, bool IsSeed, TimeSpan At);

    // BEP 33: "<Infohash,IP> tuples in the database must be unique while port numbers, seed status and other values may
    // be updated." We make an exception for local networks, whose hosts often share the one address we see.
    private sealed class StoredSwarm
    {
        private readonly Dictionary<IPEndPoint, int> _places = [];

        public List<StoredPeer> Peers { get; } = [];

        public TimeSpan LastAnnounce { get; private set; }

        public bool TryRenew(IPEndPoint peer, bool isSeed, TimeSpan now)
        {
            if (!_places.TryGetValue(Key(peer), out var place))
            {
                return false;
            }

            Peers[place] = new StoredPeer(peer, isSeed, now);
            LastAnnounce = now;
            return true;
        }

        public void Add(IPEndPoint peer, bool isSeed, TimeSpan now)
        {
            _places.Add(Key(peer), Peers.Count);
            Peers.Add(new StoredPeer(peer, isSeed, now));
            LastAnnounce = now;
        }

        public IPEndPoint RemoveAt(int place)
        {
            var removed = Peers[place].EndPoint;
            _places.Remove(Key(removed));
            var last = Peers[^1];
            Peers.RemoveAt(Peers.Count - 1);
            if (place < Peers.Count)
            {
                Peers[place] = last;
                _places[Key(last.EndPoint)] = place;
            }

            return removed;
        }

        private static IPEndPoint Key(IPEndPoint peer) =>
            DhtAddress.IsLocal(peer.Address) ? peer : new IPEndPoint(peer.Address, 0);
    }
}
