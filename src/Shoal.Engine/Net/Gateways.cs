using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Shoal.Engine;

/// <summary>A router on the way out, and the address of ours that it sees.</summary>
internal sealed record Gateway(IPAddress Address, IPAddress Local);

/// <summary>Finds the routers through which this machine reaches the world.</summary>
internal static class Gateways
{
    private const string RouteFile = "/proc/net/route";
    private const string IPv6RouteFile = "/proc/net/ipv6_route";
    private const int RouteIsUp = 1;
    private const int RouteByGateway = 2;

    /// <summary>
    /// Those that may stand between us and the world: in a private network, with a private address of ours there. None
    /// when we are bound to other addresses only, or when this machine is in no private network.
    /// </summary>
    /// <param name="binding">By which addresses and interfaces we may leave.</param>
    public static List<Gateway> Find(LocalBinding binding)
    {
        var found = new List<Gateway>();
        try
        {
            foreach (var address in Addresses())
            {
                if (NetworkReaches.Of(address) == NetworkReach.Local && LocalFor(address, binding) is { } local)
                {
                    found.Add(new Gateway(address, local));
                }
            }
        }
        catch (Exception exception)
            when (exception is IOException or UnauthorizedAccessException or NetworkInformationException)
        {
            // A system that does not tell: no router is known there.
        }

        // An address of the world's own needs nothing mapped; what remains would be holes in a firewall only.
        return found.Exists(gateway => gateway.Address.AddressFamily == AddressFamily.InterNetwork) ? found : [];
    }

    /// <summary>The gateways of default routes in Linux's /proc/net/route, the preferred first.</summary>
    public static List<IPAddress> ParseRoutes(string table)
    {
        var found = new List<(uint Metric, IPAddress Address)>();
        foreach (var line in table.Split('\n').Skip(1))
        {
            // Iface Destination Gateway Flags RefCnt Use Metric Mask ...
            var fields = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (
                fields.Length >= 8
                && fields[1] == "00000000"
                && fields[7] == "00000000"
                && IsByGateway(fields[3])
                && TryHex(fields[2], out var gateway)
                && gateway != 0
                && uint.TryParse(fields[6], NumberStyles.None, CultureInfo.InvariantCulture, out var metric)
            )
            {
                // In the order of the machine's memory.
                found.Add((metric, new IPAddress(BitConverter.GetBytes(gateway))));
            }
        }

        return [.. found.OrderBy(entry => entry.Metric).Select(entry => entry.Address).Distinct()];
    }

    /// <summary>The gateways of default routes in Linux's /proc/net/ipv6_route, and the interface each is at.</summary>
    public static List<(IPAddress Address, string Interface)> ParseIPv6Routes(string table)
    {
        var found = new List<(uint Metric, IPAddress Address, string Interface)>();
        foreach (var line in table.Split('\n'))
        {
            // destination length source length gateway metric references used flags interface
            var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (
                fields.Length >= 10
                && fields[1] == "00"
                && fields[0].Length == 32
                && fields[0].All(digit => digit == '0')
                && fields[4].Length == 32
                && fields[4].Any(digit => digit != '0')
                && fields[4].All(char.IsAsciiHexDigit)
                && IsByGateway(fields[8])
                && TryHex(fields[5], out var metric)
            )
            {
                found.Add((metric, new IPAddress(Convert.FromHexString(fields[4])), fields[9]));
            }
        }

        return [.. found.OrderBy(entry => entry.Metric).Select(entry => (entry.Address, entry.Interface)).Distinct()];
    }

    private static IEnumerable<IPAddress> Addresses()
    {
        if (!File.Exists(RouteFile))
        {
            return NetworkInterface
                .GetAllNetworkInterfaces()
                .Where(card => card.OperationalStatus == OperationalStatus.Up)
                .SelectMany(card => card.GetIPProperties().GatewayAddresses)
                .Select(gateway => gateway.Address)
                .Where(address => address.AddressFamily == AddressFamily.InterNetwork)
                .Distinct();
        }

        var six = File.Exists(IPv6RouteFile) ? ParseIPv6Routes(File.ReadAllText(IPv6RouteFile)) : [];
        return ParseRoutes(File.ReadAllText(RouteFile)).Concat(six.Select(WithScope).OfType<IPAddress>());
    }

    private static IPAddress? WithScope((IPAddress Address, string Interface) route)
    {
        if (!route.Address.IsIPv6LinkLocal)
        {
            return route.Address;
        }

        var card = NetworkInterface.GetAllNetworkInterfaces().FirstOrDefault(card => card.Name == route.Interface);
        return card is null
            ? null
            : new IPAddress(route.Address.GetAddressBytes(), card.GetIPProperties().GetIPv6Properties().Index);
    }

    // The address the system would send from, of those we may use.
    private static IPAddress? LocalFor(IPAddress gateway, LocalBinding binding)
    {
        var own = binding.Addresses.Where(address => address.AddressFamily == gateway.AddressFamily).ToList();
        if (binding.IsRestricted && own.Count == 0)
        {
            return null;
        }

        if (gateway.AddressFamily == AddressFamily.InterNetworkV6)
        {
            // To the router itself the system would use an address that ends at the router.
            own = own.Exists(address => !address.Equals(IPAddress.IPv6Any)) ? own : GlobalAddressesAt(gateway.ScopeId);
            return own.Find(address => NetworkReaches.Of(address) == NetworkReach.Global);
        }

        foreach (var address in own.Count > 0 ? own : [IPAddress.Any])
        {
            try
            {
                using var socket = binding.Open(gateway.AddressFamily, SocketType.Dgram, address);
                socket.Connect(gateway, Protocol.Pcp.Port);
                var local = ((IPEndPoint)socket.LocalEndPoint!).Address;
                if (NetworkReaches.Of(local) == NetworkReach.Local)
                {
                    return local;
                }
            }
            catch (SocketException)
            {
                // No way from there.
            }
        }

        return null;
    }

    private static List<IPAddress> GlobalAddressesAt(long scope) =>
        [
            .. NetworkInterface
                .GetAllNetworkInterfaces()
                .Where(card => card.Supports(NetworkInterfaceComponent.IPv6))
                .Select(card => card.GetIPProperties())
                .Where(card => card.GetIPv6Properties().Index == scope)
                .SelectMany(card => card.UnicastAddresses)
                .Select(entry => entry.Address)
                .Where(address => address.AddressFamily == AddressFamily.InterNetworkV6),
        ];

    private static bool IsByGateway(string flags) =>
        TryHex(flags, out var bits) && (bits & (RouteIsUp | RouteByGateway)) == (RouteIsUp | RouteByGateway);

    private static bool TryHex(string text, out uint number) =>
        uint.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number);
}
