using System.Text;

namespace Shoal.Daemon;

/// <summary>The text in a file of subtitles, which says only sometimes how it is encoded.</summary>
internal static class SubtitleText
{
    /// <summary>Bytes that are looked at where nothing is said. Default 4,096.</summary>
    private const int Sample = 4096;

    /// <summary>As its byte order mark says; else UTF-16 where every other byte is mostly 0, UTF-8 where it is that, or Latin-1.</summary>
    public static string Decode(ReadOnlySpan<byte> bytes)
    {
        foreach (var encoding in (Encoding[])[Encoding.UTF8, Encoding.Unicode, Encoding.BigEndianUnicode])
        {
            if (bytes.StartsWith(encoding.Preamble))
            {
                return encoding.GetString(bytes[encoding.Preamble.Length..]);
            }
        }

        var sample = bytes[..Math.Min(bytes.Length, Sample)];
        var zeros = (Even: 0, Odd: 0);
        for (var i = 0; i < sample.Length; i++)
        {
            if (sample[i] == 0)
            {
                zeros = i % 2 == 0 ? (zeros.Even + 1, zeros.Odd) : (zeros.Even, zeros.Odd + 1);
            }
        }

        // Numbers, times and line ends are half of it whatever the language; other encodings have no zeros.
        var many = sample.Length / 8;
        return zeros.Odd > many && zeros.Even == 0 ? Encoding.Unicode.GetString(bytes)
            : zeros.Even > many && zeros.Odd == 0 ? Encoding.BigEndianUnicode.GetString(bytes)
            : System.Text.Unicode.Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes)
            : Encoding.Latin1.GetString(bytes);
    }
}
