using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Shoal.Protocol;

namespace Shoal.Tracker;

/// <summary>The address a question came from, as bytes: 4 or 16 of them; IPv4 in IPv6 clothes counts as IPv4.</summary>
internal readonly struct PeerAddress
{
    private readonly Bytes _bytes;

    private PeerAddress(ReadOnlySpan<byte> bytes, bool isV6)
    {
        bytes.CopyTo(_bytes);
        IsV6 = isV6;
    }

    public bool IsV6 { get; }

    public int Length => IsV6 ? 16 : 4;

    public static PeerAddress From(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        return From(bytes[..length]);
    }

    /// <summary>From 4 or 16 bytes in network order.</summary>
    public static PeerAddress From(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length == 4)
        {
            return new PeerAddress(bytes, false);
        }

        ReadOnlySpan<byte> mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF];
        return bytes.StartsWith(mapped) ? new PeerAddress(bytes[12..], false) : new PeerAddress(bytes, true);
    }

    public void CopyTo(Span<byte> destination) => ((ReadOnlySpan<byte>)_bytes)[..Length].CopyTo(destination);

    /// <summary>Writes the packed endpoint and says its size.</summary>
    public int Pack(ushort port, Span<byte> destination)
    {
        CopyTo(destination);
        BinaryPrimitives.WriteUInt16BigEndian(destination[Length..], port);
        return Length + 2;
    }

    public bool IsLoopback => IsLoopbackBytes(((ReadOnlySpan<byte>)_bytes)[..Length]);

    public static bool IsLoopbackBytes(ReadOnlySpan<byte> address) =>
        address.Length == 4 ? address[0] == 127 : !address[..15].ContainsAnyExcept((byte)0) && address[15] == 1;

    public IPAddress ToIPAddress() => new(((ReadOnlySpan<byte>)_bytes)[..Length]);

    public AddressFamily Family => IsV6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork;

    public int PackedSize => CompactPeers.SizeOf(Family);

    [InlineArray(16)]
    private struct Bytes
    {
        private byte _first;
    }
}
