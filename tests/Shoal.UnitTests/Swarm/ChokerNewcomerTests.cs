using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>Places for those who have just come, before they say that they want something: <see cref="Choker"/>.</summary>
public sealed class ChokerNewcomerTests
{
    private const int Places = 4;

    [Fact]
    public void Who_has_just_come_may_ask_before_it_says_that_it_wants_something()
    {
        var fixture = Seed();
        var peer = Come(fixture, out var effects);
        Assert.Single(effects, SwarmFixture.IsSend(MessageId.Unchoke).Invoke);
        Assert.DoesNotContain(
            fixture.Message(peer, MessageId.Interested),
            SwarmFixture.IsSend(MessageId.Unchoke).Invoke
        );
        Assert.Contains(Ask(fixture, peer), effect => effect.Disk.Kind == DiskRequestKind.ReadBlock);
    }

    [Fact]
    public void Half_of_the_places_wait_for_those_who_want_something()
    {
        var fixture = Seed();
        var unchoked = 0;
        for (var i = 0; i < 10; i++)
        {
            Come(fixture, out var effects);
            unchoked += effects.Count(SwarmFixture.IsSend(MessageId.Unchoke));
        }

        Assert.Equal(Places / 2, unchoked);
        // They take nothing from those.
        for (var i = 0; i < Places; i++)
        {
            var peer = fixture.Join(out _, PeerCapabilities.None);
            Assert.Single(fixture.Message(peer, MessageId.Interested), SwarmFixture.IsSend(MessageId.Unchoke).Invoke);
        }
    }

    [Fact]
    public void Nobody_is_let_ask_for_what_it_has_or_may_not_know()
    {
        var fixture = new SwarmFixture(Torrent(), change: Limit);
        Come(fixture, out var effects);
        Assert.DoesNotContain(effects, SwarmFixture.IsSend(MessageId.Unchoke).Invoke);

        fixture = new SwarmFixture(Torrent(), isSeed: true, options => Limit(options) with { SuperSeeding = true });
        Come(fixture, out effects);
        Assert.DoesNotContain(effects, SwarmFixture.IsSend(MessageId.Unchoke).Invoke);

        fixture = new SwarmFixture(
            Torrent(),
            isSeed: true,
            options => options with { Limits = new SwarmLimits { UploadSlots = 0 } }
        );
        Come(fixture, out effects);
        Assert.DoesNotContain(effects, SwarmFixture.IsSend(MessageId.Unchoke).Invoke);
    }

    [Fact]
    public void A_place_that_nobody_uses_is_kept_over_a_round_and_then_taken_back()
    {
        var fixture = Seed();
        Come(fixture, out _);
        Assert.DoesNotContain(Wait(fixture, seconds: 25), SwarmFixture.IsSend(MessageId.Choke).Invoke);
        Assert.Single(Wait(fixture, seconds: 20), SwarmFixture.IsSend(MessageId.Choke).Invoke);
    }

    [Fact]
    public void Nobody_has_such_a_place_twice()
    {
        var fixture = Seed();
        var peer = Come(fixture, out _);
        Wait(fixture, seconds: 45);
        var effects = fixture.Message(peer, MessageId.Bitfield, payload: new byte[1]);
        Assert.DoesNotContain(effects, SwarmFixture.IsSend(MessageId.Unchoke).Invoke);
    }

    [Fact]
    public void Who_says_that_it_wants_nothing_loses_it_in_the_next_round()
    {
        var fixture = Seed();
        Wait(fixture, seconds: 1);
        fixture.Message(Come(fixture, out _), MessageId.NotInterested);
        Assert.Single(Wait(fixture, seconds: 10), SwarmFixture.IsSend(MessageId.Choke).Invoke);
    }

    [Fact]
    public void It_is_taken_back_in_the_next_round_where_others_want_all_places()
    {
        var fixture = Seed();
        Wait(fixture, seconds: 1);
        Come(fixture, out _);
        for (var i = 0; i < Places; i++)
        {
            fixture.Message(fixture.Join(out _), MessageId.Interested);
        }

        Assert.Single(Wait(fixture, seconds: 10), SwarmFixture.IsSend(MessageId.Choke).Invoke);
    }

    [Fact]
    public void Who_asks_and_says_that_it_wants_nothing_is_counted_all_the_same()
    {
        var fixture = Seed();
        for (var i = 0; i < Places / 2; i++)
        {
            Ask(fixture, Come(fixture, out _));
        }

        var unchoked = 0;
        for (var i = 0; i < Places; i++)
        {
            var peer = fixture.Join(out _);
            unchoked += fixture.Message(peer, MessageId.Interested).Count(SwarmFixture.IsSend(MessageId.Unchoke));
        }

        Assert.Equal(Places / 2, unchoked);
    }

    private static BuiltTorrent Torrent() => new TorrentBuilder(TorrentFormat.V1).Single(8 * 16 * 1024).Build();

    private static SwarmFixture Seed() => new(Torrent(), isSeed: true, Limit);

    /// <summary>Exactly so many places, also while nothing is sent.</summary>
    private static SwarmOptions Limit(SwarmOptions options) =>
        options with
        {
            Limits = new SwarmLimits { UploadSlots = Places, MaxUploadSlots = Places },
        };

    private static PeerHandle Come(SwarmFixture fixture, out List<SwarmEffect> effects)
    {
        var peer = fixture.Join(out _);
        effects = fixture.Message(peer, MessageId.HaveNone);
        return peer;
    }

    private static List<SwarmEffect> Ask(SwarmFixture fixture, PeerHandle peer) =>
        fixture.Message(peer, MessageId.Request, 0, 0, 16 * 1024);

    private static List<SwarmEffect> Wait(SwarmFixture fixture, int seconds)
    {
        var effects = new List<SwarmEffect>();
        for (var i = 0; i < seconds * 10; i++)
        {
            fixture.Now += TimeSpan.FromMilliseconds(100);
            effects.AddRange(fixture.Do(new SwarmEvent(SwarmEventKind.Tick)));
        }

        return effects;
    }
}
