using System.Net;
using Shoal.Engine;

namespace Shoal.UnitTests;

/// <summary>Who may decide at which address the world sees us: nobody alone, and nobody by being many of one kind.</summary>
public sealed class ExternalAddressJudgeTests
{
    private static readonly IPAddress True = IPAddress.Parse("8.1.2.3");
    private static readonly IPAddress False = IPAddress.Parse("66.6.6.6");

    private readonly ExternalAddressJudge _judge = new();
    private TimeSpan _now = TimeSpan.FromSeconds(1);

    [Fact]
    public void One_peer_decides_nothing_and_four_networks_do()
    {
        for (var i = 0; i < 100; i++)
        {
            // All of one /24 have one voice.
            Peer($"20.0.0.{i}", True);
        }

        Peer("20.0.1.1", True);
        Peer("20.0.2.1", True);
        Assert.Null(_judge.IPv4);
        Assert.True(Peer("20.0.3.1", True));
        Assert.Equal(True, _judge.IPv4);
        Assert.False(Peer("20.0.4.1", True));
        Assert.Null(_judge.IPv6);
    }

    [Fact]
    public void Each_family_has_an_outcome_of_its_own()
    {
        var six = IPAddress.Parse("2600::1");
        Assert.True(_judge.Hear(AddressWitness.Tracker, "tracker.example", True, _now));
        Assert.True(_judge.Hear(AddressWitness.Tracker, "tracker.example", six, _now));
        Assert.Equal((True, six), (_judge.IPv4, _judge.IPv6));
    }

    [Fact]
    public void A_hostile_minority_of_peers_changes_nothing_however_it_comes()
    {
        // First come, half of them.
        for (var i = 0; i < 6; i++)
        {
            Peer($"20.{i}.0.1", i % 2 == 0 ? False : True);
        }

        Assert.Null(_judge.IPv4);
        for (var i = 6; i < 12; i++)
        {
            Peer($"20.{i}.0.1", True);
        }

        Assert.Equal(True, _judge.IPv4);
        // A third of a large swarm, again and again.
        for (var round = 0; round < 100; round++)
        {
            _now += TimeSpan.FromMinutes(1);
            Peer($"21.{round}.0.1", round % 3 == 0 ? False : True);
            Assert.Equal(True, _judge.IPv4);
        }
    }

    [Fact]
    public void A_thousand_peers_are_one_kind_of_witness()
    {
        _judge.Hear(AddressWitness.Dht, "0", True, _now);
        _judge.Hear(AddressWitness.Router, "router", True, _now);
        for (var i = 0; i < 1000; i++)
        {
            Peer($"{20 + i / 250}.{i % 250}.0.1", False);
        }

        Assert.Equal(True, _judge.IPv4);
        // And as many trackers are another: two kinds against two change nothing.
        for (var i = 0; i < 1000; i++)
        {
            _judge.Hear(AddressWitness.Tracker, $"t{i}.example", False, _now);
        }

        Assert.Equal(True, _judge.IPv4);
    }

    [Fact]
    public void A_lying_router_loses_against_the_others_and_a_new_address_wins()
    {
        _judge.Hear(AddressWitness.Router, "router", False, _now);
        Assert.Equal(False, _judge.IPv4);
        _judge.Hear(AddressWitness.Dht, "0", True, _now);
        Assert.Equal(False, _judge.IPv4);
        _judge.Hear(AddressWitness.Tracker, "one.example", True, _now);
        _judge.Hear(AddressWitness.Tracker, "two.example", True, _now);
        Assert.Equal(True, _judge.IPv4);

        // The provider gives us another one: all say so, one after the other.
        var next = IPAddress.Parse("8.1.2.4");
        _judge.Hear(AddressWitness.Dht, "0", next, _now);
        Assert.Equal(True, _judge.IPv4);
        _judge.Hear(AddressWitness.Tracker, "one.example", next, _now);
        _judge.Hear(AddressWitness.Tracker, "two.example", next, _now);
        _judge.Hear(AddressWitness.Router, "router", next, _now);
        Assert.Equal(next, _judge.IPv4);
    }

    [Fact]
    public void Old_words_are_forgotten()
    {
        for (var i = 0; i < 20; i++)
        {
            Peer($"20.{i}.0.1", False);
        }

        Assert.Equal(False, _judge.IPv4);
        _now += TimeSpan.FromHours(2);
        for (var i = 0; i < 4; i++)
        {
            Peer($"30.{i}.0.1", True);
        }

        Assert.Equal(True, _judge.IPv4);
    }

    [Theory]
    [InlineData("20.0.0.1", "192.168.0.5")]
    [InlineData("20.0.0.1", "127.0.0.1")]
    [InlineData("20.0.0.1", "100.64.0.1")]
    [InlineData("20.0.0.1", "224.0.0.1")]
    [InlineData("192.168.0.7", "8.1.2.3")]
    public void What_only_local_networks_know_is_not_heard(string by, string address)
    {
        Assert.False(_judge.Hear(AddressWitness.Peer, IPAddress.Parse(by), IPAddress.Parse(address), _now));
        var who = $"tracker of {by}";
        var isLocal = NetworkReaches.Of(IPAddress.Parse(address)) != NetworkReach.Global;
        Assert.Equal(!isLocal, _judge.Hear(AddressWitness.Tracker, who, IPAddress.Parse(address), _now));
    }

    private bool Peer(string by, IPAddress address) =>
        _judge.Hear(AddressWitness.Peer, IPAddress.Parse(by), address, _now);
}
