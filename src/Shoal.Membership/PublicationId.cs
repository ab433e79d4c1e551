using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Shoal.Membership;

/// <summary>
/// The name of a publication: the SHA-256 of its authority's public key (SubjectPublicKeyInfo). Whoever has the name can
/// tell the real authority from any other. As text: 52 digits of base32, lower case.
/// </summary>
public readonly struct PublicationId : IEquatable<PublicationId>
{
    /// <summary>Length in bytes.</summary>
    public const int Size = 32;

    private readonly Bytes _bytes;

    /// <summary>Copies exactly <see cref="Size"/> bytes.</summary>
    /// <exception cref="ArgumentException">The span has another length.</exception>
    public PublicationId(ReadOnlySpan<byte> bytes)
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

    /// <summary>The publication whose authority has this key.</summary>
    public static PublicationId Of(ReadOnlySpan<byte> subjectPublicKeyInfo) =>
        new(SHA256.HashData(subjectPublicKeyInfo));

    /// <summary>Reads what <see cref="ToString"/> wrote, in either case.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out PublicationId id)
    {
        Span<byte> bytes = stackalloc byte[Size];
        var isRead = Base32.TryRead(text, bytes);
        id = isRead ? new PublicationId(bytes) : default;
        return isRead;
    }

    public byte[] ToArray() => Span.ToArray();

    public override string ToString() => Base32.Write(Span);

    public bool Equals(PublicationId other) => Span.SequenceEqual(other.Span);

    public override bool Equals(object? obj) => obj is PublicationId other && Equals(other);

    /// <summary>The leading bytes are as good as any: the value is a digest.</summary>
    public override int GetHashCode() => MemoryMarshal.Read<int>(Span);

    public static bool operator ==(PublicationId left, PublicationId right) => left.Equals(right);

    public static bool operator !=(PublicationId left, PublicationId right) => !left.Equals(right);

    [InlineArray(Size)]
    private struct Bytes
    {
        private byte _first;
    }
}
