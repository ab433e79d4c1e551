using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Shoal.Protocol;

/// <summary>A node as others name it. BEP 5, "Contact Encoding": the id, then address and port.</summary>
public readonly record struct NodeContact(NodeId Id, IPEndPoint EndPoint)
{
    /// <summary>BEP 5: "Contact information for nodes is encoded as a 26-byte string."</summary>
    public const int SizeIPv4 = NodeId.Size + 6;

    /// <summary>BEP 32: the same with an IPv6 address.</summary>
    public const int SizeIPv6 = NodeId.Size + 18;

    /// <summary>
    /// Reads as many contacts as there are, at most <paramref name="limit"/>; bytes at the end that are no whole
    /// contact do not count, and neither do contacts with port 0, which nobody can have.
    /// </summary>
    public static List<NodeContact> ReadList(ReadOnlySpan<byte> bytes, AddressFamily family, int limit)
    {
        var size = family == AddressFamily.InterNetwork ? SizeIPv4 : SizeIPv6;
        var result = new List<NodeContact>(Math.Min(bytes.Length / size, limit));
        for (; bytes.Length >= size && result.Count < limit; bytes = bytes[size..])
        {
            if (TryReadEndPoint(bytes[NodeId.Size..size], out var endPoint))
            {
                result.Add(new NodeContact(new NodeId(bytes[..NodeId.Size]), endPoint));
            }
        }

        return result;
    }

    public void WriteTo(Span<byte> destination)
    {
        Id.CopyTo(destination);
        WriteEndPoint(EndPoint, destination[NodeId.Size..]);
    }

    /// <summary>How many bytes <see cref="WriteEndPoint"/> writes.</summary>
    public static int EndPointSize(IPEndPoint endPoint) =>
        endPoint.AddressFamily == AddressFamily.InterNetwork ? 6 : 18;

    /// <summary>Address and port in network order, 6 or 18 bytes.</summary>
    public static void WriteEndPoint(IPEndPoint endPoint, Span<byte> destination)
    {
        endPoint.Address.TryWriteBytes(destination, out var length);
        BinaryPrimitives.WriteUInt16BigEndian(destination[length..], (ushort)endPoint.Port);
    }

    /// <summary>False for other lengths than 6 and 18, and for port 0.</summary>
    public static bool TryReadEndPoint(ReadOnlySpan<byte> bytes, out IPEndPoint endPoint)
    {
        endPoint = null!;
        if (bytes.Length is not (6 or 18))
        {
            return false;
        }

        var port = BinaryPrimitives.ReadUInt16BigEndian(bytes[^2..]);
        if (port == 0)
        {
            return false;
        }

        endPoint = new IPEndPoint(new IPAddress(bytes[..^2]), port);
        return true;
    }
}
