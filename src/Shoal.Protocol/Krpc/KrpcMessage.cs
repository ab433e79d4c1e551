using System.Net;

namespace Shoal.Protocol;

/// <summary>A message of the DHT (BEP 5, "KRPC Protocol"): a query, the answer to one, or an error instead of it.</summary>
/// <remarks>Values as they came in are unchecked beyond their shape; values to go out are trusted.</remarks>
public abstract class KrpcMessage
{
    private protected KrpcMessage() { }

    /// <summary>"t": chosen by whoever asks, repeated in the answer. 1 to 32 bytes when read.</summary>
    public required byte[] TransactionId { get; init; }

    /// <summary>"v": the sender's client and version; empty when missing.</summary>
    public byte[] Version { get; init; } = [];
}

/// <summary>What a query asks for.</summary>
public enum KrpcMethod : byte
{
    /// <summary>A name we do not know: answered like <see cref="FindNode"/> when there is a target.</summary>
    Unknown,
    Ping,
    FindNode,
    GetPeers,
    AnnouncePeer,

    /// <summary>BEP 44.</summary>
    Get,

    /// <summary>BEP 44.</summary>
    Put,

    /// <summary>BEP 51.</summary>
    SampleInfohashes,
}

/// <summary>BEP 32: which node lists an answer should have.</summary>
[Flags]
public enum KrpcWant : byte
{
    /// <summary>Not said: those of the family the query came by.</summary>
    None = 0,
    IPv4 = 1,
    IPv6 = 2,
}

/// <summary>"y" = "q".</summary>
public sealed class KrpcQuery : KrpcMessage
{
    public required KrpcMethod Method { get; init; }

    /// <summary>The id of the node that asks.</summary>
    public required NodeId Id { get; init; }

    /// <summary>"target", or "info_hash" of get_peers and announce_peer; null for ping and put.</summary>
    public NodeId? Target { get; init; }

    /// <summary>BEP 43 "ro": the asking node wants no queries itself.</summary>
    public bool IsReadOnly { get; init; }
    public KrpcWant Want { get; init; }

    /// <summary>announce_peer, put: the token of an earlier answer.</summary>
    public byte[] Token { get; init; } = [];

    /// <summary>announce_peer: the port, 0 when missing or out of range.</summary>
    public int Port { get; init; }

    /// <summary>announce_peer: the port of the datagram counts instead of <see cref="Port"/>.</summary>
    public bool ImpliedPort { get; init; }

    /// <summary>BEP 33, announce_peer: the announcing peer has everything.</summary>
    public bool IsSeed { get; init; }

    /// <summary>BEP 33, get_peers: rather no seeds, please.</summary>
    public bool NoSeeds { get; init; }

    /// <summary>BEP 33, get_peers: add the bloom filters.</summary>
    public bool Scrape { get; init; }

    /// <summary>put: the value, as bencoded bytes.</summary>
    public byte[]? Value { get; init; }

    /// <summary>put: null for an immutable item.</summary>
    public KrpcSignature? Signature { get; init; }

    /// <summary>put: part of the item's name; empty when missing.</summary>
    public byte[] Salt { get; init; } = [];

    /// <summary>put: write only when the stored sequence number is this one.</summary>
    public long? CompareAndSwap { get; init; }

    /// <summary>get: only a value with a higher number is of interest.</summary>
    public long? KnownSequence { get; init; }
}

/// <summary>What proves a mutable item (BEP 44): 32 bytes of key, 64 of signature.</summary>
public sealed record KrpcSignature(byte[] PublicKey, long Sequence, byte[] Signature);

/// <summary>"y" = "r".</summary>
public sealed class KrpcResponse : KrpcMessage
{
    /// <summary>The id of the node that answers.</summary>
    public required NodeId Id { get; init; }

    /// <summary>BEP 42 "ip": the address the query came from, as the answering node sees it.</summary>
    public IPEndPoint? YourEndPoint { get; init; }

    /// <summary>"nodes": null when missing.</summary>
    public IReadOnlyList<NodeContact>? Nodes { get; init; }

    /// <summary>BEP 32 "nodes6": null when missing.</summary>
    public IReadOnlyList<NodeContact>? Nodes6 { get; init; }

    /// <summary>Empty when missing.</summary>
    public byte[] Token { get; init; } = [];

    /// <summary>Peers: null when missing.</summary>
    public IReadOnlyList<IPEndPoint>? Values { get; init; }

    /// <summary>BEP 33 "BFsd", 256 bytes; null when missing.</summary>
    public byte[]? SeedFilter { get; init; }

    /// <summary>BEP 33 "BFpe", 256 bytes; null when missing.</summary>
    public byte[]? PeerFilter { get; init; }

    /// <summary>BEP 44: the stored value as bencoded bytes; null when missing.</summary>
    public byte[]? Value { get; init; }

    /// <summary>BEP 44: null for an immutable item.</summary>
    public KrpcSignature? Signature { get; init; }

    /// <summary>BEP 44 "seq" of an item, also where the item itself was left out.</summary>
    public long? Sequence { get; init; }

    /// <summary>BEP 51; null when missing.</summary>
    public KrpcSamples? Samples { get; init; }
}

/// <summary>BEP 51: some of the infohashes a node stores, how many it stores, and when to ask again.</summary>
public sealed record KrpcSamples(int IntervalSeconds, long Total, IReadOnlyList<InfoHash> InfoHashes);

/// <summary>"y" = "e".</summary>
public sealed class KrpcError : KrpcMessage
{
    public required KrpcErrorCode Code { get; init; }

    /// <summary>At most 200 characters when read, those not printable replaced.</summary>
    public string Message { get; init; } = "";

    /// <inheritdoc cref="KrpcResponse.YourEndPoint"/>
    public IPEndPoint? YourEndPoint { get; init; }
}

/// <summary>BEP 5 and BEP 44. Others can come in as well.</summary>
public enum KrpcErrorCode
{
    Generic = 201,
    Server = 202,

    /// <summary>"such as a malformed packet, invalid arguments, or bad token".</summary>
    Protocol = 203,
    MethodUnknown = 204,
    ValueTooBig = 205,
    BadSignature = 206,
    SaltTooBig = 207,
    CompareAndSwapMismatch = 301,
    SequenceTooLow = 302,
}
