using System.Buffers.Binary;
using System.Numerics;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>Questions about two sets of pieces at once, eight bytes at a time.</summary>
internal static class BitScan
{
    /// <summary>How many pieces are in both sets.</summary>
    public static int CountCommon(Bitfield a, Bitfield b)
    {
        var x = a.Bytes;
        var y = b.Bytes;
        var count = 0;
        var i = 0;
        for (; i + 8 <= x.Length; i += 8)
        {
            count += BitOperations.PopCount(
                BinaryPrimitives.ReadUInt64BigEndian(x[i..]) & BinaryPrimitives.ReadUInt64BigEndian(y[i..])
            );
        }

        for (; i < x.Length; i++)
        {
            count += BitOperations.PopCount((uint)(x[i] & y[i]));
        }

        return count;
    }

    /// <summary>The first piece from <paramref name="from"/> on that is in both sets, or -1.</summary>
    public static int FirstCommon(Bitfield a, Bitfield b, int from)
    {
        var x = a.Bytes;
        var y = b.Bytes;
        var i = from >> 3;
        if (i >= x.Length)
        {
            return -1;
        }

        var first = x[i] & y[i] & (0xff >> (from & 7));
        if (first != 0)
        {
            return i * 8 + BitOperations.LeadingZeroCount((uint)first) - 24;
        }

        i++;
        for (; i + 8 <= x.Length; i += 8)
        {
            var both = BinaryPrimitives.ReadUInt64BigEndian(x[i..]) & BinaryPrimitives.ReadUInt64BigEndian(y[i..]);
            if (both != 0)
            {
                return i * 8 + BitOperations.LeadingZeroCount(both);
            }
        }

        for (; i < x.Length; i++)
        {
            var both = x[i] & y[i];
            if (both != 0)
            {
                return i * 8 + BitOperations.LeadingZeroCount((uint)both) - 24;
            }
        }

        return -1;
    }
}
