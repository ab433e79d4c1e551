namespace Shoal.Cli;

/// <summary>Rates: <c>2MiB/s</c> counts bytes, <c>20Mbit/s</c> counts bits (1000 at a time, as networks do).</summary>
internal static class Rate
{
    /// <summary>Reads a rate; the result is bytes a second. "/s" may be left out. 0 is no limit.</summary>
    public static bool TryParse(string text, out long bytesPerSecond)
    {
        text = text.Trim();
        if (text.EndsWith("/s", StringComparison.OrdinalIgnoreCase))
        {
            text = text[..^2];
        }

        return ByteSize.TryParse(text, allowBits: true, out bytesPerSecond);
    }

    public static string Format(long bytesPerSecond) => ByteSize.Format(bytesPerSecond) + "/s";
}
