using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Numerics;

namespace Shoal.Engine;

/// <summary>
/// BEP 40: a number both ends of a connection agree on; the larger, the more the connection is worth keeping. It
/// makes connections spread evenly and cannot be steered by an attacker.
/// </summary>
internal static class PeerPriority
{
    public static uint Of(IPEndPoint a, IPEndPoint b)
    {
        var left = Plain(a.Address);
        var right = Plain(b.Address);
        if (left.AddressFamily != right.AddressFamily)
        {
            return 0;
        }

        Span<byte> bytes = stackalloc byte[32];
        if (left.Equals(right))
        {
            // BEP 40: "If the IP addresses are the same, the port numbers (16-bit integers) should be used instead"
            var low = Math.Min(a.Port, b.Port);
            var high = Math.Max(a.Port, b.Port);
            BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)low);
            BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], (ushort)high);
            return Crc32C(bytes[..4]);
        }

        var size = left.AddressFamily == AddressFamily.InterNetwork ? 4 : 16;
        var x = bytes[..size];
        var y = bytes.Slice(size, size);
        left.TryWriteBytes(x, out _);
        right.TryWriteBytes(y, out _);

        // BEP 40: "the mask to be used should be FF.FF.55.55 unless the IP addresses are in the same /16. In that case,
        // FF.FF.FF.55. If the IP addresses are in the same /24, the entire address". For IPv6 the BEP
        // says the same from /48 on; we begin to unmask one byte sooner, because the clients in use do, and both ends
        // must agree.
        var common = 0;
        while (common < size && x[common] == y[common])
        {
            common++;
        }

        var whole =
            size == 4
                ? common < 2
                    ? 2
                    : Math.Min(common + 1, 4)
                : Math.Clamp(common + 2, 6, 16);
        for (var i = whole; i < size; i++)
        {
            x[i] &= 0x55;
            y[i] &= 0x55;
        }

        if (x.SequenceCompareTo(y) > 0)
        {
            Span<byte> swap = stackalloc byte[16];
            x.CopyTo(swap);
            y.CopyTo(x);
            swap[..size].CopyTo(y);
        }

        return Crc32C(bytes[..(size * 2)]);
    }

    private static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    private static uint Crc32C(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var b in bytes)
        {
            crc = BitOperations.Crc32C(crc, b);
        }

        return ~crc;
    }
}
