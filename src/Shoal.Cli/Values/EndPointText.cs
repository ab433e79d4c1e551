using System.Globalization;
using System.Net;

namespace Shoal.Cli;

/// <summary>Addresses with ports: <c>host:6881</c>, <c>[2001:db8::1]:6881</c>, <c>0.0.0.0:6969</c>.</summary>
internal static class EndPointText
{
    /// <summary>Splits HOST:PORT without asking anybody what the host is. Port 0 only where <paramref name="anyPort"/>.</summary>
    public static bool TrySplit(string text, bool anyPort, out string host, out int port)
    {
        host = "";
        port = 0;
        var colon = text.LastIndexOf(':');
        if (
            colon <= 0
            || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port)
            || port > ushort.MaxValue
            || (port == 0 && !anyPort)
        )
        {
            return false;
        }

        host = text[..colon];
        if (host.StartsWith('[') && host.EndsWith(']'))
        {
            host = host[1..^1];
            return IPAddress.TryParse(host, out _);
        }

        return Uri.CheckHostName(host) is UriHostNameType.Dns or UriHostNameType.IPv4;
    }

    /// <summary>ADDR:PORT with a numeric address, to listen on. ":PORT" and "*:PORT" are all addresses.</summary>
    public static bool TryParseListen(string text, out IPEndPoint endPoint)
    {
        endPoint = null!;
        if (text.StartsWith(':'))
        {
            text = "[::]" + text;
        }
        else if (text.StartsWith("*:", StringComparison.Ordinal))
        {
            text = "[::]" + text[1..];
        }

        if (!TrySplit(text, anyPort: true, out var host, out var port) || !TryParseAddress(host, out var address))
        {
            return false;
        }

        endPoint = new IPEndPoint(address, port);
        return true;
    }

    /// <summary>A numeric address, written in full: "1" is not 0.0.0.1 here.</summary>
    public static bool TryParseAddress(string text, out IPAddress address)
    {
        address = IPAddress.None;
        return (text.Contains(':') || text.Count(c => c == '.') == 3) && IPAddress.TryParse(text, out address!);
    }

    /// <summary>The address as it stands in a URL: IPv6 in brackets, without a scope.</summary>
    public static string ForUrl(IPAddress address) =>
        address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6
            ? $"[{new IPAddress(address.GetAddressBytes())}]"
            : address.ToString();
}
