using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// Addresses we know and are not connected to, and which of them to try next. Bounded; failures back off.
/// </summary>
internal sealed partial class CandidatePool(SwarmState state)
{
    private const int MaxFailures = 6;

    /// <summary>For hearsay: whoever is attacked with our help is left in peace soon.</summary>
    private const int MaxHearsayFailures = 2;
    private static readonly TimeSpan FirstBackOff = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan MaxBackOff = TimeSpan.FromMinutes(30);

    /// <summary>Who stayed so long was no failure, even if nothing went to or fro.</summary>
    private static readonly TimeSpan LongEnough = TimeSpan.FromMinutes(1);

    private readonly Dictionary<IPEndPoint, Candidate> _known = [];
    private readonly CandidateQueue _queue = new();
    private readonly HashSet<IPAddress> _banned = [];
    private readonly HashSet<IPAddress> _forgiven = [];
    private readonly HashSet<IPEndPoint> _bannedOne = [];
    private int _hearsayConnecting;
    private long _lastNumber;
    private bool _wasSeeding;

    public Hearsay Hearsay { get; } = new(state);

    public int Connecting { get; private set; }

    /// <summary>Known and not connected.</summary>
    public int Count => _queue.Count + Connecting;

    /// <summary>Nobody is known, and nobody is to be kept away.</summary>
    public bool IsBlank =>
        _known.Count == 0 && _banned.Count == 0 && _forgiven.Count == 0 && _bannedOne.Count == 0 && Hearsay.IsBlank;

    public bool IsBanned(IPAddress address) => _banned.Contains(address);

    public void Ban(IPAddress address)
    {
        // Enough for any honest swarm; an attacker with more addresses is held by the limits of each connection.
        if (_banned.Count < state.Limits.MaxCandidates)
        {
            _banned.Add(address);
        }

        foreach (var endPoint in _known.Keys.Where(endPoint => endPoint.Address.Equals(address)).ToArray())
        {
            Forget(_known[endPoint]);
        }
    }

    /// <summary>The first at its address that sent bad data: only this one stays away. False: it was not the first.</summary>
    public bool TryForgive(PeerState guilty)
    {
        if (_forgiven.Count >= state.Limits.MaxCandidates || !_forgiven.Add(guilty.Address))
        {
            return false;
        }

        _bannedOne.Add(guilty.KnownAs);
        if (_known.TryGetValue(guilty.KnownAs, out var candidate))
        {
            Forget(candidate);
        }

        return true;
    }

    public void Add(IReadOnlyList<IPEndPoint> endPoints, CandidateTeller teller)
    {
        foreach (var endPoint in endPoints)
        {
            Add(endPoint, teller);
        }
    }

    /// <summary>The torrent is private: whom others than its trackers named is not called.</summary>
    public void KeepPrivateSources()
    {
        const PeerSource open = PeerSource.Pex | PeerSource.Dht | PeerSource.LocalDiscovery | PeerSource.HolePunch;
        foreach (var candidate in _known.Values.Where(candidate => (candidate.Source & ~open) == 0).ToArray())
        {
            Forget(candidate);
        }
    }

    public void Joined(PeerState peer)
    {
        if (!peer.Introduction.IsOutgoing)
        {
            // By uTP peers call from the port where they listen. Then it is one that we know, and may be calling at this
            // moment: of the two calls through a hole only one is left, which need not be ours.
            if (_known.TryGetValue(peer.KnownAs, out var caller))
            {
                Connected(caller);
                peer.Source |= caller.Source;
            }

            return;
        }

        if (Add(peer.KnownAs, new CandidateTeller(peer.Introduction.Source)) is { } candidate)
        {
            Connected(candidate);
            peer.Source = candidate.Source;
        }
    }

    /// <summary>An incoming peer told where it listens: it can be found again.</summary>
    public void Listens(PeerState peer, IPEndPoint endPoint)
    {
        peer.EndPoint = endPoint;
        peer.KnownAs = endPoint;
        if (Add(endPoint, new CandidateTeller(PeerSource.Incoming)) is { } candidate)
        {
            Connected(candidate);
        }
    }

    /// <summary>The best address to try now, marked as being tried, and what is known of the way; null: none.</summary>
    public IPEndPoint? Next(out DialHints hints)
    {
        if (_wasSeeding && !state.IsSeeding)
        {
            WakeSpent();
        }

        _wasSeeding = state.IsSeeding;
        // Half of the calls under way may be to hearsay. And a seed that was named to a seed stays for the day we want
        // more.
        var withHearsay = _hearsayConnecting * 2 < state.Limits.MaxConnecting;
        if (_queue.Take(state.Now, withHearsay, withSeeds: !state.IsSeeding) is not { } best)
        {
            hints = DialHints.None;
            return null;
        }

        hints = DialHint.Of(best.Source, best.Flags);
        Called(best);
        return best.EndPoint;
    }

