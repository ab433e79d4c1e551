using System.Buffers.Binary;

namespace Shoal.Protocol;

/// <summary>
/// BEP 54: takes back a have. The payload is "the four-byte index of the piece that is no longer available at the
/// sender".
/// </summary>
public static class LtDontHave
{
    /// <summary>The name in the extension handshake.</summary>
    public const string Name = "lt_donthave";

    /// <summary>Bytes after the extended id.</summary>
    public const int Size = 4;

    /// <summary>Reads what follows the extended id; the index is unchecked.</summary>
    public static bool TryRead(ReadOnlySpan<byte> payload, out uint piece) =>
        BinaryPrimitives.TryReadUInt32BigEndian(payload, out piece) && payload.Length == Size;

    /// <summary>What follows the extended id.</summary>
    public static byte[] Write(uint piece)
    {
        var payload = new byte[Size];
        BinaryPrimitives.WriteUInt32BigEndian(payload, piece);
        return payload;
    }
}
