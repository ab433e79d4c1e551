using System.Net;
using System.Net.Sockets;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// Gets ports mapped by one gateway: by PCP (RFC 6887), and by NAT-PMP (RFC 6886) where it does not speak that. Datagrams
/// and time in, datagrams out; the caller brings only datagrams of the gateway itself.
/// </summary>
internal sealed class GatewayMapper
{
    private readonly IPAddress _gateway;
    private readonly IPAddress _client;
    private readonly MappingLimits _limits;
    private readonly DhtRandom _random;
    private readonly List<(PortLease Lease, byte[] Nonce)> _leases;
    private readonly ServerEpoch _epoch = new();
    private Language _language;
    private bool _isClosing;
    private TimeSpan _askAddress = TimeSpan.MinValue;
    private IPAddress? _externalAddress;

    private enum Language
    {
        /// <summary>Nobody has answered; PCP is tried.</summary>
        Unknown,
        Pcp,
        NatPmp,
    }

    /// <param name="gateway">For what is reported.</param>
    /// <param name="client">Our address, the source of what we send.</param>
    /// <param name="wishes">What to map.</param>
    /// <param name="limits">Bounds.</param>
    /// <param name="random">From a good source: nonces come of it.</param>
    public GatewayMapper(
        IPAddress gateway,
        IPAddress client,
        IEnumerable<PortWish> wishes,
        MappingLimits limits,
        DhtRandom random
    )
    {
        (_gateway, _client, _limits, _random) = (gateway, client, limits, random);
        _leases = [.. wishes.Select(wish => (new PortLease(wish), NewNonce()))];
    }

    /// <summary>What is mapped now.</summary>
    public IReadOnlyList<PortMapping> Mappings =>
        [
            .. _leases
                .Where(entry => entry.Lease.IsMapped)
                .Select(entry => new PortMapping(
                    entry.Lease.Wish,
                    entry.Lease.ExternalPort,
                    Reachable(entry.Lease.ExternalAddress ?? _externalAddress),
                    _gateway,
                    _language == Language.NatPmp ? MappingMethod.NatPmp : MappingMethod.Pcp
                )),
        ];

    /// <summary>After <see cref="Close"/>: the gateway has taken everything back.</summary>
    public bool IsClosed => _leases.TrueForAll(entry => !entry.Lease.IsMapped);

    /// <summary>When to tick next.</summary>
    public TimeSpan NextDue
    {
        get
        {
            var due = _leases.Min(entry => Earlier(entry.Lease.Next, entry.Lease.Expires));
            return _language == Language.NatPmp && !_isClosing ? Earlier(due, _askAddress) : due;
        }
    }

    public void Tick(TimeSpan now, List<byte[]> output)
    {
        foreach (var (lease, _) in _leases)
        {
            if (now >= lease.Expires)
            {
                lease.Lost();
                (lease.Attempts, lease.Next) = (0, _isClosing ? TimeSpan.MaxValue : now);
                // It may be another gateway by now, which speaks another language.
                _language = _leases.Exists(entry => entry.Lease.IsMapped) ? _language : Language.Unknown;
            }
        }

        if (_language == Language.NatPmp && !_isClosing && now >= _askAddress)
        {
            // Also tells whether the gateway has begun anew.
            _askAddress = now + (_externalAddress is null ? TimeSpan.FromSeconds(2) : _limits.Lifetime / 4);
            output.Add(NatPmp.WriteAddressRequest());
        }

        foreach (var (lease, nonce) in _leases)
        {
            if (now >= lease.Next && (!_isClosing || lease.IsMapped))
            {
                Ask(lease, nonce, now, output);
            }
        }
    }

    /// <summary>A datagram of the gateway, an answer or an announcement.</summary>
    public void Receive(ReadOnlySpan<byte> datagram, TimeSpan now, List<byte[]> output)
    {
        if (Pcp.TryRead(datagram, out var pcp))
        {
            TakePcp(pcp, now);
        }
        else if (NatPmp.TryRead(datagram, out var natPmp))
        {
            TakeNatPmp(natPmp, now);
        }

        Tick(now, output);
    }

    /// <summary>Takes everything back: the caller ticks until <see cref="IsClosed"/>, or for as long as it likes to wait.</summary>
    public void Close(TimeSpan now, List<byte[]> output)
    {
        _isClosing = true;
        foreach (var (lease, _) in _leases)
        {
            (lease.Next, lease.Attempts) = (lease.IsMapped ? now : TimeSpan.MaxValue, 0);
        }

        Tick(now, output);
    }

    private void Ask(PortLease lease, byte[] nonce, TimeSpan now, List<byte[]> output)
    {
        if (!_isClosing && !lease.IsMapped && HasNobody(lease, now))
        {
            return;
        }

        lease.Attempts++;
        var seconds = _isClosing ? 0 : (uint)_limits.Lifetime.TotalSeconds;
        var suggested = _isClosing ? (ushort)0 : lease.SuggestedPort;
        var (message, patience) =
            _language == Language.NatPmp
                ? (
                    NatPmp.WriteMapRequest(lease.Wish.Protocol, lease.Wish.Port, suggested, seconds),
                    _limits.NatPmpPatience
                )
                : (
                    Pcp.Write(
                        new PcpMapRequest(
                            _client,
                            nonce,
                            lease.Wish.Protocol,
                            lease.Wish.Port,
                            suggested,
                            _isClosing ? null : lease.ExternalAddress,
                            seconds
                        )
                    ),
                    _limits.PcpPatience
                );
        // What is to be taken back is soon forgotten by us; there is no time to be patient.
        patience = _isClosing ? _limits.NatPmpPatience : patience;
        lease.Next = now + patience * Math.Pow(2, Math.Min(lease.Attempts - 1, 8));
        output.Add(message);
    }

