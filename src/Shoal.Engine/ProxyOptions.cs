using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Shoal.Engine;

public enum ProxyKind
{
    /// <summary>RFC 1928: streams, and datagrams where the proxy relays them.</summary>
    Socks5,

    /// <summary>HTTP CONNECT: streams only.</summary>
    HttpConnect,
}

/// <summary>The proxy that everything goes through. Its text never shows the credentials.</summary>
public sealed record ProxyOptions
{
    private const int MaxCredential = 255;

    public required ProxyKind Kind { get; init; }

    /// <summary>Name or address; looked up by this machine.</summary>
    public required string Host { get; init; }

    public required int Port { get; init; }

    /// <summary>Null: no credentials. At most 255 bytes of UTF-8, as SOCKS5 can carry.</summary>
    public string? User { get; init; }

    /// <summary>At most 255 bytes of UTF-8.</summary>
    public string? Password { get; init; }

    /// <summary>Reads socks5://[user:password@]host:port or http://[user:password@]host:port.</summary>
    /// <param name="url">What the user wrote; percent-encoding holds in the credentials.</param>
    /// <param name="proxy">Null on failure.</param>
    /// <param name="error">What is wrong, without the credentials; null on success.</param>
    public static bool TryParse(
        string url,
        [NotNullWhen(true)] out ProxyOptions? proxy,
        [NotNullWhen(false)] out string? error
    )
    {
        proxy = null;
        error = null;
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri))
        {
            error = "expected socks5://HOST:PORT or http://HOST:PORT";
            return false;
        }

        // The names of both are in use for "the proxy looks names up", which ours always does.
        ProxyKind? kind = uri.Scheme switch
        {
            "socks5" or "socks5h" => ProxyKind.Socks5,
            "http" => ProxyKind.HttpConnect,
            _ => null,
        };
        if (kind is null)
        {
            error = $"proxies are socks5:// or http://, not {uri.Scheme}://";
            return false;
        }

        var credentials = uri.UserInfo.Split(':', 2);
        var user = credentials[0].Length > 0 ? Uri.UnescapeDataString(credentials[0]) : null;
        var password = credentials.Length > 1 ? Uri.UnescapeDataString(credentials[1]) : null;
        // The default port of http would be 80, which is never meant.
        var hasPort = !uri.IsDefaultPort || url.Contains($"{uri.Host}:80", StringComparison.OrdinalIgnoreCase);
        error =
            uri.Host.Length == 0 ? "the host is missing"
            : uri.Port <= 0 || !hasPort ? "the port is missing"
            : uri.AbsolutePath.Trim('/').Length > 0 || uri.Query.Length > 0 || uri.Fragment.Length > 0
                ? "there is nothing to say after the port"
            : user is null && password is not null ? "there is a password and no user name"
            : Bytes(user) > MaxCredential || Bytes(password) > MaxCredential
                ? string.Create(
                    CultureInfo.InvariantCulture,
                    $"user name and password have at most {MaxCredential} bytes"
                )
            : null;
        if (error is not null)
        {
            return false;
        }

        proxy = new ProxyOptions
        {
            Kind = kind.Value,
            Host = uri.IdnHost,
            Port = uri.Port,
            User = user,
            Password = password,
        };
        return true;
    }

    /// <summary>Scheme, host and port.</summary>
    public override string ToString()
    {
        var scheme = Kind == ProxyKind.Socks5 ? "socks5" : "http";
        var host = Host.Contains(':') ? $"[{Host}]" : Host;
        return string.Create(CultureInfo.InvariantCulture, $"{scheme}://{host}:{Port}");
    }

    private static int Bytes(string? text) => text is null ? 0 : Encoding.UTF8.GetByteCount(text);
}
