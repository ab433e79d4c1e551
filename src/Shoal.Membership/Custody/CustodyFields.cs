using System.Security.Cryptography;
using Shoal.Protocol;

namespace Shoal.Membership;

/// <summary>What receipts and challenges have in common, read from bencode.</summary>
internal static class CustodyFields
{
    // 9999-12-31T23:59:59Z, the last that a DateTimeOffset has.
    private const long LastSecond = 253402300799;

    public static bool TryReadContent(BencodeNode root, out ReceiptContent content)
    {
        content = default;
        if (
            !root.Find("publication"u8).TryGetBytes(out var publication)
            || !root.Find("entry"u8).TryGetBytes(out var entry)
            || !root.Find("version"u8).TryGetInteger(out var version)
            || !root.Find("torrent"u8).TryGetBytes(out var torrent)
            || publication.Length != PublicationId.Size
            || entry.Length != EntryId.Size
            || torrent.Length != SHA256.HashSizeInBytes
        )
        {
            return false;
        }

        content = new ReceiptContent(
            new PublicationId(publication),
            new EntryId(entry),
            version,
            new Sha256Digest(torrent)
        );
        return true;
    }

    public static bool TryReadTime(BencodeNode root, ReadOnlySpan<byte> key, out DateTimeOffset time)
    {
        var isRead = root.Find(key).TryGetInteger(out var seconds) && seconds is >= 0 and <= LastSecond;
        time = isRead ? DateTimeOffset.FromUnixTimeSeconds(seconds) : default;
        return isRead;
    }
}
