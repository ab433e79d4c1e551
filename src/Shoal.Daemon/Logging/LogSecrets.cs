using System.Text.RegularExpressions;

namespace Shoal.Daemon;

/// <summary>
/// Takes out of texts what a log must not have. Addresses of trackers and feeds hold the passkeys of their users, proxies
/// passwords, links to our page codes: of every URL only scheme, host and port are left, whoever wrote it into the text.
/// </summary>
internal static partial class LogSecrets
{
    /// <summary>Characters of a text that are kept; beyond it is cut. Messages come from trackers and peers too.</summary>
    public const int MaxText = 4096;

    public static string Clean(string text)
    {
        var isCut = text.Length > MaxText;
        var kept = isCut ? text[..MaxText] : text;
        if (kept.Contains("://", StringComparison.Ordinal))
        {
            kept = WithoutPartsOfUrls(kept);
        }

        if (kept.Contains("magnet:", StringComparison.OrdinalIgnoreCase))
        {
            kept = Magnet().Replace(kept, "magnet:...");
        }

        return (kept.Contains("shoal_", StringComparison.Ordinal) ? Token().Replace(kept, "shoal_...") : kept)
            + (isCut ? "..." : "");
    }

    /// <summary>Cuts URLs short, and takes out too where the text repeats what was in them ("passkey ... is unknown").</summary>
    private static string WithoutPartsOfUrls(string text)
    {
        const int LeastSecret = 8;
        var secrets = Url()
            .Matches(text)
            .SelectMany(match => match.Value.Split('/', '?', '&', '=', '#', ':', '@').Skip(3))
            .SelectMany(part => new[] { part, Uri.UnescapeDataString(part) })
            .Where(part => part.Length >= LeastSecret && part.Any(char.IsAsciiDigit) && !part.Contains('.'))
            .ToHashSet();
        text = Url().Replace(text, Short);
        return secrets.Aggregate(text, (now, secret) => now.Replace(secret, "...", StringComparison.OrdinalIgnoreCase));
    }

    private static string Short(Match url)
    {
        // A mark at the end is the sentence's.
        var mark = url.Value[url.Value.TrimEnd(':', ';', ',', '.', ')').Length..];
        var kept = url.Groups[1].Value + url.Groups[2].Value.TrimEnd(':') + url.Groups[3].Value;
        return kept.EndsWith(mark, StringComparison.Ordinal) ? kept : kept + mark;
    }

    // Scheme; name and password before an @, which go; host and port; a path that is more than "/", which goes.
    [GeneratedRegex(
        @"\b([a-z][a-z0-9+.-]{1,20}://)(?:[^\s/?#'""<>]*@)?([^\s/?#'""<>@]*)(?:(/)[^\s'""<>]*|[?#][^\s'""<>]*)?",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex Url();

    [GeneratedRegex(@"magnet:\?[^\s'""<>]*", RegexOptions.IgnoreCase)]
    private static partial Regex Magnet();

    [GeneratedRegex(@"shoal_[A-Za-z0-9_-]{8,}")]
    private static partial Regex Token();
}
