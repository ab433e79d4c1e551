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
internal sealed class LocalBinding
{
    private const int SolSocket = 1;
    private const int SoBindToDevice = 25;

    private readonly Func<IReadOnlyList<LocalInterface>> _interfaces;
    private readonly IReadOnlyList<string> _devices;
    private volatile bool[] _isUsable;

    private LocalBinding(
        IReadOnlyList<LocalPlace> places,
        IReadOnlyList<string> devices,
        Func<IReadOnlyList<LocalInterface>> interfaces
    )
    {
        Places = places;
        _devices = devices;
        _interfaces = interfaces;
        _isUsable = [.. places.Select(_ => true)];
    }

    /// <summary>No restriction.</summary>
    public static LocalBinding Everywhere { get; } = new(AnyPlaces(null), [], LocalInterface.ReadAll);

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

        return new LocalBinding([.. places.Distinct()], devices, interfaces) { IsRestricted = true };
    }

    /// <summary>Whether traffic may pass a place of <see cref="Places"/> at the moment.</summary>
    public bool IsUsable(int place) => _isUsable[place];

    /// <summary>Opens a socket that leaves by an allowed place, bound as far as needed to receive.</summary>
    /// <param name="family">IPv4 or IPv6.</param>
    /// <param name="type">Stream or datagrams.</param>
    /// <param name="origin">One of our addresses to leave by; null, or that of no particular interface: any allowed.</param>
    /// <exception cref="SocketException">No place of this family, or not that address, is allowed or there.</exception>
    public Socket Open(AddressFamily family, SocketType type, IPAddress? origin = null)
    {
        var isAny = origin is null || origin.Equals(IPAddress.Any) || origin.Equals(IPAddress.IPv6Any);
        for (var i = 0; i < Places.Count; i++)
        {
            var place = Places[i];
            if (
                place.Address.AddressFamily == family
                && _isUsable[i]
                && (isAny || place.IsAnyAddress || place.Address.Equals(origin))
            )
            {
                // Datagrams come in only at a socket that is bound.
                return Open(
                    isAny ? place : place with { Address = origin! },
                    type,
                    type == SocketType.Dgram ? 0 : null
                );
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
