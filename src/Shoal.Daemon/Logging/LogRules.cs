using System.Collections.Frozen;
using Microsoft.Extensions.Logging;

namespace Shoal.Daemon;

/// <summary>How log lines look.</summary>
internal enum LogForm
{
    /// <summary>For people: date, level, part, message.</summary>
    Text,

    /// <summary>One JSON object a line.</summary>
    Json,

    /// <summary>For systemd's journal, which has the date itself: a priority in angle brackets before part and message.</summary>
    Journal,
}

/// <summary>What is logged and how, as the settings say. Immutable; replaced whole.</summary>
internal sealed class LogRules
{
    private readonly LogLevel _level;
    private readonly FrozenDictionary<string, LogLevel> _parts;

    private LogRules(LogLevel level, FrozenDictionary<string, LogLevel> parts, LogForm form)
    {
        _level = level;
        _parts = parts;
        Form = form;
    }

    /// <summary>Nothing is logged.</summary>
    public static LogRules Off { get; } = new(LogLevel.None, FrozenDictionary<string, LogLevel>.Empty, LogForm.Text);

    /// <summary>Words for levels, from the one that lets most through.</summary>
    public static IReadOnlyList<string> Words { get; } = ["trace", "debug", "info", "warning", "error", "off"];

    public LogForm Form { get; }

    /// <param name="level">For parts that have none of their own; one of <see cref="Words"/>.</param>
    /// <param name="parts">PART=LEVEL; of several for one part the last counts.</param>
    /// <param name="form">text, json, journal, or auto.</param>
    /// <param name="isJournal">What is written goes to systemd's journal: what auto asks.</param>
    public static LogRules Of(string level, IReadOnlyList<string> parts, string form, bool isJournal)
    {
        var levels = new Dictionary<string, LogLevel>(StringComparer.Ordinal);
        foreach (var text in parts)
        {
            if (TryParse(text, out var part, out var own))
            {
                levels[part] = own;
            }
        }

        return new LogRules(
            LevelOf(level) ?? LogLevel.Information,
            levels.ToFrozenDictionary(StringComparer.Ordinal),
            form switch
            {
                "json" => LogForm.Json,
                "journal" => LogForm.Journal,
                "auto" when isJournal => LogForm.Journal,
                _ => LogForm.Text,
            }
        );
    }

    /// <summary>What is wrong with one of the list of parts; null: nothing.</summary>
    public static string? FaultOf(string text) =>
        TryParse(text, out _, out _)
            ? null
            : $"'{text}' is not PART=LEVEL; parts are {string.Join(", ", LogParts.All)}; levels are {string.Join(", ", Words)}";

    public bool IsOn(string part, LogLevel level) =>
        level >= (_parts.TryGetValue(part, out var own) ? own : _level) && level != LogLevel.None;

    public static string WordOf(LogLevel level) => Words[Math.Min((int)level, (int)LogLevel.Error)];

    /// <summary>
    /// Whether standard error goes to the journal. systemd.exec(5): "$JOURNAL_STREAM [...] contains the device and inode
    /// numbers of the file descriptor, formatted in decimal, separated by a colon".
    /// </summary>
    /// <param name="stream">The variable; null: not set.</param>
    /// <param name="target">What the descriptor is, as /proc says: socket:[INODE].</param>
    public static bool IsJournal(string? stream, string? target) =>
        stream is not null
        && stream.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon
        && target == $"socket:[{stream[(colon + 1)..]}]";

    private static bool TryParse(string text, out string part, out LogLevel level)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        part = equals < 0 ? "" : text[..equals].Trim();
        var found = equals < 0 ? null : LevelOf(text[(equals + 1)..].Trim());
        level = found ?? LogLevel.None;
        return found is not null && LogParts.All.Contains(part);
    }

    private static LogLevel? LevelOf(string word)
    {
        for (var i = 0; i < Words.Count; i++)
        {
            if (Words[i] == word)
            {
                return word == "off" ? LogLevel.None : (LogLevel)i;
            }
        }

        return null;
    }
}
