using System.Buffers.Binary;
using System.Net;

namespace Shoal.Protocol;

/// <summary>RFC 6886, 3.5. Other numbers are possible and mean "no".</summary>
public enum NatPmpResult
{
    Success = 0,
    UnsupportedVersion = 1,
    NotAuthorized = 2,
    NetworkFailure = 3,
    OutOfResources = 4,
    UnsupportedOpcode = 5,
}

/// <summary>An answer of a NAT-PMP server.</summary>
/// <param name="Epoch">Seconds since the server lost what it knew.</param>
/// <param name="ExternalAddress">When that was asked, or announced.</param>
/// <param name="Map">When a mapping was asked for.</param>
public sealed record NatPmpAnswer(NatPmpResult Result, uint Epoch, IPAddress? ExternalAddress, NatPmpMap? Map);

/// <summary>The mapping an answer is about; in an error only protocol and port mean something.</summary>
/// <param name="Lifetime">In seconds.</param>
public sealed record NatPmpMap(MappedProtocol Protocol, ushort Port, ushort ExternalPort, uint Lifetime);

/// <summary>The NAT Port Mapping Protocol (RFC 6886), which PCP came after; same port, version 0.</summary>
public static class NatPmp
{
    private const byte Response = 128;
    private const byte AddressOpcode = 0;
    private const byte UdpOpcode = 1;
    private const byte TcpOpcode = 2;

    public static byte[] WriteAddressRequest() => [0, AddressOpcode];

    /// <param name="suggested">The port outside that we would like; 0 with a lifetime of 0.</param>
    /// <param name="lifetime">In seconds; 0 ends the mapping.</param>
    public static byte[] WriteMapRequest(MappedProtocol protocol, ushort port, ushort suggested, uint lifetime)
    {
        var message = new byte[12];
        message[1] = protocol == MappedProtocol.Tcp ? TcpOpcode : UdpOpcode;
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(4), port);
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(6), suggested);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(8), lifetime);
        return message;
    }

    /// <summary>False: it is no answer of a NAT-PMP server.</summary>
    public static bool TryRead(ReadOnlySpan<byte> message, out NatPmpAnswer answer)
    {
        answer = new NatPmpAnswer(NatPmpResult.Success, 0, null, null);
        if (message.Length < 8 || message[0] != 0 || message[1] < Response)
        {
            return false;
        }

        var result = (NatPmpResult)BinaryPrimitives.ReadUInt16BigEndian(message[2..]);
        var epoch = BinaryPrimitives.ReadUInt32BigEndian(message[4..]);
        switch (message[1] - Response)
        {
            case AddressOpcode when message.Length >= 12:
                answer = new NatPmpAnswer(result, epoch, new IPAddress(message.Slice(8, 4)), null);
                return true;
            case UdpOpcode or TcpOpcode when message.Length >= 16:
                var map = new NatPmpMap(
                    message[1] == Response + TcpOpcode ? MappedProtocol.Tcp : MappedProtocol.Udp,
                    BinaryPrimitives.ReadUInt16BigEndian(message[8..]),
                    BinaryPrimitives.ReadUInt16BigEndian(message[10..]),
                    BinaryPrimitives.ReadUInt32BigEndian(message[12..])
                );
                answer = new NatPmpAnswer(result, epoch, null, map);
                return true;
            default:
                // An error may end here; success may not.
                answer = new NatPmpAnswer(result, epoch, null, null);
                return result != NatPmpResult.Success;
        }
    }
}
