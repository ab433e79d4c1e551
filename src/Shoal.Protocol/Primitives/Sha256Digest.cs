using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Shoal.Protocol;

/// <summary>A SHA-256 value: a node of a v2 merkle tree or the hash of a v2 info dictionary (BEP 52).</summary>
public readonly struct Sha256Digest : IEquatable<Sha256Digest>, IComparable<Sha256Digest>
{
    /// <summary>Length in bytes.</summary>
    public const int Size = 32;

    private readonly Bytes _bytes;

    /// <summary>Copies exactly <see cref="Size"/> bytes.</summary>
    /// <exception cref="ArgumentException">The span has another length.</exception>
    public Sha256Digest(ReadOnlySpan<byte> bytes)
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

    /// <summary>Reads 64 hexadecimal digits, either case.</summary>
    public static bool TryParseHex(ReadOnlySpan<char> hex, out Sha256Digest value)
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

        value = new Sha256Digest(bytes);
        return true;
    }

    /// <summary>Lower-case hexadecimal.</summary>
    public override string ToString() => Convert.ToHexStringLower(Span);

    public bool Equals(Sha256Digest other) => Span.SequenceEqual(other.Span);

    public override bool Equals(object? obj) => obj is Sha256Digest other && Equals(other);

    /// <summary>The leading bytes are as good as any: the value is a digest or random.</summary>
    public override int GetHashCode() => MemoryMarshal.Read<int>(Span);

    public int CompareTo(Sha256Digest other) => Span.SequenceCompareTo(other.Span);

    public static bool operator ==(Sha256Digest left, Sha256Digest right) => left.Equals(right);

    public static bool operator !=(Sha256Digest left, Sha256Digest right) => !left.Equals(right);

    public static bool operator <(Sha256Digest left, Sha256Digest right) => left.CompareTo(right) < 0;

    public static bool operator >(Sha256Digest left, Sha256Digest right) => left.CompareTo(right) > 0;

    public static bool operator <=(Sha256Digest left, Sha256Digest right) => left.CompareTo(right) <= 0;

    public static bool operator >=(Sha256Digest left, Sha256Digest right) => left.CompareTo(right) >= 0;

    [InlineArray(Size)]
    private struct Bytes
    {
        private byte _first;
    }
}
