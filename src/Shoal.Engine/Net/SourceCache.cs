using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Shoal.Engine;

/// <summary>
/// Endpoints for the addresses that a system call wrote, without a new one for each datagram of the same sender. Used by
/// one receiver. Senders that share a place push each other out, which costs an allocation and nothing else.
/// </summary>
internal sealed class SourceCache(AddressFamily family)
{
    /// <summary>Places. Bounds the memory to some 30 KB a socket.</summary>
    private const int Size = 256;

    private readonly Entry[] _entries = new Entry[Size];

    private readonly record struct Key(ulong High, ulong Low, ulong PortAndScope);

    private struct Entry
    {
        public Key Key;
        public IPEndPoint? EndPoint;
    }

    /// <param name="raw">A struct sockaddr_in or sockaddr_in6, as the family says.</param>
    public IPEndPoint Find(ReadOnlySpan<byte> raw)
    {
        var key = KeyOf(raw);
        // Any spread does: nothing depends on it but speed.
        var hash = (key.High ^ key.Low * 31 ^ key.PortAndScope * 17) * 0x9E3779B97F4A7C15;
        ref var entry = ref _entries[hash >> 56];
        if (entry.EndPoint is null || entry.Key != key)
        {
            entry.Key = key;
            entry.EndPoint = Read(raw);
        }

        return entry.EndPoint;
    }

    // Both begin with the family and the port; sockaddr_in has the address at 4, sockaddr_in6 has it at 8 and then the
    // number of the interface in the machine's order.
    private Key KeyOf(ReadOnlySpan<byte> raw)
    {
        ulong port = BinaryPrimitives.ReadUInt16BigEndian(raw[2..]);
        return family == AddressFamily.InterNetwork
            ? new Key(0, MemoryMarshal.Read<uint>(raw[4..]), port)
            : new Key(
                MemoryMarshal.Read<ulong>(raw[8..]),
                MemoryMarshal.Read<ulong>(raw[16..]),
                port | ((ulong)MemoryMarshal.Read<uint>(raw[24..]) << 16)
            );
    }

    private IPEndPoint Read(ReadOnlySpan<byte> raw)
    {
        var address =
            family == AddressFamily.InterNetwork
                ? new IPAddress(raw.Slice(4, 4))
                : new IPAddress(raw.Slice(8, 16), MemoryMarshal.Read<uint>(raw[24..]));
        return new IPEndPoint(address, BinaryPrimitives.ReadUInt16BigEndian(raw[2..]));
    }
}
