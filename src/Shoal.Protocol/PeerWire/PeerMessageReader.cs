using System.Buffers.Binary;

namespace Shoal.Protocol;

/// <summary>
/// Reads the messages that follow the handshake (BEP 3, 5, 6, 10, 52). Never throws and never allocates; the
/// length is checked against the kind as soon as the id is there, so nobody waits or makes room for a message
/// that will be refused.
/// </summary>
public static class PeerMessageReader
{
    /// <summary>Bytes of the length prefix.</summary>
    public const int PrefixLength = 4;

    // id, root, base layer, index, length, proof layers
    internal const int HashRequestLength = 1 + Sha256Digest.Size + 4 * 4;

    /// <summary>Reads one message from the start of the input.</summary>
    /// <param name="input">What was received and not consumed yet.</param>
    /// <param name="limits">What is too long.</param>
    /// <param name="message">Set if Ok; its payload is part of the input.</param>
    /// <param name="consumed">Bytes of the input that the message took; 0 unless Ok.</param>
    /// <param name="needed">
    /// Bytes the input must have for the answer to change, if NeedMore: bounded by the limits, but still a claim
    /// of the peer: grow a buffer as bytes arrive, not to this number.
    /// </param>
    /// <param name="fault">Set if Malformed.</param>
    public static ReadStatus Read(
        ReadOnlySpan<byte> input,
        PeerWireLimits limits,
        out PeerMessage message,
        out int consumed,
        out int needed,
        out WireFault fault
    )
    {
        message = default;
        consumed = 0;
        needed = 0;
        fault = WireFault.None;
        if (input.Length < PrefixLength)
        {
            needed = PrefixLength;
            return ReadStatus.NeedMore;
        }

        var length = BinaryPrimitives.ReadUInt32BigEndian(input);
        if (length == 0)
        {
            consumed = PrefixLength;
            return ReadStatus.Ok;
        }

        if (length > (uint)limits.MaxLength)
        {
            fault = WireFault.TooLong;
            return ReadStatus.Malformed;
        }

        if (input.Length == PrefixLength)
        {
            needed = PrefixLength + 1;
            return ReadStatus.NeedMore;
        }

        var id = (MessageId)input[PrefixLength];
        fault = CheckLength(id, (int)length, limits);
        if (fault != WireFault.None)
        {
            return ReadStatus.Malformed;
        }

        var total = PrefixLength + (int)length;
        if (input.Length < total)
        {
            needed = total;
            return ReadStatus.NeedMore;
        }

        consumed = total;
        return Decode(id, input[(PrefixLength + 1)..total], ref message, ref consumed, ref fault);
    }

    private static ReadStatus Decode(
        MessageId id,
        ReadOnlySpan<byte> body,
        ref PeerMessage message,
        ref int consumed,
        ref WireFault fault
    )
    {
        switch (id)
        {
            case MessageId.Piece:
                message = new PeerMessage
                {
                    Kind = PeerMessageKind.Known,
                    Id = id,
                    Piece = BinaryPrimitives.ReadUInt32BigEndian(body),
                    Begin = BinaryPrimitives.ReadUInt32BigEndian(body[4..]),
                    Length = (uint)(body.Length - 8),
                    Payload = body[8..],
                };
                return ReadStatus.Ok;
            case MessageId.Request or MessageId.Cancel or MessageId.Reject:
                message = new PeerMessage
                {
                    Kind = PeerMessageKind.Known,
                    Id = id,
                    Piece = BinaryPrimitives.ReadUInt32BigEndian(body),
                    Begin = BinaryPrimitives.ReadUInt32BigEndian(body[4..]),
                    Length = BinaryPrimitives.ReadUInt32BigEndian(body[8..]),
                };

                // BEP 52: "All current implementations use 2^14 (16 kiB), and close connections which request an
                // amount greater than that." A cancel or reject of such a request names nothing we know of, and
                // does no harm.
                if (id == MessageId.Request && message.Length > PeerWireLimits.MaxBlockLength)
                {
                    message = default;
                    consumed = 0;
                    fault = WireFault.TooLong;
                    return ReadStatus.Malformed;
                }

                return ReadStatus.Ok;
            case MessageId.Have or MessageId.Suggest or MessageId.AllowedFast:
                message = new PeerMessage
                {
                    Kind = PeerMessageKind.Known,
                    Id = id,
                    Piece = BinaryPrimitives.ReadUInt32BigEndian(body),
                };
                return ReadStatus.Ok;
            case MessageId.Port:
                message = new PeerMessage
                {
                    Kind = PeerMessageKind.Known,
                    Id = id,
                    Piece = BinaryPrimitives.ReadUInt16BigEndian(body),
                };
                return ReadStatus.Ok;
            case MessageId.Extended:
                message = new PeerMessage
                {
                    Kind = PeerMessageKind.Known,
                    Id = id,
                    Piece = body[0],
                    Payload = body[1..],
                };
                return ReadStatus.Ok;
            default:
                var known = IsKnown(id);
                message = new PeerMessage
                {
                    Kind = known ? PeerMessageKind.Known : PeerMessageKind.Unknown,
                    Id = id,
                    Payload = body,
                };
                return ReadStatus.Ok;
        }
    }

    private static bool IsKnown(MessageId id) =>
        id
            is <= MessageId.Port
                or (>= MessageId.Suggest and <= MessageId.AllowedFast)
                or (>= MessageId.Extended and <= MessageId.HashReject);

    private static WireFault CheckLength(MessageId id, int length, PeerWireLimits limits)
    {
        var (least, most) = id switch
        {
            // BEP 3: "'choke', 'unchoke', 'interested', and 'not interested' have no payload."
            MessageId.Choke or MessageId.Unchoke or MessageId.Interested or MessageId.NotInterested => (1, 1),
            MessageId.Have => (5, 5),
            MessageId.Bitfield => (1, limits.MaxBitfieldLength),
            MessageId.Request or MessageId.Cancel => (13, 13),
            MessageId.Piece => (
                PeerMessageWriter.PieceHeaderLength,
                PeerMessageWriter.PieceHeaderLength + PeerWireLimits.MaxBlockLength
            ),
            // BEP 5: "It begins with byte 0x09 and has a two byte payload"
            MessageId.Port => (3, 3),
            // BEP 6: "Have All: <len=0x0001>", "Have None: <len=0x0001>"
            MessageId.HaveAll or MessageId.HaveNone => (1, 1),
            // BEP 6: "Suggest Piece: <len=0x0005>", "Allowed Fast: <len=0x0005>", "Reject Request: <len=0x000D>"
            MessageId.Suggest or MessageId.AllowedFast => (5, 5),
            MessageId.Reject => (13, 13),
            // BEP 10: "At the start of the payload of the message, is a single byte message identifier."
            MessageId.Extended => (2, limits.MaxExtendedLength),
            // BEP 52: "'hash reject' messages have the same payload as 'hash request' messages."
            MessageId.HashRequest or MessageId.HashReject => (HashRequestLength, HashRequestLength),
            MessageId.Hashes => (HashRequestLength, limits.MaxHashesLength),
            _ => (1, limits.MaxUnknownLength),
        };
        if (length > most)
        {
            return WireFault.TooLong;
        }

        var isWhole = id != MessageId.Hashes || (length - HashRequestLength) % Sha256Digest.Size == 0;
        return length < least || !isWhole ? WireFault.WrongLength : WireFault.None;
    }
}
