using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Testing;

internal enum CrowdEventKind : byte
{
    /// <summary>The process begins.</summary>
    Start,
    Tick,

    /// <summary>The node dies, without a word.</summary>
    Die,

    /// <summary>What the uplink was sending has left it.</summary>
    Sent,

    /// <summary>A message has come to the near end of the downlink.</summary>
    Arrived,

    /// <summary>A message is through the downlink.</summary>
    Delivered,

    /// <summary>The other end has got Length bytes of blocks.</summary>
    Acknowledged,

    /// <summary>Somebody calls. Piece: the place of the link at its end.</summary>
    Called,

    /// <summary>The call was taken. Piece: the place of the link at the other end.</summary>
    Answered,

    /// <summary>The call came to nothing: there is nobody.</summary>
    Missed,

    /// <summary>The other end is gone.</summary>
    Closed,

    /// <summary>The disk has hashed the piece.</summary>
    Hashed,

    /// <summary>The tracker has answered.</summary>
    Tracked,
}

/// <summary>
/// One thing that happens at one node. Blocks travel as numbers: their bytes are the same everywhere, nothing.
/// </summary>
/// <param name="At">When, in ticks of <see cref="TimeSpan"/>.</param>
/// <param name="Link">The place of the link at the node it happens at; of a message that has not left, at the sender.</param>
/// <param name="From">Who caused it; for <see cref="CrowdEventKind.Called"/>.</param>
internal record struct CrowdEvent(
    CrowdEventKind Kind,
    long At,
    int Link = -1,
    int From = -1,
    MessageId MessageId = default,
    uint Piece = 0,
    uint Begin = 0,
    uint Length = 0,
    object? Payload = null
)
{
    private const int HeaderSize = 17;

    /// <summary>Bytes on the wire.</summary>
    public readonly int Size =>
        HeaderSize
        + (
            MessageId == MessageId.Piece ? (int)Length
            : Payload is byte[] bytes ? bytes.Length
            : 0
        );

    public readonly SwarmEvent ToSwarm(object? payload) =>
        new(SwarmEventKind.Message, new PeerHandle(Link + 1), MessageId, Piece, Begin, Length, payload);
}
