using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>What a torrent provides for its links. Everything here may be used from any thread.</summary>
internal interface ILinkHost
{
    InfoHashes InfoHashes { get; }

    /// <summary>Our own id, as this torrent shows it.</summary>
    PeerId PeerId { get; }

    /// <summary>What our handshakes announce. The v2 bit is left out where the torrent has no v2 infohash.</summary>
    HandshakeFeatures Features { get; }

    /// <summary>What both ends prove before the torrent is named; null: it is for everybody.</summary>
    ILinkSecurity? Security => null;

    /// <summary>Where links post what peers send.</summary>
    ISwarmMailbox Mailbox { get; }

    /// <summary>Buffers for blocks that arrive.</summary>
    BlockPool ReceivePool { get; }

    /// <summary>The torrent's limit on payload received; each link makes itself a child.</summary>
    RateGate DownloadGate { get; }

    /// <summary>The torrent's limit on payload sent; each link makes itself a child.</summary>
    RateGate UploadGate { get; }
}
