using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Shoal.Protocol;

/// <summary>The 20 bytes that name a torrent on the wire, in trackers and in the DHT: a v1 infohash, or a v2 infohash cut to 20 bytes (BEP 52: "For some uses as torrent identifier it is truncated to 20 bytes.").</summary>
public readonly struct InfoHash : IEquatable<InfoHash>, IComparable<InfoHash>
{
    /// <summary>Length in bytes.</summary>
    public const int Size = 20;

    private readonly Bytes _bytes;

    /// <summary>Copies exactly <see cref="Size"/> bytes.</summary>
    /// <exception cref="ArgumentException">The span has another length.</exception>
    public InfoHash(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Size)
        {
            throw new ArgumentException($"expected {Size} bytes, got {bytes.Length}", nameof(bytes));
        }

        bytes.CopyTo(_bytes);
    }

    /// <summary>The bytes, valid as long as the variable that holds this value.</summary>
    [UnscopedRef]
    public ReadOnlySpan<byte> Span => _bytes;

    /// <summary>Whether every byte is zero.</summary>
    public bool IsZero => !Span.ContainsAnyExcept((byte)0);

    /// <summary>The v1 infohash as it stands on the wire.</summary>
    public static InfoHash From(Sha1Digest v1) => new(v1.Span);

    /// <summary>The first 20 bytes of a v2 infohash.</summary>
    public static InfoHash From(Sha256Digest v2) => new(v2.Span[..Size]);

    public void CopyTo(Span<byte> destination) => Span.CopyTo(destination);

    public byte[] ToArray() => Span.ToArray();

    /// <summary>Reads 40 hexadecimal digits, either case.</summary>
    public static bool TryParseHex(ReadOnlySpan<char> hex, out InfoHash value)
    {
        value = default;
        if (hex.Length != Size * 2)
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[Size];
        if (Convert.FromHexString(hex, bytes, out _, out _) != System.Buffers.OperationStatus.Done)
        {
            return false;
        }

        value = new InfoHash(bytes);
        return true;
    }

    /// <summary>Lower-case hexadecimal.</summary>
    public override string ToString() => Convert.ToHexStringLower(Span);

    public bool Equals(InfoHash other) => Span.SequenceEqual(other.Span);

    public override bool Equals(object? obj) => obj is InfoHash other && Equals(other);

    /// <summary>The leading bytes are as good as any: the value is a digest or random.</summary>
    public override int GetHashCode() => MemoryMarshal.Read<int>(Span);

    public int CompareTo(InfoHash other) => Span.SequenceCompareTo(other.Span);

    public static bool operator ==(InfoHash left, InfoHash right) => left.Equals(right);

    public static bool operator !=(InfoHash left, InfoHash right) => !left.Equals(right);

    public static bool operator <(InfoHash left, InfoHash right) => left.CompareTo(right) < 0;

    public static bool operator >(InfoHash left, InfoHash right) => left.CompareTo(right) > 0;

    public static bool operator <=(InfoHash left, InfoHash right) => left.CompareTo(right) <= 0;

    public static bool operator >=(InfoHash left, InfoHash right) => left.CompareTo(right) >= 0;

    [InlineArray(Size)]
    private struct Bytes
    {
        private byte _first;
    }
}
