using System.Buffers;

namespace Shoal.Protocol;

public enum UtMetadataKind
{
    Request = 0,
    Data = 1,
    Reject = 2,

    /// <summary>BEP 9: "In order to support future extensability, an unrecognized message ID MUST be ignored."</summary>
    Unknown = -1,
}

/// <summary>A message of the metadata exchange (BEP 9). Piece and TotalSize are claims of the peer.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Piece">Which 16 KiB of the info dictionary, from 0.</param>
/// <param name="TotalSize">Data only: bytes of the whole info dictionary; 0 if the peer left it out.</param>
/// <param name="Data">Data only: from 1 to 16 KiB, part of the message it was read from.</param>
public readonly record struct UtMetadata(
    UtMetadataKind Kind,
    int Piece,
    int TotalSize = 0,
    ReadOnlyMemory<byte> Data = default
)
{
    /// <summary>The name in the extension handshake.</summary>
    public const string Name = "ut_metadata";

    /// <summary>BEP 9: "All blocks are 16KiB except the last block which may be smaller."</summary>
    public const int PieceSize = 16 * 1024;

    private const int MaxValues = 64;

    /// <summary>How many messages it takes to move an info dictionary of that many bytes.</summary>
    public static int PieceCount(int totalSize) => (int)(((long)totalSize + PieceSize - 1) / PieceSize);

    /// <summary>Bytes of one piece of it.</summary>
    public static int SizeOf(int piece, int totalSize) => (int)Math.Min(PieceSize, totalSize - (long)piece * PieceSize);

    /// <summary>Reads what follows the extended id.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> payload, out UtMetadata message)
    {
        message = default;
        Span<BencodeToken> table = stackalloc BencodeToken[MaxValues];
        if (
            !Bencode.TryParse(payload.Span, table, BencodeMode.Lenient, out var root, out _, allowTrailing: true)
            || !root.Find("msg_type"u8).TryGetInteger(out var kind)
        )
        {
            return false;
        }

        if (kind is < 0 or > 2)
        {
            message = new UtMetadata(UtMetadataKind.Unknown, 0);
            return true;
        }

        if (!root.Find("piece"u8).TryGetInteger(out var piece) || piece is < 0 or > int.MaxValue / PieceSize)
        {
            return false;
        }

        if ((UtMetadataKind)kind != UtMetadataKind.Data)
        {
            message = new UtMetadata((UtMetadataKind)kind, (int)piece);
            return true;
        }

        // BEP 9: "The metadata piece is appended to the bencoded dictionary, it is not a part of the dictionary, but
        // it is a part of the message".
        var data = payload[root.Raw.Length..];
        var totalSize = root.Find("total_size"u8).IntegerOr(0);
        message = new UtMetadata(UtMetadataKind.Data, (int)piece, (int)Math.Clamp(totalSize, 0, int.MaxValue), data);
        return data.Length is > 0 and <= PieceSize && totalSize is >= 0 and <= int.MaxValue;
    }

    /// <summary>What follows the extended id.</summary>
    public byte[] Write()
    {
        var output = new ArrayBufferWriter<byte>(64 + Data.Length);
        var writer = new BencodeWriter(output);
        writer.BeginDictionary();
        writer.Entry("msg_type"u8, (int)Kind);
        writer.Entry("piece"u8, Piece);
        if (Kind == UtMetadataKind.Data)
        {
            writer.Entry("total_size"u8, TotalSize);
        }

        writer.End();
        output.Write(Data.Span);
        return output.WrittenSpan.ToArray();
    }
}
