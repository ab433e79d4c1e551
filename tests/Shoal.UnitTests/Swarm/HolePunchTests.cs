using System.Net;
using System.Text;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>BEP 55 in its three roles, and what nobody can make us do by it.</summary>
public sealed partial class HolePunchTests
{
    private const DialHints Punch = DialHints.UtpOnly | DialHints.Punch;

    private const int OurPort = 7777;
    private const string Speaks = "12:ut_holepunchi9e6:ut_pexi7e";
    private static readonly BuiltTorrent Torrent = new TorrentBuilder(TorrentFormat.V1).Single(100_000, 5).Build();

    private readonly SwarmFixture _fixture = new(Torrent, change: WithPunching);

    private static SwarmOptions WithPunching(SwarmOptions options) =>
        options with
        {
            ListenPort = OurPort,
            ExternalAddresses = [IPAddress.Parse("9.9.9.9")],
            UseHolePunch = true,
        };

    private static IPEndPoint At(string text) => IPEndPoint.Parse(text);

    // The relay.

    [Fact]
    public void Both_are_told_to_call_where_the_other_is_seen()
    {
        var one = Join("20.0.0.1:5001", TransportKind.Utp);
        // It says that it listens on another port than its router gives it.
        var two = Join("30.0.0.1:40001", TransportKind.Utp, listens: 6881);
        var sent = Ask(one, "30.0.0.1:6881");
        Assert.Equal([(two, Connect("20.0.0.1:5001")), (one, Connect("30.0.0.1:40001"))], sent);
        Assert.Equal([(two, Connect("20.0.0.1:5001")), (one, Connect("30.0.0.1:40001"))], Ask(one, "30.0.0.1:40001"));
    }

    [Theory]
    // Not there, not able, ourselves, itself.
    [InlineData("31.0.0.1:5000", HolepunchError.NotConnected)]
    [InlineData("30.0.0.2:5000", HolepunchError.NoSupport)]
    [InlineData("9.9.9.9:7777", HolepunchError.NoSelf)]
    [InlineData("20.0.0.1:5001", HolepunchError.NoSuchPeer)]
    // Nothing in our network or on this machine, connected to us or not, and nothing that is no host.
    [InlineData("10.0.0.1:5000", HolepunchError.NoSuchPeer)]
    [InlineData("192.168.1.1:5000", HolepunchError.NoSuchPeer)]
    [InlineData("127.0.0.1:5000", HolepunchError.NoSuchPeer)]
    [InlineData("[::ffff:127.0.0.1]:5000", HolepunchError.NoSuchPeer)]
    [InlineData("224.0.0.1:5000", HolepunchError.NoSuchPeer)]
    public void Who_cannot_be_introduced_is_said_and_nobody_is_bothered(string target, HolepunchError error)
    {
        var one = Join("20.0.0.1:5001", TransportKind.Utp);
        Join("30.0.0.2:5000", TransportKind.Utp, extensions: "");
        Join("10.0.0.1:5000", TransportKind.Utp);
        var expected = new UtHolepunch(HolepunchKind.Error, At(target), error);
        Assert.Equal([(one, expected)], Ask(one, At(target)), Same);

        static bool Same((PeerHandle, UtHolepunch) a, (PeerHandle, UtHolepunch) b) =>
            a.Item1 == b.Item1
            && a.Item2.Error == b.Item2.Error
            && a.Item2.EndPoint.Port == b.Item2.EndPoint.Port
            && a.Item2.EndPoint.Address.MapToIPv6().Equals(b.Item2.EndPoint.Address.MapToIPv6());
    }

