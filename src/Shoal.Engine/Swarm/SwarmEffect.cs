using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

internal enum SwarmEffectKind : byte
{
    /// <summary>
    /// Send a message to a peer, laid out as in <see cref="SwarmEventKind.Message"/>: for Piece the payload is a
    /// <see cref="BlockBuffer"/> that the link owns then.
    /// </summary>
    Send,

    /// <summary>
    /// Take back Piece messages queued for the peer but not yet on their way (Piece, Begin and Length name one; Length
    /// 0: all of them, since the peer was choked). The link releases their buffers and reports them in
    /// <see cref="SwarmEventKind.PayloadSent"/>. With the id of Reject each that was taken back is answered with that: only
    /// the link knows which are.
    /// </summary>
    Unsend,

    /// <summary>
    /// Read nothing from the peer until <see cref="ResumeReading"/>: it asks faster than it can be served, and has no way to be
    /// told. What it sent before still arrives.
    /// </summary>
    HoldReading,

    /// <summary>Read on.</summary>
    ResumeReading,

    /// <summary>End the connection. Piece: the <see cref="DisconnectReason"/>.</summary>
    Disconnect,

    /// <summary>No connection from or to this address for a while. Payload: <see cref="IPAddress"/>.</summary>
    Ban,

    /// <summary>Never again this web seed. Payload: <see cref="WebSeedUrl"/>.</summary>
    BanWebSeed,

    /// <summary>
    /// Try a candidate. Payload: <see cref="IPEndPoint"/>; Piece: <see cref="DialHints"/>. Answered by PeerJoined or
    /// ConnectFailed.
    /// </summary>
    Connect,

    /// <summary>Payload of the request in <see cref="SwarmEffect.Disk"/>.</summary>
    Disk,

    /// <summary>The info dictionary came in whole and its hashes fit. Payload: byte[].</summary>
    MetadataFetched,

    /// <summary>Peers have sent, or whole files have told, the last v2 piece hash that was missing. Payload: <see cref="PieceHashes.ToLayers"/>.</summary>
    PieceLayersFetched,

    /// <summary>A piece was proven. Piece: its index.</summary>
    PieceCompleted,

    /// <summary>Everything wanted is here and proven. Comes once for each time it becomes true.</summary>
    Completed,

    /// <summary>The candidates are used up while more peers would help: announce when allowed.</summary>
    NeedPeers,

    /// <summary>A peer told at which address it sees us; once for each peer. Payload: <see cref="AddressSighting"/>.</summary>
    AddressSeen,

    /// <summary>A peer told its port in the DHT. Payload: <see cref="IPEndPoint"/>.</summary>
    NodeFound,

    /// <summary>A peer named trackers. Payload: list of <see cref="HearsayTracker"/>.</summary>
    TrackersHeard,

    /// <summary>A peer sent a newer list of who is no member any more; it is good. Payload: <see cref="Membership.RevocationList"/>.</summary>
    RevocationsHeard,

    /// <summary>The list names ourselves.</summary>
    MembershipEnded,

    /// <summary>A peer is connected, and has had the time to say what it is. Payload: <see cref="PeerStatus"/>.</summary>
    PeerSeen,

    /// <summary>It left. Payload: <see cref="PeerStatus"/>. Piece: the <see cref="DisconnectReason"/>.</summary>
    PeerGone,

    /// <summary>A reader may read on, or less far than it was told. Payload: <see cref="ReaderProgress"/>.</summary>
    ReaderAdvanced,

    /// <summary>A state worth telling the user at once changed (checking done, paused by an error, ...).</summary>
    StateChanged,
}

/// <summary>A peer's word on our address (BEP 10, <c>yourip</c>).</summary>
internal sealed record AddressSighting(IPAddress By, IPAddress Ours);

/// <summary>Everything a swarm can decide. Carried out by the loop, in order, batched per link and disk.</summary>
internal readonly record struct SwarmEffect(
    SwarmEffectKind Kind,
    PeerHandle Peer = default,
    MessageId MessageId = default,
    uint Piece = 0,
    uint Begin = 0,
    uint Length = 0,
    object? Payload = null,
    DiskRequest Disk = default
);

/// <summary>
/// Where a swarm puts its effects; one list, reused for each call of Handle and emptied by the caller.
/// </summary>
internal sealed class SwarmEffects
{
    private readonly List<SwarmEffect> _effects = [];

    public int Count => _effects.Count;

    public SwarmEffect this[int index] => _effects[index];

    public ReadOnlySpan<SwarmEffect> Span => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_effects);

    public void Add(in SwarmEffect effect) => _effects.Add(effect);

    public void Clear() => _effects.Clear();
}
