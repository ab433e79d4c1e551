using System.Buffers.Binary;
using System.Net;
using System.Numerics;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>BEP 42: which ids a node may have at its address.</summary>
internal static class NodeIdRule
{
    private const uint IPv4Mask = 0x030f3fff;
    private const ulong IPv6Mask = 0x0103070f1f3f7fff;

    /// <summary>Whether the id fits the address; local addresses may have any.</summary>
    public static bool IsValid(NodeId id, IPAddress address)
    {
        if (DhtAddress.IsLocal(address))
        {
            return true;
        }

        Span<byte> bytes = stackalloc byte[NodeId.Size];
        id.CopyTo(bytes);
        // BEP 42: "The first (most significant) 21 bits of the node ID used in the DHT MUST match the first 21 bits
        // of the resulting hash."
        return (BinaryPrimitives.ReadUInt32BigEndian(bytes) ^ Hash(address, bytes[^1])) >> 11 == 0;
    }

    /// <summary>A random id that fits the address.</summary>
    public static NodeId Create(IPAddress address, DhtRandom random)
    {
        Span<byte> bytes = stackalloc byte[NodeId.Size];
        random.Fill(bytes);
        var hash = Hash(address, bytes[^1]);
        BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)(hash >> 16));
        bytes[2] = (byte)(((hash >> 8) & 0xf8) | (bytes[2] & 0x07u));
        return new NodeId(bytes);
    }

    /// <summary>The hash an id at this address begins with.</summary>
    /// <param name="address">IPv4, or IPv6, of which the first half counts.</param>
    /// <param name="last">The last byte of the id; its low three bits count.</param>
    public static uint Hash(IPAddress address, byte last)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        // BEP 42: "crc32c((ip & 0x030f3fff) | (r << 29))" and "crc32c((ip & 0x0103070f1f3f7fff) | (r << 61))", where
        // the number "is supposed to be big-endian before hashed".
        if (length == 4)
        {
            var masked = (BinaryPrimitives.ReadUInt32BigEndian(bytes) & IPv4Mask) | ((uint)(last & 7) << 29);
            return ~BitOperations.Crc32C(uint.MaxValue, BinaryPrimitives.ReverseEndianness(masked));
        }

        var wide = (BinaryPrimitives.ReadUInt64BigEndian(bytes) & IPv6Mask) | ((ulong)(last & 7) << 61);
        return ~BitOperations.Crc32C(uint.MaxValue, BinaryPrimitives.ReverseEndianness(wide));
    }
}
