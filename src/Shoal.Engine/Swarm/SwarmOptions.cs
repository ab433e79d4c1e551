using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>What one swarm is told at its birth; never changes. What the user may change later comes as commands.</summary>
internal sealed record SwarmOptions
{
    /// <summary>All randomness of the swarm: the same seed and the same events give the same effects.</summary>
    public required Random Random { get; init; }

    public required PeerId PeerId { get; init; }

    /// <summary>Where peers reach us, told to them in the extension handshake; 0: not told. A command changes it.</summary>
    public int ListenPort { get; init; }

    /// <summary>The UDP port of our node in the DHT, told to peers that have one too; 0: no DHT for this torrent.</summary>
    public int DhtPort { get; init; }

    /// <summary>Exchange addresses with peers (BEP 11), unless the torrent is private.</summary>
    public bool UsePex { get; init; } = true;

    /// <summary>
    /// Be introduced to peers behind routers, and introduce others (BEP 55), unless the torrent is private. Needs uTP.
    /// </summary>
    public bool UseHolePunch { get; init; }

    /// <summary>Exchange trackers with peers (lt_trackers), unless the torrent is private.</summary>
    public bool UseTrackerExchange { get; init; } = true;

    /// <summary>Whose members the peers are; null: the torrent is for everybody.</summary>
    public SwarmMembers? Members { get; init; }

    /// <summary>Our name and version, told to peers in the extension handshake.</summary>
    public string ClientVersion { get; init; } = "Shoal";

    /// <summary>
    /// Where the world sees us, as far as it is known; one of each family at most. For BEP 40, and not to call ourselves.
    /// A command changes it.
    /// </summary>
    public IReadOnlyList<IPAddress> ExternalAddresses { get; init; } = [];

    public SeedChoking SeedChoking { get; init; }

    public bool Sequential { get; init; }

    public bool SuperSeeding { get; init; }

    public bool Paused { get; init; }

    /// <summary>Priority of each file once files are known; null: all normal.</summary>
    public Func<MetainfoFile, FilePriority>? FilePriority { get; init; }

    public SwarmLimits Limits { get; init; } = SwarmLimits.Default;

    /// <summary>Check the invariants of the whole state around every event: slow, for tests and Debug builds.</summary>
    public bool CheckInvariants { get; init; } = IsDebugBuild;

    private static bool IsDebugBuild =>
#if DEBUG
        true;
#else
        false;
#endif
}
