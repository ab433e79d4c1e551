using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// Addresses we know and are not connected to, and which of them to try next. Bounded; failures back off.
/// </summary>
internal sealed class CandidatePool(SwarmState state)
{
    private const int MaxFailures = 6;

    /// <summary>For hearsay: whoever is attacked with our help is left in peace soon.</summary>
    private const int MaxHearsayFailures = 2;
    private static readonly TimeSpan FirstBackOff = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan MaxBackOff = TimeSpan.FromMinutes(30);

    private sealed class Candidate
    {
        public required IPEndPoint EndPoint { get; init; }
        public PeerSource Source { get; set; }
        public int Failures { get; set; }
        public TimeSpan NotBefore { get; set; }
        public bool IsConnecting { get; set; }
        public bool IsConnected { get; set; }

        /// <summary>It was a seed when we were one too, or ourselves: of no use.</summary>
        public bool IsUseless { get; set; }
        public uint Priority { get; set; }

        /// <summary>Not null while only peer exchange names it.</summary>
        public Hearsay.Sponsor? Sponsor { get; set; }

        /// <summary>What peer exchange says of it.</summary>
        public PexFlags Flags { get; set; }
    }

    private readonly Dictionary<IPEndPoint, Candidate> _known = [];
    private readonly HashSet<IPAddress> _banned = [];
    private int _hearsayConnecting;

    public Hearsay Hearsay { get; } = new(state);

    public int Connecting { get; private set; }

    /// <summary>Known and not connected.</summary>
    public int Count
    {
        get
        {
            var count = 0;
            foreach (var candidate in _known.Values)
            {
                count += candidate.IsConnected || candidate.IsUseless ? 0 : 1;
            }

            return count;
        }
    }

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

    public void Add(IReadOnlyList<IPEndPoint> endPoints, PeerSource source)
    {
        foreach (var endPoint in endPoints)
        {
            Add(endPoint, source);
        }
    }

    /// <summary>Takes what a connected peer says of another; see <see cref="Hearsay"/> for what is not taken.</summary>
    public void AddHearsay(in PexPeer named, PeerState by)
    {
        if (_known.TryGetValue(named.EndPoint, out var known))
        {
            known.Source |= PeerSource.Pex;
            known.Flags = named.Flags;
            return;
        }

        if (
            _banned.Contains(named.EndPoint.Address)
            || _known.Count >= state.Limits.MaxCandidates
            || !Hearsay.TryHold(named.EndPoint, by, out var sponsor)
        )
        {
            return;
        }

        var candidate = Add(named.EndPoint, PeerSource.Pex)!;
        candidate.Sponsor = sponsor;
        candidate.Flags = named.Flags;
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
            return;
        }

