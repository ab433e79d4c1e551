namespace Shoal.Protocol;

/// <summary>What a peer tells a tracker, over HTTP (BEP 3) and UDP (BEP 15) alike.</summary>
public readonly record struct AnnounceRequest
{
    public AnnounceRequest() { }

    /// <summary>The v1 infohash, or a v2 one cut to 20 bytes.</summary>
    public required InfoHash InfoHash { get; init; }

    public required PeerId PeerId { get; init; }

    /// <summary>Where the peer listens; 0: nowhere.</summary>
    public ushort Port { get; init; }

    /// <summary>Bytes sent since the `started` event.</summary>
    public long Uploaded { get; init; }

    /// <summary>Bytes received since the `started` event.</summary>
    public long Downloaded { get; init; }

    /// <summary>Bytes still to fetch; 0: a seed.</summary>
    public long Left { get; init; }

    public AnnounceEvent Event { get; init; }

    /// <summary>The same in all announces of a session, over all addresses (BEP 7).</summary>
    public uint Key { get; init; }

    /// <summary>Peers wanted; negative: as many as the tracker thinks right.</summary>
    public int Wanted { get; init; } = -1;

    /// <summary>BEP 23: HTTP only; UDP answers are always compact.</summary>
    public bool Compact { get; init; } = true;

    /// <summary>HTTP only: peer ids may be left out of an answer that is not compact.</summary>
    public bool NoPeerId { get; init; }
}
