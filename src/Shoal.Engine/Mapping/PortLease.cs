using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>A port of ours that the world is to reach.</summary>
internal readonly record struct PortWish(MappedProtocol Protocol, ushort Port);

/// <summary>By which protocol a port was mapped.</summary>
internal enum MappingMethod
{
    Pcp,
    NatPmp,
    Upnp,
}

/// <summary>What a router forwards to us.</summary>
/// <param name="ExternalAddress">Null where the router does not know one that the world could reach.</param>
internal sealed record PortMapping(
    PortWish Wish,
    ushort ExternalPort,
    IPAddress? ExternalAddress,
    IPAddress Router,
    MappingMethod Method
);

/// <summary>One wish at one router: what it gave, and when to ask again. Mutable inside a mapper.</summary>
internal sealed class PortLease(PortWish wish)
{
    public PortWish Wish => wish;

    /// <summary>0: not mapped.</summary>
    public ushort ExternalPort { get; set; }

    /// <summary>What we had or would like; sent with each request.</summary>
    public ushort SuggestedPort { get; set; } = wish.Port;

    public IPAddress? ExternalAddress { get; set; }

    /// <summary>When to ask next.</summary>
    public TimeSpan Next { get; set; } = TimeSpan.MinValue;

    /// <summary>When the mapping is gone unless it is renewed.</summary>
    public TimeSpan Expires { get; set; } = TimeSpan.MaxValue;

    /// <summary>Requests without an answer, in a row.</summary>
    public int Attempts { get; set; }

    public bool IsMapped => ExternalPort != 0;

    public void Granted(ushort port, TimeSpan lifetime, TimeSpan now)
    {
        (ExternalPort, SuggestedPort, Attempts) = (port, port, 0);
        Expires = now + lifetime;
        // RFC 6887, 11.2.1: at half the lifetime.
        Next = now + lifetime / 2;
    }

    public void Lost()
    {
        (ExternalPort, ExternalAddress, Expires) = (0, null, TimeSpan.MaxValue);
    }
}
