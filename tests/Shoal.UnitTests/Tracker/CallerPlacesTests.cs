using System.Net;
using Shoal.Tracker;

namespace Shoal.UnitTests;

public sealed class CallerPlacesTests
{
    private readonly List<string> _out = [];

    private CallerPlaces.Place Take(CallerPlaces places, string address, string name)
    {
        var place = places.TryTake(IPAddress.Parse(address), () => _out.Add(name));
        Assert.NotNull(place);
        return place;
    }

    [Fact]
    public void Whoever_holds_most_makes_room_oldest_first()
    {
        var places = new CallerPlaces(4, 4);
        Take(places, "192.0.2.1", "honest");
        Take(places, "192.0.2.9", "flood 1");
        Take(places, "192.0.2.9", "flood 2");
        Take(places, "192.0.2.9", "flood 3");
        Take(places, "192.0.2.9", "flood 4");
        Take(places, "192.0.2.2", "another");
        Take(places, "::ffff:192.0.2.9", "flood 5");
        Assert.Equal(["flood 1", "flood 2", "flood 3"], _out);
        Assert.Equal(4, places.Taken);
    }

    [Fact]
    public void Who_has_one_address_of_a_64_has_them_all()
    {
        var places = new CallerPlaces(4, 4);
        Take(places, "2001:db8:1::1", "flood 1");
        Take(places, "192.0.2.1", "honest");
        Take(places, "2001:db8:1::2", "flood 2");
        Take(places, "2001:db8:2::1", "neighbour");
        Take(places, "192.0.2.2", "another");
        Assert.Equal(["flood 1"], _out);
    }

    [Fact]
    public void Who_has_shown_who_it_is_stays_and_when_all_have_nobody_comes_in()
    {
        var places = new CallerPlaces(2, 2);
        var first = Take(places, "192.0.2.1", "first");
        first.Keep("a", isTrusted: false);
        var second = Take(places, "192.0.2.1", "second");
        Take(places, "192.0.2.2", "third").Keep("b", isTrusted: false);
        Assert.Equal(["second"], _out);
        Assert.Null(places.TryTake(IPAddress.Loopback, () => _out.Add("nobody")));

        // What was pushed out gives nothing back, and nothing is given back twice.
        second.Return();
        Assert.Null(places.TryTake(IPAddress.Loopback, () => _out.Add("nobody")));
        first.Return();
        first.Return();
        Assert.Equal(1, places.Taken);
        Take(places, "192.0.2.3", "fourth");
        Assert.Equal(["second"], _out);
    }

    [Fact]
    public void One_who_has_shown_who_it_is_keeps_so_many_and_the_rest_makes_room()
    {
        var places = new CallerPlaces(16, ofOne: 4);
        var held = new List<CallerPlaces.Place>();
        for (var i = 0; i < 20; i++)
        {
            held.Add(Take(places, "192.0.2.9", $"{i}"));
            held[^1].Keep("reader", isTrusted: false);
        }

        // Four are kept; the oldest of the others went.
        Assert.Equal(["4", "5", "6", "7"], _out);
        Take(places, "192.0.2.9", "administrator").Keep("administrator", isTrusted: true);
        Assert.Equal("8", _out[^1]);

        // One of the four ends: another may be kept.
        held[0].Return();
        held[19].Keep("reader", isTrusted: false);
        for (var i = 0; i < 40; i++)
        {
            Take(places, "192.0.2.1", "stranger");
        }

        Assert.DoesNotContain("19", _out);
        Assert.DoesNotContain("administrator", _out);
    }

    [Fact]
    public void Many_who_have_shown_who_they_are_leave_an_eighth_to_those_who_administer()
    {
        var places = new CallerPlaces(16, ofOne: 4);
        for (var i = 0; i < 40; i++)
        {
            Take(places, "192.0.2.9", $"{i}").Keep($"reader {i}", isTrusted: false);
        }

        // Places 0 to 13 are kept: whoever comes gets one of the other two, and who administers keeps it.
        Take(places, "192.0.2.9", "administrator").Keep("administrator", isTrusted: true);
        for (var i = 0; i < 10; i++)
        {
            Take(places, "192.0.2.1", "stranger");
        }

        Assert.DoesNotContain("administrator", _out);
        Assert.DoesNotContain("13", _out);
        Assert.Contains("14", _out);
    }

    [Fact]
    public void Whatever_comes_and_goes_no_more_than_the_places_are_taken_and_all_come_free()
    {
        const int Most = 50;
        var random = new Random(7);
        var places = new CallerPlaces(Most, 12);
        var inside = new List<CallerPlaces.Place>();
        for (var i = 0; i < 20_000; i++)
        {
            var taken = places.TryTake(new IPAddress([10, 0, 0, (byte)random.Next(20)]), () => _out.Add("out"));
            if (taken is not null)
            {
                inside.Add(taken);
            }

            if (random.Next(3) == 0)
            {
                inside[random.Next(inside.Count)].Keep($"{random.Next(6)}", random.Next(10) == 0);
            }

            while (inside.Count > 0 && random.Next(2) == 0)
            {
                var at = random.Next(inside.Count);
                inside[at].Return();
                inside.RemoveAt(at);
            }

            Assert.InRange(places.Taken, 0, Most);
        }

        inside.ForEach(place => place.Return());
        Assert.Equal(0, places.Taken);
        Assert.NotEmpty(_out);
    }
}
