using System.Buffers.Binary;

namespace Shoal.Protocol;

/// <summary>
/// Writes messages into spans that the caller has made long enough, and says how many bytes each took.
/// </summary>
public static class PeerMessageWriter
{
    /// <summary>Bytes of a piece message before its block, length prefix included.</summary>
    public const int PiecePrefixLength = PeerMessageReader.PrefixLength + PieceHeaderLength;

    /// <summary>Bytes of the longest message without payload, length prefix included.</summary>
    public const int MaxFixedLength = PeerMessageReader.PrefixLength + 13;

    /// <summary>Bytes of an extended message before what follows the extended id, length prefix included.</summary>
    public const int ExtendedPrefixLength = PeerMessageReader.PrefixLength + 2;

    // id, index, begin
    internal const int PieceHeaderLength = 9;

    /// <summary>Four zero bytes.</summary>
    public static int WriteKeepAlive(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination, 0);
        return PeerMessageReader.PrefixLength;
    }

    /// <summary>Choke, Unchoke, Interested, NotInterested, HaveAll, HaveNone.</summary>
    public static int WriteBare(Span<byte> destination, MessageId id)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination, 1);
        destination[4] = (byte)id;
        return 5;
    }

    /// <summary>Have, Suggest, AllowedFast.</summary>
    public static int WriteIndex(Span<byte> destination, MessageId id, uint piece)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination, 5);
        destination[4] = (byte)id;
        BinaryPrimitives.WriteUInt32BigEndian(destination[5..], piece);
        return 9;
    }

    /// <summary>Request, Cancel, Reject.</summary>
    public static int WriteRange(Span<byte> destination, MessageId id, uint piece, uint begin, uint length)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination, 13);
        destination[4] = (byte)id;
        BinaryPrimitives.WriteUInt32BigEndian(destination[5..], piece);
        BinaryPrimitives.WriteUInt32BigEndian(destination[9..], begin);
        BinaryPrimitives.WriteUInt32BigEndian(destination[13..], length);
        return 17;
    }

    public static int WritePort(Span<byte> destination, ushort port)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination, 3);
        destination[4] = (byte)MessageId.Port;
        BinaryPrimitives.WriteUInt16BigEndian(destination[5..], port);
        return 7;
    }

    /// <summary>The start of a piece message; the block follows.</summary>
    public static int WritePiecePrefix(Span<byte> destination, uint piece, uint begin, int blockLength)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination, (uint)(PieceHeaderLength + blockLength));
        destination[4] = (byte)MessageId.Piece;
        BinaryPrimitives.WriteUInt32BigEndian(destination[5..], piece);
        BinaryPrimitives.WriteUInt32BigEndian(destination[9..], begin);
        return PiecePrefixLength;
    }

    /// <summary>Bitfield, HashRequest, Hashes, HashReject: the id and what follows it.</summary>
    public static int WriteWithPayload(Span<byte> destination, MessageId id, ReadOnlySpan<byte> payload)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination, (uint)(1 + payload.Length));
        destination[4] = (byte)id;
        payload.CopyTo(destination[5..]);
        return 5 + payload.Length;
    }

    public static int WriteExtended(Span<byte> destination, byte extendedId, ReadOnlySpan<byte> payload)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination, (uint)(2 + payload.Length));
        destination[4] = (byte)MessageId.Extended;
        destination[5] = extendedId;
        payload.CopyTo(destination[6..]);
        return ExtendedPrefixLength + payload.Length;
    }
}
