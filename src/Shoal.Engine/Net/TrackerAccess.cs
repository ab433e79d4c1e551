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

/// <summary>
/// Which addresses a URL may lead to. A torrent's author writes its URLs and we carry them out from inside the
/// user's network, where services trust whoever can reach them: so what a request could do there is narrowed to
/// what an announce is.
/// </summary>
internal static class TrackerAccess
{
    public const string AnnouncePath = "/announce";

    public static NetworkReach ReachOf(IPAddress address)
    {
        address = CompactPeers.Unmap(address);
        if (IPAddress.IsLoopback(address) || address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any))
        {
            // Connecting to the unspecified address reaches this machine.
            return NetworkReach.Loopback;
        }

        if (address.AddressFamily == AddressFamily.InterNetworkV6)
        {
            var first = address.GetAddressBytes()[0];
            return address.IsIPv6Multicast ? NetworkReach.None
                // fc00::/7
                : address.IsIPv6LinkLocal || address.IsIPv6SiteLocal || (first & 0xFE) == 0xFC ? NetworkReach.Local
                : NetworkReach.Global;
        }

        Span<byte> bytes = stackalloc byte[4];
        address.TryWriteBytes(bytes, out _);
        return (bytes[0], bytes[1]) switch
        {
            (0, _) => NetworkReach.Loopback,
            (>= 224, _) => NetworkReach.None,
            (10, _) or (192, 168) or (169, 254) => NetworkReach.Local,
            (172, >= 16 and <= 31) => NetworkReach.Local,
            // RFC 6598: shared by the customers of a provider.
            (100, >= 64 and <= 127) => NetworkReach.Local,
            _ => NetworkReach.Global,
        };
    }

    /// <summary>Why the address must not be asked; null if it may.</summary>
    /// <param name="path">Of the announce, also where its scrape is asked for.</param>
    /// <param name="hasQuery">Whether somebody else than we put a query into the URL.</param>
    /// <param name="cameFrom">Where the redirect came from; null: not a redirect.</param>
    public static string? WhyNot(IPAddress address, string path, bool hasQuery, NetworkReach? cameFrom)
    {
        var reach = ReachOf(address);
        return reach switch
        {
            NetworkReach.None => "the address is no host's",
            NetworkReach.Global => null,
            _ when cameFrom == NetworkReach.Global => "a redirect from the internet into the local network",
            NetworkReach.Loopback when path != AnnouncePath => $"only {AnnouncePath} is asked for on this machine",
            _ when hasQuery => "a URL with a query into the local network",
            _ => null,
        };
    }
}
