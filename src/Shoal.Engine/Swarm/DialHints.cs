using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>What a swarm knows of the way to a candidate.</summary>
[Flags]
internal enum DialHints
{
    None = 0,

    /// <summary>
    /// uTP got through to it or from it, and nothing says that TCP does: a peer says so (BEP 11, 0x04 without 0x10).
    /// </summary>
    UtpProven = 1,

    /// <summary>BEP 55: its router opens for uTP, and for nothing else.</summary>
    UtpOnly = 2,

    /// <summary>BEP 55: it has been told to call us at this moment. Later calls of ours are calls as any other.</summary>
    Punch = 4,
}

internal static class DialHint
{
    public static DialHints Of(PeerSource source, PexFlags flags)
    {
        const PexFlags utpOrTcp = PexFlags.SupportsUtp | PexFlags.Reachable;
        return (source & PeerSource.HolePunch) != 0 ? DialHints.UtpOnly
            : (flags & utpOrTcp) == PexFlags.SupportsUtp ? DialHints.UtpProven
            : DialHints.None;
    }
}
