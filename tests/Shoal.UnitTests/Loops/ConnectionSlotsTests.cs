using System.Net;
using Shoal.Engine;

namespace Shoal.UnitTests;

public class ConnectionSlotsTests
{
    private static readonly IPAddress Somebody = IPAddress.Parse("192.0.2.1");

    private static ConnectionSlots Create(int maxPeers = 100, int perAddress = 2) =>
        new(
            new EngineOptions
            {
                StateDirectory = "unused",
                MaxPeers = maxPeers,
                MaxPeersPerAddress = perAddress,
            },
            TimeProvider.System
        );

    [Fact]
    public void One_address_gets_no_more_than_its_share()
    {
        var slots = Create(perAddress: 2);

        Assert.True(slots.TryTake(Somebody, out _));
        Assert.True(slots.TryTake(Somebody.MapToIPv6(), out _));
        Assert.False(slots.TryTake(Somebody, out var refusal));
        Assert.Equal(DisconnectReason.TooManyConnections, refusal);

        slots.Return(Somebody);
        Assert.True(slots.TryTake(Somebody, out _));
    }

    [Fact]
    public void The_total_is_bounded()
    {
        var slots = Create(maxPeers: 3);

        for (var i = 1; i <= 3; i++)
        {
            Assert.True(slots.TryTake(IPAddress.Parse($"192.0.2.{i}"), out _));
        }

        Assert.False(slots.TryTake(IPAddress.Parse("192.0.2.9"), out _));
        Assert.Equal(3, slots.Taken);
    }

    [Fact]
    public void A_banned_address_is_refused_whichever_way_it_is_written()
    {
        var slots = Create();

        slots.Ban(Somebody);

        Assert.True(slots.IsBanned(Somebody.MapToIPv6()));
        Assert.False(slots.TryTake(Somebody.MapToIPv6(), out var refusal));
        Assert.Equal(DisconnectReason.Banned, refusal);
    }

    [Theory]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    [InlineData("fe80::1", "fe80::2", false)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    public void Who_has_one_address_of_a_64_has_them_all(string one, string other, bool isSame)
    {
        var slots = Create(perAddress: 1);
        Assert.True(slots.TryTake(IPAddress.Parse(one), out _));
        Assert.Equal(!isSame, slots.TryTake(IPAddress.Parse(other), out _));
        slots.Ban(IPAddress.Parse(one));
        Assert.Equal(isSame, slots.IsBanned(IPAddress.Parse(other)));
    }
}
