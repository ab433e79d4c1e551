using Shoal.Engine;

namespace Shoal.UnitTests;

/// <summary>How much the system may hold of what a link sends.</summary>
public sealed class UnsentLimitTests
{
    private readonly UnsentLimit _limit = new();
    private TimeSpan _now;

    [Fact]
    public void It_is_ten_milliseconds_of_the_rate_within_bounds()
    {
        Assert.Equal(64 * 1024, _limit.Bytes);
        Assert.Equal(64 * 1024, After(megabytesPerSecond: 1));
        Assert.Equal(125_000, After(megabytesPerSecond: 12.5));
        Assert.Equal(1_250_000, After(megabytesPerSecond: 125));
        Assert.Equal(4 * 1024 * 1024, After(megabytesPerSecond: 2000));
    }

    [Fact]
    public void It_shrinks_by_halves_and_leaves_small_changes_alone()
    {
        After(megabytesPerSecond: 100);
        Assert.Equal(500_000, After(megabytesPerSecond: 10));
        Assert.Equal(250_000, After(megabytesPerSecond: 10));
        Assert.Equal(250_000, After(megabytesPerSecond: 26));
        Assert.Equal(250_000, After(megabytesPerSecond: 23));
        Assert.Equal(200_000, After(megabytesPerSecond: 20));
    }

    [Fact]
    public void A_moment_says_nothing_of_a_rate()
    {
        Assert.False(_limit.OnSent(100_000_000, _now += TimeSpan.FromMilliseconds(1)));
        Assert.Equal(64 * 1024, _limit.Bytes);
    }

    /// <summary>As long as is measured, with that rate.</summary>
    private int After(double megabytesPerSecond)
    {
        _limit.OnSent((int)(megabytesPerSecond * 50_000), _now += TimeSpan.FromMilliseconds(50));
        return _limit.Bytes;
    }
}
