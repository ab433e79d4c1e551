using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Shoal.Protocol;
using Shoal.Testing;
using Shoal.Tracker;

namespace Shoal.UnitTests;

public sealed class UdpTrackerHandlerTests
{
    private static readonly AnnounceRequest Sample = new()
    {
        InfoHash = new InfoHash("aaaaaaaaaaaaaaaaaaaa"u8),
        PeerId = new PeerId("-SH0001-abcdefghijkl"u8),
        Port = 1000,
        Left = 5,
    };

    private readonly byte[] _reply = new byte[UdpTrackerHandler.MaxReply];
    private readonly byte[] _datagram = new byte[2048];
    private PeerAddress? _local;

    private static PeerAddress Address(string text) => PeerAddress.From(IPAddress.Parse(text));

    private static UdpTrackerHandler Handler(TrackerOptions? options = null) =>
        new(new ShardedRegistry(options ?? new TrackerOptions()));

    private int Handle(UdpTrackerHandler handler, int length, string from) =>
        handler.Handle(_datagram.AsSpan(0, length), Address(from), _reply, TimeSpan.Zero, _ => _local);

    private long Connect(UdpTrackerHandler handler, string from)
    {
        var length = Handle(handler, UdpTrackerRequest.WriteConnect(1, _datagram), from);
        Assert.Equal(16, length);
        UdpTrackerAnswer.TryRead(_reply.AsSpan(0, length), UdpTrackerAction.Connect, 1, out var answer);
        return answer.ConnectionId;
    }

    private AnnounceAnswer Announce(UdpTrackerHandler handler, string from, AnnounceRequest request, string path = "")
    {
        var id = Connect(handler, from);
        var data = System.Text.Encoding.ASCII.GetBytes(path);
        var length = Handle(handler, UdpTrackerRequest.WriteAnnounce(2, id, request, data, _datagram), from);
        Assert.Equal(
            UdpTrackerFault.None,
            UdpTrackerAnswer.TryRead(_reply.AsSpan(0, length), UdpTrackerAction.Announce, 2, out var answer)
        );
        return answer.ToAnnounceAnswer(Address(from).Family, AnnounceLimits.Default);
    }

    [Fact]
    public void WhoIsInTheFilterGetsNoAnswer()
    {
        var handler = Handler(new TrackerOptions { Filter = HttpTrackerHandlerTests.Filter("10.0.0.1\n") });
        Assert.Equal(0, Handle(handler, UdpTrackerRequest.WriteConnect(1, _datagram), "10.0.0.1"));
        Connect(handler, "10.0.0.2");
    }

    [Fact]
    public void SipHashGivesThePaperWhatItSays()
    {
        // Appendix A of the paper: key 00..0f, message 00..0e.
        var message = Enumerable.Range(0, 15).Select(i => (byte)i).ToArray();
        Assert.Equal(0xa129ca6149be45e5, SipHash.Hash(0x0706050403020100, 0x0f0e0d0c0b0a0908, message));
        Assert.Equal(0x726fdb47dd0e0e31ul, SipHash.Hash(0x0706050403020100, 0x0f0e0d0c0b0a0908, []));
    }

    [Fact]
    public void ConnectionIdsLastTwoMinutesAndBelongToOneAddress()
    {
        var ids = new ConnectionIds();
        var issued = TimeSpan.FromSeconds(119);
        var id = ids.Issue(Address("10.0.0.1"), issued);
        Assert.True(ids.IsValid(id, Address("10.0.0.1"), issued + TimeSpan.FromSeconds(120)));
        Assert.False(ids.IsValid(id, Address("10.0.0.1"), issued + TimeSpan.FromSeconds(181)));
        Assert.False(ids.IsValid(id, Address("10.0.0.2"), issued));
        Assert.False(new ConnectionIds().IsValid(id, Address("10.0.0.1"), issued));
    }

    [Theory]
    [InlineData("10.0.0.1", "10.0.0.2")]
    [InlineData("2001:db8::1", "2001:db8::2")]
    [InlineData("::ffff:10.0.0.1", "10.0.0.2")]
    public void PeersFindEachOther(string first, string second)
    {
        var handler = Handler();
        Announce(handler, first, Sample);
        var answer = Announce(handler, second, Sample);
        var peer = Assert.Single(answer.Peers);
        Assert.Equal(CompactPeers.Unmap(IPAddress.Parse(first)), peer.Address);
        Assert.Equal((2, 0, TimeSpan.FromMinutes(30)), (answer.Leeches!.Value, answer.Seeds!.Value, answer.Interval));
    }

