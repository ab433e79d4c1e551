using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>The groups of local discovery, as <see cref="LocalDiscovery"/> needs them.</summary>
internal interface ILocalMulticast : IAsyncDisposable
{
    /// <summary>Begins to receive. The bytes are the receiver's only during the call; calls may overlap.</summary>
    void Start(Action<IPAddress, ReadOnlyMemory<byte>> receive);

    /// <summary>Sends a datagram to the groups by each interface. What cannot be sent is not sent.</summary>
    /// <param name="datagram">Makes the datagram for a group.</param>
    void Send(Func<IPEndPoint, byte[]> datagram);
}

/// <summary>
/// The sockets of BEP 14: one a family that listens to its group on every interface of ours, and for each announce one
/// an interface, since the sender's address is what receivers will connect to. Networks come and go, so interfaces are
/// looked up for each announce; nothing that fails here is more than a network without local discovery.
/// </summary>
/// <param name="local">Which addresses and interfaces may be used; nothing leaves by another.</param>
internal sealed class LocalMulticast(LocalBinding local) : ILocalMulticast
{
    /// <summary>Longer than any announce may be; the rest is cut off, and then malformed.</summary>
    private const int MaxDatagram = 2 * LocalAnnounce.MaxSize;

    /// <summary>Interfaces used. Beyond: not. Linux lets a socket join 20 groups.</summary>
    private const int MaxInterfaces = 16;

    /// <summary>
    /// BEP 14 leaves it open: "implementations may want to set the IP_MULTICAST_TTL socket option to a value above 1".
    /// We stay in this network: whom a router would bring to us is rarely one that the user calls local.
    /// </summary>
    private const int TimeToLive = 1;

    /// <summary>An address of ours that a group can be reached from.</summary>
    /// <param name="Index">The interface's number.</param>
    /// <param name="Address">Of ours.</param>
    /// <param name="PrefixLength">Of its network.</param>
    internal sealed record Origin(int Index, IPAddress Address, int PrefixLength);

    private readonly CancellationTokenSource _stop = new();
    private readonly List<Socket> _listening = [];
    private readonly HashSet<(Socket Socket, int Index)> _joined = [];
    private readonly Lock _lock = new();
    private volatile Origin[] _origins = [];
    private Task[] _loops = [];

    public void Start(Action<IPAddress, ReadOnlyMemory<byte>> receive)
    {
        foreach (
            var (family, device) in local.Places.Select(place => (place.Address.AddressFamily, place.Device)).Distinct()
        )
        {
            if (TryListen(family, device) is { } socket)
            {
                _listening.Add(socket);
            }
        }

        Refresh();
        _loops = [.. _listening.Select(socket => Task.Run(() => ReceiveAsync(socket, receive)))];
    }

    public void Send(Func<IPEndPoint, byte[]> datagram)
    {
        Refresh();
        // One address of each interface and family: receivers need one, and it should not depend on the interface.
        var chosen = _origins
            .OrderBy(origin => origin.Address.IsIPv6LinkLocal)
            .DistinctBy(origin => (origin.Index, origin.Address.AddressFamily));
        foreach (var origin in chosen)
        {
            var group = LocalAnnounce.Group(origin.Address.AddressFamily);
            TrySend(origin, group, datagram(group));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_loops).ConfigureAwait(false);
        _listening.ForEach(socket => socket.Dispose());
        _stop.Dispose();
    }

    private void TrySend(Origin origin, IPEndPoint group, byte[] bytes)
    {
        try
        {
            using var socket = local.Open(group.AddressFamily, SocketType.Dgram, origin.Address);
            var (level, index) =
                group.AddressFamily == AddressFamily.InterNetwork
                    ? (SocketOptionLevel.IP, IPAddress.HostToNetworkOrder(origin.Index))
                    : (SocketOptionLevel.IPv6, origin.Index);
            socket.SetSocketOption(level, SocketOptionName.MulticastInterface, index);
            socket.SetSocketOption(level, SocketOptionName.MulticastTimeToLive, TimeToLive);
            // Others on this machine shall hear of us too.
            socket.SetSocketOption(level, SocketOptionName.MulticastLoopback, true);
            socket.SendTo(bytes, group);
        }
        catch (SocketException)
        {
            // No route for multicast, a firewall, or the interface has just gone.
        }
    }

    /// <summary>A socket for the group, or null: another program has the port for itself, or there is no such family.</summary>
    private static Socket? TryListen(AddressFamily family, string? device)
    {
        var group = LocalAnnounce.Group(family);
        var any = family == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any;
        var level = family == AddressFamily.InterNetwork ? SocketOptionLevel.IP : SocketOptionLevel.IPv6;
        // Where the system allows it only what was sent to the group arrives, and nothing sent to us from afar.
        var place = new LocalPlace(OperatingSystem.IsWindows() ? any : group.Address, device);
        try
        {
            // All clients of this machine listen on this port.
            var socket = LocalBinding.Open(place, SocketType.Dgram, group.Port, isShared: true);
            socket.SetSocketOption(level, SocketOptionName.PacketInformation, true);
            return socket;
        }
        catch (SocketException)
        {
            return null;
        }
    }

