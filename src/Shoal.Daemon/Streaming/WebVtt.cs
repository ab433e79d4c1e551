using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Shoal.Daemon;

/// <summary>
/// Subtitles in the form that browsers understand, made of SubRip (.srt), which has no specification and many forms, and of SubStation
/// Alpha (.ass, .ssa).
/// </summary>
internal static partial class WebVtt
{
    /// <summary>Whether files of this name can be made into it.</summary>
    public static bool CanBeMadeOf(string path) => IsSubRip(path) || IsSubStation(path);

    /// <param name="path">Whose ending says what it is.</param>
    /// <param name="content">In any encoding that <see cref="SubtitleText"/> tells from others.</param>
    public static string Of(string path, ReadOnlySpan<byte> content) =>
        IsSubStation(path) ? OfSubStation(SubtitleText.Decode(content)) : OfSubRip(SubtitleText.Decode(content));

    private static bool IsSubRip(string path) => path.EndsWith(".srt", StringComparison.OrdinalIgnoreCase);

    private static bool IsSubStation(string path) =>
        path.EndsWith(".ass", StringComparison.OrdinalIgnoreCase)
        || path.EndsWith(".ssa", StringComparison.OrdinalIgnoreCase);

    private static string OfSubStation(string document)
    {
        var text = new StringBuilder("WEBVTT\n");
        foreach (var (from, to, said) in SubStation.Read(document))
        {
            text.Append('\n').Append(Time(from)).Append(" --> ").Append(Time(to)).Append('\n');
            text.Append(Escape(said)).Append('\n');
        }

        return text.ToString();
    }

    private static string OfSubRip(string subRip)
    {
        var lines = subRip.ReplaceLineEndings("\n").Split('\n');
        var text = new StringBuilder("WEBVTT\n");
        var isInCue = false;
        foreach (var line in lines)
        {
            var times = Times().Match(line);
            if (times.Success)
            {
                // The number before it, and settings after it that mean something else there, are left out.
                text.Append('\n').Append(Time(times, "a")).Append(" --> ").Append(Time(times, "b")).Append('\n');
                isInCue = true;
            }
            else if (string.IsNullOrWhiteSpace(line))
            {
                isInCue = false;
            }
            else if (isInCue)
            {
                text.Append(Plain(line)).Append('\n');
            }
        }

        return text.ToString();
    }

    private static string Time(long milliseconds) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{milliseconds / 3_600_000:00}:{milliseconds / 60_000 % 60:00}:{milliseconds / 1000 % 60:00}.{milliseconds % 1000:000}"
        );

    private static string Time(Match times, string which)
    {
        var hours = times.Groups[which + "h"].Value.PadLeft(2, '0');
        var rest = times.Groups[which + "m"].Value;
        return $"{hours}:{rest}.{times.Groups[which + "f"].Value.PadRight(3, '0')}";
    }

    /// <summary>Tags that both know stay; others, and positions in braces, go; all else is text.</summary>
    private static string Plain(string line)
    {
        var text = new StringBuilder();
        var at = 0;
        line = Braces().Replace(line, "");
        foreach (Match tag in Tags().Matches(line))
        {
            text.Append(Escape(line[at..tag.Index]));
            at = tag.Index + tag.Length;
            if (tag.Groups["kept"].Success)
            {
                text.Append(tag.Value.ToLowerInvariant());
            }
        }

        return text.Append(Escape(line[at..])).ToString();
    }

    private static string Escape(string text) =>
        text.Replace("&", "&amp;", StringComparison.Ordinal)
            .Replace("<", "&lt;", StringComparison.Ordinal)
            .Replace(">", "&gt;", StringComparison.Ordinal);

    [GeneratedRegex(
        @"^\s*(?<ah>\d{1,3}):(?<am>\d{2}:\d{2})[,.](?<af>\d{1,3})\s*-->\s*(?<bh>\d{1,3}):(?<bm>\d{2}:\d{2})[,.](?<bf>\d{1,3})",
        RegexOptions.CultureInvariant
    )]
    private static partial Regex Times();

    [GeneratedRegex(@"\{\\[^}]{0,100}\}")]
    private static partial Regex Braces();

    [GeneratedRegex(
        @"(?<kept></?[ibu]>)|</?[a-z][^<>]{0,200}>",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant
    )]
    private static partial Regex Tags();
}