    [Fact]
    public void A_local_peer_is_not_named_to_the_world_nor_one_whose_port_nobody_knows()
    {
        var global = Join("20.0.0.1:5001", TransportKind.Utp);
        var local = Join("10.0.0.1:5000", TransportKind.Utp);
        // A local peer may know a global one, but cannot be named to it.
        Assert.Equal(HolepunchError.NoSuchPeer, Assert.Single(Ask(local, "20.0.0.1:5001")).Message.Error);
        // It called by TCP and did not say where it listens.
        Join("30.0.0.1:5000", TransportKind.Tcp);
        Assert.Equal(HolepunchError.NoSuchPeer, Assert.Single(Ask(global, "30.0.0.1:5000")).Message.Error);
    }

    [Fact]
    public void Who_does_not_speak_it_is_not_answered()
    {
        var silent = Join("20.0.0.1:5001", TransportKind.Utp, extensions: "6:ut_pexi7e");
        Join("30.0.0.1:5000", TransportKind.Utp);
        Assert.Empty(Ask(silent, "30.0.0.1:5000"));
    }

    [Fact]
    public void Who_asks_without_end_is_answered_a_little_and_all_together_not_much_more()
    {
        Join("30.0.0.1:5000", TransportKind.Utp);
        var one = Join("20.0.0.1:5001", TransportKind.Utp);
        var answers = Enumerable.Range(0, 500).Sum(_ => Ask(one, "30.0.0.1:5000").Count);
        Assert.Equal(2 * 20, answers);

        // Another connection from there is no new credit.
        Leave(one);
        one = Join("20.0.0.1:5002", TransportKind.Utp);
        Assert.Empty(Ask(one, "30.0.0.1:5000"));

        var total = answers;
        for (var i = 0; i < 20; i++)
        {
            var other = Join($"21.0.{i}.1:5001", TransportKind.Utp);
            total += Enumerable.Range(0, 50).Sum(_ => Ask(other, "30.0.0.1:5000").Count);
        }

        Assert.InRange(total, 2 * 50, 2 * 100);
        Seconds(60);
        Assert.InRange(Enumerable.Range(0, 50).Sum(_ => Ask(one, "30.0.0.1:5000").Count), 2 * 9, 2 * 11);
    }

    // The initiator.

    [Fact]
    public void Where_a_call_is_not_answered_the_peer_that_named_the_address_introduces_us()
    {
        var relay = Join("20.0.0.1:5001", TransportKind.Utp);
        Assert.Equal(
            [(At("30.0.0.1:5000"), DialHints.None)],
            Calls(Tell(relay, PexFlags.SupportsHolepunch, "30.0.0.1:5000"))
        );
        Assert.Equal([(relay, Rendezvous("30.0.0.1:5000"))], Sent(Seconds(2)));

        // The relay may see it at another port.
        Assert.Equal([(At("30.0.0.1:40001"), Punch)], Calls(Say(relay, Connect("30.0.0.1:40001"))));
        Join("30.0.0.1:40001", TransportKind.Utp, isOutgoing: true);
        Assert.Equal(PeerSource.HolePunch, SourceOf("30.0.0.1:40001") & PeerSource.HolePunch);
        Assert.Empty(Sent(Seconds(300)));
    }

    [Fact]
    public void The_target_may_call_before_the_relay_has_answered_us()
    {
        var relay = Join("20.0.0.1:5001", TransportKind.Utp);
        Tell(relay, PexFlags.SupportsHolepunch, "30.0.0.1:5000", "40.0.0.1:5000");
        Seconds(2);
        Join("30.0.0.1:40001", TransportKind.Utp);
        Assert.Equal(PeerSource.HolePunch, SourceOf("30.0.0.1:40001") & PeerSource.HolePunch);
        // Our own call got through without any introduction; and TCP is none.
        Join("40.0.0.1:5000", TransportKind.Utp, isOutgoing: true);
        Join("30.0.0.1:5000", TransportKind.Tcp);
        Assert.Equal(PeerSource.None, (SourceOf("40.0.0.1:5000") | SourceOf("30.0.0.1:5000")) & PeerSource.HolePunch);
    }

