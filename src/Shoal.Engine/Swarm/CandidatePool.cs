using System.Net;

namespace Shoal.Engine;

/// <summary>
/// Addresses we know and are not connected to, and which of them to try next. Bounded; failures back off.
/// </summary>
internal sealed class CandidatePool(SwarmState state)
{
    private const int MaxFailures = 6;
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
    }

    private readonly Dictionary<IPEndPoint, Candidate> _known = [];
    private readonly HashSet<IPAddress> _banned = [];

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

    public void Joined(PeerState peer)
    {
        if (!peer.Introduction.IsOutgoing)
        {
            return;
        }

        var candidate = Add(peer.EndPoint, peer.Introduction.Source);
        if (candidate is not null)
        {
            Connected(candidate);
        }
    }

    /// <summary>An incoming peer told where it listens: it can be found again.</summary>
    public void Listens(PeerState peer, IPEndPoint endPoint)
    {
        peer.EndPoint = endPoint;
        if (Add(endPoint, PeerSource.Incoming) is { } candidate)
        {
            Connected(candidate);
        }
    }

    public void Left(PeerState peer, DisconnectReason reason)
    {
        if (!_known.TryGetValue(peer.EndPoint, out var candidate))
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

        if (candidate.IsConnecting)
        {
            candidate.IsConnecting = false;
            Connecting--;
        }

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

    /// <summary>The best address to try now, marked as being tried; null when there is none.</summary>
    public IPEndPoint? Next()
    {
        Candidate? best = null;
        foreach (var candidate in _known.Values)
        {
            if (
                candidate is { IsConnecting: false, IsConnected: false, IsUseless: false }
                && candidate.NotBefore <= state.Now
                && (best is null || IsBetter(candidate, best))
            )
            {
                best = candidate;
            }
        }

        if (best is null)
        {
            return null;
        }

        best.IsConnecting = true;
        Connecting++;
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
    }

    public uint PriorityOf(IPEndPoint endPoint) =>
        state.Options.ExternalAddress is { } own ? PeerPriority.Of(own, endPoint) : 0;

    private static bool IsBetter(Candidate a, Candidate b)
    {
        if (a.Failures != b.Failures)
        {
            return a.Failures < b.Failures;
        }

        return a.Priority > b.Priority;
    }

    private Candidate? Add(IPEndPoint endPoint, PeerSource source)
    {
        if (_known.TryGetValue(endPoint, out var known))
        {
            known.Source |= source;
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

        return worst is not null && _known.Remove(worst.EndPoint);
    }

    private void Connected(Candidate candidate)
    {
        if (candidate.IsConnecting)
        {
            candidate.IsConnecting = false;
            Connecting--;
        }

        candidate.IsConnected = true;
        candidate.Failures = 0;
    }

    private void Fail(Candidate candidate, bool hadData)
    {
        candidate.Failures = hadData ? 1 : candidate.Failures + 1;
        if (candidate.Failures > MaxFailures && (candidate.Source & PeerSource.User) == 0)
        {
            Forget(candidate);
            return;
        }

        var wait = FirstBackOff * Math.Pow(2, Math.Min(candidate.Failures - 1, 10));
        candidate.NotBefore = state.Now + (wait < MaxBackOff ? wait : MaxBackOff);
    }

    private void Forget(Candidate candidate)
    {
        if (candidate.IsConnecting)
        {
            Connecting--;
        }

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
