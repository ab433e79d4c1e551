using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Shoal.Engine;

/// <summary>
/// Opens every socket of the engine, and so decides by which addresses and interfaces of this machine traffic may leave
/// and come in (<c>--bind</c>). Safe to use from any thread.
/// </summary>
/// <remarks>
/// An address says which source address we use; which interface that leaves by, the routes decide. An interface is
/// stricter: where the system can bind sockets to it (Linux), nothing leaves by another even while it is down; elsewhere
/// its addresses are used.
/// </remarks>
internal sealed partial class LocalBinding
{
    private const int SolSocket = 1;
    private const int SoBindToDevice = 25;

    private readonly Func<IReadOnlyList<LocalInterface>> _interfaces;
    private readonly IReadOnlyList<string> _devices;
    private readonly PlaceState[] _states;

    // What is open now, to be ended when its place is lost. Only where there is something to lose.
    private readonly List<(WeakReference<Socket> Socket, int Place)> _open = [];
    private readonly Lock _lock = new();
    private int _pruneAt = 64;

    private readonly record struct PlaceState(bool IsUsable, bool WasSeen, int Index, string? Interface);

    private LocalBinding(
        IReadOnlyList<LocalPlace> places,
        IReadOnlyList<string> devices,
        Func<IReadOnlyList<LocalInterface>> interfaces
    )
    {
        Places = places;
        _devices = devices;
        _interfaces = interfaces;
        _states = [.. places.Select(_ => new PlaceState(true, false, 0, null))];
    }

    /// <summary>No restriction.</summary>
    public static LocalBinding Everywhere { get; } = new(AnyPlaces(null), [], LocalInterface.ReadAll);

    /// <summary>Grows with each change of a place: what was opened before may lead nowhere.</summary>
    public int Generation { get; private set; }

    /// <summary>Where to listen; the same as long as the engine runs.</summary>
    public IReadOnlyList<LocalPlace> Places { get; }

    /// <summary>Whether the user named addresses or interfaces.</summary>
    public bool IsRestricted { get; private init; }

    /// <summary>The addresses of <see cref="Places"/>, to ask trackers from: any of a family for an interface.</summary>
    public IReadOnlyList<IPAddress> Origins => [.. Places.Select(place => place.Address).Distinct()];

    /// <summary>What the user named as it is now: real addresses of this machine; empty: no restriction.</summary>
    public IReadOnlyList<IPAddress> Addresses =>
        !IsRestricted ? []
        : _devices.Count == 0 ? Origins
        :
        [
            .. _interfaces()
                .Where(found => _devices.Contains(found.Name))
                .SelectMany(found => found.Addresses)
                .Where(address => !address.IsIPv6LinkLocal),
        ];

    /// <param name="addresses">Addresses of this machine.</param>
    /// <param name="devices">Names of interfaces; nothing leaves but by these and the addresses.</param>
    /// <param name="interfaces">What the machine has.</param>
    /// <exception cref="LocalBindingException">There is no such interface, or it has no address.</exception>
    public static LocalBinding Create(
        IReadOnlyList<IPAddress> addresses,
        IReadOnlyList<string> devices,
        Func<IReadOnlyList<LocalInterface>> interfaces
    )
    {
        if (addresses.Count == 0 && devices.Count == 0)
        {
            return Everywhere;
        }

        var places = addresses.Select(address => new LocalPlace(address, null)).ToList();
        var all = devices.Count > 0 ? interfaces() : [];
        foreach (var name in devices)
        {
            var device =
                all.FirstOrDefault(found => found.Name == name)
                ?? throw new LocalBindingException(
                    $"there is no network interface '{name}'; there are {string.Join(", ", all.Select(one => one.Name))}"
                );
            var usable = device.Addresses.Where(address => !address.IsIPv6LinkLocal).ToList();
            if (usable.Count == 0)
            {
                throw new LocalBindingException($"the network interface '{name}' has no address");
            }

            places.AddRange(
                CanBindTo(name) ? AnyPlaces(name) : usable.Select(address => new LocalPlace(address, null))
            );
        }

        var binding = new LocalBinding([.. places.Distinct()], devices, interfaces) { IsRestricted = true };
        binding.Refresh();
        return binding;
    }

    /// <summary>Whether traffic may pass a place of <see cref="Places"/> at the moment.</summary>
    public bool IsUsable(int place)
    {
        lock (_lock)
        {
            return _states[place].IsUsable;
        }
    }

    /// <summary>Whether addresses of a family cannot be reached now, but could be when an interface comes back.</summary>
    public bool IsDown(AddressFamily family)
    {
        lock (_lock)
        {
            var ours = Enumerable.Range(0, Places.Count).Where(i => Places[i].Address.AddressFamily == family).ToList();
            return ours.Count > 0 && ours.TrueForAll(i => !_states[i].IsUsable);
        }
    }

