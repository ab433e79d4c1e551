using System.Net;
using System.Numerics;
using System.Security.Cryptography;

namespace Shoal.Engine;

/// <summary>BEP 33: a set of addresses as 2,048 bits, two of which each address sets; sets of several nodes unite by OR.</summary>
internal sealed class ScrapeFilter
{
    public const int Size = 256;

    private const int Bits = Size * 8;
    private readonly byte[] _bytes;

    public ScrapeFilter() => _bytes = new byte[Size];

    /// <summary>Copies <see cref="Size"/> bytes.</summary>
    public ScrapeFilter(ReadOnlySpan<byte> bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(bytes.Length, Size);
        _bytes = bytes.ToArray();
    }

    public ReadOnlySpan<byte> Span => _bytes;

    public byte[] ToArray() => [.. _bytes];

    /// <summary>BEP 33: "Only IP addresses (v4 or v6) may be inserted into the bloom filters."</summary>
    public void Add(IPAddress address)
    {
        var (first, second) = Places(address);
        _bytes[first / 8] |= (byte)(1 << (first % 8));
        _bytes[second / 8] |= (byte)(1 << (second % 8));
    }

    /// <summary>False: surely not in; true: probably in.</summary>
    public bool MayContain(IPAddress address)
    {
        var (first, second) = Places(address);
        return (_bytes[first / 8] >> (first % 8) & _bytes[second / 8] >> (second % 8) & 1) == 1;
    }

    public void Unite(ReadOnlySpan<byte> other)
    {
        for (var i = 0; i < Size; i++)
        {
            _bytes[i] |= other[i];
        }
    }

    /// <summary>How many addresses are in, about: BEP 33, "Calculating the estimate".</summary>
    public double Estimate()
    {
        var set = 0;
        foreach (var value in _bytes)
        {
            set += BitOperations.PopCount(value);
        }

        // "c = min(m-1,countZeroBits(bloom))"; a full filter has no logarithm, one more zero bounds it.
        var zeros = Math.Max(1, Math.Min(Bits - 1, Bits - set));
        return set == 0 ? 0 : Math.Log(zeros / (double)Bits) / (2 * Math.Log(1 - 1.0 / Bits));
    }

    private static (int First, int Second) Places(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        Span<byte> hash = stackalloc byte[SHA1.HashSizeInBytes];
        // BEP 33 names SHA-1; nothing is secret here.
#pragma warning disable CA5350
        SHA1.HashData(bytes[..length], hash);
#pragma warning restore CA5350
        return ((hash[0] | hash[1] << 8) % Bits, (hash[2] | hash[3] << 8) % Bits);
    }
}