    // Whether this lease has asked often enough without any answer, and goes over to the next language or to sleep.
    private bool HasNobody(PortLease lease, TimeSpan now)
    {
        if (_language == Language.Unknown && lease.Attempts > 0)
        {
            // NAT-PMP is for IPv4 only.
            if (_client.AddressFamily == AddressFamily.InterNetwork)
            {
                UseNatPmp(now);
                return false;
            }
        }

        if (lease.Attempts < _limits.NatPmpAttempts)
        {
            return false;
        }

        _language = Language.Unknown;
        foreach (var (other, _) in _leases)
        {
            (other.Attempts, other.Next) = (0, now + _limits.Retry);
        }

        return true;
    }

    private void UseNatPmp(TimeSpan now)
    {
        (_language, _askAddress) = (Language.NatPmp, now);
        foreach (var (other, _) in _leases)
        {
            (other.Attempts, other.Next) = (0, now);
        }
    }

    private void TakePcp(PcpAnswer answer, TimeSpan now)
    {
        if (answer.Version != Pcp.Version || answer.Result == PcpResult.UnsupportedVersion)
        {
            return;
        }

        if (answer.Map is not { } map)
        {
            // An announcement.
            if (_language == Language.Pcp)
            {
                Observe(answer.Epoch, now);
            }

            return;
        }

        // RFC 6887, 11.4: an answer that differs from the request in protocol, internal port or nonce is dropped.
        var (lease, nonce) = _leases.Find(entry =>
            entry.Lease.Wish == new PortWish(map.Protocol, map.Port) && map.Nonce.Span.SequenceEqual(entry.Nonce)
        );
        if (lease is null || _language == Language.NatPmp)
        {
            return;
        }

        _language = Language.Pcp;
        Observe(answer.Epoch, now);
        if (answer.Result != PcpResult.Success)
        {
            Refused(lease, TimeSpan.FromSeconds(answer.Lifetime), now);
        }
        else
        {
            Granted(lease, map.ExternalPort, answer.Lifetime, now);
            lease.ExternalAddress = lease.IsMapped ? map.ExternalAddress : null;
        }
    }

    private void TakeNatPmp(NatPmpAnswer answer, TimeSpan now)
    {
        if (_language == Language.Unknown)
        {
            // RFC 6887, 9: a server of NAT-PMP answers a request of PCP with version 0 and "unsupported version".
            if (answer.Result == NatPmpResult.UnsupportedVersion)
            {
                UseNatPmp(now);
            }

            return;
        }

        if (_language == Language.Pcp)
        {
            return;
        }

        Observe(answer.Epoch, now);
        if (answer.ExternalAddress is { } address)
        {
            _externalAddress = answer.Result == NatPmpResult.Success ? address : null;
            _askAddress = now + _limits.Lifetime / 4;
        }

        if (answer.Map is not { } map)
        {
            return;
        }

        var lease = _leases.Find(entry => entry.Lease.Wish == new PortWish(map.Protocol, map.Port)).Lease;
        if (lease is null)
        {
            return;
        }

        if (answer.Result != NatPmpResult.Success)
        {
            Refused(lease, _limits.Retry, now);
        }
        else
        {
            Granted(lease, map.ExternalPort, map.Lifetime, now);
        }
    }

    // A gateway that began anew has forgotten what it mapped.
    private void Observe(uint epoch, TimeSpan now)
    {
        if (!_epoch.HasRestarted(epoch, now) || _isClosing)
        {
            return;
        }

        _askAddress = now;
        foreach (var (lease, _) in _leases)
        {
            if (lease.IsMapped)
            {
                (lease.Attempts, lease.Next) = (0, now);
            }
        }
    }

    private void Refused(PortLease lease, TimeSpan wait, TimeSpan now)
    {
        lease.Lost();
        lease.Attempts = 0;
        lease.Next =
            _isClosing ? TimeSpan.MaxValue
            : wait < _limits.ShortestRetry ? now + _limits.ShortestRetry
            : now + Earlier(wait, _limits.Retry);
    }

    private void Granted(PortLease lease, ushort port, uint lifetime, TimeSpan now)
    {
        if (lifetime == 0 || port == 0)
        {
            // Taken back, or given for no time at all, which comes to the same.
            Refused(lease, _limits.Retry, now);
            return;
        }

        lease.Granted(port, Bounded(lifetime), now);
        if (_isClosing)
        {
            // It was on its way when we began to take back.
            lease.Next = now;
        }
    }

    private TimeSpan Bounded(uint seconds)
    {
        var lifetime = TimeSpan.FromSeconds(seconds);
        return lifetime < _limits.ShortestLifetime
            ? _limits.ShortestLifetime
            : Earlier(lifetime, _limits.LongestLifetime);
    }

    private byte[] NewNonce()
    {
        var nonce = new byte[Pcp.NonceSize];
        _random.Fill(nonce);
        return nonce;
    }

    /// <summary>Routers behind other routers, and those that lie, name addresses that lead nowhere.</summary>
    internal static IPAddress? Reachable(IPAddress? address) =>
        address is not null && NetworkReaches.Of(address) == NetworkReach.Global ? address : null;

    private static TimeSpan Earlier(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