    [Fact]
    public void A_refused_call_is_enough_reason_and_who_says_that_the_target_speaks_it_is_asked_first()
    {
        var unsure = Join("20.0.0.1:5001", TransportKind.Utp);
        var sure = Join("20.0.1.1:5001", TransportKind.Utp);
        Tell(unsure, PexFlags.None, "30.0.0.1:5000");
        Tell(sure, PexFlags.SupportsHolepunch, "30.0.0.1:5000");
        Assert.Equal([(sure, Rendezvous("30.0.0.1:5000"))], Sent(Fail("30.0.0.1:5000")));
        // It cannot: the other one. It does not answer: nobody, for some minutes.
        var error = new UtHolepunch(HolepunchKind.Error, At("30.0.0.1:5000"), HolepunchError.NotConnected);
        Assert.Equal([(unsure, Rendezvous("30.0.0.1:5000"))], Sent(Say(sure, error)));
        Assert.Empty(Sent(Seconds(10)));
        Assert.Empty(Sent(Fail("30.0.0.1:5000")));
    }

    [Fact]
    public void Errors_are_never_answered_and_mean_nothing_where_nothing_was_asked()
    {
        var peer = Join("20.0.0.1:5001", TransportKind.Utp);
        for (var i = 0; i < 100; i++)
        {
            var error = new UtHolepunch(HolepunchKind.Error, At($"30.0.{i}.1:5000"), HolepunchError.NotConnected);
            Assert.Empty(Say(peer, error));
        }
    }

    [Fact]
    public void A_relay_that_leaves_is_replaced()
    {
        var first = Join("20.0.0.1:5001", TransportKind.Utp);
        Tell(first, PexFlags.SupportsHolepunch, "30.0.0.1:5000");
        var second = Join("20.0.1.1:5001", TransportKind.Utp);
        Tell(second, PexFlags.SupportsHolepunch, "30.0.0.1:5000");
        Assert.Equal([(first, Rendezvous("30.0.0.1:5000"))], Sent(Fail("30.0.0.1:5000")));
        Assert.Equal([(second, Rendezvous("30.0.0.1:5000"))], Sent(Leave(first)));
    }

    // The target.

    [Fact]
    public void Told_to_call_we_call_by_utp_and_the_other_call_is_known_by_that()
    {
        var relay = Join("20.0.0.1:5001", TransportKind.Utp);
        Assert.Equal([(At("30.0.0.1:5000"), Punch)], Calls(Say(relay, Connect("30.0.0.1:5000"))));
        // Whichever of the two calls gets through.
        Join("30.0.0.1:5000", TransportKind.Utp);
        Assert.Equal(PeerSource.HolePunch, SourceOf("30.0.0.1:5000") & PeerSource.HolePunch);
        Assert.Empty(Calls(Say(relay, Connect("30.0.0.1:5000"))));
    }

    [Fact]
    public void When_both_calls_get_through_one_is_kept_and_nobody_calls_again()
    {
        var relay = Join("20.0.0.1:5001", TransportKind.Utp);
        Say(relay, Connect("30.0.0.1:5000"));
        var stranger = _fixture.Stranger(At("30.0.0.1:5000").Address) with
        {
            EndPoint = At("30.0.0.1:5000"),
            Transport = TransportKind.Utp,
        };
        _fixture.Join(out _, stranger);
        _fixture.Join(out var second, stranger with { IsOutgoing = true });
        var others = _fixture
            .Swarm.CreateStatus(_fixture.Now)
            .Peers.Where(peer => !peer.EndPoint.Equals(At("20.0.0.1:5001")));
        Assert.Single(others);
        Assert.Equal(DisconnectReason.Duplicate, SwarmFixture.Disconnection(second));
        Assert.Empty(Calls(Seconds(120)));
    }

