using System.Buffers.Binary;

namespace Shoal.Protocol;

public enum UdpTrackerAction : uint
{
    Connect = 0,
    Announce = 1,
    Scrape = 2,
    Error = 3,
}

/// <summary>Why a datagram is no UDP tracker message.</summary>
public enum UdpTrackerFault
{
    None,

    /// <summary>Shorter than its action needs.</summary>
    TooShort,

    /// <summary>A connect request without the magic constant of BEP 15.</summary>
    BadProtocolId,
    UnknownAction,

    /// <summary>An answer to another question, or to none.</summary>
    WrongTransaction,

    /// <summary>An answer of another kind than the question.</summary>
    WrongAction,
}

/// <summary>A datagram from a client to a tracker (BEP 15), read in place; valid as long as its bytes.</summary>
public readonly ref struct UdpTrackerRequest
{
    /// <summary>BEP 15: "0x41727101980 // magic constant".</summary>
    public const long ProtocolId = 0x41727101980;

    public const int ConnectSize = 16;
    public const int AnnounceSize = 98;
    public const int ScrapeHeaderSize = 16;

    public UdpTrackerAction Action { get; private init; }

    public uint TransactionId { get; private init; }

    /// <summary>0 in a connect request.</summary>
    public long ConnectionId { get; private init; }

    /// <summary>Has meaning for <see cref="UdpTrackerAction.Announce"/>.</summary>
    public AnnounceRequest Announce { get; private init; }

    /// <summary>After an announce: the options of BEP 41. In a scrape: the infohashes, 20 bytes each.</summary>
    public ReadOnlySpan<byte> Rest { get; private init; }

    public static UdpTrackerFault TryRead(ReadOnlySpan<byte> datagram, out UdpTrackerRequest request)
    {
        request = default;
        if (datagram.Length < ConnectSize)
        {
            return UdpTrackerFault.TooShort;
        }

        var connectionId = BinaryPrimitives.ReadInt64BigEndian(datagram);
        var action = (UdpTrackerAction)BinaryPrimitives.ReadUInt32BigEndian(datagram[8..]);
        var transactionId = BinaryPrimitives.ReadUInt32BigEndian(datagram[12..]);
        switch (action)
        {
            case UdpTrackerAction.Connect when connectionId != ProtocolId:
                return UdpTrackerFault.BadProtocolId;
            case UdpTrackerAction.Connect:
                request = new UdpTrackerRequest { Action = action, TransactionId = transactionId };
                return UdpTrackerFault.None;
            case UdpTrackerAction.Announce when datagram.Length < AnnounceSize:
                return UdpTrackerFault.TooShort;
            case UdpTrackerAction.Announce:
                request = new UdpTrackerRequest
                {
                    Action = action,
                    TransactionId = transactionId,
                    ConnectionId = connectionId,
                    Announce = ReadAnnounce(datagram),
                    Rest = datagram[AnnounceSize..],
                };
                return UdpTrackerFault.None;
            case UdpTrackerAction.Scrape when datagram.Length < ScrapeHeaderSize + InfoHash.Size:
                return UdpTrackerFault.TooShort;
            case UdpTrackerAction.Scrape:
                var hashes = datagram[ScrapeHeaderSize..];
                request = new UdpTrackerRequest
                {
                    Action = action,
                    TransactionId = transactionId,
                    ConnectionId = connectionId,
                    Rest = hashes[..(hashes.Length / InfoHash.Size * InfoHash.Size)],
                };
                return UdpTrackerFault.None;
            default:
                return UdpTrackerFault.UnknownAction;
        }
    }

    private static AnnounceRequest ReadAnnounce(ReadOnlySpan<byte> datagram)
    {
        var number = BinaryPrimitives.ReadUInt32BigEndian(datagram[80..]);
        return new AnnounceRequest
        {
            InfoHash = new InfoHash(datagram.Slice(16, 20)),
            PeerId = new PeerId(datagram.Slice(36, 20)),
            Downloaded = BinaryPrimitives.ReadInt64BigEndian(datagram[56..]),
            Left = BinaryPrimitives.ReadInt64BigEndian(datagram[64..]),
            Uploaded = BinaryPrimitives.ReadInt64BigEndian(datagram[72..]),
            Event = number <= (uint)AnnounceEvent.Paused ? (AnnounceEvent)number : AnnounceEvent.None,
            // The address at 84 is not read: who could name any address would make the swarm attack it.
            Key = BinaryPrimitives.ReadUInt32BigEndian(datagram[88..]),
            Wanted = BinaryPrimitives.ReadInt32BigEndian(datagram[92..]),
            Port = BinaryPrimitives.ReadUInt16BigEndian(datagram[96..]),
        };
    }

    public static int WriteConnect(uint transactionId, Span<byte> destination)
    {
        BinaryPrimitives.WriteInt64BigEndian(destination, ProtocolId);
        BinaryPrimitives.WriteUInt32BigEndian(destination[8..], (uint)UdpTrackerAction.Connect);
        BinaryPrimitives.WriteUInt32BigEndian(destination[12..], transactionId);
        return ConnectSize;
    }

    /// <summary>
    /// Writes an announce with its URL as BEP 41 wants it: at most 98 + <see cref="UdpUrlData.MaxEncoded"/> bytes.
    /// </summary>
    /// <exception cref="ArgumentException">Path and query are longer than <see cref="AnnounceLimits.MaxUdpUrlData"/>.</exception>
    public static int WriteAnnounce(
        uint transactionId,
        long connectionId,
        in AnnounceRequest request,
        ReadOnlySpan<byte> pathAndQuery,
        Span<byte> destination
    )
    {
        WriteHeader(UdpTrackerAction.Announce, transactionId, connectionId, destination);
        request.InfoHash.CopyTo(destination[16..]);
        request.PeerId.CopyTo(destination[36..]);
        BinaryPrimitives.WriteInt64BigEndian(destination[56..], request.Downloaded);
        BinaryPrimitives.WriteInt64BigEndian(destination[64..], request.Left);
        BinaryPrimitives.WriteInt64BigEndian(destination[72..], request.Uploaded);
        BinaryPrimitives.WriteUInt32BigEndian(destination[80..], (uint)request.Event);
        BinaryPrimitives.WriteUInt32BigEndian(destination[84..], 0);
        BinaryPrimitives.WriteUInt32BigEndian(destination[88..], request.Key);
        BinaryPrimitives.WriteInt32BigEndian(destination[92..], request.Wanted);
        BinaryPrimitives.WriteUInt16BigEndian(destination[96..], request.Port);
        return AnnounceSize + UdpUrlData.Write(pathAndQuery, destination[AnnounceSize..]);
    }

    public static int WriteScrape(
        uint transactionId,
        long connectionId,
        ReadOnlySpan<InfoHash> hashes,
        Span<byte> destination
    )
    {
        WriteHeader(UdpTrackerAction.Scrape, transactionId, connectionId, destination);
        for (var i = 0; i < hashes.Length; i++)
        {
            hashes[i].CopyTo(destination[(ScrapeHeaderSize + i * InfoHash.Size)..]);
        }

        return ScrapeHeaderSize + hashes.Length * InfoHash.Size;
    }

    private static void WriteHeader(UdpTrackerAction action, uint transactionId, long connectionId, Span<byte> to)
    {
        BinaryPrimitives.WriteInt64BigEndian(to, connectionId);
        BinaryPrimitives.WriteUInt32BigEndian(to[8..], (uint)action);
        BinaryPrimitives.WriteUInt32BigEndian(to[12..], transactionId);
    }
}
