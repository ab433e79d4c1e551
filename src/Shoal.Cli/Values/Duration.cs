using System.Buffers;
using System.Globalization;

namespace Shoal.Cli;

/// <summary>Lengths of time: <c>90</c> (seconds), <c>30s</c>, <c>1h30m</c>, <c>2d</c>.</summary>
internal static class Duration
{
    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789.");

    // Longer than anybody waits, and far from overflow.
    private static readonly TimeSpan Max = TimeSpan.FromDays(100 * 365);

    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        var rest = text.AsSpan().Trim();
        if (rest.IsEmpty)
        {
            return false;
        }

        while (!rest.IsEmpty)
        {
            var digits = rest.IndexOfAnyExcept(Digits);
            var number = digits < 0 ? rest : rest[..digits];
            if (!double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value))
            {
                return false;
            }

            rest = rest[number.Length..];
            var letters = rest.IndexOfAny(Digits);
            var unit = (letters < 0 ? rest : rest[..letters]).Trim();
            var seconds = unit switch
            {
                "" when rest.IsEmpty && duration == TimeSpan.Zero => 1,
                "s" or "sec" => 1,
                "m" or "min" => 60,
                "h" => 3600,
                "d" => 86400,
                "w" => 7 * 86400,
                _ => 0,
            };
            if (seconds == 0 || value * seconds > Max.TotalSeconds)
            {
                return false;
            }

            duration += TimeSpan.FromSeconds(value * seconds);
            rest = letters < 0 ? [] : rest[letters..];
        }

        return duration <= Max;
    }

    /// <summary>The two largest units: "8s", "4m 10s", "2h 5m", "3d 4h".</summary>
    public static string Format(TimeSpan duration)
    {
        var seconds = (long)Math.Ceiling(Math.Max(0, Math.Min(duration.TotalSeconds, Max.TotalSeconds)));
        return seconds switch
        {
            < 60 => $"{seconds}s",
            < 3600 => $"{seconds / 60}m {seconds % 60}s",
            < 86400 => $"{seconds / 3600}h {seconds % 3600 / 60}m",
            _ => $"{seconds / 86400}d {seconds % 86400 / 3600}h",
        };
    }
}
