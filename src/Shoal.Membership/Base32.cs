namespace Shoal.Membership;

/// <summary>RFC 4648's base32 in lower case, without padding: for names that people may have to read out.</summary>
internal static class Base32
{
    private const string Digits = "abcdefghijklmnopqrstuvwxyz234567";

    public static string Write(ReadOnlySpan<byte> bytes)
    {
        var text = new char[LengthOf(bytes.Length)];
        for (var i = 0; i < text.Length; i++)
        {
            var bit = i * 5;
            var pair = bytes[bit / 8] << 8 | (bit / 8 + 1 < bytes.Length ? bytes[bit / 8 + 1] : 0);
            text[i] = Digits[pair >> (11 - bit % 8) & 31];
        }

        return new string(text);
    }

    /// <summary>Reads exactly as many bytes as there is room for, either case. Bits that stand for nothing must be zero.</summary>
    public static bool TryRead(ReadOnlySpan<char> text, Span<byte> bytes)
    {
        if (text.Length != LengthOf(bytes.Length))
        {
            return false;
        }

        var (held, bits, at) = (0, 0, 0);
        foreach (var digit in text)
        {
            var value = Digits.IndexOf(char.ToLowerInvariant(digit), StringComparison.Ordinal);
            if (value < 0)
            {
                return false;
            }

            held = (held << 5 | value) & 0xFFF;
            bits += 5;
            if (bits >= 8)
            {
                bits -= 8;
                bytes[at++] = (byte)(held >> bits);
            }
        }

        return (held & ((1 << bits) - 1)) == 0;
    }

    private static int LengthOf(int bytes) => (bytes * 8 + 4) / 5;
}
