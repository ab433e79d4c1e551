using Shoal.Daemon;

namespace Shoal.UnitTests;

public sealed class WeekScheduleTests
{
    private static readonly TimeZoneInfo Berlin = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");

    // 2026-11-23 is a Monday.
    [Theory]
    [InlineData("mon-fri 08:00-18:30", "2026-11-23 07:59", false)]
    [InlineData("mon-fri 08:00-18:30", "2026-11-23 08:00", true)]
    [InlineData("mon-fri 08:00-18:30", "2026-11-23 18:29", true)]
    [InlineData("mon-fri 08:00-18:30", "2026-11-23 18:30", false)]
    [InlineData("mon-fri 08:00-18:30", "2026-11-28 12:00", false)]
    [InlineData("sat,sun 22:00-06:00", "2026-11-28 23:00", true)]
    [InlineData("sat,sun 22:00-06:00", "2026-11-29 05:59", true)]
    [InlineData("sat,sun 22:00-06:00", "2026-11-30 05:59", true)]
    [InlineData("sat,sun 22:00-06:00", "2026-11-30 22:00", false)]
    [InlineData("sat,sun 22:00-06:00", "2026-11-28 05:00", false)]
    [InlineData("fri-mon 10:00-11:00", "2026-11-29 10:30", true)]
    [InlineData("fri-mon 10:00-11:00", "2026-11-25 10:30", false)]
    [InlineData("daily 00:00-24:00", "2026-11-25 23:59", true)]
    [InlineData("Daily 0:00-0:00", "2026-11-25 23:59", true)]
    public void Parts_of_a_week_hold_by_the_clock_on_the_wall(string span, string time, bool holds)
    {
        var local = DateTime.Parse(time);
        var schedule = new WeekSchedule([WeekSpan.Parse(span, out _)!.Value], Berlin);
        Assert.Equal(holds, schedule.Holds(new DateTimeOffset(local, Berlin.GetUtcOffset(local))));
        // The same moment, told by another clock.
        Assert.Equal(
            holds,
            schedule.Holds(new DateTimeOffset(local, Berlin.GetUtcOffset(local)).ToOffset(TimeSpan.FromHours(-7)))
        );
    }

    [Theory]
    [InlineData("")]
    [InlineData("mon")]
    [InlineData("mon 8-9")]
    [InlineData("mon 08:00")]
    [InlineData("moon 08:00-09:00")]
    [InlineData("mon-tue-wed 08:00-09:00")]
    [InlineData("mon 24:00-09:00")]
    [InlineData("mon 08:60-09:00")]
    [InlineData("mon 08:00-25:00")]
    [InlineData("mon 08:00-09:00 x")]
    [InlineData("mon -1:00-09:00")]
    public void What_is_no_part_of_a_week_is_refused_with_an_example(string text)
    {
        Assert.Null(WeekSpan.Parse(text, out var fault));
        Assert.Contains("mon-fri 08:00-18:30", fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Summer_time_begins_and_ends_as_the_wall_clock_shows_it()
    {
        var schedule = new WeekSchedule([WeekSpan.Parse("sun 02:30-03:30", out _)!.Value], Berlin);
        // 2026-03-29: 02:00 becomes 03:00, so half an hour of it is left.
        Assert.False(schedule.Holds(new DateTimeOffset(2026, 3, 29, 0, 59, 0, TimeSpan.Zero)));
        Assert.True(schedule.Holds(new DateTimeOffset(2026, 3, 29, 1, 0, 0, TimeSpan.Zero)));
        Assert.False(schedule.Holds(new DateTimeOffset(2026, 3, 29, 1, 30, 0, TimeSpan.Zero)));
        // 2026-10-25: 03:00 becomes 02:00, so it is half past two twice.
        Assert.True(schedule.Holds(new DateTimeOffset(2026, 10, 25, 0, 30, 0, TimeSpan.Zero)));
        Assert.False(schedule.Holds(new DateTimeOffset(2026, 10, 25, 1, 10, 0, TimeSpan.Zero)));
        Assert.True(schedule.Holds(new DateTimeOffset(2026, 10, 25, 1, 30, 0, TimeSpan.Zero)));
    }

    [Fact]
    public void The_switch_moves_when_the_schedule_does_and_leaves_a_hand_alone_between()
    {
        var schedule = new WeekSchedule([WeekSpan.Parse("daily 10:00-11:00", out _)!.Value], TimeZoneInfo.Utc);
        var change = new ScheduleSwitch();
        DateTimeOffset At(int hour, int minute) => new(2026, 11, 25, hour, minute, 0, TimeSpan.Zero);
        Assert.Equal(false, change.Next(schedule, At(9, 0)));
        Assert.Null(change.Next(schedule, At(9, 59)));
        Assert.Equal(true, change.Next(schedule, At(10, 0)));
        Assert.Null(change.Next(schedule, At(10, 30)));
        // The clock is set back, and goes on.
        Assert.Equal(false, change.Next(schedule, At(8, 0)));
        Assert.Null(change.Next(schedule, At(8, 1)));
        // It jumps over the whole span: nothing was missed.
        Assert.Null(change.Next(schedule, At(12, 0)));
        Assert.Equal(true, change.Next(schedule, At(10, 0)));
        // The schedule is taken away while it holds: the usual limits are back.
        Assert.Equal(false, change.Next(null, At(10, 1)));
        Assert.Null(change.Next(null, At(10, 2)));
    }

    [Fact]
    public void Without_a_schedule_nothing_is_switched()
    {
        var change = new ScheduleSwitch();
        Assert.Null(change.Next(null, DateTimeOffset.UnixEpoch));
        Assert.Null(change.Next(null, DateTimeOffset.UnixEpoch.AddDays(1)));
    }
}
