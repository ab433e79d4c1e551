using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Shoal.Protocol;

/// <summary>Address and port packed into 6 bytes (BEP 23) or 18 bytes (BEP 7).</summary>
public static class CompactPeers
{
    public const int SizeV4 = 6;
    public const int SizeV6 = 18;

    public static int SizeOf(AddressFamily family) => family == AddressFamily.InterNetworkV6 ? SizeV6 : SizeV4;

    /// <summary>
    /// Appends the usable peers, at most until <paramref name="peers"/> holds <paramref name="limit"/>. A tail
    /// shorter than a peer is ignored. Left out are port 0 and the unspecified address, to which nobody listens.
    /// </summary>
    public static void Read(ReadOnlySpan<byte> packed, AddressFamily family, int limit, List<IPEndPoint> peers)
    {
        var size = SizeOf(family);
        while (packed.Length >= size && peers.Count < limit)
        {
            var address = packed[..(size - 2)];
            var port = BinaryPrimitives.ReadUInt16BigEndian(packed[(size - 2)..]);
            if (port != 0 && address.ContainsAnyExcept((byte)0))
            {
                peers.Add(new IPEndPoint(Unmap(new IPAddress(address)), port));
            }

            packed = packed[size..];
        }
    }

    /// <summary>Writes 6 or 18 bytes, by the family of the address, and says how many.</summary>
    public static int Write(IPEndPoint peer, Span<byte> destination)
    {
        var size = SizeOf(peer.AddressFamily);
        peer.Address.TryWriteBytes(destination, out _);
        BinaryPrimitives.WriteUInt16BigEndian(destination[(size - 2)..], (ushort)peer.Port);
        return size;
    }

    /// <summary>An IPv4 address in IPv6 clothes (::ffff:a.b.c.d) is that IPv4 address.</summary>
    public static IPAddress Unmap(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
}
