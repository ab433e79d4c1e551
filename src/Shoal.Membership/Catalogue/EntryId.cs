using System.Buffers.Binary;

namespace Shoal.Membership;

/// <summary>Something published, through all its versions: 16 random bytes, as text 26 digits of base32 in lower case.</summary>
public readonly record struct EntryId(UInt128 Value)
{
    /// <summary>Length in bytes.</summary>
    public const int Size = 16;

    /// <summary>Takes exactly <see cref="Size"/> bytes.</summary>
    /// <exception cref="ArgumentException">The span has another length.</exception>
    public EntryId(ReadOnlySpan<byte> bytes)
        : this(
            bytes.Length == Size
                ? BinaryPrimitives.ReadUInt128BigEndian(bytes)
                : throw new ArgumentException($"expected {Size} bytes, got {bytes.Length}", nameof(bytes))
        ) { }

    /// <summary>Reads what <see cref="ToString"/> wrote, in either case.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out EntryId id)
    {
        Span<byte> bytes = stackalloc byte[Size];
        var isRead = Base32.TryRead(text, bytes);
        id = isRead ? new EntryId(bytes) : default;
        return isRead;
    }

    public byte[] ToArray()
    {
        var bytes = new byte[Size];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Value);
        return bytes;
    }

    public override string ToString() => Base32.Write(ToArray());
}