    /// <summary>Looks up the interfaces, and joins the groups on those that are new.</summary>
    private void Refresh()
    {
        lock (_lock)
        {
            _origins = [.. FindOrigins(local.Addresses)];
            foreach (var socket in _listening)
            {
                var family = socket.AddressFamily;
                var here = _origins.Where(origin => origin.Address.AddressFamily == family).ToList();
                _joined.RemoveWhere(one =>
                    one.Socket == socket && here.TrueForAll(origin => origin.Index != one.Index)
                );
                foreach (var index in here.Select(origin => origin.Index).Distinct())
                {
                    if (_joined.Add((socket, index)))
                    {
                        TryJoin(socket, index);
                    }
                }
            }
        }
    }

    private static void TryJoin(Socket socket, int index)
    {
        var group = LocalAnnounce.Group(socket.AddressFamily).Address;
        try
        {
            if (socket.AddressFamily == AddressFamily.InterNetwork)
            {
                socket.SetSocketOption(
                    SocketOptionLevel.IP,
                    SocketOptionName.AddMembership,
                    new MulticastOption(group, index)
                );
            }
            else
            {
                socket.SetSocketOption(
                    SocketOptionLevel.IPv6,
                    SocketOptionName.AddMembership,
                    new IPv6MulticastOption(group, index)
                );
            }
        }
        catch (SocketException)
        {
            // Joined already before the interface went and came, or it cannot do multicast after all.
        }
    }

    private static IEnumerable<Origin> FindOrigins(IReadOnlyList<IPAddress> bind)
    {
        NetworkInterface[] interfaces;
        try
        {
            interfaces = NetworkInterface.GetAllNetworkInterfaces();
        }
        catch (NetworkInformationException)
        {
            return [];
        }

        return interfaces
            .Where(one => one.OperationalStatus is OperationalStatus.Up or OperationalStatus.Unknown)
            .SelectMany(one => OriginsOf(one, bind))
            .DistinctBy(origin => (origin.Index, origin.Address))
            .GroupBy(origin => origin.Index)
            .Take(MaxInterfaces)
            .SelectMany(group => group);
    }

    private static IEnumerable<Origin> OriginsOf(NetworkInterface one, IReadOnlyList<IPAddress> bind)
    {
        var properties = one.GetIPProperties();
        foreach (var own in properties.UnicastAddresses)
        {
            // This machine alone is no network, unless it is all that the user wants.
            var isWanted = IsBound(own.Address, bind, out var byName);
            var isLoopback = IPAddress.IsLoopback(own.Address);
            if (!isWanted || (isLoopback && !byName) || (!isLoopback && !one.SupportsMulticast))
            {
                continue;
            }

            if (IndexOf(properties, own.Address.AddressFamily) is { } index)
            {
                yield return new Origin(index, own.Address, own.PrefixLength);
            }
        }
    }

    private static bool IsBound(IPAddress address, IReadOnlyList<IPAddress> bind, out bool byName)
    {
        byName = bind.Any(one => one.Equals(address));
        var any = address.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any;
        return byName || bind.Count == 0 || bind.Contains(any);
    }

    private static int? IndexOf(IPInterfaceProperties properties, AddressFamily family)
    {
        try
        {
            return family == AddressFamily.InterNetwork
                ? properties.GetIPv4Properties().Index
                : properties.GetIPv6Properties().Index;
        }
        catch (NetworkInformationException)
        {
            return null;
        }
    }

    private Task ReceiveAsync(Socket socket, Action<IPAddress, ReadOnlyMemory<byte>> receive)
    {
        var memory = new byte[MaxDatagram];
        var anybody = DatagramReceiver.Anybody(socket.AddressFamily);
        return DatagramReceiver.RunAsync(
            async stop =>
            {
                var got = await socket
                    .ReceiveMessageFromAsync(memory, SocketFlags.None, anybody, stop)
                    .ConfigureAwait(false);
                var source = ((IPEndPoint)got.RemoteEndPoint).Address;
                if (IsOurNetwork(source, got.PacketInformation.Interface, _origins))
                {
                    receive(source, memory.AsMemory(0, got.ReceivedBytes));
                }
            },
            _stop.Token
        );
    }

    /// <summary>It came in by an interface of ours, from a private address or one of the interface's own network.</summary>
    internal static bool IsOurNetwork(IPAddress source, int index, IReadOnlyList<Origin> origins)
    {
        var isPrivate = NetworkReaches.Of(source) is NetworkReach.Local or NetworkReach.Loopback;
        return origins.Any(origin =>
            origin.Index == index
            && origin.Address.AddressFamily == source.AddressFamily
            && (isPrivate || IsSameNetwork(source, origin))
        );
    }

    private static bool IsSameNetwork(IPAddress source, Origin origin)
    {
        var theirs = source.GetAddressBytes();
        var ours = origin.Address.GetAddressBytes();
        for (var bit = 0; bit < origin.PrefixLength; bit++)
        {
            var mask = 0x80 >> (bit % 8);
            if ((theirs[bit / 8] & mask) != (ours[bit / 8] & mask))
            {
                return false;
            }
        }

        return origin.PrefixLength > 0;
    }
}
