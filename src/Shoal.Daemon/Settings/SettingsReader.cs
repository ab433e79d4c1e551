using System.Globalization;
using System.Text;

namespace Shoal.Daemon;

/// <summary>A value in the settings file.</summary>
/// <param name="Value">long, double, bool, string or string[].</param>
/// <param name="Line">From 1.</param>
/// <param name="Start">Of the value in its line.</param>
/// <param name="End">Behind the value.</param>
internal sealed record SettingsLine(object Value, int Line, int Start, int End);

/// <summary>
/// Reads the settings file: the part of TOML that has sections, and keys with numbers, true and false, texts and lists of
/// texts on one line. Says where a mistake is.
/// </summary>
internal static class SettingsReader
{
    /// <summary>More characters than anybody writes.</summary>
    public const int MaxLength = 1024 * 1024;

    /// <returns>By section and name.</returns>
    /// <exception cref="SettingsException">With the line.</exception>
    public static Dictionary<string, SettingsLine> Read(string text)
    {
        if (text.Length > MaxLength)
        {
            throw new SettingsException("the file is larger than 1 MiB", null, null);
        }

        var values = new Dictionary<string, SettingsLine>(StringComparer.Ordinal);
        var section = "";
        var number = 0;
        foreach (var raw in text.Split('\n'))
        {
            number++;
            var line = raw.TrimEnd('\r');
            var trimmed = line.Trim();
            if (trimmed.Length == 0 || trimmed[0] == '#')
            {
                continue;
            }

            if (trimmed[0] == '[')
            {
                section = Section(trimmed, number);
                continue;
            }

            var equals = line.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? "" : line[..equals].Trim();
            if (!IsName(name))
            {
                throw new SettingsException($"line {number}: expected 'name = value' or '[section]'", number, null);
            }

            var key = section.Length == 0 ? name : $"{section}.{name}";
            if (values.TryGetValue(key, out var earlier))
            {
                throw new SettingsException($"line {number}: {key} stands in line {earlier.Line} already", number, key);
            }

            var parser = new ValueParser(line, equals + 1, number, key);
            values.Add(key, parser.Parse());
        }

        return values;
    }

    public static bool IsName(string name) =>
        name.Length > 0 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');

    private static string Section(string line, int number)
    {
        var end = line.IndexOf(']', StringComparison.Ordinal);
        var rest = end < 0 ? "" : line[(end + 1)..].Trim();
        var name = end < 0 ? "" : line[1..end].Trim();
        return IsName(name) && (rest.Length == 0 || rest[0] == '#')
            ? name
            : throw new SettingsException($"line {number}: a section is written [name]", number, null);
    }

    /// <summary>One value, from a place in a line on.</summary>
    private ref struct ValueParser(string line, int at, int number, string key)
    {
        private int _at = at;

        public SettingsLine Parse()
        {
            SkipSpace();
            var start = _at;
            var value = Value();
            var end = _at;
            SkipSpace();
            return _at == line.Length || line[_at] == '#'
                ? new SettingsLine(value, number, start, end)
                : throw Fault($"{Shown(line[_at..])} does not belong there");
        }

        private object Value()
        {
            if (_at >= line.Length || line[_at] == '#')
            {
                throw Fault($"the value is missing{(Setting is { } setting ? $"; it is {setting.Expected}" : "")}");
            }

            return line[_at] switch
            {
                '"' => Basic(),
                '\'' => Literal(),
                '[' => List(),
                _ => Word(),
            };
        }

        private string[] List()
        {
            var items = new List<string>();
            _at++;
            while (true)
            {
                SkipSpace();
                if (_at >= line.Length || line[_at] == '#')
                {
                    throw Fault("the list does not end with ] on this line");
                }

                if (line[_at] == ']')
                {
                    _at++;
                    return [.. items];
                }

                // Not a list again: lists in lists in lists would take the stack.
                if (line[_at] == '[' || Value() is not string item)
                {
                    throw Fault("a list has texts in quotes");
                }

                items.Add(item);
                SkipSpace();
                if (_at < line.Length && line[_at] == ',')
                {
                    _at++;
                }
                else if (_at >= line.Length || line[_at] != ']')
                {
                    throw Fault("expected , or ] in the list");
                }
            }
        }

        private string Literal()
        {
            var end = line.IndexOf('\'', _at + 1);
            if (end < 0)
            {
                throw Fault("the text does not end with ' on this line");
            }

            var text = line[(_at + 1)..end];
            _at = end + 1;
            return text;
        }

        private string Basic()
        {
            var text = new StringBuilder();
            for (_at++; _at < line.Length; _at++)
            {
                var c = line[_at];
                if (c == '"')
                {
                    _at++;
                    return text.ToString();
                }

                text.Append(c == '\\' ? Escaped() : c);
            }

            throw Fault("the text does not end with \" on this line");
        }

        private char Escaped()
        {
            _at++;
            if (_at < line.Length && line[_at] == 'u')
            {
                if (
                    _at + 4 < line.Length
                    && ushort.TryParse(
                        line.AsSpan(_at + 1, 4),
                        NumberStyles.AllowHexSpecifier,
                        CultureInfo.InvariantCulture,
                        out var unit
                    )
                )
                {
                    _at += 4;
                    return (char)unit;
                }

                throw Fault("after \\u come four hexadecimal digits");
            }

            return (_at < line.Length ? line[_at] : '\0') switch
            {
                '"' => '"',
                '\\' => '\\',
                'n' => '\n',
                't' => '\t',
                _ => throw Fault("after \\ come \", \\, n, t or u; a path is easier in single quotes"),
            };
        }

        private object Word()
        {
            var end = line.AsSpan(_at).IndexOfAny(" \t#,]");
            var word = end < 0 ? line[_at..] : line[_at..(_at + end)];
            _at += word.Length;
            if (word is "true" or "false")
            {
                return word == "true";
            }

            var digits = word.Replace("_", "", StringComparison.Ordinal);
            return long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole)
                    ? (object)whole
                : double.TryParse(
                    digits,
                    NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint,
                    CultureInfo.InvariantCulture,
                    out var real
                )
                    ? real
                // Of texts the quotes are missing, more likely than all of them.
                : throw Fault(
                    Setting is { Kind: not (SettingKind.Text or SettingKind.List) } setting
                        ? setting.Not($"'{word}'")
                        : $"{Shown(word)} is neither a number, true nor false; a text stands in quotes"
                );
        }

        private void SkipSpace()
        {
            while (_at < line.Length && line[_at] is ' ' or '\t')
            {
                _at++;
            }
        }

        private readonly SettingDefinition? Setting => SettingsTable.Find(key);

        private readonly string Shown(string text) =>
            Setting is { IsSecret: true } ? "what stands there" : $"'{SettingDefinition.OneLine(text)}'";

        private readonly SettingsException Fault(string message) =>
            new($"line {number}, {key}: {message}", number, key);
    }
}
