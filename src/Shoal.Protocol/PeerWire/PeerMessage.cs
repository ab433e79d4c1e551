namespace Shoal.Protocol;

/// <summary>What a reader made of the bytes so far.</summary>
public enum ReadStatus
{
    Ok,

    /// <summary>The bytes are right as far as they go: call again with more behind them.</summary>
    NeedMore,

    /// <summary>No continuation can make them right.</summary>
    Malformed,
}

/// <summary>What is wrong with bytes from a peer.</summary>
public enum WireFault
{
    None,

    /// <summary>Longer than its kind may be.</summary>
    TooLong,

    /// <summary>Its length does not fit its kind.</summary>
    WrongLength,
}

/// <summary>
/// A message as it stood on the wire: integers unchecked, payload in the buffer it was read from.
/// </summary>
public readonly ref struct PeerMessage
{
    public PeerMessageKind Kind { get; init; }

    /// <summary>Meaningless for a keep-alive.</summary>
    public MessageId Id { get; init; }

    /// <summary>
    /// The first integer: the piece index, for <see cref="MessageId.Port"/> the port, for
    /// <see cref="MessageId.Extended"/> the extended id.
    /// </summary>
    public uint Piece { get; init; }

    public uint Begin { get; init; }

    /// <summary>The third integer; for <see cref="MessageId.Piece"/> the number of bytes in the payload.</summary>
    public uint Length { get; init; }

    /// <summary>
    /// The block for Piece; what follows the id for Bitfield, HashRequest, Hashes and HashReject; what follows the
    /// extended id for Extended; the whole message after the id if it is unknown. Else empty.
    /// </summary>
    public ReadOnlySpan<byte> Payload { get; init; }
}

public enum PeerMessageKind
{
    /// <summary>BEP 3: "Messages of length zero are keepalives, and ignored."</summary>
    KeepAlive,
    Known,

    /// <summary>An id that no extension we speak defines: to be ignored, within reason.</summary>
    Unknown,
}