        var candidate = Add(peer.KnownAs, peer.Introduction.Source);
        if (candidate is not null)
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
        if (Add(endPoint, PeerSource.Incoming) is { } candidate)
        {
            Connected(candidate);
        }
    }

    public void Left(PeerState peer, DisconnectReason reason)
    {
        Hearsay.Leave(peer);
        if (!_known.TryGetValue(peer.KnownAs, out var candidate))
        {
            return;
        }

        candidate.IsConnected = false;
        if (reason == DisconnectReason.Self)
        {
            candidate.IsUseless = true;
            return;
        }

        if (reason == DisconnectReason.NotUseful)
        {
            // Both of us may lose a piece or gain a wish some day.
            candidate.NotBefore = state.Now + MaxBackOff;
            return;
        }

        if (reason == DisconnectReason.TorrentPaused)
        {
            candidate.NotBefore = state.Now;
            return;
        }

        Fail(candidate, hadData: peer.Down.Total > 0);
    }

    public void ConnectFailed(IPEndPoint endPoint, DisconnectReason reason)
    {
        if (!_known.TryGetValue(endPoint, out var candidate))
        {
            return;
        }

        Answered(candidate);
        switch (reason)
        {
            case DisconnectReason.Self:
                candidate.IsUseless = true;
                break;
            case DisconnectReason.Duplicate:
                candidate.NotBefore = state.Now + FirstBackOff * 3;
                break;
            case DisconnectReason.TooManyConnections:
                candidate.NotBefore = state.Now + FirstBackOff;
                break;
            default:
                Fail(candidate, hadData: false);
                break;
        }
    }

    /// <summary>The best address to try now, marked as being tried, and what is known of the way; null: none.</summary>
    public IPEndPoint? Next(out DialHints hints)
    {
        Candidate? best = null;
        foreach (var candidate in _known.Values)
        {
            if (
                candidate is { IsConnecting: false, IsConnected: false, IsUseless: false }
                && candidate.NotBefore <= state.Now
                && !MustWait(candidate)
                && (best is null || IsBetter(candidate, best))
            )
            {
                best = candidate;
            }
        }

        hints = DialHints.None;
        if (best is null)
        {
            return null;
        }

        hints = DialHint.Of(best.Source, best.Flags);
        best.IsConnecting = true;
        Connecting++;
        _hearsayConnecting += best.Sponsor is null ? 0 : 1;
        return best.EndPoint;
    }

    /// <summary>All attempts are over: the swarm pauses.</summary>
    public void StopConnecting()
    {
        foreach (var candidate in _known.Values)
        {
            candidate.IsConnecting = false;
        }

        Connecting = 0;
        _hearsayConnecting = 0;
    }

    public uint PriorityOf(IPEndPoint endPoint) =>
        state.Options.ExternalAddress is { } own ? PeerPriority.Of(own, endPoint) : 0;

    private static bool IsBetter(Candidate a, Candidate b)
    {
        if (a.Failures != b.Failures)
        {
            return a.Failures < b.Failures;
        }

        if (a.Sponsor is { } sponsor && b.Sponsor is { } other && sponsor.Missed != other.Missed)
        {
            return sponsor.Missed < other.Missed;
        }

        return a.Priority > b.Priority;
    }

    /// <summary>
    /// Half of the calls under way may be to hearsay. And a seed that was named to a seed stays for the day we want more.
    /// </summary>
    private bool MustWait(Candidate candidate) =>
        candidate.Sponsor is not null
        && (
            _hearsayConnecting * 2 >= state.Limits.MaxConnecting
            || (state.IsSeeding && (candidate.Flags & PexFlags.UploadOnly) != 0)
        );

    private Candidate? Add(IPEndPoint endPoint, PeerSource source)
    {
        if (_known.TryGetValue(endPoint, out var known))
        {
            known.Source |= source;
            if (source != PeerSource.Pex)
            {
                Verified(known);
            }

            return known;
        }

        if (endPoint.Port == 0 || _banned.Contains(endPoint.Address) || IsNobody(endPoint.Address))
        {
            return null;
        }

        if (_known.Count >= state.Limits.MaxCandidates && !MakeRoom())
        {
            return null;
        }

        var candidate = new Candidate
        {
            EndPoint = endPoint,
            Source = source,
            Priority = PriorityOf(endPoint),
        };
        _known.Add(endPoint, candidate);
        return candidate;
    }

    private bool MakeRoom()
    {
        Candidate? worst = null;
        foreach (var candidate in _known.Values)
        {
            if (
                candidate is { IsConnected: false, IsConnecting: false }
                && (candidate.Failures > 0 || candidate.IsUseless)
                && (worst is null || candidate.Failures > worst.Failures)
            )
            {
                worst = candidate;
            }
        }

        if (worst is not null)
        {
            Forget(worst);
        }

        return worst is not null;
    }

    private void Connected(Candidate candidate)
    {
        Answered(candidate);
        if (candidate.Sponsor is { } sponsor)
        {
            sponsor.Reached++;
            Verified(candidate);
        }

        candidate.IsConnected = true;
        candidate.Failures = 0;
    }

    /// <summary>It is no hearsay any more.</summary>
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

    private void Fail(Candidate candidate, bool hadData)
    {
        candidate.Failures = hadData ? 1 : candidate.Failures + 1;
        if (candidate is { Sponsor: { } sponsor, Failures: 1 })
        {
            sponsor.Missed++;
        }

        var most = candidate.Sponsor is null ? MaxFailures : MaxHearsayFailures - 1;
        if (candidate.Failures > most && (candidate.Source & PeerSource.User) == 0)
        {
            Forget(candidate);
            return;
        }

        var wait = FirstBackOff * Math.Pow(2, Math.Min(candidate.Failures - 1, 10));
        candidate.NotBefore = state.Now + (wait < MaxBackOff ? wait : MaxBackOff);
    }

    private void Forget(Candidate candidate)
    {
        Answered(candidate);
        Verified(candidate);
        _known.Remove(candidate.EndPoint);
    }

    private static bool IsNobody(IPAddress address) =>
        address.Equals(IPAddress.Any)
        || address.Equals(IPAddress.IPv6Any)
        || address.Equals(IPAddress.Broadcast)
        || address.IsIPv6Multicast
        || (
            address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork
            && address.GetAddressBytes()[0] >= 224
        );
}
