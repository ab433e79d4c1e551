using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

internal enum SwarmEventKind : byte
{
    /// <summary>
    /// A message from a peer: <see cref="SwarmEvent.MessageId"/> with its integers as they stood on the wire,
    /// unchecked. Payload: a <see cref="BlockBuffer"/> (owned by the swarm now) for Piece; a byte[] with what
    /// follows the id for Bitfield, Hashes, HashRequest, HashReject and (after the extended id, which is in
    /// Piece) Extended.
    /// </summary>
    Message,

    /// <summary>Payload: <see cref="PeerIntroduction"/>.</summary>
    PeerJoined,

    /// <summary>The link is gone. Payload: boxed <see cref="DisconnectReason"/>. No event of this peer follows.</summary>
    PeerLeft,

    /// <summary>
    /// The link handed Length payload bytes (of blocks) to the network, and took back Begin bytes that it still had
    /// (<see cref="SwarmEffectKind.Unsend"/>).
    /// </summary>
    PayloadSent,

    /// <summary>A web seed has other pieces than it seemed. Payload: a byte[] as of a bitfield message.</summary>
    HoldingsReplaced,

    /// <summary>
    /// Answer to ReadBlock. Payload: the <see cref="BlockBuffer"/>, or null when it could not be read (the
    /// disk reports <see cref="DiskFailed"/> besides).
    /// </summary>
    BlockRead,

    /// <summary>All of a piece was hashed. Payload: <see cref="PieceHashResult"/>.</summary>
    PieceHashed,

    /// <summary>A block of a watched piece is on disk. Piece, Begin; payload: its leaf hash, <see cref="Sha256Digest"/>.</summary>
    BlockHashed,

    /// <summary>The disk cannot write or read. Payload: <see cref="DiskFailure"/>.</summary>
    DiskFailed,

    /// <summary>The disk works again after <see cref="DiskFailed"/>.</summary>
    DiskRecovered,

    /// <summary>
    /// What resume data says. Comes once before any peer if the metainfo is known from the start, and after
    /// <see cref="MetadataReady"/> for a magnet link: nothing is fetched until then. Payload:
    /// <see cref="ResumeState"/>.
    /// </summary>
    ResumeLoaded,

    /// <summary>
    /// Somebody else on this machine has files of the torrent. Comes when the metainfo is known and before
    /// <see cref="ResumeLoaded"/>. Payload: a list of <see cref="FoundFile"/>.
    /// </summary>
    LocalFilesFound,

    /// <summary>Payload: <see cref="Protocol.Metainfo"/>, made from the metadata the swarm fetched.</summary>
    MetadataReady,

    /// <summary>Payload: <see cref="CandidateBatch"/>.</summary>
    CandidatesFound,

    /// <summary>A Connect effect came to nothing. Payload: <see cref="IPEndPoint"/>; Piece: the DisconnectReason.</summary>
    ConnectFailed,

    /// <summary>Time has passed; sent every <see cref="SwarmEvent.TickInterval"/>.</summary>
    Tick,

    /// <summary>Something the user wants. Payload: <see cref="SwarmCommand"/>.</summary>
    Command,
}

/// <summary>Everything that can happen to a swarm. Made by links, the disk, the announcer and the API.</summary>
/// <remarks>One small struct for all kinds, so that a mailbox of them needs no allocation per block.</remarks>
internal readonly record struct SwarmEvent(
    SwarmEventKind Kind,
    PeerHandle Peer = default,
    MessageId MessageId = default,
    uint Piece = 0,
    uint Begin = 0,
    uint Length = 0,
    object? Payload = null
)
{
    public static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(100);
}

/// <summary>Addresses to try.</summary>
/// <param name="EndPoints">May be anything.</param>
/// <param name="Source">One kind.</param>
/// <param name="Teller">Which of that kind, for example a tracker's URL; null where there is only one.</param>
internal sealed record CandidateBatch(IReadOnlyList<IPEndPoint> EndPoints, PeerSource Source, string? Teller = null)
{
    /// <summary>Those of them that may be called, by the same teller.</summary>
    public CandidateBatch Only(Func<IPEndPoint, bool> mayCall) =>
        this with
        {
            EndPoints = [.. EndPoints.Where(mayCall)],
        };
}

/// <summary>What the disk computed for a piece; the swarm compares it with what it should be.</summary>
internal sealed record PieceHashResult
{
    public required PieceIndex Piece { get; init; }

    /// <summary>False when a HashPiece request found the data missing, short or unreadable.</summary>
    public required bool IsComplete { get; init; }

    /// <summary>SHA-1 of the piece on the wire, padding included; null for v2-only torrents.</summary>
    public Sha1Digest? V1 { get; init; }

    /// <summary>
    /// BEP 52 leaf hashes: SHA-256 of each data block. For v2 and hybrid always; for v1 torrents too once the
    /// piece was discarded before, so that two attempts can be compared block by block.
    /// </summary>
    public Sha256Digest[]? Blocks { get; init; }
}

internal sealed record DiskFailure(DiskFailureKind Kind, string Message);

public enum DiskFailureKind
{
    Full,
    ReadOnly,
    Denied,
    Missing,
    Other,
}

/// <summary>What can be relied on after a restart.</summary>
internal sealed record ResumeState
{
    /// <summary>Pieces proven before and durable: used without hashing.</summary>
    public required Bitfield Have { get; init; }

    /// <summary>Pieces that may be on disk but are not proven: to be hashed before anything is fetched.</summary>
    public required Bitfield Check { get; init; }

    /// <summary>Blocks on disk of pieces not complete. Unproven; not fetched again unless their piece fails.</summary>
    public IReadOnlyList<BlockRef> Blocks { get; init; } = [];

    /// <summary>v2 piece hashes that peers sent before (<see cref="PieceHashes.ToLayers"/>), not proven; null: none.</summary>
    public byte[]? PieceLayers { get; init; }

    /// <summary>Addresses of peers known before.</summary>
    public IReadOnlyList<IPEndPoint> Peers { get; init; } = [];
}
