using System.Globalization;
using System.Text;
using Shoal.Protocol;

namespace Shoal.Daemon;

/// <summary>A program to run: what it is, what it is told. No shell has a part in it.</summary>
/// <param name="Program">Full path.</param>
/// <param name="Arguments">Each is one argument, whatever is in it.</param>
/// <param name="Environment">Besides what it inherits.</param>
internal sealed record ProgramCall(
    string Program,
    IReadOnlyList<string> Arguments,
    IReadOnlyDictionary<string, string> Environment
);

/// <summary>Makes the call of a program for something that happened to a torrent.</summary>
internal static class EventProgram
{
    /// <summary>Characters of a name or path that are passed on. Default 4,096: the longest path there is.</summary>
    private const int MaxText = 4096;

    /// <summary>Settings by the kind of event.</summary>
    public static string? SettingOf(string kind) =>
        kind switch
        {
            "torrent-added" => "events.added",
            "torrent-completed" => "events.completed",
            "torrent-moved" => "events.moved",
            "torrent-failed" => "events.failed",
            _ => null,
        };

    /// <param name="command">Of the settings; not empty.</param>
    /// <param name="kind">Of the event.</param>
    /// <param name="message">Of the event; null: none.</param>
    /// <param name="content">
    /// The file or folder below the folder of the content, as the user may have renamed it; empty: there is none that holds all. Null:
    /// not known, and then it is as the torrent is called.
    /// </param>
    public static ProgramCall Create(
        IReadOnlyList<string> command,
        LibraryEntry entry,
        string kind,
        string? message,
        string? content = null
    )
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["event"] = kind,
            ["name"] = Clean(entry.Name),
            ["id"] = entry.Id,
            ["path"] = Clean(Path.Combine(entry.ContentDirectory, content ?? NameOf(entry))),
            ["directory"] = Clean(entry.ContentDirectory),
            ["category"] = Clean(entry.Category ?? ""),
            ["labels"] = Clean(string.Join(',', entry.Labels)),
            ["size"] = entry.Size.ToString(CultureInfo.InvariantCulture),
        };
        var environment = values.ToDictionary(pair => "SHOAL_" + pair.Key.ToUpperInvariant(), pair => pair.Value);
        environment["SHOAL_INFOHASH_V1"] = entry.InfoHashV1 ?? "";
        environment["SHOAL_INFOHASH_V2"] = entry.InfoHashV2 ?? "";
        environment["SHOAL_MESSAGE"] = Clean(message ?? "");
        return new ProgramCall(
            command[0],
            [.. command.Skip(1).Select(argument => Fill(argument, values))],
            environment
        );
    }

    // The name in a link is anybody's word, as long as the files are not known.
    private static string NameOf(LibraryEntry entry) =>
        PathSanitizer.Sanitize(Encoding.UTF8.GetBytes(entry.Name), PathSanitizer.PlatformRules);

    /// <summary>Puts values in once: what looks like a placeholder in a value stays as it is.</summary>
    private static string Fill(string argument, Dictionary<string, string> values)
    {
        var filled = new StringBuilder();
        for (var at = 0; at < argument.Length; )
        {
            var end = argument[at] == '{' ? argument.IndexOf('}', at) : -1;
            if (end > 0 && values.TryGetValue(argument[(at + 1)..end], out var value))
            {
                filled.Append(value);
                at = end + 1;
            }
            else
            {
                filled.Append(argument[at++]);
            }
        }

        return filled.ToString();
    }

    // The system ends texts at a NUL; line breaks would forge lines in what programs log.
    private static string Clean(string text)
    {
        var clean = string.Concat(text.Where(c => !char.IsControl(c)));
        return clean.Length > MaxText ? clean[..MaxText] : clean;
    }
}
