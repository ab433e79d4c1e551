using System.Buffers.Binary;

namespace Shoal.Membership;

/// <summary>
/// Tells invitations apart; no secret. 8 random bytes, as text 13 digits of base32 in lower case.
/// </summary>
public readonly record struct InvitationId(ulong Value)
{
    /// <summary>Length in bytes.</summary>
    public const int Size = 8;

    /// <summary>Takes exactly <see cref="Size"/> bytes.</summary>
    /// <exception cref="ArgumentException">The span has another length.</exception>
    public InvitationId(ReadOnlySpan<byte> bytes)
        : this(
            bytes.Length == Size
                ? BinaryPrimitives.ReadUInt64BigEndian(bytes)
                : throw new ArgumentException($"expected {Size} bytes, got {bytes.Length}", nameof(bytes))
        ) { }

    /// <summary>Reads what <see cref="ToString"/> wrote, in either case.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out InvitationId id)
    {
        Span<byte> bytes = stackalloc byte[Size];
        var isRead = Base32.TryRead(text, bytes);
        id = isRead ? new InvitationId(bytes) : default;
        return isRead;
    }

    public byte[] ToArray()
    {
        var bytes = new byte[Size];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, Value);
        return bytes;
    }

    public override string ToString() => Base32.Write(ToArray());
}
