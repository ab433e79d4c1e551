using System.Buffers;

namespace Shoal.Protocol;

/// <summary>
/// A tracker exchange message, libtorrent's <c>lt_trackers</c> extension: trackers of the torrent that the sender uses. A
/// dictionary with the list <c>added</c> of URLs. Whether such a tracker may be asked is the caller's question.
/// </summary>
/// <remarks>
/// libtorrent up to 1.1 spoke it, Tixati does. Its handshake may carry <c>tr</c>, a hash of the list, so that two with the
/// same list need not send it; we neither send nor read that, since a list is small and told once.
/// </remarks>
public static class LtTrackers
{
    /// <summary>The name in the extension handshake.</summary>
    public const string Name = "lt_tex";

    /// <summary>URLs read of one message, and written into one. Beyond: left out.</summary>
    public const int MaxUrls = 50;

    /// <summary>Longest URL that is taken, in bytes. Longer ones are left out.</summary>
    public const int MaxUrlLength = 256;

    // The dictionary, the key, the list, the URLs, and keys that we do not know.
    private const int MaxValues = 128;

    /// <summary>Reads what follows the extended id; what is no printable ASCII or too long is left out.</summary>
    /// <returns>False: the message is malformed, or has more values than make sense.</returns>
    public static bool TryRead(ReadOnlySpan<byte> payload, out IReadOnlyList<string> added)
    {
        added = [];
        Span<BencodeToken> table = stackalloc BencodeToken[MaxValues];
        if (
            !Bencode.TryParse(payload, table, BencodeMode.Lenient, out var root, out _, allowTrailing: true)
            || !root.IsDictionary
        )
        {
            return false;
        }

        var urls = new List<string>();
        foreach (var element in root.Find("added"u8).Elements)
        {
            var url = element.Bytes;
            if (
                url.Length is > 0 and <= MaxUrlLength
                && url.IndexOfAnyExceptInRange((byte)'!', (byte)'~') < 0
                && urls.Count < MaxUrls
            )
            {
                urls.Add(System.Text.Encoding.ASCII.GetString(url));
            }
        }

        added = urls;
        return true;
    }

    /// <summary>What follows the extended id; at most <see cref="MaxUrls"/>, the first.</summary>
    public static byte[] Write(IReadOnlyList<string> added)
    {
        ArgumentNullException.ThrowIfNull(added);
        var output = new ArrayBufferWriter<byte>(256);
        var writer = new BencodeWriter(output);
        writer.BeginDictionary();
        writer.String("added"u8);
        writer.BeginList();
        foreach (var url in added.Take(MaxUrls))
        {
            writer.String(url);
        }

        writer.End();
        writer.End();
        return output.WrittenSpan.ToArray();
    }
}
