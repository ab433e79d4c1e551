using System.Buffers;
using System.Net;
using Shoal.Membership;
using Shoal.Protocol;
using Shoal.Tracker;

namespace Shoal.Hub;

/// <summary>A peer that a member announced.</summary>
internal readonly record struct MemberPeer(
    MemberId Member,
    InfoHash InfoHash,
    IPAddress Address,
    ushort Port,
    bool IsSeed,
    bool IsLeaving
);

/// <summary>
/// The tracker of members: lists only who has shown a certificate, under the address that the connection comes from, in
/// swarms that stand in the catalogue. In memory only: a hub that restarts knows nobody's address. Safe from any thread.
/// </summary>
internal sealed class MemberTracker
{
    /// <summary>From so many on, copies are not counted for each who asks, but all <see cref="CountAgain"/>.</summary>
    private const int ManyMembers = 500;

    private static readonly TimeSpan CountAgain = TimeSpan.FromSeconds(5);

    private readonly EmbeddedTracker _tracker;
    private readonly HubLimits _limits;
    private readonly TimeProvider _time;
    private readonly TimeSpan _lifetime;
    private readonly long _start;
    private readonly Lock _lock = new();
    private readonly Dictionary<MemberId, Dictionary<Place, Sighting>> _members = [];
    private readonly Dictionary<InfoHash, (int Complete, int Incomplete)> _counts = [];
    private HashSet<InfoHash> _served = [];
    private bool _isCounted = true;
    private TimeSpan _countedAt;
    private TimeSpan _nextSweep;

    public MemberTracker(HubOptions options)
    {
        _limits = options.Limits;
        _time = options.Time;
        _start = options.Time.GetTimestamp();
        _lifetime = options.AnnounceInterval * 2;
        _tracker = new EmbeddedTracker(
            new TrackerOptions
            {
                AllowOnlyListed = true,
                Interval = options.AnnounceInterval,
                MinInterval = Min(options.AnnounceInterval, TimeSpan.FromMinutes(1)),
                MaxWanted = 50,
                Limits = new RegistryLimits { PeerLifetime = _lifetime },
                Time = options.Time,
            }
        );
    }

    /// <summary>Told of what a member announced here, for the other hubs.</summary>
    public Action<MemberPeer>? Heard { get; set; }

    public int Members
    {
        get
        {
            lock (_lock)
            {
                return _members.Count;
            }
        }
    }

    public TrackerCounters Counters => _tracker.Counters;

    /// <summary>Serves these swarms and no others.</summary>
    public void Serve(IEnumerable<InfoHash> infoHashes)
    {
        var served = infoHashes.ToHashSet();
        var before = Interlocked.Exchange(ref _served, served);
        foreach (var gone in before.Except(served))
        {
            _tracker.Disallow(gone);
        }

        foreach (var added in served.Except(before))
        {
            _tracker.Allow(added);
        }
    }

    /// <summary>Answers a member's announce in bencode.</summary>
    public void Announce(
        MemberId member,
        ReadOnlySpan<char> query,
        IPAddress from,
        IPAddress local,
        IBufferWriter<byte> output
    )
    {
        from = Plain(from);
        if (AnnounceQuery.TryRead(query, out var request) == AnnounceQueryFault.None && Serves(request.InfoHash))
        {
            var isLeaving = request.Event == AnnounceEvent.Stopped;
            var peer = new MemberPeer(member, request.InfoHash, from, request.Port, request.Left == 0, isLeaving);
            if (!Remember(peer))
            {
                _tracker.Refuse("this member has too many peers", TimeSpan.FromMinutes(30), output);
                return;
            }

            Heard?.Invoke(peer);
        }

        _tracker.Announce(query, from, Plain(local), output);
    }

    /// <summary>Lists what a member announced at another hub.</summary>
    public void Note(MemberPeer peer)
    {
        if (Serves(peer.InfoHash) && Remember(peer))
        {
            _tracker.Note(RequestOf(peer), peer.Address);
        }
    }

    /// <summary>Takes off the list whatever these members announced.</summary>
    public void Drop(IEnumerable<MemberId> members)
    {
        var dropped = new List<Place>();
        lock (_lock)
        {
            foreach (var member in members)
            {
                if (_members.Remove(member, out var places))
                {
                    _isCounted = false;
                    dropped.AddRange(places.Keys);
                }
            }
        }

        foreach (var place in dropped)
        {
            var peer = new MemberPeer(default, place.InfoHash, place.Address, place.Port, false, true);
            _tracker.Note(RequestOf(peer), place.Address);
        }
    }

