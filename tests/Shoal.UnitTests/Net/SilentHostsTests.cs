using Shoal.Engine;
using Shoal.Testing;

namespace Shoal.UnitTests;

public class SilentHostsTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public void Who_is_silent_three_times_is_asked_once_a_minute_until_it_answers()
    {
        var hosts = new SilentHosts(_time);
        for (var tries = 0; tries < 3; tries++)
        {
            Assert.True(hosts.MayAsk("dead"));
            Ask(hosts, "dead", isThere: false, seconds: 30);
        }

        Assert.False(hosts.MayAsk("DEAD"));
        Assert.True(hosts.MayAsk("other"));
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.True(hosts.MayAsk("dead"));
        Assert.False(hosts.MayAsk("dead"));
        Ask(hosts, "dead", isThere: false, seconds: 30);
        Assert.False(hosts.MayAsk("dead"));
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.True(hosts.MayAsk("dead"));
        Ask(hosts, "dead", isThere: true, seconds: 1);
        Assert.True(hosts.MayAsk("dead"));
        Assert.True(hosts.MayAsk("dead"));
    }

    [Fact]
    public void Who_refuses_at_once_holds_nobody_up_and_neither_does_one_that_is_slow_now_and_then()
    {
        var hosts = new SilentHosts(_time);
        for (var tries = 0; tries < 10; tries++)
        {
            Ask(hosts, "refuses", isThere: false, seconds: 1);
            Ask(hosts, "slow", isThere: tries % 3 == 0, seconds: 20);
        }

        Assert.True(hosts.MayAsk("refuses"));
        Assert.True(hosts.MayAsk("slow"));
    }

    [Fact]
    public void Thousands_of_names_take_no_more_memory_than_a_thousand()
    {
        var hosts = new SilentHosts(_time);
        for (var host = 0; host < 5000; host++)
        {
            for (var tries = 0; tries < 3; tries++)
            {
                Ask(hosts, $"{host}", isThere: false, seconds: 30);
            }
        }

        Assert.Equal(1024, Enumerable.Range(0, 5000).Count(host => !IsAskedAgain(hosts, $"{host}")));
    }

    private bool IsAskedAgain(SilentHosts hosts, string host) =>
        // Those that are remembered are let through once.
        hosts.MayAsk(host) && hosts.MayAsk(host);

    private void Ask(SilentHosts hosts, string host, bool isThere, int seconds)
    {
        var began = _time.GetTimestamp();
        _time.Advance(TimeSpan.FromSeconds(seconds));
        hosts.Asked(host, isThere, began);
    }
}
