using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Shoal.Protocol;

/// <summary>What a PCP server says about a request (RFC 6887, 7.4). Other numbers are possible and mean "no".</summary>
public enum PcpResult : byte
{
    Success = 0,
    UnsupportedVersion = 1,
    NotAuthorized = 2,
    MalformedRequest = 3,
    UnsupportedOpcode = 4,
    NetworkFailure = 7,
    NoResources = 8,
    UnsupportedProtocol = 9,
    UserExceededQuota = 10,
    CannotProvideExternal = 11,
    AddressMismatch = 12,
}

/// <summary>A request for a mapping, or with a lifetime of 0 for its end.</summary>
/// <param name="Client">Our address, as the datagram's source shows it.</param>
/// <param name="Nonce">12 bytes; the same for all requests about one mapping.</param>
/// <param name="Port">Ours.</param>
/// <param name="SuggestedPort">The one we would like outside; 0: any.</param>
/// <param name="SuggestedAddress">The one we had outside; null: any.</param>
/// <param name="Lifetime">In seconds.</param>
public sealed record PcpMapRequest(
    IPAddress Client,
    ReadOnlyMemory<byte> Nonce,
    MappedProtocol Protocol,
    ushort Port,
    ushort SuggestedPort,
    IPAddress? SuggestedAddress,
    uint Lifetime
);

/// <summary>An answer or an announcement of a PCP server.</summary>
/// <param name="Version">2; another one only where that is what the answer is about.</param>
/// <param name="Lifetime">In seconds: of the mapping, or of the error.</param>
/// <param name="Epoch">Seconds since the server lost what it knew.</param>
/// <param name="Map">Null: not about a mapping.</param>
public sealed record PcpAnswer(byte Version, PcpResult Result, uint Lifetime, uint Epoch, PcpMap? Map);

/// <summary>The mapping an answer is about.</summary>
public sealed record PcpMap(
    ReadOnlyMemory<byte> Nonce,
    MappedProtocol Protocol,
    ushort Port,
    ushort ExternalPort,
    IPAddress ExternalAddress
);

/// <summary>The Port Control Protocol (RFC 6887), as far as a client needs it that wants ports forwarded.</summary>
public static class Pcp
{
    /// <summary>The server's UDP port, for PCP and NAT-PMP both.</summary>
    public const int Port = 5351;

    /// <summary>Where a client hears announcements (RFC 6887, 14.1; RFC 6886, 3.2.1).</summary>
    public const int AnnouncementPort = 5350;

    public const byte Version = 2;
    public const int NonceSize = 12;

    /// <summary>The longest message that RFC 6887, 7 allows.</summary>
    public const int MaxMessage = 1100;

    private const byte Response = 0x80;
    private const byte Announce = 0;
    private const byte Map = 1;
    private const int HeaderSize = 24;
    private const int MapSize = 36;

    public static byte[] Write(PcpMapRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        var message = new byte[HeaderSize + MapSize];
        message[0] = Version;
        message[1] = Map;
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(4), request.Lifetime);
        WriteAddress(message.AsSpan(8), request.Client);
        var map = message.AsSpan(HeaderSize);
        request.Nonce.Span[..NonceSize].CopyTo(map);
        map[12] = (byte)request.Protocol;
        BinaryPrimitives.WriteUInt16BigEndian(map[16..], request.Port);
        BinaryPrimitives.WriteUInt16BigEndian(map[18..], request.SuggestedPort);
        // No preference is 0 (RFC 6887, 11.1), which in IPv4 is ::ffff:0.0.0.0.
        var any = request.Client.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any;
        WriteAddress(map[20..], request.SuggestedAddress ?? any);
        return message;
    }

    /// <summary>False: it is no answer of a PCP server.</summary>
    public static bool TryRead(ReadOnlySpan<byte> message, out PcpAnswer answer)
    {
        answer = new PcpAnswer(0, 0, 0, 0, null);
        // RFC 6887, 8.3: what has not the R bit, is shorter than 24 octets, longer than 1100 or no multiple of 4 is dropped.
        if (
            message.Length is < HeaderSize or > MaxMessage
            || message.Length % 4 != 0
            || (message[1] & Response) == 0
            || message[0] == 0
        )
        {
            return false;
        }

        var opcode = message[1] & ~Response;
        var result = (PcpResult)message[3];
        PcpMap? map = null;
        if (message[0] == Version && opcode == Map)
        {
            var body = message[HeaderSize..];
            if (body.Length < MapSize || body[12] is not ((byte)MappedProtocol.Tcp or (byte)MappedProtocol.Udp))
            {
                return false;
            }

            map = new PcpMap(
                body[..NonceSize].ToArray(),
                (MappedProtocol)body[12],
                BinaryPrimitives.ReadUInt16BigEndian(body[16..]),
                BinaryPrimitives.ReadUInt16BigEndian(body[18..]),
                ReadAddress(body.Slice(20, 16))
            );
        }
        else if (message[0] == Version && opcode != Announce)
        {
            return false;
        }

        answer = new PcpAnswer(
            message[0],
            result,
            BinaryPrimitives.ReadUInt32BigEndian(message[4..]),
            BinaryPrimitives.ReadUInt32BigEndian(message[8..]),
            map
        );
        return true;
    }

    private static void WriteAddress(Span<byte> to, IPAddress address) => address.MapToIPv6().TryWriteBytes(to, out _);

    private static IPAddress ReadAddress(ReadOnlySpan<byte> bytes) => CompactPeers.Unmap(new IPAddress(bytes));
}
