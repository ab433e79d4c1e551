namespace Shoal.Tracker;

/// <summary>Bounds on what a registry remembers.</summary>
public sealed record RegistryLimits
{
    /// <summary>
    /// Swarms, from 1. Default 500,000, about 150 MB when each has one peer. Beyond it announces of new
    /// infohashes are refused.
    /// </summary>
    public int MaxSwarms { get; init; } = 500_000;

    /// <summary>
    /// Peers over all swarms, from 1. Default 5,000,000, at about 30 bytes each. Beyond it new peers get an
    /// answer and are not listed.
    /// </summary>
    public int MaxPeers { get; init; } = 5_000_000;

    /// <summary>
    /// Peers of one address family in one swarm, from 1. Default 1,000,000. Beyond it new peers get an answer
    /// and are not listed.
    /// </summary>
    public int MaxPeersPerSwarm { get; init; } = 1_000_000;

    /// <summary>
    /// Peers at one IPv4 address or in one IPv6 /64 in one swarm, from 1. Default 64: a school behind one
    /// address. Beyond it a new one takes the place of the one heard of longest ago, so that nobody fills a
    /// swarm with ports of one address.
    /// </summary>
    public int MaxPeersPerAddress { get; init; } = 64;

    /// <summary>A peer not heard of for so long is forgotten, within a minute. Default 45 minutes: one and a half intervals.</summary>
    public TimeSpan PeerLifetime { get; init; } = TimeSpan.FromMinutes(45);
}