    /// <summary>A connection that came in at a place ends with it, like those that we open; false: it is lost now.</summary>
    /// <param name="socket">The connection.</param>
    /// <param name="place">Which.</param>
    /// <param name="remote">Whom it is with; null: nobody in particular.</param>
    public bool TryAdopt(Socket socket, int place, IPAddress? remote)
    {
        PlaceState state;
        lock (_lock)
        {
            state = _states[place];
            if (!state.IsUsable)
            {
                return false;
            }

            Keep(socket, place);
        }

        if (IsRestricted && remote is not null && state.Interface is { } name && Places[place].Device is null)
        {
            KeepToInterface(socket, Places[place].Address, name, remote);
        }

        return true;
    }

    /// <summary>Opens a socket that leaves by an allowed place, bound as far as needed to receive.</summary>
    /// <param name="family">IPv4 or IPv6.</param>
    /// <param name="type">Stream or datagrams.</param>
    /// <param name="origin">One of our addresses to leave by; null, or that of no particular interface: any allowed.</param>
    /// <param name="remote">Whom the caller is about to connect to; null: nobody in particular.</param>
    /// <exception cref="SocketException">No place of this family, or not that address, is allowed or there.</exception>
    public Socket Open(AddressFamily family, SocketType type, IPAddress? origin = null, IPAddress? remote = null)
    {
        var isAny = origin is null || origin.Equals(IPAddress.Any) || origin.Equals(IPAddress.IPv6Any);
        for (var i = 0; i < Places.Count; i++)
        {
            var place = Places[i];
            if (
                place.Address.AddressFamily == family
                && IsUsable(i)
                && (isAny || place.IsAnyAddress || place.Address.Equals(origin))
            )
            {
                // Datagrams come in only at a socket that is bound.
                var socket = Open(
                    isAny ? place : place with { Address = origin! },
                    type,
                    type == SocketType.Dgram ? 0 : null
                );
                if (TryAdopt(socket, i, remote))
                {
                    return socket;
                }

                socket.Dispose();
            }
        }

        // Nothing leaves by an address that was not named.
        throw new SocketException((int)SocketError.AddressFamilyNotSupported);
    }

    /// <summary>Opens a socket at a place.</summary>
    /// <param name="place">Where.</param>
    /// <param name="type">Stream or datagrams.</param>
    /// <param name="port">To bind to, 0 for any; null: not bound, unless that is what the place asks for.</param>
    /// <param name="isShared">Other programs may have the port too: of a multicast group everybody gets everything.</param>
    /// <exception cref="SocketException">The place cannot be had, or the port is taken.</exception>
    public static Socket Open(LocalPlace place, SocketType type, int? port, bool isShared = false)
    {
        var protocol = type == SocketType.Stream ? ProtocolType.Tcp : ProtocolType.Udp;
        var socket = new Socket(place.Address.AddressFamily, type, protocol);
        try
        {
            if (place.Address.AddressFamily == AddressFamily.InterNetworkV6)
            {
                // Each family has a socket of its own, so that addresses look like what they are.
                socket.DualMode = false;
            }

            if (isShared)
            {
                socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            }

            if (place.Device is { } device)
            {
                BindTo(socket, device);
            }

            if (port is not null || !place.IsAnyAddress)
            {
                socket.Bind(new IPEndPoint(place.Address, port ?? 0));
            }

            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>
    /// A connection by a named address stays with the interface that has it, so that it cannot leave by another the moment
    /// that one goes down. Only where the routes lead out there anyway: the address may be on one and the way by another.
    /// </summary>
    private static void KeepToInterface(Socket socket, IPAddress local, string name, IPAddress remote)
    {
        if (!OperatingSystem.IsLinux() || IPAddress.IsLoopback(local) || local.Equals(remote))
        {
            return;
        }

        try
        {
            // Connecting datagrams sends nothing, and tells by which address the routes would leave.
            var any = local.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any;
            using var probe = Open(new LocalPlace(any, null), SocketType.Dgram, null);
            probe.Connect(remote, 9);
            if (probe.LocalEndPoint is IPEndPoint way && way.Address.Equals(local))
            {
                BindTo(socket, name);
            }
        }
        catch (SocketException)
        {
            // No route, or Linux before 5.7: then we end it when we see the interface go.
        }
    }

    private static LocalPlace[] AnyPlaces(string? device) =>
        Socket.OSSupportsIPv6
            ? [new(IPAddress.Any, device), new(IPAddress.IPv6Any, device)]
            : [new(IPAddress.Any, device)];

    private static bool CanBindTo(string device)
    {
        if (!OperatingSystem.IsLinux())
        {
            return false;
        }

        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            BindTo(socket, device);
            return true;
        }
        catch (SocketException)
        {
            // Linux before 5.7 lets only the administrator do it.
            return false;
        }
    }

    private static void BindTo(Socket socket, string device) =>
        socket.SetRawSocketOption(SolSocket, SoBindToDevice, Encoding.UTF8.GetBytes(device + '\0'));
}

/// <summary>What the user named to leave by is not there.</summary>
internal sealed class LocalBindingException(string message) : Exception(message);