    [Theory]
    [InlineData("30.0.0.1:53")]
    [InlineData("10.0.0.5:5000")]
    [InlineData("192.168.0.1:5000")]
    [InlineData("169.254.169.254:8080")]
    [InlineData("127.0.0.1:5000")]
    [InlineData("224.0.0.1:5000")]
    [InlineData("255.255.255.255:5000")]
    [InlineData("9.9.9.9:7777")]
    public void Nobody_sends_us_to_services_into_our_network_or_to_ourselves(string endPoint)
    {
        var relay = Join("20.0.0.1:5001", TransportKind.Utp);
        Assert.Empty(Calls(Say(relay, Connect(endPoint))));
        Assert.Empty(Calls(Seconds(60)));
    }

    [Fact]
    public void One_relay_sends_us_to_few_and_many_relays_not_to_many_and_none_twice_to_the_same()
    {
        var calls = 0;
        var victim = 0;
        for (var i = 0; i < 30; i++)
        {
            var relay = Join($"20.0.{i}.1:5001", TransportKind.Utp);
            // Another port each time; and then whoever else.
            victim += Calls(Say(relay, Connect($"30.0.0.1:{5000 + i}"))).Length;
            var own = Enumerable.Range(0, 100).Sum(k => Calls(Say(relay, Connect($"40.{i}.{k}.1:5000"))).Length);
            Assert.InRange(own, 0, 5);
            calls += own;
        }

        Assert.Equal(1, victim);
        Assert.InRange(calls + victim, 10, 20);
        // An hour of it is twenty a minute at most, and those that do not answer are not called again and again.
        var hour = 0;
        var busy = Join("21.0.0.1:5001", TransportKind.Utp);
        for (var minute = 0; minute < 60; minute++)
        {
            Seconds(60);
            for (var k = 0; k < 100; k++)
            {
                var called = Calls(Say(busy, Connect($"50.{minute}.{k}.1:5000")));
                hour += called.Length;
                foreach (var (endPoint, _) in called)
                {
                    hour += Calls(Fail($"{endPoint}")).Length;
                }
            }
        }

        Assert.InRange(hour, 0, 60 * 10);
    }

    // Whether at all.

    [Theory]
    [InlineData(true, true)]
    [InlineData(false, false)]
    public void Private_or_switched_off_it_is_neither_offered_nor_obeyed(bool isPrivate, bool isOn)
    {
        var torrent = new TorrentBuilder(TorrentFormat.V1) { IsPrivate = isPrivate }
            .Single(100_000, 5)
            .Build();
        var fixture = new SwarmFixture(torrent, change: o => WithPunching(o) with { UseHolePunch = isOn });
        var peer = fixture.Join(out var greeting, fixture.Stranger(IPAddress.Parse("20.0.0.1")));
        Assert.DoesNotContain(UtHolepunch.Name, Offer(greeting).Keys);
        fixture.Message(peer, MessageId.Extended, 0, payload: Encoding.ASCII.GetBytes($"d1:md{Speaks}ee"));
        Assert.Empty(fixture.Message(peer, MessageId.Extended, Id, payload: Connect("30.0.0.1:5000").Write()));
        Assert.Empty(fixture.Message(peer, MessageId.Extended, Id, payload: Rendezvous("30.0.0.1:5000").Write()));
    }

    [Fact]
    public void Any_bytes_are_taken_or_end_the_connection()
    {
        Join("30.0.0.1:5000", TransportKind.Utp);
        byte[][] corpus = [Connect("30.1.0.1:5000").Write(), Rendezvous("30.0.0.1:5000").Write()];
        var peer = Join("20.0.0.1:5001", TransportKind.Utp);
        Fuzz.Run(
            5_000,
            random =>
            {
                var bytes = Fuzz.Mutate(random, corpus[random.Next(corpus.Length)]);
                if (
                    SwarmFixture.Disconnection(_fixture.Message(peer, MessageId.Extended, Id, payload: bytes))
                    is not null
                )
                {
                    peer = Join("20.0.0.1:5001", TransportKind.Utp);
                }
            }
        );
    }
}
