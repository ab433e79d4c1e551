using System.Buffers;

namespace Shoal.Protocol;

/// <summary>
/// The value of a publication's item (BEP 46): which torrent is the current one. BEP 46: "a dictionary with key ih
/// (info hash) and value the 20 byte infohash of such torrent".
/// </summary>
/// <remarks>
/// BEP 46 is older than v2 and has no word for it. We put the full SHA-256 infohash under <c>ih2</c>, beside <c>ih</c>
/// for a hybrid and instead of it for a torrent that is v2 only: twenty bytes of a v2 infohash under <c>ih</c> would send
/// others after a v1 torrent that does not exist, and prove nothing to those who do know v2.
/// </remarks>
public static class PublishedTorrent
{
    // What others may have put beside it is skipped; a thousand bytes hold no more that makes sense.
    private const int MaxValues = 128;

    /// <summary>Bencoded, as it is signed.</summary>
    public static byte[] Write(InfoHashes torrent)
    {
        var output = new ArrayBufferWriter<byte>(96);
        var writer = new BencodeWriter(output);
        writer.BeginDictionary();
        if (torrent.V1 is { } v1)
        {
            writer.Entry("ih"u8, v1.Span);
        }

        if (torrent.V2 is { } v2)
        {
            writer.Entry("ih2"u8, v2.Span);
        }

        writer.End();
        return output.WrittenSpan.ToArray();
    }

    /// <summary>False when the value names no torrent, or one of its infohashes has a wrong length.</summary>
    public static bool TryRead(ReadOnlySpan<byte> value, out InfoHashes torrent)
    {
        torrent = default;
        Span<BencodeToken> table = stackalloc BencodeToken[MaxValues];
        if (!Bencode.TryParse(value, table, BencodeMode.Lenient, out var root, out _) || !root.IsDictionary)
        {
            return false;
        }

        Sha1Digest? v1 = null;
        Sha256Digest? v2 = null;
        if (root.Find("ih"u8) is { Exists: true } first)
        {
            if (!first.TryGetBytes(out var bytes) || bytes.Length != Sha1Digest.Size)
            {
                return false;
            }

            v1 = new Sha1Digest(bytes);
        }

        if (root.Find("ih2"u8) is { Exists: true } second)
        {
            if (!second.TryGetBytes(out var bytes) || bytes.Length != Sha256Digest.Size)
            {
                return false;
            }

            v2 = new Sha256Digest(bytes);
        }

        torrent = new InfoHashes(v1, v2);
        return v1 is not null || v2 is not null;
    }
}
