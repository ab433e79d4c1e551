using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Shoal.Engine;

/// <summary>What the DHT asks of addresses.</summary>
internal static class DhtAddress
{
    /// <summary>
    /// On this machine or in a local network. BEP 42: "Any peer on a local network address is exempt from this
    /// node ID verification." Nobody from afar can answer from such an address.
    /// </summary>
    public static bool IsLocal(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        if (length == 4)
        {
            return bytes[0] switch
            {
                10 or 127 => true,
                172 => bytes[1] is >= 16 and < 32,
                192 => bytes[1] == 168,
                169 => bytes[1] == 254,
                _ => false,
            };
        }

        // fc00::/7 (unique local), fe80::/10 (link local), ::1
        return (bytes[0] & 0xfe) == 0xfc
            || bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80
            || IPAddress.IPv6Loopback.Equals(address);
    }

    /// <summary>
    /// Whether a datagram may go there at all: one host, with a port, in its own family (no IPv4 in IPv6 clothes).
    /// </summary>
    public static bool IsUsable(IPEndPoint endPoint)
    {
        if (endPoint.Port == 0)
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[16];
        endPoint.Address.TryWriteBytes(bytes, out var length);
        return length == 4
            ? bytes[0] is > 0 and < 224
            : bytes[0] != 0xff
                && !endPoint.Address.IsIPv4MappedToIPv6
                && !endPoint.Address.Equals(IPAddress.IPv6Any)
                && !(
                    BinaryPrimitives.ReadUInt64BigEndian(bytes) == 0 && !IPAddress.IPv6Loopback.Equals(endPoint.Address)
                );
    }

    /// <summary>
    /// Whether to believe somebody who names this address: not when a stranger names an address of a local
    /// network, since that is ours and not theirs.
    /// </summary>
    public static bool MayBeNamedBy(IPEndPoint named, IPAddress by) =>
        IsUsable(named) && (!IsLocal(named.Address) || IsLocal(by));

    /// <summary>A number for the network an owner can fill with nodes at will: IPv4 /24, IPv6 /64.</summary>
    public static ulong Subnet(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        return length == 4
            ? BinaryPrimitives.ReadUInt32BigEndian(bytes) >> 8
            : BinaryPrimitives.ReadUInt64BigEndian(bytes);
    }

    /// <summary>A number for whoever has the address: IPv4 /32, IPv6 /64, which is what one customer has.</summary>
    public static ulong Source(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        return length == 4 ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt64BigEndian(bytes);
    }
}
