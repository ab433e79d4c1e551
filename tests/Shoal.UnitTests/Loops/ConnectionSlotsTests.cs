using System.Net;
using Shoal.Engine;
using Shoal.Testing;

namespace Shoal.UnitTests;

public class ConnectionSlotsTests
{
    private static readonly IPAddress Somebody = IPAddress.Parse("192.0.2.1");

    private int _addresses;

    private static ConnectionSlots Create(int maxPeers = 100, int perAddress = 2) =>
        new(
            new EngineOptions
            {
                StateDirectory = "unused",
                MaxPeers = maxPeers,
                MaxPeersPerAddress = perAddress,
            },
            SharingLimits.Default,
            TimeProvider.System
        );

    private IPAddress Anybody() => new([60, (byte)(++_addresses >> 8), (byte)_addresses, 1]);

    [Fact]
    public void One_address_gets_no_more_than_its_share()
    {
        var slots = Create(perAddress: 2);
        var torrent = slots.Join(() => { });

        Assert.True(slots.TryTake(torrent, Somebody, out _));
        Assert.True(slots.TryTake(torrent, Somebody.MapToIPv6(), out _));
        Assert.False(slots.TryTake(torrent, Somebody, out var refusal));
        Assert.Equal(DisconnectReason.TooManyConnections, refusal);

        slots.Return(torrent, Somebody);
        Assert.True(slots.TryTake(torrent, Somebody, out _));
    }

    [Fact]
    public void The_total_is_bounded()
    {
        var slots = Create(maxPeers: 3);
        var torrent = slots.Join(() => { });
        for (var i = 1; i <= 3; i++)
        {
            Assert.True(slots.TryTake(torrent, Anybody(), out _));
        }

        Assert.False(slots.TryTake(torrent, Anybody(), out _));
        Assert.Equal(3, slots.Taken);
    }

    [Fact]
    public void One_neighbourhood_gets_a_quarter_of_all_places()
    {
        var slots = Create(maxPeers: 40);
        var torrent = slots.Join(() => { });
        var taken = Enumerable
            .Range(1, 100)
            .Count(i => slots.TryTake(torrent, new IPAddress([20, 1, 1, (byte)i]), out _));
        Assert.Equal(10, taken);
        Assert.True(slots.TryTake(torrent, IPAddress.Parse("20.1.2.1"), out _));
        // In our own network they are colleagues.
        Assert.Equal(
            20,
            Enumerable.Range(1, 20).Count(i => slots.TryTake(torrent, new IPAddress([10, 1, 1, (byte)i]), out _))
        );
    }

    [Fact]
    public void A_banned_address_is_refused_whichever_way_it_is_written()
    {
        var slots = Create();
        var torrent = slots.Join(() => { });

        slots.Ban(Somebody);

        Assert.True(slots.IsBanned(Somebody.MapToIPv6()));
        Assert.False(slots.TryTake(torrent, Somebody.MapToIPv6(), out var refusal));
        Assert.Equal(DisconnectReason.Banned, refusal);
    }

    [Fact]
    public void Who_is_bad_again_after_a_ban_is_banned_again()
    {
        var time = new ManualTime();
        var options = new EngineOptions { StateDirectory = "unused" };
        var slots = new ConnectionSlots(options, SharingLimits.Default, time);
        slots.Ban(Somebody);
        time.Advance(ConnectionSlots.BanTime / 2);
        Assert.True(slots.IsBanned(Somebody));
        time.Advance(ConnectionSlots.BanTime);
        Assert.False(slots.IsBanned(Somebody));
        slots.Ban(Somebody);
        Assert.True(slots.IsBanned(Somebody));
    }

    [Theory]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    [InlineData("fe80::1", "fe80::2", false)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    public void Who_has_one_address_of_a_64_has_them_all(string one, string other, bool isSame)
    {
        var slots = Create(perAddress: 1);
        var torrent = slots.Join(() => { });
        Assert.True(slots.TryTake(torrent, IPAddress.Parse(one), out _));
        Assert.Equal(!isSame, slots.TryTake(torrent, IPAddress.Parse(other), out _));
        slots.Ban(IPAddress.Parse(one));
        Assert.Equal(isSame, slots.IsBanned(IPAddress.Parse(other)));
    }

    [Fact]
    public void Who_came_first_gives_places_up_until_all_have_the_same()
    {
        var slots = Create(maxPeers: 100);
        var asked = 0;
        var first = slots.Join(() => asked++);
        for (var i = 0; i < 100; i++)
        {
            Assert.True(slots.TryTake(first, Anybody(), out _));
        }

        var second = slots.Join(() => Assert.Fail("it has no more than the other"));
        for (var i = 0; i < 200; i++)
        {
            slots.TryTake(second, Anybody(), out _);
            while (asked > 0)
            {
                asked--;
                slots.Return(first, new IPAddress([60, 0, (byte)(first.Taken), 1]));
            }
        }

        Assert.Equal((50, 50), (first.Taken, second.Taken));
        // And it does not go back and forth.
        Assert.False(slots.TryTake(first, Anybody(), out _));
        Assert.False(slots.HasPlaceFor(second));
    }

    [Fact]
    public void Downloads_get_four_places_where_seeding_gets_one()
    {
        var slots = Create(maxPeers: 100);
        var owed = 0;
        var seeding = slots.Join(() => owed++);
        slots.SetKind(seeding, ShareKind.Seeding);
        var downloading = slots.Join(() => Assert.Fail("it downloads"));
        for (var i = 1; i <= 100; i++)
        {
            Assert.True(slots.TryTake(seeding, Anybody(), out _));
        }

        for (var i = 0; i < 300; i++)
        {
            slots.TryTake(downloading, Anybody(), out _);
            for (; owed > 0; owed--)
            {
                slots.Return(seeding, new IPAddress([60, 0, (byte)seeding.Taken, 1]));
            }
        }

        Assert.Equal((80, 20), (downloading.Taken, seeding.Taken));
    }

    [Fact]
    public void Debts_are_bounded_where_nobody_pays()
    {
        var slots = Create(maxPeers: 100);
        var first = slots.Join(() => { });
        var second = slots.Join(() => { });
        for (var i = 0; i < 200; i++)
        {
            slots.TryTake(first, Anybody(), out _);
        }

        for (var i = 0; i < 200; i++)
        {
            slots.TryTake(second, Anybody(), out _);
        }

        Assert.Equal(100 + SharingLimits.Default.MaxOwed, slots.Taken);
    }
}
