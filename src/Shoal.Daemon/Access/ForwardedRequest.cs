using System.Net;
using Microsoft.AspNetCore.Http;

namespace Shoal.Daemon;

/// <summary>
/// What a reverse proxy says of the caller in X-Forwarded-* headers. Believed only of connections from addresses that
/// http.trusted-proxies names: from anybody else they are anybody's word, and are left alone.
/// </summary>
internal static class ForwardedRequest
{
    private const int MaxPrefix = 200;

    /// <summary>Puts the caller in the place of the proxy: address, scheme, host and the path before ours.</summary>
    public static void Apply(HttpContext context, IReadOnlyList<IPNetwork> trusted)
    {
        if (trusted.Count == 0 || context.Connection.RemoteIpAddress is not { } proxy || !IsIn(proxy, trusted))
        {
            return;
        }

        var headers = context.Request.Headers;
        context.Connection.RemoteIpAddress = ClientOf(proxy, Items(headers["X-Forwarded-For"].ToString()), trusted);
        if (Last(headers["X-Forwarded-Proto"].ToString()) is { } scheme && scheme is "http" or "https")
        {
            context.Request.Scheme = scheme;
        }

        if (Last(headers["X-Forwarded-Host"].ToString()) is { Length: > 0 } host)
        {
            // It is compared with the names that are ours afterwards, as any other.
            context.Request.Host = new HostString(host);
        }

        if (Last(headers["X-Forwarded-Prefix"].ToString()) is { } prefix && IsPath(prefix))
        {
            context.Request.PathBase = new PathString(prefix.TrimEnd('/'));
        }
    }

    /// <summary>
    /// Who called: each proxy adds at the end whom it heard it from, so the list is true from its end up to the first address
    /// that is not of a proxy we trust. What stands before that the caller may have written himself.
    /// </summary>
    /// <param name="proxy">Who is connected to us; trusted.</param>
    internal static IPAddress ClientOf(IPAddress proxy, string[] forwardedFor, IReadOnlyList<IPNetwork> trusted)
    {
        var client = proxy;
        for (var i = forwardedFor.Length - 1; i >= 0 && IsIn(client, trusted); i--)
        {
            if (!TryAddress(forwardedFor[i], out var before))
            {
                break;
            }

            client = before;
        }

        return client;
    }

    /// <summary>A network, or one address; null: neither.</summary>
    public static IPNetwork? Parse(string text) =>
        IPAddress.TryParse(text, out var address) ? new IPNetwork(address, address.GetAddressBytes().Length * 8)
        : IPNetwork.TryParse(text, out var network) ? network
        : null;

    private static bool IsIn(IPAddress address, IReadOnlyList<IPNetwork> networks)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return networks.Any(network => network.Contains(plain));
    }

    private static bool TryAddress(string text, out IPAddress address)
    {
        if (IPAddress.TryParse(text, out var plain))
        {
            address = plain;
            return true;
        }

        // Some proxies add the port.
        var hasPort = IPEndPoint.TryParse(text, out var end);
        address = end?.Address ?? IPAddress.None;
        return hasPort;
    }

    private static bool IsPath(string text) =>
        text.Length is > 1 and < MaxPrefix
        && text[0] == '/'
        && text[1] != '/'
        && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '-' or '_' or '.' or '~')
        && !text.Contains("..", StringComparison.Ordinal);

    private static string? Last(string header) => Items(header) is { Length: > 0 } items ? items[^1] : null;

    private static string[] Items(string header) =>
        header.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
}
