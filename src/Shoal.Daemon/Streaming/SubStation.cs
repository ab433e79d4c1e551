using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Shoal.Daemon;

/// <summary>
/// What is said in subtitles of SubStation Alpha (.ass, .ssa), and when. Where it stands, and how it looks and moves, is left out: that is
/// what the form is for, and browsers cannot do it.
/// </summary>
internal static partial class SubStation
{
    // Where no line says it. ".ass" and ".ssa" differ in the first column only.
    private static readonly string[] UsualColumns =
    [
        "layer",
        "start",
        "end",
        "style",
        "name",
        "marginl",
        "marginr",
        "marginv",
        "effect",
        "text",
    ];

    /// <summary>In the order in which it is said; times in milliseconds, text without empty lines.</summary>
    public static IReadOnlyList<(long From, long To, string Text)> Read(string document)
    {
        var found = new List<(long From, long To, string Text)>();
        var isInEvents = false;
        var columns = UsualColumns;
        foreach (var line in document.AsSpan().EnumerateLines())
        {
            var text = line.Trim();
            if (text.StartsWith('['))
            {
                isInEvents = text.Equals("[Events]", StringComparison.OrdinalIgnoreCase);
            }
            else if (isInEvents && text.StartsWith("Format:", StringComparison.OrdinalIgnoreCase))
            {
                columns =
                [
                    .. text["Format:".Length..].ToString().Split(',').Select(name => name.Trim().ToLowerInvariant()),
                ];
            }
            else if (
                isInEvents
                && text.StartsWith("Dialogue:", StringComparison.OrdinalIgnoreCase)
                && Event(text["Dialogue:".Length..].ToString(), columns) is { } said
            )
            {
                found.Add(said);
            }
        }

        // Others sort by layer, or by who speaks.
        return [.. found.OrderBy(said => said.From)];
    }

    private static (long From, long To, string Text)? Event(string line, string[] columns)
    {
        // Text is the last and may have commas.
        var values = line.Split(',', columns.Length);
        string? Value(string column) =>
            Array.IndexOf(columns, column) is >= 0 and var place && place < values.Length ? values[place].Trim() : null;

        return
            Time(Value("start")) is { } from
            && Time(Value("end")) is { } to
            && to > from
            && Plain(Value("text") ?? "") is { Length: > 0 } text
            ? (from, to, text)
            : null;
    }

    /// <summary>"1:02:03.45": hundredths at the end.</summary>
    private static long? Time(string? text)
    {
        if (text is null || Times().Match(text) is not { Success: true } time)
        {
            return null;
        }

        long Part(int group) =>
            long.Parse(time.Groups[group].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture);
        var fraction = time.Groups[4].Value.PadRight(3, '0')[..3];
        return (((Part(1) * 60) + Part(2)) * 60 + Part(3)) * 1000
            + long.Parse(fraction, NumberStyles.None, CultureInfo.InvariantCulture);
    }

    private static string Plain(string text)
    {
        var plain = new StringBuilder(text.Length);
        var at = 0;
        // Between \p1 and \p0 stand shapes to be drawn, not words.
        var isDrawing = false;
        // Known, so that a flood of opened ones is not looked through for each.
        var lastClosed = text.LastIndexOf('}');
        while (at < text.Length)
        {
            var brace = text[at] == '{' && at < lastClosed ? text.IndexOf('}', at) : -1;
            if (brace > 0)
            {
                foreach (Match switched in Drawing().Matches(text[at..brace]))
                {
                    isDrawing = switched.Groups[1].ValueSpan.TrimStart('0').Length > 0;
                }

                at = brace + 1;
                continue;
            }

            var isEscape = text[at] == '\\' && at + 1 < text.Length && text[at + 1] is 'N' or 'n' or 'h';
            if (!isDrawing)
            {
                plain.Append(
                    !isEscape ? text[at]
                    : text[at + 1] == 'N' ? '\n'
                    : ' '
                );
            }

            at += isEscape ? 2 : 1;
        }

        return string.Join(
            '\n',
            plain.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        );
    }

    [GeneratedRegex(@"^(\d{1,3}):(\d{1,2}):(\d{1,2})(?:[.:](\d{1,3}))?$", RegexOptions.CultureInvariant)]
    private static partial Regex Times();

    [GeneratedRegex(@"\\p(\d{1,3})", RegexOptions.CultureInvariant)]
    private static partial Regex Drawing();
}
