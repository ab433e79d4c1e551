using System.Buffers;
using System.Net;

namespace Shoal.Protocol;

/// <summary>What a proxy is to connect to: an address, or a name that it looks up itself.</summary>
public readonly record struct ProxyTarget
{
    /// <summary>RFC 1928: "The first octet of the address field contains the number of octets of name that follow".</summary>
    public const int MaxHostLength = 255;

    private static readonly SearchValues<char> NameCharacters = SearchValues.Create(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"
    );

    private ProxyTarget(IPAddress? address, string host, int port)
    {
        Address = address;
        Host = host;
        Port = port;
    }

    /// <summary>Null: the name is to be looked up.</summary>
    public IPAddress? Address { get; }

    /// <summary>ASCII, without brackets.</summary>
    public string Host { get; }

    public int Port { get; }

    public static ProxyTarget Of(IPEndPoint endPoint)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        var address = CompactPeers.Unmap(endPoint.Address);
        return new ProxyTarget(address, address.ToString(), endPoint.Port);
    }

    /// <summary>False for what cannot be the name of a host: empty, too long, or with bytes that end a line.</summary>
    public static bool TryCreate(string host, int port, out ProxyTarget target)
    {
        ArgumentNullException.ThrowIfNull(host);
        target = default;
        if (IPAddress.TryParse(host, out var literal))
        {
            target = Of(new IPEndPoint(literal, port));
            return true;
        }

        var isName = host.Length is > 0 and <= MaxHostLength && !host.AsSpan().ContainsAnyExcept(NameCharacters);
        target = isName ? new ProxyTarget(null, host, port) : default;
        return isName;
    }

    /// <summary>HOST:PORT as HTTP writes it.</summary>
    public override string ToString() => Host.Contains(':') ? $"[{Host}]:{Port}" : $"{Host}:{Port}";
}
