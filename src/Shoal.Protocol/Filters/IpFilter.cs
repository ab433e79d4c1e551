using System.Buffers.Binary;
using System.Net;
using System.Numerics;

namespace Shoal.Protocol;

/// <summary>
/// A set of addresses, as ranges without overlap in order. Never changes, so any thread may ask; an answer takes some
/// steps of a binary search. Made by <see cref="IpFilterBuilder"/>.
/// </summary>
public sealed class IpFilter
{
    /// <summary>With fewer ranges of IPv4 the index would be larger than they are.</summary>
    private const int IndexedFrom = 16 * 1024;

    /// <summary>Ranges of IPv6 between two in the sample: 1 KB of them, which the processor fetches together.</summary>
    private const int SampledEach = 64;

    private readonly uint[] _first4;
    private readonly uint[] _last4;
    private readonly UInt128[] _first6;
    private readonly UInt128[] _last6;

    // For each upper half of an address the first range that begins there or later, and one more: the end.
    private readonly int[]? _index4;

    // Some of the beginnings of IPv6 ranges, so that the first steps of a search do not wait for memory.
    private readonly UInt128[] _sample6;

    internal IpFilter(uint[] first4, uint[] last4, UInt128[] first6, UInt128[] last6)
    {
        (_first4, _last4, _first6, _last6) = (first4, last4, first6, last6);
        _index4 = first4.Length < IndexedFrom ? null : IndexOf(first4);
        _sample6 = new UInt128[(first6.Length + SampledEach - 1) / SampledEach];
        for (var i = 0; i < _sample6.Length; i++)
        {
            _sample6[i] = first6[i * SampledEach];
        }
    }

    /// <summary>No address.</summary>
    public static IpFilter Empty { get; } = new([], [], [], []);

    /// <summary>Ranges, after those that touch have become one.</summary>
    public int Count => _first4.Length + _first6.Length;

    /// <summary>Whether the address is in there; an IPv4 address within IPv6 counts as itself.</summary>
    public bool Contains(IPAddress address)
    {
        if (Count == 0)
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        if (length == 4)
        {
            return Contains(BinaryPrimitives.ReadUInt32BigEndian(bytes));
        }

        var value = BinaryPrimitives.ReadUInt128BigEndian(bytes);
        return IsMapped(value) ? Contains((uint)value) : Contains(value);
    }

    /// <summary>Whether the number is that of an IPv4 address written as one of IPv6, ::ffff:0:0/96.</summary>
    internal static bool IsMapped(UInt128 address) => address >> 32 == 0xFFFF;

    private bool Contains(uint address)
    {
        var (low, high) = (0, _first4.Length);
        if (_index4 is { } index)
        {
            (low, high) = (index[address >> 16], index[(address >> 16) + 1]);
        }

        var end = low + CountUpTo(_first4.AsSpan(low, high - low), address);
        return end > 0 && _last4[end - 1] >= address;
    }

    private bool Contains(UInt128 address)
    {
        var samples = CountUpTo(_sample6, address);
        if (samples == 0)
        {
            return false;
        }

        var low = (samples - 1) * SampledEach;
        var end = low + CountUpTo(_first6.AsSpan(low, Math.Min(SampledEach, _first6.Length - low)), address);
        return _last6[end - 1] >= address;
    }

    /// <summary>How many of these, which are in order, are not above a value.</summary>
    private static int CountUpTo<T>(ReadOnlySpan<T> sorted, T value)
        where T : struct, IComparisonOperators<T, T, bool>
    {
        var (low, high) = (0, sorted.Length);
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (sorted[middle] <= value)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    private static int[] IndexOf(uint[] first)
    {
        var index = new int[65536 + 1];
        var next = 0;
        for (var half = 0; half <= 65536; half++)
        {
            while (next < first.Length && first[next] >> 16 < half)
            {
                next++;
            }

            index[half] = next;
        }

        return index;
    }
}

/// <summary>Collects the ranges of an <see cref="IpFilter"/>, in any order and with any overlap.</summary>
/// <param name="limits">Beyond them nothing is taken.</param>
public sealed class IpFilterBuilder(IpFilterLimits limits)
{
    private readonly List<uint> _first4 = [];
    private readonly List<uint> _last4 = [];
    private readonly List<UInt128> _first6 = [];
    private readonly List<UInt128> _last6 = [];

    /// <summary>False: there is no room for more.</summary>
    internal bool TryAdd(uint first, uint last)
    {
        if (_first4.Count + _first6.Count >= limits.MaxRanges)
        {
            return false;
        }

        _first4.Add(first);
        _last4.Add(last);
        return true;
    }

    /// <inheritdoc cref="TryAdd(uint, uint)"/>
    internal bool TryAdd(UInt128 first, UInt128 last)
    {
        if (IpFilter.IsMapped(first) && IpFilter.IsMapped(last))
        {
            return TryAdd((uint)first, (uint)last);
        }

        if (_first4.Count + _first6.Count >= limits.MaxRanges)
        {
            return false;
        }

        _first6.Add(first);
        _last6.Add(last);
        return true;
    }

    public IpFilter Build()
    {
        var (first4, last4) = Merge(_first4, _last4, uint.MaxValue, one => one + 1);
        var (first6, last6) = Merge(_first6, _last6, UInt128.MaxValue, one => one + 1);
        return new IpFilter(first4, last4, first6, last6);
    }

    private static (T[] First, T[] Last) Merge<T>(List<T> firsts, List<T> lasts, T end, Func<T, T> next)
        where T : struct, IComparable<T>
    {
        var (first, last) = (firsts.ToArray(), lasts.ToArray());
        Array.Sort(first, last);
        var count = 0;
        for (var i = 0; i < first.Length; i++)
        {
            // The last address of all has none after it.
            if (count > 0 && (last[count - 1].CompareTo(end) == 0 || first[i].CompareTo(next(last[count - 1])) <= 0))
            {
                last[count - 1] = last[i].CompareTo(last[count - 1]) > 0 ? last[i] : last[count - 1];
            }
            else
            {
                (first[count], last[count]) = (first[i], last[i]);
                count++;
            }
        }

        return (first[..count], last[..count]);
    }
}

/// <summary>What lists of addresses may cost. Beyond it a list is refused as a whole.</summary>
public sealed record IpFilterLimits
{
    public static IpFilterLimits Default { get; } = new();

    /// <summary>Ranges of all lists. Default 4,000,000: 32 MB of IPv4; the largest public lists have under a million.</summary>
    public int MaxRanges { get; init; } = 4_000_000;

    /// <summary>Bytes of one list, unpacked. Default 512 MiB, so that a packed file of some KB cannot keep us busy for ever.</summary>
    public long MaxBytes { get; init; } = 512L * 1024 * 1024;

    /// <summary>Bytes of one line. Default 4096; descriptions have some hundred at most.</summary>
    public int MaxLine { get; init; } = 4096;
}
