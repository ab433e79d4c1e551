using System.Buffers.Binary;

namespace Shoal.Protocol;

/// <summary>Packet types of BEP 29.</summary>
public enum UtpPacketType : byte
{
    Data = 0,

    /// <summary>The last packet of one direction.</summary>
    Fin = 1,

    /// <summary>An acknowledgement without data.</summary>
    State = 2,

    /// <summary>"The remote host does not have any state for this connection."</summary>
    Reset = 3,

    /// <summary>Begins a connection.</summary>
    Syn = 4,
}

/// <summary>The fixed part of each packet of BEP 29, version 1.</summary>
/// <param name="Type">What it is for.</param>
/// <param name="ConnectionId">Of the connection, as its receiver knows it.</param>
/// <param name="Timestamp">Clock of the sender in microseconds; 0: it has none.</param>
/// <param name="TimestampDifference">What the sender measured of our last packet: its clock less our timestamp; 0: nothing yet.</param>
/// <param name="Window">Bytes that the sender has room for.</param>
/// <param name="Sequence">Number of this packet; without data, of the next one with data.</param>
/// <param name="Acknowledged">Everything up to this number has come in.</param>
public readonly record struct UtpHeader(
    UtpPacketType Type,
    ushort ConnectionId,
    uint Timestamp,
    uint TimestampDifference,
    uint Window,
    ushort Sequence,
    ushort Acknowledged
)
{
    public const int Size = 20;

    private const int Version = 1;

    /// <summary>Whether a datagram can be one of uTP, by its first byte. No other protocol that we speak begins like it.</summary>
    public static bool IsLikely(ReadOnlySpan<byte> datagram) =>
        datagram.Length >= Size && (datagram[0] & 0x0f) == Version && datagram[0] >> 4 <= (int)UtpPacketType.Syn;

    /// <summary>Writes the 20 bytes.</summary>
    /// <param name="to">At least <see cref="Size"/>.</param>
    /// <param name="extension">The kind of the first extension, 0: there is none.</param>
    public void Write(Span<byte> to, byte extension = 0)
    {
        to[0] = (byte)((int)Type << 4 | Version);
        to[1] = extension;
        BinaryPrimitives.WriteUInt16BigEndian(to[2..], ConnectionId);
        BinaryPrimitives.WriteUInt32BigEndian(to[4..], Timestamp);
        BinaryPrimitives.WriteUInt32BigEndian(to[8..], TimestampDifference);
        BinaryPrimitives.WriteUInt32BigEndian(to[12..], Window);
        BinaryPrimitives.WriteUInt16BigEndian(to[16..], Sequence);
        BinaryPrimitives.WriteUInt16BigEndian(to[18..], Acknowledged);
    }

    internal static UtpHeader Read(ReadOnlySpan<byte> from) =>
        new(
            (UtpPacketType)(from[0] >> 4),
            BinaryPrimitives.ReadUInt16BigEndian(from[2..]),
            BinaryPrimitives.ReadUInt32BigEndian(from[4..]),
            BinaryPrimitives.ReadUInt32BigEndian(from[8..]),
            BinaryPrimitives.ReadUInt32BigEndian(from[12..]),
            BinaryPrimitives.ReadUInt16BigEndian(from[16..]),
            BinaryPrimitives.ReadUInt16BigEndian(from[18..])
        );
}
