using Microsoft.Extensions.Logging;

namespace Shoal.Daemon;

/// <summary>One thing that was logged.</summary>
/// <param name="At">When.</param>
/// <param name="Part">Which part says it.</param>
/// <param name="Event">Stable name of what happened, kebab-case; empty: it has none.</param>
/// <param name="Message">For people.</param>
/// <param name="Fields">What the message is made of: names in camel case, values text, whole number, number or flag.</param>
/// <param name="Exception">A fault of ours with its stack; null: it is none.</param>
internal sealed record LogLine(
    DateTimeOffset At,
    LogLevel Level,
    string Part,
    string Event,
    string Message,
    IReadOnlyList<KeyValuePair<string, object?>> Fields,
    string? Exception
);
