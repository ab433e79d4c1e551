using System.Globalization;

namespace Shoal.Daemon;

/// <summary>One part of a week in which the alternative limits hold.</summary>
/// <param name="Days">One bit a day, Sunday first.</param>
/// <param name="From">Minutes since midnight, by the clock on the wall.</param>
/// <param name="To">Minutes since midnight; not after <paramref name="From"/>: of the next day.</param>
internal readonly record struct WeekSpan(byte Days, int From, int To)
{
    private const int MinutesOfDay = 24 * 60;
    private static readonly string[] Names = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

    public bool Contains(DayOfWeek day, int minute)
    {
        if (To > From)
        {
            return HasDay(day) && minute >= From && minute < To;
        }

        // Over midnight: the evening of the day itself, or the morning after it.
        return (HasDay(day) && minute >= From) || (HasDay((DayOfWeek)(((int)day + 6) % 7)) && minute < To);
    }

    /// <summary>Reads "mon-fri 08:00-18:30": days are names, ranges of them or lists with commas, or "daily"; 24:00 is the end of a day.</summary>
    /// <returns>Null: it is none; <paramref name="fault"/> says why.</returns>
    public static WeekSpan? Parse(string text, out string fault)
    {
        fault = $"'{text}' is not DAYS HH:MM-HH:MM such as mon-fri 08:00-18:30 or sat,sun 22:00-06:00";
        var parts = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length != 2 || DaysOf(parts[0]) is not { } days || parts[1].Split('-') is not [var from, var to])
        {
            return null;
        }

        return MinuteOf(from) is { } start and < MinutesOfDay && MinuteOf(to) is { } end
            ? new WeekSpan(days, start, end)
            : null;
    }

    private bool HasDay(DayOfWeek day) => (Days & (1 << (int)day)) != 0;

    private static byte? DaysOf(string text)
    {
        if (text.Equals("daily", StringComparison.OrdinalIgnoreCase))
        {
            return 0x7f;
        }

        byte days = 0;
        foreach (var part in text.ToLowerInvariant().Split(','))
        {
            var ends = part.Split('-');
            var first = Array.IndexOf(Names, ends[0]);
            var last = Array.IndexOf(Names, ends[^1]);
            if (ends.Length > 2 || first < 0 || last < 0)
            {
                return null;
            }

            for (var day = first; ; day = (day + 1) % 7)
            {
                days |= (byte)(1 << day);
                if (day == last)
                {
                    break;
                }
            }
        }

        return days;
    }

    private static int? MinuteOf(string text) =>
        text.Split(':') is [{ Length: 1 or 2 } hours, { Length: 2 } minutes]
        && int.TryParse(hours, NumberStyles.None, CultureInfo.InvariantCulture, out var hour)
        && int.TryParse(minutes, NumberStyles.None, CultureInfo.InvariantCulture, out var minute)
        && minute < 60
        && (hour < 24 || (hour == 24 && minute == 0))
            ? hour * 60 + minute
            : null;
}

/// <summary>
/// When in a week the alternative limits hold, by the clock on the wall of one time zone. Nothing is counted from one moment to
/// the next, only asked what the clock says: so a clock that is set, summer time and a machine that slept change nothing but
/// what time it is.
/// </summary>
internal sealed record WeekSchedule(IReadOnlyList<WeekSpan> Spans, TimeZoneInfo Zone)
{
    /// <summary>The alternative limits hold at this time.</summary>
    public bool Holds(DateTimeOffset now)
    {
        var local = TimeZoneInfo.ConvertTime(now, Zone);
        var minute = local.Hour * 60 + local.Minute;
        return Spans.Any(span => span.Contains(local.DayOfWeek, minute));
    }
}

/// <summary>Whether the alternative limits hold: what the user switched counts until the schedule changes its mind.</summary>
internal sealed class ScheduleSwitch
{
    private bool? _scheduled;

    /// <param name="schedule">Null: there is none.</param>
    /// <param name="now">Asked each second or so; may go back.</param>
    /// <returns>What the switch is to be set to; null: it stays as it is.</returns>
    public bool? Next(WeekSchedule? schedule, DateTimeOffset now)
    {
        var before = _scheduled;
        _scheduled = schedule?.Holds(now);
        return _scheduled == before ? null : _scheduled ?? (before == true ? false : null);
    }
}
