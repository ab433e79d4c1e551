using System.Buffers.Binary;
using Shoal.Protocol;

namespace Shoal.Tracker;

/// <summary>
/// Hashes infohashes with a secret, since whoever announces chooses them: equal leading bytes would else put half
/// a million swarms into one bucket.
/// </summary>
internal sealed class InfoHashComparer(ulong seed) : IEqualityComparer<InfoHash>
{
    private readonly ulong _a = seed | 1;
    private readonly ulong _b = (seed * 0xD6E8FEB86659FD93) ^ 0xA0761D6478BD642F;

    public bool Equals(InfoHash x, InfoHash y) => x == y;

    public int GetHashCode(InfoHash obj)
    {
        var bytes = obj.Span;
        var first = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        var second = BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]);
        var third = BinaryPrimitives.ReadUInt32LittleEndian(bytes[16..]);
        return (int)Fold(Fold(first ^ _a, second ^ _b) ^ third, _a ^ 0x9E3779B97F4A7C15);
    }

    private static ulong Fold(ulong x, ulong y)
    {
        var high = Math.BigMul(x, y, out var low);
        return high ^ low;
    }
}
