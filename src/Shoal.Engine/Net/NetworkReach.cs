using System.Net;
using System.Net.Sockets;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>How far from this machine an address is.</summary>
internal enum NetworkReach
{
    Global,

    /// <summary>Private, link-local, shared: what only this network reaches.</summary>
    Local,
    Loopback,

    /// <summary>Multicast, broadcast: nothing to connect to.</summary>
    None,
}

/// <summary>Tells how far addresses and names are.</summary>
internal static class NetworkReaches
{
    // RFC 6761, RFC 6762, RFC 8375, and what routers call the network at home.
    private static readonly string[] LocalSuffixes =
    [
        ".local",
        ".home.arpa",
        ".internal",
        ".lan",
        ".intranet",
        ".home",
    ];

    public static NetworkReach Of(IPAddress address)
    {
        address = CompactPeers.Unmap(address);
        if (IPAddress.IsLoopback(address) || address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any))
        {
            // Connecting to the unspecified address reaches this machine.
            return NetworkReach.Loopback;
        }

        Span<byte> bytes = stackalloc byte[16];
        if (address.AddressFamily == AddressFamily.InterNetworkV6)
        {
            address.TryWriteBytes(bytes, out _);
            return address.IsIPv6Multicast ? NetworkReach.None
                // fc00::/7
                : address.IsIPv6LinkLocal || address.IsIPv6SiteLocal || (bytes[0] & 0xFE) == 0xFC ? NetworkReach.Local
                : Embedded(bytes) is { } inner ? Of(inner)
                : NetworkReach.Global;
        }

        address.TryWriteBytes(bytes, out _);
        return (bytes[0], bytes[1]) switch
        {
            (0, _) => NetworkReach.Loopback,
            (>= 224, _) => NetworkReach.None,
            (10, _) or (192, 168) or (169, 254) => NetworkReach.Local,
            (172, >= 16 and <= 31) => NetworkReach.Local,
            // RFC 6598: shared by the customers of a provider.
            (100, >= 64 and <= 127) => NetworkReach.Local,
            // RFC 6890: protocol assignments; RFC 2544: measurements within a network.
            (192, 0) when bytes[2] == 0 => NetworkReach.Local,
            (198, 18 or 19) => NetworkReach.Local,
            _ => NetworkReach.Global,
        };
    }

    /// <summary>
    /// What a name tells by itself, when somebody else looks it up: a literal address, or one of the names that stand
    /// for this machine and its network. Any other name counts as global.
    /// </summary>
    public static NetworkReach OfName(string host)
    {
        host = host.TrimEnd('.');
        if (IPAddress.TryParse(host, out var literal))
        {
            return Of(literal);
        }

        if (
            host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
        )
        {
            return NetworkReach.Loopback;
        }

        return
            !host.Contains('.')
            || Array.Exists(LocalSuffixes, suffix => host.EndsWith(suffix, StringComparison.OrdinalIgnoreCase))
            ? NetworkReach.Local
            : NetworkReach.Global;
    }

    // NAT64 (64:ff9b::/96) and 6to4 (2002::/16) carry an IPv4 address that a gateway would connect to.
    private static IPAddress? Embedded(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> nat64 = [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0];
        return bytes.StartsWith(nat64) ? new IPAddress(bytes.Slice(12, 4))
            : bytes[0] == 0x20 && bytes[1] == 0x02 ? new IPAddress(bytes.Slice(2, 4))
            : null;
    }
}