    /// <summary>
    /// Members with and without all of it; one that is there with several addresses is one. A hybrid's peers may announce either of
    /// its hashes, or both.
    /// </summary>
    public (int Complete, int Incomplete) Count(InfoHashes torrent)
    {
        var (complete, incomplete) = (0, 0);
        lock (_lock)
        {
            if (!_isCounted && (_members.Count < ManyMembers || Now - _countedAt >= CountAgain))
            {
                Recount();
            }

            foreach (var infoHash in torrent.OnTheWire)
            {
                var counts = _counts.GetValueOrDefault(infoHash);
                complete = Math.Max(complete, counts.Complete);
                incomplete = Math.Max(incomplete, counts.Incomplete);
            }
        }

        return (complete, incomplete);
    }

    /// <summary>Where members take part in a torrent: those that have all of it first.</summary>
    public IReadOnlyList<IPEndPoint> Find(InfoHashes torrent, int atMost)
    {
        var names = torrent.OnTheWire.ToHashSet();
        lock (_lock)
        {
            return
            [
                .. _members
                    .Values.SelectMany(places => places)
                    .Where(place => names.Contains(place.Key.InfoHash))
                    .OrderByDescending(place => place.Value.IsSeed)
                    .ThenByDescending(place => place.Value.At)
                    .Select(place => new IPEndPoint(place.Key.Address, place.Key.Port))
                    .Distinct()
                    .Take(atMost),
            ];
        }
    }

    /// <summary>Forgets who has not announced for long; called once a second.</summary>
    public void Expire()
    {
        _tracker.Expire();
        var now = Now;
        lock (_lock)
        {
            if (now < _nextSweep)
            {
                return;
            }

            _nextSweep = now + TimeSpan.FromSeconds(30);
            _isCounted = false;
            foreach (var (member, places) in _members.ToList())
            {
                foreach (
                    var place in places
                        .Where(place => now - place.Value.At > _lifetime)
                        .Select(place => place.Key)
                        .ToList()
                )
                {
                    places.Remove(place);
                }

                if (places.Count == 0)
                {
                    _members.Remove(member);
                }
            }
        }
    }

    private TimeSpan Now => _time.GetElapsedTime(_start);

    private bool Serves(InfoHash infoHash) => Volatile.Read(ref _served).Contains(infoHash);

    /// <summary>False: one more than a member can have.</summary>
    private bool Remember(in MemberPeer peer)
    {
        var place = new Place(peer.InfoHash, peer.Address, peer.Port);
        lock (_lock)
        {
            _isCounted = false;
            if (peer.IsLeaving)
            {
                if (_members.TryGetValue(peer.Member, out var left) && left.Remove(place) && left.Count == 0)
                {
                    _members.Remove(peer.Member);
                }

                return true;
            }

            if (!_members.TryGetValue(peer.Member, out var places))
            {
                _members[peer.Member] = places = [];
            }

            var most = Math.Max(_limits.PeersPerMember, _limits.PeersPerSwarm * Volatile.Read(ref _served).Count);
            if (places.Count >= most && !places.ContainsKey(place))
            {
                return false;
            }

            places[place] = new Sighting(Now, peer.IsSeed);
            return true;
        }
    }

    private void Recount()
    {
        (_isCounted, _countedAt) = (true, Now);
        _counts.Clear();
        foreach (var places in _members.Values)
        {
            foreach (var swarm in places.GroupBy(place => place.Key.InfoHash))
            {
                var (complete, incomplete) = _counts.GetValueOrDefault(swarm.Key);
                _counts[swarm.Key] = swarm.Any(place => place.Value.IsSeed)
                    ? (complete + 1, incomplete)
                    : (complete, incomplete + 1);
            }
        }
    }

    private static AnnounceRequest RequestOf(in MemberPeer peer) =>
        new()
        {
            InfoHash = peer.InfoHash,
            PeerId = default,
            Port = peer.Port,
            Left = peer.IsSeed ? 0 : 1,
            Event = peer.IsLeaving ? AnnounceEvent.Stopped : AnnounceEvent.None,
        };

    private static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private readonly record struct Sighting(TimeSpan At, bool IsSeed);

    private readonly record struct Place(InfoHash InfoHash, IPAddress Address, ushort Port);
}
