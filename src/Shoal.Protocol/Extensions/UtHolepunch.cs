using System.Buffers.Binary;
using System.Net;

namespace Shoal.Protocol;

public enum HolepunchKind : byte
{
    /// <summary>Initiator to relay: introduce me to that endpoint.</summary>
    Rendezvous = 0,

    /// <summary>Relay to both ends: connect to that endpoint now.</summary>
    Connect = 1,

    /// <summary>Relay to initiator: it cannot be done.</summary>
    Error = 2,
}

/// <summary>Why a relay cannot help. A value not listed here may come from a peer.</summary>
public enum HolepunchError : uint
{
    None = 0,
    NoSuchPeer = 1,
    NotConnected = 2,
    NoSupport = 3,
    NoSelf = 4,
}

/// <summary>A message of BEP 55: two peers that cannot be reached are introduced by a third.</summary>
public sealed record UtHolepunch(HolepunchKind Kind, IPEndPoint EndPoint, HolepunchError Error = HolepunchError.None)
{
    /// <summary>The name in the extension handshake.</summary>
    public const string Name = "ut_holepunch";

    /// <summary>Reads what follows the extended id. Whether the endpoint may be contacted is the caller's question.</summary>
    public static bool TryRead(ReadOnlySpan<byte> payload, out UtHolepunch? message)
    {
        message = null;
        if (payload.Length < 2 || payload[0] > (byte)HolepunchKind.Error || payload[1] > 1)
        {
            return false;
        }

        // BEP 55: "addr_type (1 byte): <0x00 for ipv4, 0x01 for ipv6>"
        var addressLength = payload[1] == 0 ? 4 : 16;
        var rest = payload[2..];
        var isError = payload[0] == (byte)HolepunchKind.Error;

        // The error code is "0 in non-error messages"; we let them do without it, because some leave it out.
        if (rest.Length != addressLength + 2 + 4 && (isError || rest.Length != addressLength + 2))
        {
            return false;
        }

        var port = BinaryPrimitives.ReadUInt16BigEndian(rest[addressLength..]);
        if (port == 0)
        {
            return false;
        }

        var error = isError ? (HolepunchError)BinaryPrimitives.ReadUInt32BigEndian(rest[(addressLength + 2)..]) : 0;
        message = new UtHolepunch(
            (HolepunchKind)payload[0],
            new IPEndPoint(new IPAddress(rest[..addressLength]), port),
            error
        );
        return true;
    }

    /// <summary>What follows the extended id.</summary>
    public byte[] Write()
    {
        var address = EndPoint.Address.IsIPv4MappedToIPv6 ? EndPoint.Address.MapToIPv4() : EndPoint.Address;
        var bytes = address.GetAddressBytes();
        var payload = new byte[2 + bytes.Length + 2 + 4];
        payload[0] = (byte)Kind;
        payload[1] = (byte)(bytes.Length == 4 ? 0 : 1);
        bytes.CopyTo(payload, 2);
        BinaryPrimitives.WriteUInt16BigEndian(payload.AsSpan(2 + bytes.Length), (ushort)EndPoint.Port);
        BinaryPrimitives.WriteUInt32BigEndian(payload.AsSpan(4 + bytes.Length), (uint)Error);
        return payload;
    }
}
