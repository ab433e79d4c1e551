using Shoal.Engine;

namespace Shoal.UnitTests;

public class RateMeterTests
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);

    [Fact]
    public void A_steady_flow_shows_its_rate_from_the_first_tick_on()
    {
        var meter = new RateMeter();
        meter.Tick(TimeSpan.FromSeconds(30));

        for (var i = 0; i < 200; i++)
        {
            meter.Add(1000);
            meter.Tick(Tick);
            Assert.Equal(10_000, meter.Slow, 1e-6);
        }

        Assert.Equal(10_000, meter.Fast, 1.0);
        Assert.Equal(200_000, meter.Total);
    }

    [Fact]
    public void A_flow_that_stops_fades_within_some_seconds_and_one_that_begins_again_starts_afresh()
    {
        var meter = new RateMeter();
        for (var i = 0; i < 100; i++)
        {
            meter.Add(1000);
            meter.Tick(Tick);
        }

        for (var i = 0; i < 50; i++)
        {
            meter.Tick(Tick);
        }

        Assert.InRange(meter.Slow, 3_000, 4_500);
        for (var i = 0; i < 1000; i++)
        {
            meter.Tick(Tick);
        }

        Assert.Equal(0, meter.Slow);
        meter.Add(500);
        meter.Tick(Tick);
        Assert.Equal(5_000, meter.Slow, 1e-6);
    }
}
