namespace Shoal.Engine;

/// <summary>Why a connection ended. Remote misbehaviour is one of these, never an exception.</summary>
public enum DisconnectReason
{
    /// <summary>The peer closed the connection in good order.</summary>
    ClosedByPeer,

    /// <summary>The network failed: reset, unreachable.</summary>
    ConnectionLost,
    ConnectFailed,
    ConnectTimeout,
    HandshakeTimeout,

    /// <summary>The handshake was not BitTorrent's, or named another torrent.</summary>
    BadHandshake,
    UnknownTorrent,

    /// <summary>One side insists on encryption that the other does not want.</summary>
    EncryptionMismatch,

    /// <summary>Too many encrypted handshakes at this time; each costs computing.</summary>
    TooManyKeyExchanges,

    /// <summary>The other end is ourselves.</summary>
    Self,

    /// <summary>This peer is connected already.</summary>
    Duplicate,

    /// <summary>Nothing was heard for two minutes (BEP 3 keep-alives).</summary>
    IdleTimeout,

    /// <summary>A message longer than its kind may be, or too short for it.</summary>
    MessageTooLong,
    MalformedMessage,

    /// <summary>A piece index or range that does not exist.</summary>
    BadIndex,
    BadBitfield,

    /// <summary>A message that may not come now, for example a second bitfield.</summary>
    UnexpectedMessage,

    /// <summary>Too many messages of a kind that cost us and not the sender.</summary>
    Flood,

    /// <summary>Too many blocks that were never asked for.</summary>
    UnsolicitedBlocks,

    /// <summary>Blocks that failed their hash were traced to this peer; it is banned.</summary>
    SentBadData,
    BadMetadata,
    BadHashes,
    Banned,

    /// <summary>The torrent is for members of its publication, and the other end has not proven to be one.</summary>
    NotAMember,

    /// <summary>The other end is no member any more: the authority's list names it.</summary>
    Revoked,

    /// <summary>The certificate that the other end has shown is not valid any more; it may come again with another.</summary>
    MembershipExpired,

    /// <summary>The user's IP filter or port filter names it.</summary>
    Filtered,

    /// <summary>The address or interface that it went by is gone.</summary>
    InterfaceLost,

    /// <summary>Both ends are seeds, or neither has anything for the other and the place is needed.</summary>
    NotUseful,

    /// <summary>A better candidate took the place (BEP 40 or the connection limit).</summary>
    Replaced,
    TooManyConnections,

    /// <summary>The peer does not read what it asked for; its outbox is full.</summary>
    OutboxFull,
    TorrentPaused,
    TorrentRemoved,
    ShuttingDown,

    /// <summary>A web seed's server is overloaded, or says so.</summary>
    ServerBusy,

    /// <summary>A web seed's server has not what the torrent says, or answers what helps nobody.</summary>
    ServerRefused,

    /// <summary>A bug on our side; it is logged with its stack.</summary>
    InternalError,
}
