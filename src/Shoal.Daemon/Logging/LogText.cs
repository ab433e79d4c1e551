using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Shoal.Daemon;

/// <summary>Log lines as text. Whatever is logged, a line of the log is one line, and has no control characters.</summary>
internal static class LogText
{
    /// <summary>The line in a form, with a line end.</summary>
    public static string Format(LogLine line, LogForm form) =>
        form switch
        {
            LogForm.Json => Json(line) + "\n",
            LogForm.Journal => $"<{PriorityOf(line.Level)}>{line.Part}: {Words(line)}\n",
            _ => string.Create(
                CultureInfo.InvariantCulture,
                $"{line.At.LocalDateTime:yyyy-MM-dd HH:mm:ss.fff} {LogRules.WordOf(line.Level), -7} {line.Part}: {Words(line)}\n"
            ),
        };

    /// <summary>sd-daemon(3): SD_ERR is "&lt;3&gt;", SD_WARNING 4, SD_INFO 6, SD_DEBUG 7.</summary>
    public static int PriorityOf(LogLevel level) =>
        level switch
        {
            >= LogLevel.Error => 3,
            LogLevel.Warning => 4,
            LogLevel.Information => 6,
            _ => 7,
        };

    private static string Words(LogLine line) =>
        OneLine(LogSecrets.Clean(line.Message))
        + (line.Exception is { } fault ? " | " + OneLine(LogSecrets.Clean(fault)) : "");

    private static string OneLine(string text)
    {
        if (!text.Any(IsUnsafe))
        {
            return text;
        }

        var safe = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            safe.Append(
                c == '\n' ? " | "
                : IsUnsafe(c) ? " "
                : c.ToString()
            );
        }

        return safe.ToString();
    }

    // Control characters move the cursor of who reads; these others end lines or turn the order of letters around.
    private static bool IsUnsafe(char c) =>
        char.IsControl(c)
        || c is '\u2028' or '\u2029' or (>= '\u202a' and <= '\u202e') or (>= '\u2066' and <= '\u2069');

    private static string Json(LogLine line)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString(
                "time",
                line.At.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture)
            );
            json.WriteString("level", LogRules.WordOf(line.Level));
            json.WriteString("part", line.Part);
            json.WriteString("event", line.Event);
            json.WriteString("message", LogSecrets.Clean(line.Message));
            foreach (var (name, value) in line.Fields)
            {
                Write(json, name, value);
            }

            if (line.Exception is { } fault)
            {
                json.WriteString("exception", LogSecrets.Clean(fault));
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    private static void Write(Utf8JsonWriter json, string name, object? value)
    {
        switch (value)
        {
            case null:
                json.WriteNull(name);
                break;
            case long whole:
                json.WriteNumber(name, whole);
                break;
            case double number:
                json.WriteNumber(name, number);
                break;
            case bool flag:
                json.WriteBoolean(name, flag);
                break;
            default:
                json.WriteString(name, LogSecrets.Clean((string)value));
                break;
        }
    }
}
