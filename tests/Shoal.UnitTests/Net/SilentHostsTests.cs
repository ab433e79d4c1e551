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
        AskThrice(hosts, 5000);

        Assert.Equal(1024, Enumerable.Range(0, 5000).Count(host => !IsAskedAgain(hosts, $"{host}")));
    }

    [Fact]
    public void Who_was_not_asked_for_hours_is_forgotten_and_leaves_its_place_to_others()
    {
        var hosts = new SilentHosts(_time);
        AskThrice(hosts, 1024);
        Ask(hosts, "new", isThere: false, seconds: 30);
        _time.Advance(TimeSpan.FromHours(2));
        Assert.True(IsAskedAgain(hosts, "0"));
        for (var tries = 0; tries < 3; tries++)
        {
            Assert.True(IsAskedAgain(hosts, "new"));
            Ask(hosts, "new", isThere: false, seconds: 30);
        }

        Assert.False(IsAskedAgain(hosts, "new"));
    }

    [Fact]
    public void Silences_that_lie_hours_apart_are_not_in_a_row()
    {
        var hosts = new SilentHosts(_time);
        Ask(hosts, "slow", isThere: false, seconds: 30);
        Ask(hosts, "slow", isThere: false, seconds: 30);
        _time.Advance(TimeSpan.FromHours(2));
        Ask(hosts, "slow", isThere: false, seconds: 30);
        Assert.True(IsAskedAgain(hosts, "slow"));
    }

    private void AskThrice(SilentHosts hosts, int count)
    {
        for (var tries = 0; tries < 3; tries++)
        {
            var began = _time.GetTimestamp();
            _time.Advance(TimeSpan.FromSeconds(30));
            for (var host = 0; host < count; host++)
            {
                hosts.Asked($"{host}", isThere: false, began);
            }
        }
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
