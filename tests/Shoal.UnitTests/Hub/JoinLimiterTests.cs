using System.Net;
using Shoal.Hub;
using Shoal.Membership;

namespace Shoal.UnitTests;

public sealed class JoinLimiterTests
{
    private static readonly HubLimits Limits = new()
    {
        FailuresPerSource = 3,
        FailureWindow = TimeSpan.FromMinutes(10),
        FailuresInTotal = 8,
        RememberedSources = 100,
    };

    [Fact]
    public void A_source_that_fails_too_often_waits_until_its_window_is_over()
    {
        var limiter = new JoinLimiter(Limits);
        var (bad, good) = (IPAddress.Parse("192.0.2.1"), IPAddress.Parse("192.0.2.2"));
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(TimeSpan.Zero, limiter.WaitOf(bad, At(i)));
            limiter.CountFailure(bad, At(i));
        }

        Assert.Equal(TimeSpan.FromMinutes(7), limiter.WaitOf(bad, At(3)));
        Assert.Equal(TimeSpan.FromMinutes(7), limiter.WaitOf(bad.MapToIPv6(), At(3)));
        Assert.Equal(TimeSpan.Zero, limiter.WaitOf(good, At(3)));
        Assert.Equal(TimeSpan.Zero, limiter.WaitOf(bad, At(10)));
    }

    [Fact]
    public void A_network_of_64_bits_is_one_source()
    {
        var limiter = new JoinLimiter(Limits);
        for (var i = 1; i <= 3; i++)
        {
            limiter.CountFailure(IPAddress.Parse($"2001:db8::{i}"), At(0));
        }

        Assert.True(limiter.WaitOf(IPAddress.Parse("2001:db8::ffff:1"), At(0)) > TimeSpan.Zero);
        Assert.Equal(TimeSpan.Zero, limiter.WaitOf(IPAddress.Parse("2001:db8:0:1::1"), At(0)));
        Assert.Equal(1, limiter.Remembered);
    }

    [Fact]
    public void When_all_together_fail_too_often_those_that_never_failed_are_still_heard()
    {
        var limiter = new JoinLimiter(Limits);
        for (var i = 0; i < 8; i++)
        {
            limiter.CountFailure(IPAddress.Parse($"192.0.2.{i}"), At(0));
        }

        Assert.True(limiter.WaitOf(IPAddress.Parse("192.0.2.5"), At(1)) > TimeSpan.Zero);
        Assert.Equal(TimeSpan.Zero, limiter.WaitOf(IPAddress.Parse("192.0.2.200"), At(1)));
        Assert.Equal(TimeSpan.Zero, limiter.WaitOf(IPAddress.Parse("192.0.2.5"), At(11)));
    }

    [Fact]
    public void What_is_remembered_is_bounded_and_forgotten()
    {
        var limiter = new JoinLimiter(Limits);
        for (var i = 0; i < 1000; i++)
        {
            limiter.CountFailure(new IPAddress([10, 0, (byte)(i >> 8), (byte)i]), At(0));
        }

        Assert.Equal(100, limiter.Remembered);
        Assert.Equal(TimeSpan.Zero, limiter.WaitOf(IPAddress.Loopback, At(10)));
        Assert.Equal(0, limiter.Remembered);
    }

    [Fact]
    public void A_member_has_so_many_requests_and_gets_new_ones_with_time()
    {
        var rates = new MemberRates(6, TimeSpan.FromMinutes(1));
        var (ada, ben) = (Issuer.NewMember(), Issuer.NewMember());
        for (var i = 0; i < 6; i++)
        {
            Assert.True(rates.TryTake(ada, TimeSpan.Zero));
        }

        Assert.False(rates.TryTake(ada, TimeSpan.FromSeconds(9)));
        Assert.True(rates.TryTake(ben, TimeSpan.FromSeconds(9)));
        Assert.True(rates.TryTake(ada, TimeSpan.FromSeconds(20)));
        Assert.True(rates.TryTake(ben, TimeSpan.FromMinutes(5)));
        Assert.Equal(1, rates.Remembered);
    }

    private static TimeSpan At(int minutes) => TimeSpan.FromMinutes(minutes);
}