    /// <summary>All attempts are over: the swarm pauses.</summary>
    public void StopConnecting()
    {
        foreach (var candidate in _known.Values.Where(candidate => candidate.IsConnecting))
        {
            Answered(candidate);
            QueueIfIdle(candidate);
        }
    }

    public uint PriorityOf(IPEndPoint endPoint) =>
        state.Own.External(endPoint.AddressFamily) is { } own
            ? PeerPriority.Of(new IPEndPoint(own, state.Own.Port), endPoint)
            : 0;

    /// <summary>Our address is another: so are all priorities, and one of the candidates may be us.</summary>
    public void Rank()
    {
        foreach (var candidate in _known.Values.ToArray())
        {
            // Whom the user names is called, and who answers at such an address is somebody else.
            var mayBeUs = (candidate.Source & PeerSource.User) == 0 && !candidate.IsConnected;
            if (mayBeUs && state.Own.Contains(candidate.EndPoint))
            {
                Forget(candidate);
                continue;
            }

            _queue.Remove(candidate);
            candidate.Priority = PriorityOf(candidate.EndPoint);
            QueueIfIdle(candidate);
        }
    }

    private Candidate? Add(IPEndPoint endPoint, CandidateTeller teller)
    {
        if (_known.TryGetValue(endPoint, out var known))
        {
            _queue.Remove(known);
            known.Source |= teller.Source;
            if (teller.Source != PeerSource.Pex)
            {
                if (known.Sponsor is not null || teller.Source is PeerSource.User or PeerSource.LocalDiscovery)
                {
                    known.Teller = teller;
                }

                Verified(known);
            }

            QueueIfIdle(known);
            return known;
        }

        // Trackers and the DHT name us too. Whom the user names is called: he may know better.
        var isUs = teller.Source != PeerSource.User && state.Own.Contains(endPoint);
        if (isUs || IsBanned(endPoint) || IsNobody(endPoint))
        {
            return null;
        }

        var candidate = Create(endPoint, teller);
        return TryTakeIn(candidate) ? candidate : null;
    }

    private bool IsBanned(IPEndPoint endPoint) => _banned.Contains(endPoint.Address) || _bannedOne.Contains(endPoint);

    private Candidate Create(IPEndPoint endPoint, CandidateTeller teller) =>
        new()
        {
            EndPoint = endPoint,
            Source = teller.Source,
            Teller = teller,
            Priority = PriorityOf(endPoint),
            Number = _lastNumber++,
        };

    /// <summary>As long as there is room, or somebody whose place is worth less.</summary>
    private bool TryTakeIn(Candidate candidate)
    {
        if (_known.Count >= state.Limits.MaxCandidates)
        {
            if (_queue.Worst(candidate, state.Now) is not { } worst)
            {
                return false;
            }

            Forget(worst);
        }

        _known.Add(candidate.EndPoint, candidate);
        _queue.Add(candidate);
        return true;
    }

    private void Connected(Candidate candidate)
    {
        _queue.Remove(candidate);
        if (candidate.IsConnecting)
        {
            _queue.Reward(candidate);
        }

        Answered(candidate);
        if (candidate.Sponsor is { } sponsor)
        {
            sponsor.Reached++;
            Verified(candidate);
        }

        candidate.IsConnected = true;
        candidate.IsSpent = false;
    }

    /// <summary>It is no hearsay any more. Not while it is queued.</summary>
    private void Verified(Candidate candidate)
    {
        if (candidate.Sponsor is { } sponsor)
        {
            _hearsayConnecting -= candidate.IsConnecting ? 1 : 0;
            candidate.Sponsor = null;
            Hearsay.Release(candidate.EndPoint, sponsor);
        }
    }

    /// <summary>The attempt to connect is over.</summary>
    private void Answered(Candidate candidate)
    {
        if (candidate.IsConnecting)
        {
            candidate.IsConnecting = false;
            Connecting--;
            _hearsayConnecting -= candidate.Sponsor is null ? 0 : 1;
        }
    }

    private void QueueIfIdle(Candidate candidate)
    {
        if (candidate.IsIdle && _known.ContainsKey(candidate.EndPoint))
        {
            _queue.Add(candidate);
        }
    }

    private void Forget(Candidate candidate)
    {
        _queue.Remove(candidate);
        Answered(candidate);
        Verified(candidate);
        _known.Remove(candidate.EndPoint);
    }

    private static bool IsNobody(IPEndPoint endPoint)
    {
        var address = endPoint.Address;
        return endPoint.Port == 0
            || address.Equals(IPAddress.Any)
            || address.Equals(IPAddress.IPv6Any)
            || address.Equals(IPAddress.Broadcast)
            || address.IsIPv6Multicast
            || (
                address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork
                && address.GetAddressBytes()[0] >= 224
            );
    }
}