    // Checklist 17: "never answers more than it was asked in UDP before the address is proven".
    [Fact]
    public void UnprovenAddressesGetNoMoreThanTheySent()
    {
        var handler = Handler();
        for (var i = 1; i < 200; i++)
        {
            Announce(handler, $"10.0.0.{i}", Sample);
        }

        var announce = UdpTrackerRequest.WriteAnnounce(2, 12345, Sample, default, _datagram);
        Assert.Equal(0, Handle(handler, announce, "10.0.1.1"));
        var stolen = Connect(handler, "10.0.1.2");
        announce = UdpTrackerRequest.WriteAnnounce(2, stolen, Sample, default, _datagram);
        Assert.Equal(0, Handle(handler, announce, "10.0.1.1"));
        Assert.Equal(0, Handle(handler, UdpTrackerRequest.WriteScrape(2, 1, [Sample.InfoHash], _datagram), "10.0.1.1"));
        Fuzz.Run(
            20_000,
            random =>
            {
                var length = random.Next(0, 200);
                random.NextBytes(_datagram.AsSpan(0, length));
                if (random.Next(2) == 0)
                {
                    UdpTrackerRequest.WriteConnect(3, _datagram);
                    BinaryPrimitives.WriteInt32BigEndian(_datagram.AsSpan(8), random.Next(4));
                }

                Assert.True(Handle(handler, length, "10.0.1.1") <= length);
            }
        );
    }

    [Theory]
    [InlineData("10.0.{0}.{1}", 200)]
    [InlineData("2001:db8:{0}:{1}::1", 67)]
    public void AnswersFitIntoOnePacket(string addresses, int most)
    {
        var handler = Handler();
        for (var i = 0; i < 250; i++)
        {
            Announce(handler, string.Format(null, addresses, 1, i), Sample);
        }

        Assert.Equal(50, Announce(handler, string.Format(null, addresses, 2, 1), Sample).Peers.Count);
        var greedy = Sample with { Wanted = int.MaxValue };
        Assert.Equal(most, Announce(handler, string.Format(null, addresses, 2, 1), greedy).Peers.Count);
        Assert.Empty(Announce(handler, string.Format(null, addresses, 2, 1), Sample with { Wanted = 0 }).Peers);
    }

    [Fact]
    public void PeersOnTheTrackersMachineAreGivenUnderItsAddress()
    {
        var handler = Handler();
        Announce(handler, "127.0.0.1", Sample);
        Assert.Equal(
            "127.0.0.1:1000",
            Announce(handler, "127.0.0.1", Sample with { Port = 2 }).Peers.Single().ToString()
        );
        Assert.Empty(Announce(handler, "10.0.0.9", Sample).Peers);
        _local = Address("10.0.0.1");
        var seen = Announce(handler, "10.0.0.9", Sample).Peers.Select(peer => peer.ToString());
        Assert.Equal(["10.0.0.1:1000", "10.0.0.1:2"], seen.Order());
    }

    [Fact]
    public void OnlyListedInfoHashesAreServed()
    {
        var registry = new ShardedRegistry(new TrackerOptions { AllowOnlyListed = true });
        var handler = new UdpTrackerHandler(registry);
        Assert.Contains("not served", Announce(handler, "10.0.0.1", Sample).Failure);
        registry.Allow(Sample.InfoHash);
        Assert.Null(Announce(handler, "10.0.0.1", Sample).Failure);
        registry.Disallow(Sample.InfoHash);
        Assert.Contains("not served", Announce(handler, "10.0.0.1", Sample).Failure);
        Assert.Equal(0, registry.Scrape(Sample.InfoHash).Leeches);
        Assert.Equal((1, 2), (registry.Counters.UdpAnnounces, registry.Counters.Refused));
    }

    [Fact]
    public void SecretPathIsAskedForByUrlData()
    {
        var handler = Handler(new TrackerOptions { Path = "/secret" });
        Assert.Equal("wrong path", Announce(handler, "10.0.0.1", Sample).Failure);
        Assert.Equal("wrong path", Announce(handler, "10.0.0.1", Sample, "/secre").Failure);
        Assert.Null(Announce(handler, "10.0.0.1", Sample, "/secret?x=y").Failure);
    }

    [Fact]
    public void ScrapeCounts()
    {
        var handler = Handler();
        Announce(handler, "10.0.0.1", Sample);
        Announce(handler, "10.0.0.1", Sample with { Left = 0, Event = AnnounceEvent.Completed });
        Announce(handler, "10.0.0.2", Sample);
        var id = Connect(handler, "10.0.0.3");
        var hashes = Enumerable.Repeat(Sample.InfoHash, 80).ToArray();
        var length = Handle(handler, UdpTrackerRequest.WriteScrape(4, id, hashes, _datagram), "10.0.0.3");
        UdpTrackerAnswer.TryRead(_reply.AsSpan(0, length), UdpTrackerAction.Scrape, 4, out var answer);
        var counts = answer.ToScrapeAnswer(80);
        Assert.Equal(74, counts.Length);
        Assert.Equal(new ScrapeCounts(1, 1, 1), counts[0]);
    }
}
