using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Shoal.Protocol;

/// <summary>Addresses as SOCKS5 writes them, and the header of its datagrams (RFC 1928).</summary>
public static class Socks5Address
{
    /// <summary>Kind, a name with its length, and a port.</summary>
    public const int MaxLength = 1 + 1 + ProxyTarget.MaxHostLength + 2;

    /// <summary>The longest header of a datagram to or from an address.</summary>
    public const int MaxHeader = 3 + 1 + 16 + 2;

    /// <summary>Writes kind, address or name, and port; returns how many bytes that took.</summary>
    public static int Write(ProxyTarget target, Span<byte> to)
    {
        int length;
        if (target.Address is { } address)
        {
            to[0] = (byte)(address.AddressFamily == AddressFamily.InterNetwork ? 1 : 4);
            address.TryWriteBytes(to[1..], out length);
            length++;
        }
        else
        {
            to[0] = 3;
            to[1] = (byte)Encoding.ASCII.GetBytes(target.Host, to[2..]);
            length = 2 + to[1];
        }

        BinaryPrimitives.WriteUInt16BigEndian(to[length..], (ushort)target.Port);
        return length + 2;
    }

    /// <summary>Writes what stands before the data of a datagram through the relay; returns its length.</summary>
    public static int WriteHeader(ProxyTarget target, Span<byte> to)
    {
        // RFC 1928: "RSV Reserved X'0000'", and "FRAG": standalone.
        to[..3].Clear();
        return 3 + Write(target, to[3..]);
    }

    /// <summary>Reads who a datagram of the relay is from, and where its data begins; false for anything else.</summary>
    public static bool TryReadHeader(ReadOnlySpan<byte> datagram, out IPEndPoint source, out int dataAt)
    {
        source = null!;
        dataAt = 0;
        // RFC 1928: "An implementation that does not support fragmentation MUST drop any datagram whose FRAG field is
        // other than X'00'."
        if (datagram.Length < 10 || datagram[0] != 0 || datagram[1] != 0 || datagram[2] != 0)
        {
            return false;
        }

        // A source that is a name says nothing that could be answered.
        var size = datagram[3] switch
        {
            1 => 4,
            4 => 16,
            _ => 0,
        };
        dataAt = 4 + size + 2;
        if (size == 0 || datagram.Length < dataAt)
        {
            return false;
        }

        var address = new IPAddress(datagram.Slice(4, size));
        source = new IPEndPoint(
            CompactPeers.Unmap(address),
            BinaryPrimitives.ReadUInt16BigEndian(datagram[(4 + size)..])
        );
        return true;
    }
}
