using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>A request to a router, to be sent to the control URL of the service.</summary>
internal sealed record UpnpCall(UpnpService Service, string Action, byte[] Body);

/// <summary>
/// Gets ports mapped by one router that speaks UPnP (IGD 1 or 2). Says what to ask, is told the answers; one request at a
/// time, since small routers mix them up.
/// </summary>
internal sealed class UpnpMapper
{
    private const string GetAddress = "GetExternalIPAddress";
    private const string AddMapping = "AddPortMapping";
    private const string AddAnyMapping = "AddAnyPortMapping";
    private const string DeleteMapping = "DeletePortMapping";

    /// <summary>Requests in a row that come to nothing before the router is given up.</summary>
    private const int MaxFailures = 3;

    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(5);

    private readonly IReadOnlyList<UpnpService> _services;
    private readonly IPAddress _router;
    private readonly IPAddress _client;
    private readonly MappingLimits _limits;
    private readonly DhtRandom _random;
    private readonly List<PortLease> _leases;
    private int _service;
    private bool _mayLease = true;
    private bool _mayChoose;
    private bool _isClosing;
    private TimeSpan _askAddress = TimeSpan.MinValue;
    private IPAddress? _externalAddress;
    private (string Action, PortLease? Lease) _asked;
    private int _failures;

    /// <param name="services">Of its description, the best first; at least one.</param>
    /// <param name="router">For what is reported.</param>
    /// <param name="client">Our address in the router's network.</param>
    /// <param name="wishes">What to map.</param>
    /// <param name="limits">Bounds.</param>
    /// <param name="random">Other ports come of it.</param>
    public UpnpMapper(
        IReadOnlyList<UpnpService> services,
        IPAddress router,
        IPAddress client,
        IEnumerable<PortWish> wishes,
        MappingLimits limits,
        DhtRandom random
    )
    {
        (_services, _router, _client, _limits, _random) = (services, router, client, limits, random);
        _leases = [.. wishes.Select(wish => new PortLease(wish))];
        _mayChoose = services[0].CanChoosePort;
    }

    /// <summary>The router does not answer any more: look for one again.</summary>
    public bool IsLost => _failures >= MaxFailures;

    /// <summary>After <see cref="Close"/>: nothing is left to take back.</summary>
    public bool IsClosed => IsLost || _leases.TrueForAll(lease => !lease.IsMapped);

    /// <inheritdoc cref="GatewayMapper.Mappings"/>
    public IReadOnlyList<PortMapping> Mappings =>
        IsLost
            ? []
            :
            [
                .. _leases
                    .Where(lease => lease.IsMapped)
                    .Select(lease => new PortMapping(
                        lease.Wish,
                        lease.ExternalPort,
                        GatewayMapper.Reachable(_externalAddress),
                        _router,
                        MappingMethod.Upnp
                    )),
            ];

    /// <summary>When there is something to ask next.</summary>
    public TimeSpan NextDue
    {
        get
        {
            var due = _leases.Min(lease => lease.Next);
            return !_isClosing && _askAddress < due ? _askAddress : due;
        }
    }

    private UpnpService Service => _services[_service];

    /// <summary>What to ask now; null: nothing. <see cref="Answered"/> comes before the next.</summary>
    public UpnpCall? Next(TimeSpan now)
    {
        if (IsLost)
        {
            return null;
        }

        foreach (var lease in _leases.Where(lease => now >= lease.Expires))
        {
            lease.Lost();
        }

        if (_isClosing)
        {
            var mapped = _leases.Find(lease => lease.IsMapped && now >= lease.Next);
            return mapped is null ? null : Call(DeleteMapping, mapped, DeleteArguments(mapped));
        }

        if (now >= _askAddress)
        {
            return Call(GetAddress, null, []);
        }

        var due = _leases.Find(lease => now >= lease.Next);
        return due is null ? null : Call(_mayChoose ? AddAnyMapping : AddMapping, due, AddArguments(due));
    }

