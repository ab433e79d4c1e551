using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Shoal.Membership;

/// <summary>
/// One member of one publication: 16 random bytes that the authority chose, so that the same person's memberships in two
/// publications have nothing in common. As text: 26 digits of base32, lower case.
/// </summary>
public readonly struct MemberId : IEquatable<MemberId>, IComparable<MemberId>
{
    /// <summary>Length in bytes.</summary>
    public const int Size = 16;

    private readonly Bytes _bytes;

    /// <summary>Copies exactly <see cref="Size"/> bytes.</summary>
    /// <exception cref="ArgumentException">The span has another length.</exception>
    public MemberId(ReadOnlySpan<byte> bytes)
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

    /// <summary>Reads what <see cref="ToString"/> wrote, in either case.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out MemberId id)
    {
        Span<byte> bytes = stackalloc byte[Size];
        var isRead = Base32.TryRead(text, bytes);
        id = isRead ? new MemberId(bytes) : default;
        return isRead;
    }

    public byte[] ToArray() => Span.ToArray();

    public override string ToString() => Base32.Write(Span);

    public bool Equals(MemberId other) => Span.SequenceEqual(other.Span);

    public override bool Equals(object? obj) => obj is MemberId other && Equals(other);

    /// <summary>The leading bytes are as good as any: the value is random.</summary>
    public override int GetHashCode() => MemoryMarshal.Read<int>(Span);

    public int CompareTo(MemberId other) => Span.SequenceCompareTo(other.Span);

    public static bool operator ==(MemberId left, MemberId right) => left.Equals(right);

    public static bool operator !=(MemberId left, MemberId right) => !left.Equals(right);

    public static bool operator <(MemberId left, MemberId right) => left.CompareTo(right) < 0;

    public static bool operator <=(MemberId left, MemberId right) => left.CompareTo(right) <= 0;

    public static bool operator >(MemberId left, MemberId right) => left.CompareTo(right) > 0;

    public static bool operator >=(MemberId left, MemberId right) => left.CompareTo(right) >= 0;

    [InlineArray(Size)]
    private struct Bytes
    {
        private byte _first;
    }
}
