using System.Net;
using Shoal.Engine;

namespace Shoal.UnitTests;

public sealed class HandshakeSlotsTests
{
    private readonly HandshakeSlots _slots = new(
        TcpLimits.Default with
        {
            MaxHandshakes = 5,
            MaxHandshakesPerAddress = 2,
        }
    );

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1", "192.0.2.2")]
    [InlineData("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2")]
    [InlineData("2001:db8::1", "2001:db8::2:1", "2001:db8:0:1::1")]
    public void One_network_has_its_share_and_no_more(string address, string same, string other)
    {
        Assert.True(_slots.TryTake(IPAddress.Parse(address)));
        Assert.True(_slots.TryTake(IPAddress.Parse(same)));
        Assert.False(_slots.TryTake(IPAddress.Parse(address)));
        Assert.True(_slots.TryTake(IPAddress.Parse(other)));

        _slots.Return(IPAddress.Parse(same));
        Assert.True(_slots.TryTake(IPAddress.Parse(address)));
    }

    [Fact]
    public void This_machine_may_have_all_places_and_nobody_more_than_all()
    {
        for (var i = 0; i < 5; i++)
        {
            Assert.True(_slots.TryTake(IPAddress.Loopback));
        }

        Assert.False(_slots.TryTake(IPAddress.Loopback));
        Assert.False(_slots.TryTake(IPAddress.Parse("192.0.2.1")));
        _slots.Return(IPAddress.Loopback);
        Assert.True(_slots.TryTake(IPAddress.Parse("192.0.2.1")));
    }
}
