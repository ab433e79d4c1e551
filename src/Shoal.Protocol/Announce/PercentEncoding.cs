using System.Text;

namespace Shoal.Protocol;

/// <summary>Bytes in a URL's query (RFC 3986), where any byte may be percent-encoded: infohashes are not text.</summary>
public static class PercentEncoding
{
    private const string Digits = "0123456789ABCDEF";

    /// <summary>Everything but RFC 3986's unreserved characters becomes %XX.</summary>
    public static void Append(StringBuilder to, ReadOnlySpan<byte> bytes)
    {
        foreach (var value in bytes)
        {
            if (char.IsAsciiLetterOrDigit((char)value) || value is (byte)'-' or (byte)'.' or (byte)'_' or (byte)'~')
            {
                to.Append((char)value);
            }
            else
            {
                to.Append('%').Append(Digits[value >> 4]).Append(Digits[value & 15]);
            }
        }
    }

    /// <summary>
    /// Decodes %XX and, as forms write a space, '+'. False for a broken escape, a character beyond ASCII, or a
    /// value longer than the destination.
    /// </summary>
    public static bool TryDecode(ReadOnlySpan<char> encoded, Span<byte> destination, out int written)
    {
        written = 0;
        for (var i = 0; i < encoded.Length; i++)
        {
            int value = encoded[i];
            if (value == '%')
            {
                if (
                    encoded.Length - i < 3
                    || !TryHex(encoded[i + 1], out var high)
                    || !TryHex(encoded[i + 2], out var low)
                )
                {
                    return false;
                }

                value = high << 4 | low;
                i += 2;
            }
            else if (value == '+')
            {
                value = ' ';
            }
            else if (value > 0x7F)
            {
                return false;
            }

            if (written == destination.Length)
            {
                return false;
            }

            destination[written++] = (byte)value;
        }

        return true;
    }

    private static bool TryHex(char digit, out int value)
    {
        value = digit switch
        {
            >= '0' and <= '9' => digit - '0',
            >= 'A' and <= 'F' => digit - 'A' + 10,
            >= 'a' and <= 'f' => digit - 'a' + 10,
            _ => -1,
        };
        return value >= 0;
    }
}