    /// <summary>What came of the last request; null: no answer, or one that makes no sense.</summary>
    public void Answered(UpnpAnswer? answer, TimeSpan now)
    {
        var (action, lease) = _asked;
        if (answer is null)
        {
            _failures++;
            if (lease is not null)
            {
                lease.Next = now + AfterFailure;
            }
            else
            {
                _askAddress = now + AfterFailure;
            }

            return;
        }

        _failures = 0;
        switch (action)
        {
            case GetAddress:
                TakeAddress(answer, now);
                break;
            case DeleteMapping:
                // An error says that it is gone, or not ours to take back: both are the end of it.
                lease!.Lost();
                lease.Next = TimeSpan.MaxValue;
                break;
            default:
                if (answer.ErrorCode is { } error)
                {
                    Refused(lease!, error, now);
                }
                else
                {
                    Granted(lease!, answer, now);
                }

                break;
        }
    }

    /// <summary>Takes everything back, by <see cref="Next"/> as before.</summary>
    public void Close(TimeSpan now)
    {
        _isClosing = true;
        foreach (var lease in _leases)
        {
            lease.Next = lease.IsMapped ? now : TimeSpan.MaxValue;
        }
    }

    private UpnpCall Call(string action, PortLease? lease, IEnumerable<(string, string)> arguments)
    {
        _asked = (action, lease);
        return new UpnpCall(Service, action, UpnpSoap.Write(Service.Type, action, arguments));
    }

    private void TakeAddress(UpnpAnswer answer, TimeSpan now)
    {
        _askAddress = now + _limits.Lifetime / 2;
        _externalAddress =
            answer.Values.TryGetValue("NewExternalIPAddress", out var text)
            && IPAddress.TryParse(text, out var address)
            && address.AddressFamily == AddressFamily.InterNetwork
            && !address.Equals(IPAddress.Any)
                ? address
                : null;
        if (_externalAddress is null && _service + 1 < _services.Count && !_leases.Exists(lease => lease.IsMapped))
        {
            // Routers describe each way out that they could have; the next one may be the one that is connected.
            _service++;
            (_mayChoose, _askAddress) = (Service.CanChoosePort, now);
        }
    }

    private void Granted(PortLease lease, UpnpAnswer answer, TimeSpan now)
    {
        var port = lease.SuggestedPort;
        if (
            answer.Values.TryGetValue("NewReservedPort", out var text)
            && ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var reserved)
            && reserved != 0
        )
        {
            port = reserved;
        }

        lease.Granted(port, _limits.Lifetime, now);
        // What lasts for ever is renewed as well: the router may have forgotten it meanwhile.
        lease.Expires = TimeSpan.MaxValue;
        if (_isClosing)
        {
            lease.Next = now;
        }
    }

    private void Refused(PortLease lease, int error, TimeSpan now)
    {
        lease.Lost();
        lease.Next = _isClosing ? TimeSpan.MaxValue : now;
        lease.Attempts++;
        switch (error)
        {
            case UpnpError.InvalidAction or UpnpError.OptionalActionNotImplemented when _mayChoose:
                _mayChoose = false;
                return;
            case UpnpError.OnlyPermanentLeasesSupported when _mayLease:
            // Some say it this way.
            case UpnpError.InvalidArguments or UpnpError.ActionFailed when _mayLease:
                _mayLease = false;
                return;
            case UpnpError.ConflictInMappingEntry
            or UpnpError.ConflictWithOtherMechanisms when lease.Attempts <= _limits.OtherPorts:
                lease.SuggestedPort = (ushort)(1024 + _random.Next(64_512));
                return;
        }

        lease.Attempts = 0;
        lease.Next = _isClosing ? TimeSpan.MaxValue : now + _limits.Retry;
    }

    private IEnumerable<(string, string)> AddArguments(PortLease lease) =>
        [
            ("NewRemoteHost", ""),
            ("NewExternalPort", Number(lease.SuggestedPort)),
            ("NewProtocol", Name(lease)),
            ("NewInternalPort", Number(lease.Wish.Port)),
            ("NewInternalClient", _client.ToString()),
            ("NewEnabled", "1"),
            ("NewPortMappingDescription", "Shoal"),
            ("NewLeaseDuration", Number(_mayLease ? (int)_limits.Lifetime.TotalSeconds : 0)),
        ];

    private static IEnumerable<(string, string)> DeleteArguments(PortLease lease) =>
        [("NewRemoteHost", ""), ("NewExternalPort", Number(lease.ExternalPort)), ("NewProtocol", Name(lease))];

    private static string Name(PortLease lease) => lease.Wish.Protocol == MappedProtocol.Tcp ? "TCP" : "UDP";

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
