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

    private readonly List<string> _pushedOut = [];

    private HandshakeSlots.Place? Take(string address) =>
        _slots.TryTake(IPAddress.Parse(address), () => _pushedOut.Add(address));

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1", "192.0.2.2")]
    [InlineData("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2")]
    [InlineData("2001:db8::1", "2001:db8::2:1", "2001:db8:0:1::1")]
    public void One_network_has_its_share_and_no_more(string address, string same, string other)
    {
        Assert.NotNull(Take(address));
        var second = Take(same)!;
        Assert.Null(Take(address));
        Assert.NotNull(Take(other));

        _slots.Return(second);
        Assert.NotNull(Take(address));
    }

    [Fact]
    public void This_machine_may_have_all_places_but_not_against_others()
    {
        for (var i = 0; i < 5; i++)
        {
            Assert.NotNull(Take("127.0.0.1"));
        }

        Assert.Null(Take("127.0.0.1"));
        Assert.NotNull(Take("192.0.2.1"));
        Assert.Equal(["127.0.0.1"], _pushedOut);
    }

    [Fact]
    public void Who_is_silent_from_many_addresses_makes_room_for_others()
    {
        var first = Take("20.0.0.1")!;
        Take("20.0.0.2");
        Take("20.0.0.3");
        Take("30.0.0.1");
        Take("40.0.0.1");

        // The neighbourhood that holds most gives up its oldest, until all hold the same.
        Assert.NotNull(Take("50.0.0.1"));
        Assert.NotNull(Take("60.0.0.1"));
        Assert.Equal(["20.0.0.1", "20.0.0.2"], _pushedOut);
        Assert.Null(Take("20.0.0.9"));
        Assert.Null(Take("60.0.0.2"));

        // Then it is the turn of whoever came first of all.
        Assert.NotNull(Take("70.0.0.1"));
        Assert.Equal("20.0.0.3", _pushedOut[^1]);

        // Who was pushed out does not give the place back once more.
        _slots.Return(first);
        Assert.NotNull(Take("80.0.0.1"));
        Assert.Equal(4, _pushedOut.Count);
    }
}
