using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Shoal.Protocol;

/// <summary>A SHA-1 value: the hash of a v1 piece or of a v1 info dictionary (BEP 3).</summary>
public readonly struct Sha1Digest : IEquatable<Sha1Digest>, IComparable<Sha1Digest>
{
    /// <summary>Length in bytes.</summary>
    public const int Size = 20;

    private readonly Bytes _bytes;

    /// <summary>Copies exactly <see cref="Size"/> bytes.</summary>
    /// <exception cref="ArgumentException">The span has another length.</exception>
    public Sha1Digest(ReadOnlySpan<byte> bytes)
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

    public void CopyTo(Span<byte> destination) => Span.CopyTo(destination);

    public byte[] ToArray() => Span.ToArray();

    /// <summary>Reads 40 hexadecimal digits, either case.</summary>
    public static bool TryParseHex(ReadOnlySpan<char> hex, out Sha1Digest value)
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

        value = new Sha1Digest(bytes);
        return true;
    }

    /// <summary>Lower-case hexadecimal.</summary>
    public override string ToString() => Convert.ToHexStringLower(Span);

    public bool Equals(Sha1Digest other) => Span.SequenceEqual(other.Span);

    public override bool Equals(object? obj) => obj is Sha1Digest other && Equals(other);

    /// <summary>The leading bytes are as good as any: the value is a digest or random.</summary>
    public override int GetHashCode() => MemoryMarshal.Read<int>(Span);

    public int CompareTo(Sha1Digest other) => Span.SequenceCompareTo(other.Span);

    public static bool operator ==(Sha1Digest left, Sha1Digest right) => left.Equals(right);

    public static bool operator !=(Sha1Digest left, Sha1Digest right) => !left.Equals(right);

    public static bool operator <(Sha1Digest left, Sha1Digest right) => left.CompareTo(right) < 0;

    public static bool operator >(Sha1Digest left, Sha1Digest right) => left.CompareTo(right) > 0;

    public static bool operator <=(Sha1Digest left, Sha1Digest right) => left.CompareTo(right) <= 0;

    public static bool operator >=(Sha1Digest left, Sha1Digest right) => left.CompareTo(right) >= 0;

    [InlineArray(Size)]
    private struct Bytes
    {
        private byte _first;
    }
}
