using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>Where we learnt of a peer. The best known source counts where several name the same address.</summary>
[Flags]
public enum PeerSource
{
    None = 0,
    Incoming = 1,
    Tracker = 2,
    Dht = 4,
    Pex = 8,
    LocalDiscovery = 16,

    /// <summary>Named by the user, or by x.pe in a magnet link.</summary>
    User = 32,
    Resume = 64,
    HolePunch = 128,

    /// <summary>BEP 19: an HTTP server that the torrent or the magnet link names.</summary>
    WebSeed = 256,
}

/// <summary>What the reserved bytes of the handshake announced.</summary>
[Flags]
internal enum PeerCapabilities
{
    None = 0,
    Dht = 1,
    Fast = 2,
    Extensions = 4,

    /// <summary>BEP 52: speaks v2 for this torrent: the 4th most significant bit in the last reserved byte.</summary>
    V2 = 8,
}

/// <summary>A connection whose handshake is done, as its link presents it to the swarm.</summary>
internal sealed record PeerIntroduction
{
    /// <summary>What stands for the address of what has none: a web seed, which may use several.</summary>
    public static readonly IPEndPoint NoEndPoint = new(IPAddress.None, 0);

    /// <summary>The address the connection has; for incoming ones the port is not where the peer listens.</summary>
    public required IPEndPoint EndPoint { get; init; }

    /// <summary>The candidate that was tried: a peer with a name may have answered at another of its addresses. Null: as above.</summary>
    public IPEndPoint? DialledAs { get; init; }
    public required PeerId PeerId { get; init; }
    public required PeerCapabilities Capabilities { get; init; }
    public required bool IsOutgoing { get; init; }

    /// <summary>Which of the torrent's names the handshake used: that of v1, or that of v2.</summary>
    public required InfoHash InfoHash { get; init; }
    public PeerSource Source { get; init; }
    public TransportKind Transport { get; init; }
    public StreamEncryption Encryption { get; init; }

    /// <summary>Who it has proven to be; null: nobody asked.</summary>
    public ProvenMember? Member { get; init; }

    /// <summary>The web seed that this is; null: a peer.</summary>
    public WebSeedUrl? WebSeed { get; init; }

    /// <summary>What it sends begins at the beginning: it is asked for the first missing pieces.</summary>
    public bool IsInOrder { get; init; }
}
