using System.Buffers.Binary;

namespace Shoal.Protocol;

/// <summary>
/// What a hash request, its answer and its rejection name (BEP 52): a run of hashes in one layer of one file's
/// tree, and how many layers of proof above it.
/// </summary>
public readonly record struct HashRequest(
    Sha256Digest PiecesRoot,
    uint BaseLayer,
    uint Index,
    uint Length,
    uint ProofLayers
)
{
    /// <summary>Bytes on the wire, without the message's id.</summary>
    public const int Size = Sha256Digest.Size + 4 * 4;

    /// <summary>
    /// Reads the payload of a hash request or reject, or the start of that of hashes; false if it is too short.
    /// The integers are as they stood on the wire.
    /// </summary>
    public static bool TryRead(ReadOnlySpan<byte> payload, out HashRequest request)
    {
        request = default;
        if (payload.Length < Size)
        {
            return false;
        }

        var integers = payload[Sha256Digest.Size..];
        request = new HashRequest(
            new Sha256Digest(payload[..Sha256Digest.Size]),
            BinaryPrimitives.ReadUInt32BigEndian(integers),
            BinaryPrimitives.ReadUInt32BigEndian(integers[4..]),
            BinaryPrimitives.ReadUInt32BigEndian(integers[8..]),
            BinaryPrimitives.ReadUInt32BigEndian(integers[12..])
        );
        return true;
    }

    /// <summary>Writes <see cref="Size"/> bytes.</summary>
    public void Write(Span<byte> destination)
    {
        PiecesRoot.CopyTo(destination);
        var integers = destination[Sha256Digest.Size..];
        BinaryPrimitives.WriteUInt32BigEndian(integers, BaseLayer);
        BinaryPrimitives.WriteUInt32BigEndian(integers[4..], Index);
        BinaryPrimitives.WriteUInt32BigEndian(integers[8..], Length);
        BinaryPrimitives.WriteUInt32BigEndian(integers[12..], ProofLayers);
    }

    /// <summary>The payload of a hash request or reject.</summary>
    public byte[] ToArray()
    {
        var bytes = new byte[Size];
        Write(bytes);
        return bytes;
    }
}
