using System.Globalization;
using System.Text;

namespace Shoal.Cli;

/// <summary>
/// Text from torrents, peers and trackers, made fit to print: it can neither move the cursor, colour the screen,
/// start a new line, nor turn the reading direction of what stands after it.
/// </summary>
internal static class SafeText
{
    /// <summary>The text with every such character replaced, and cut to so many characters.</summary>
    public static string Of(string? text, int maxLength = 4096)
    {
        if (string.IsNullOrEmpty(text))
        {
            return "";
        }

        var result = new StringBuilder(Math.Min(text.Length, maxLength) + 1);
        foreach (var rune in text.EnumerateRunes())
        {
            if (result.Length >= maxLength)
            {
                result.Append('…');
                break;
            }

            result.Append(IsHarmless(rune) ? rune.ToString() : "\uFFFD");
        }

        return result.ToString();
    }

    // Unpaired surrogates arrive here as U+FFFD already. Format characters are the bidirectional controls, the
    // zero-width ones and the tags: none of them belongs into a line on a terminal.
    private static bool IsHarmless(Rune rune) =>
        Rune.GetUnicodeCategory(rune)
            is not (
                UnicodeCategory.Control
                or UnicodeCategory.Format
                or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator
                or UnicodeCategory.PrivateUse
                or UnicodeCategory.OtherNotAssigned
            );

    /// <summary>Cells on a terminal: wide characters of East Asia and pictures take two, combining marks none.</summary>
    public static int Width(string text)
    {
        var width = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            width += Width(rune);
        }

        return width;
    }

    /// <summary>Cuts in the middle, so that both the beginning and the ending (often the interesting part) stay.</summary>
    public static string Fit(string text, int width)
    {
        if (Width(text) <= width)
        {
            return text;
        }

        if (width < 2)
        {
            return width < 1 ? "" : "…";
        }

        var runes = text.EnumerateRunes().ToArray();
        var head = TakeCells(runes, (width - 1) * 2 / 3);
        var tail = TakeCells([.. runes.Reverse()], width - 1 - head.Sum(Width));
        tail.Reverse();
        return string.Concat(head) + "…" + string.Concat(tail);
    }

    private static List<Rune> TakeCells(Rune[] runes, int cells)
    {
        var taken = new List<Rune>();
        foreach (var rune in runes)
        {
            cells -= Width(rune);
            if (cells < 0)
            {
                break;
            }

            taken.Add(rune);
        }

        return taken;
    }

    private static int Width(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark ? 0
        : rune.Value
            is >= 0x1100
                and (
                    <= 0x115F
                    or (>= 0x2E80 and <= 0xA4CF and not 0x303F)
                    or (>= 0xAC00 and <= 0xD7A3)
                    or (>= 0xF900 and <= 0xFAFF)
                    or (>= 0xFE30 and <= 0xFE6F)
                    or (>= 0xFF00 and <= 0xFF60)
                    or (>= 0xFFE0 and <= 0xFFE6)
                    or (>= 0x1F300 and <= 0x1F9FF)
                    or (>= 0x20000 and <= 0x3FFFD)
                )
            ? 2
        : 1;
}
