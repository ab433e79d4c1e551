using System.Globalization;
using System.Text;

namespace Shoal.Daemon;

/// <summary>Writes settings: a new file with everything explained, and changes of an existing one that keep what the user wrote.</summary>
internal static class SettingsText
{
    /// <summary>The text with a value in place of another, or added to its section.</summary>
    /// <param name="text">Without mistakes.</param>
    /// <param name="setting">Which.</param>
    /// <param name="value">Of its kind.</param>
    public static string With(string text, SettingDefinition setting, object value)
    {
        var lines = text.Split('\n').ToList();
        if (SettingsReader.Read(text).TryGetValue(setting.Key, out var present))
        {
            var line = lines[present.Line - 1];
            lines[present.Line - 1] = line[..present.Start] + Format(value) + line[present.End..];
            return string.Join('\n', lines);
        }

        var added = $"{setting.Name} = {Format(value)}";
        var header = lines.FindIndex(line => IsHeader(line, setting.Section));
        if (header < 0)
        {
            var end = text.Length == 0 || text.EndsWith('\n') ? "" : "\n";
            return $"{text}{end}\n[{setting.Section}]\n{added}\n";
        }

        // Where the file that we wrote explains it, below the explanation.
        var next = lines.FindIndex(header + 1, line => line.TrimStart().StartsWith('['));
        next = next < 0 ? lines.Count : next;
        var explained = lines.FindIndex(
            header + 1,
            next - header - 1,
            line => line.StartsWith($"#{setting.Name} = ", StringComparison.Ordinal)
        );
        lines.Insert(explained < 0 ? header + 1 : explained + 1, added);
        return string.Join('\n', lines);
    }

    /// <summary>A file that changes nothing and explains everything.</summary>
    public static string Document(IEnumerable<SettingDefinition> settings)
    {
        var text = new StringBuilder(
            """
            # Settings of the Shoal daemon. What is commented out has the value that stands there.
            # After a change: 'shoal settings --reload', or a restart for those that say so.

            """
        );
        foreach (var section in settings.GroupBy(setting => setting.Section))
        {
            text.Append(CultureInfo.InvariantCulture, $"\n[{section.Key}]\n");
            foreach (var setting in section)
            {
                text.Append('\n');
                foreach (var line in Wrap(setting.Help + (setting.NeedsRestart ? " (Restart.)" : "")))
                {
                    text.Append("# ").Append(line).Append('\n');
                }

                text.Append(CultureInfo.InvariantCulture, $"#{setting.Name} = {Format(setting.Default)}\n");
            }
        }

        return text.ToString();
    }

    public static string Format(object value) =>
        value switch
        {
            bool flag => flag ? "true" : "false",
            long whole => whole.ToString(CultureInfo.InvariantCulture),
            double number => number.ToString("0.0###############", CultureInfo.InvariantCulture),
            string text => Quote(text),
            string[] list => $"[{string.Join(", ", list.Select(Quote))}]",
            _ => throw new ArgumentException("not a setting", nameof(value)),
        };

    private static string Quote(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var c in text)
        {
            _ = c switch
            {
                '"' or '\\' => quoted.Append('\\').Append(c),
                < ' ' or '\x7f' => quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => quoted.Append(c),
            };
        }

        return quoted.Append('"').ToString();
    }

    private static bool IsHeader(string line, string section)
    {
        var trimmed = line.Trim();
        return trimmed.StartsWith('[')
            && trimmed.IndexOf(']', StringComparison.Ordinal) is > 0 and var end
            && trimmed[1..end].Trim() == section;
    }

    private static IEnumerable<string> Wrap(string text)
    {
        var line = "";
        foreach (var word in text.Split(' '))
        {
            if (line.Length + 1 + word.Length > 110)
            {
                yield return line;
                line = "";
            }

            line += (line.Length > 0 ? " " : "") + word;
        }

        yield return line;
    }
}
