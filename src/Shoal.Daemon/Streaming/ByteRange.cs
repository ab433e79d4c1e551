using System.Globalization;

namespace Shoal.Daemon;

/// <summary>What a Range header asks of a representation of known size (RFC 9110, section 14).</summary>
internal static class ByteRange
{
    /// <returns>
    /// The part that is wanted, its end exclusive; all of it where the header is none, broken, of another unit, or asks for several
    /// ranges ("A server MAY ignore the Range header field"); null: none of it exists ("416 Range Not Satisfiable").
    /// </returns>
    public static (long From, long To, bool IsPart)? Read(string? header, long size)
    {
        var whole = (0L, size, false);
        if (header is null || !header.StartsWith("bytes=", StringComparison.OrdinalIgnoreCase))
        {
            return whole;
        }

        var range = header["bytes=".Length..].Trim();
        var dash = range.IndexOf('-', StringComparison.Ordinal);
        if (dash < 0 || range.Contains(','))
        {
            return whole;
        }

        var (first, last) = (range[..dash].Trim(), range[(dash + 1)..].Trim());
        if (first.Length == 0)
        {
            // "bytes=-500": the last 500 bytes; "If the selected representation is shorter than the specified suffix-length,
            // the entire representation is used."
            return !TryNumber(last, out var suffix) ? whole
                : suffix == 0 || size == 0 ? null
                : (Math.Max(0, size - suffix), size, true);
        }

        if (!TryNumber(first, out var from))
        {
            return whole;
        }

        var to = size;
        if (last.Length > 0)
        {
            // "An int-range is invalid if the last-pos value is present and less than first-pos."
            if (!TryNumber(last, out var lastPosition) || lastPosition < from)
            {
                return whole;
            }

            to = lastPosition >= size ? size : lastPosition + 1;
        }

        return from >= size ? null : (from, to, true);
    }

    // More digits than a number has are a place beyond any end.
    private static bool TryNumber(string text, out long value)
    {
        value = 0;
        if (text.Length == 0 || !text.All(char.IsAsciiDigit))
        {
            return false;
        }

        if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value))
        {
            value = long.MaxValue;
        }

        return true;
    }
}
