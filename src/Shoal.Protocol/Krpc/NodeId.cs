using System.Buffers.Binary;
using System.Numerics;

namespace Shoal.Protocol;

/// <summary>
/// A point in the 160-bit space of the DHT: the name of a node, or the target of a lookup (BEP 5: "Node IDs are
/// chosen at random from the same 160-bit space as BitTorrent infohashes").
/// </summary>
public readonly record struct NodeId : IComparable<NodeId>
{
    /// <summary>Length in bytes.</summary>
    public const int Size = 20;

    /// <summary>Length in bits.</summary>
    public const int Bits = Size * 8;

    // The bytes as three big-endian numbers: distances are three XORs, comparisons three compares.
    private readonly ulong _high;
    private readonly ulong _middle;
    private readonly uint _low;

    /// <summary>Copies exactly <see cref="Size"/> bytes.</summary>
    /// <exception cref="ArgumentException">The span has another length.</exception>
    public NodeId(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Size)
        {
            throw new ArgumentException($"expected {Size} bytes, got {bytes.Length}", nameof(bytes));
        }

        _high = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        _middle = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]);
        _low = BinaryPrimitives.ReadUInt32BigEndian(bytes[16..]);
    }

    private NodeId(ulong high, ulong middle, uint low) => (_high, _middle, _low) = (high, middle, low);

    /// <summary>The point at which a torrent's peers are stored.</summary>
    public static NodeId From(InfoHash infoHash) => new(infoHash.Span);

    /// <summary>How many leading bits two ids share, from 0 to <see cref="Bits"/>.</summary>
    public static int SharedBits(NodeId a, NodeId b)
    {
        var high = a._high ^ b._high;
        if (high != 0)
        {
            return BitOperations.LeadingZeroCount(high);
        }

        var middle = a._middle ^ b._middle;
        return middle != 0
            ? 64 + BitOperations.LeadingZeroCount(middle)
            : 128 + BitOperations.LeadingZeroCount(a._low ^ b._low);
    }

    /// <summary>Below zero when <paramref name="a"/> is closer to the target than <paramref name="b"/>. BEP 5: "distance(A,B) = |A xor B|".</summary>
    public static int CompareDistance(NodeId target, NodeId a, NodeId b)
    {
        var high = (a._high ^ target._high).CompareTo(b._high ^ target._high);
        if (high != 0)
        {
            return high;
        }

        var middle = (a._middle ^ target._middle).CompareTo(b._middle ^ target._middle);
        return middle != 0 ? middle : (a._low ^ target._low).CompareTo(b._low ^ target._low);
    }

    /// <summary>The id whose first <paramref name="bits"/> bits are those of this one and whose others are those of <paramref name="rest"/>.</summary>
    public NodeId WithPrefixOf(int bits, NodeId rest)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bits);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, Bits);
        var high = Mask(bits);
        var middle = Mask(bits - 64);
        var low = (uint)(Mask(bits - 128) >> 32);
        return new NodeId(
            (_high & high) | (rest._high & ~high),
            (_middle & middle) | (rest._middle & ~middle),
            (_low & low) | (rest._low & ~low)
        );
    }

    /// <summary>This id with one bit turned over; bit 0 is the most significant.</summary>
    public NodeId FlipBit(int bit)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bit);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(bit, Bits);
        return bit switch
        {
            < 64 => new NodeId(_high ^ (1UL << (63 - bit)), _middle, _low),
            < 128 => new NodeId(_high, _middle ^ (1UL << (127 - bit)), _low),
            _ => new NodeId(_high, _middle, _low ^ (1U << (159 - bit))),
        };
    }

    /// <summary>Writes <see cref="Size"/> bytes.</summary>
    public void CopyTo(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, _high);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], _middle);
        BinaryPrimitives.WriteUInt32BigEndian(destination[16..], _low);
    }

    public byte[] ToArray()
    {
        var bytes = new byte[Size];
        CopyTo(bytes);
        return bytes;
    }

    public InfoHash ToInfoHash()
    {
        Span<byte> bytes = stackalloc byte[Size];
        CopyTo(bytes);
        return new InfoHash(bytes);
    }

    /// <summary>Seeded by the process: ids come from strangers, who may choose them to collide otherwise.</summary>
    public override int GetHashCode() => HashCode.Combine(_high, _middle, _low);

    public int CompareTo(NodeId other) => CompareDistance(default, this, other);

    public static bool operator <(NodeId left, NodeId right) => left.CompareTo(right) < 0;

    public static bool operator >(NodeId left, NodeId right) => left.CompareTo(right) > 0;

    public static bool operator <=(NodeId left, NodeId right) => left.CompareTo(right) <= 0;

    public static bool operator >=(NodeId left, NodeId right) => left.CompareTo(right) >= 0;

    /// <summary>Lower-case hexadecimal.</summary>
    public override string ToString() => Convert.ToHexStringLower(ToArray());

    private static ulong Mask(int bits) =>
        bits <= 0 ? 0
        : bits >= 64 ? ulong.MaxValue
        : ulong.MaxValue << (64 - bits);
}
