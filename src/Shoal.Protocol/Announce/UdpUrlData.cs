namespace Shoal.Protocol;

/// <summary>Path and query of a tracker's URL, as options behind a UDP announce (BEP 41).</summary>
public static class UdpUrlData
{
    private const byte EndOfOptions = 0;
    private const byte Nop = 1;
    private const byte UrlData = 2;
    private const int MaxChunk = 255;

    /// <summary>Room that <see cref="Write"/> needs at most.</summary>
    public const int MaxEncoded =
        AnnounceLimits.MaxUdpUrlData + 2 * ((AnnounceLimits.MaxUdpUrlData + MaxChunk - 1) / MaxChunk);

    /// <summary>Writes nothing for an empty URL, else chunks of at most 255 bytes, and says how many bytes.</summary>
    /// <exception cref="ArgumentException">Longer than <see cref="AnnounceLimits.MaxUdpUrlData"/>.</exception>
    public static int Write(ReadOnlySpan<byte> pathAndQuery, Span<byte> destination)
    {
        if (pathAndQuery.Length > AnnounceLimits.MaxUdpUrlData)
        {
            throw new ArgumentException("path and query are too long for a UDP announce", nameof(pathAndQuery));
        }

        var written = 0;
        while (!pathAndQuery.IsEmpty)
        {
            var chunk = pathAndQuery[..Math.Min(MaxChunk, pathAndQuery.Length)];
            destination[written] = UrlData;
            destination[written + 1] = (byte)chunk.Length;
            chunk.CopyTo(destination[(written + 2)..]);
            written += 2 + chunk.Length;
            pathAndQuery = pathAndQuery[chunk.Length..];
        }

        return written;
    }

    /// <summary>
    /// Gathers the URL from the options; empty when there is none. False when an option runs beyond the end or
    /// the whole is longer than the destination.
    /// </summary>
    public static bool TryRead(ReadOnlySpan<byte> options, Span<byte> destination, out int length)
    {
        length = 0;
        while (!options.IsEmpty)
        {
            var type = options[0];
            // BEP 41: "Option-types less than or equal to 0x1 are never followed by a length byte."
            if (type == EndOfOptions)
            {
                return true;
            }

            if (type == Nop)
            {
                options = options[1..];
                continue;
            }

            if (options.Length < 2 || options.Length - 2 < options[1])
            {
                return false;
            }

            var data = options.Slice(2, options[1]);
            options = options[(2 + data.Length)..];
            if (type != UrlData)
            {
                continue;
            }

            // BEP 41: "If this option appears more than once, the data fields are concatenated."
            if (!data.TryCopyTo(destination[length..]))
            {
                return false;
            }

            length += data.Length;
        }

        return true;
    }
}
