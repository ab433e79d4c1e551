using System.Net;
using Shoal.Protocol;
using Shoal.Testing;
using Shoal.Tracker;

namespace Shoal.UnitTests;

public sealed class RegistryTests
{
    private static readonly InfoHash Torrent = Hash(1);
    private static readonly PeerId Id = new("-SH0001-abcdefghijkl"u8);

    private static InfoHash Hash(int number)
    {
        var bytes = new byte[20];
        BitConverter.TryWriteBytes(bytes.AsSpan(12), number);
        return new InfoHash(bytes);
    }

    internal static AnnounceRequest Request(int port, long left, AnnounceEvent happened = AnnounceEvent.None) =>
        new()
        {
            InfoHash = Torrent,
            PeerId = Id,
            Port = (ushort)port,
            Left = left,
            Event = happened,
        };

    private sealed class Tracker(RegistryLimits? limits = null)
    {
        public Registry Registry { get; } = new(limits ?? new RegistryLimits(), 1);
        public TimeSpan Now { get; set; }

        public (RegistryAnswer Answer, List<IPEndPoint> Peers) Announce(
            AnnounceRequest request,
            string address,
            int wanted = 50
        )
        {
            var same = new byte[18 * 512];
            var other = new byte[18 * 512];
            var from = PeerAddress.From(IPAddress.Parse(address));
            var answer = Registry.Announce(request, from, wanted, same, other, Now);
            var peers = new List<IPEndPoint>();
            CompactPeers.Read(same.AsSpan(0, answer.Same), from.Family, 9999, peers);
            var otherFamily = from.IsV6
                ? System.Net.Sockets.AddressFamily.InterNetwork
                : System.Net.Sockets.AddressFamily.InterNetworkV6;
            CompactPeers.Read(other.AsSpan(0, answer.Other), otherFamily, 9999, peers);
            return (answer, peers);
        }
    }

    [Fact]
    public void PeersFindEachOtherAndNotThemselves()
    {
        var tracker = new Tracker();
        Assert.Empty(tracker.Announce(Request(1, 5), "10.0.0.1").Peers);
        Assert.Equal("10.0.0.1:1", Assert.Single(tracker.Announce(Request(2, 5), "10.0.0.2").Peers).ToString());
        Assert.Equal("10.0.0.2:2", Assert.Single(tracker.Announce(Request(1, 5), "10.0.0.1").Peers).ToString());
        Assert.Equal(2, tracker.Registry.Peers);
    }

    [Fact]
    public void SeedsAreNotGivenToSeedsNorPartialSeedsToPartialSeeds()
    {
        var tracker = new Tracker();
        tracker.Announce(Request(1, 0), "10.0.0.1");
        tracker.Announce(Request(2, 9, AnnounceEvent.Paused), "10.0.0.2");
        tracker.Announce(Request(3, 9), "10.0.0.3");
        Assert.Equal([3], Ports(tracker.Announce(Request(1, 0), "10.0.0.1")));
        Assert.Equal([3], Ports(tracker.Announce(Request(2, 9, AnnounceEvent.Paused), "10.0.0.2")));
        Assert.Equal([1, 2], Ports(tracker.Announce(Request(3, 9), "10.0.0.3")));
        // BEP 21: "it MUST add a fourth field, 'downloaders'. ... it does not include partial seeds."
        Assert.Equal(new ScrapeCounts(1, 0, 2, 1), tracker.Registry.Scrape(Torrent));

        static IEnumerable<int> Ports((RegistryAnswer, List<IPEndPoint> Peers) answer) =>
            answer.Peers.Select(peer => peer.Port).Order();
    }

    [Fact]
    public void AddressFamiliesAreApartAndShareTheAnswer()
    {
        var tracker = new Tracker();
        tracker.Announce(Request(1, 5), "2001:db8::1");
        tracker.Announce(Request(2, 5), "::ffff:10.0.0.2");
        var (answer, peers) = tracker.Announce(Request(3, 5), "10.0.0.3");
        Assert.Equal((6, 18), (answer.Same, answer.Other));
        Assert.Equal(["10.0.0.2:2", "[2001:db8::1]:1"], peers.Select(peer => peer.ToString()));
        Assert.Equal("10.0.0.2:2", Assert.Single(tracker.Announce(Request(3, 5), "10.0.0.3", 1).Peers).ToString());
        Assert.Equal(2, tracker.Announce(Request(1, 5), "2001:db8::1").Peers.Count);
    }

    [Fact]
    public void CompletedCountsOncePerPeerAndStoppedRemoves()
    {
        var tracker = new Tracker();
        tracker.Announce(Request(1, 5, AnnounceEvent.Started), "10.0.0.1");
        tracker.Announce(Request(1, 0, AnnounceEvent.Completed), "10.0.0.1");
        tracker.Announce(Request(1, 0, AnnounceEvent.Completed), "10.0.0.1");
        Assert.Equal(new ScrapeCounts(1, 1, 0, 0), tracker.Registry.Scrape(Torrent));
        Assert.Empty(tracker.Announce(Request(2, 5, AnnounceEvent.Stopped), "10.0.0.1").Peers);
        Assert.Equal(1, tracker.Registry.Peers);
        tracker.Announce(Request(1, 0, AnnounceEvent.Stopped), "10.0.0.1");
        Assert.Equal(0, tracker.Registry.Peers);
        Assert.Equal(new ScrapeCounts(0, 1, 0, 0), tracker.Registry.Scrape(Torrent));
    }

    [Fact]
    public void StoppedAndScrapeMakeNoSwarm()
    {
        var tracker = new Tracker();
        tracker.Announce(Request(1, 5, AnnounceEvent.Stopped), "10.0.0.1");
        tracker.Registry.Scrape(Torrent);
        Assert.Equal(0, tracker.Registry.Swarms);
    }

    [Fact]
    public void WhoListensNowhereIsAnsweredAndNotListed()
    {
        var tracker = new Tracker();
        tracker.Announce(Request(1, 5), "10.0.0.1");
        Assert.Single(tracker.Announce(Request(0, 5), "10.0.0.2").Peers);
        Assert.Equal(1, tracker.Registry.Peers);
    }

    [Fact]
    public void SilentPeersAreForgottenAndTheirSwarmsToo()
    {
        var tracker = new Tracker(new RegistryLimits { PeerLifetime = TimeSpan.FromMinutes(10) });
        for (var i = 1; i <= 100; i++)
        {
            tracker.Announce(Request(i, i % 3) with { InfoHash = Hash(i % 10) }, $"10.0.0.{i}");
        }

        tracker.Now = TimeSpan.FromMinutes(9);
        tracker.Announce(Request(1, 1) with { InfoHash = Hash(1) }, "10.0.0.1");
        tracker.Registry.Expire(tracker.Now, 100);
        Assert.Equal(100, tracker.Registry.Peers);
        tracker.Now = TimeSpan.FromMinutes(11);
        tracker.Registry.Expire(tracker.Now, 3);
        Assert.InRange(tracker.Registry.Swarms, 7, 9);
        tracker.Registry.Expire(tracker.Now, 100);
        Assert.Equal((1, 1), (tracker.Registry.Peers, tracker.Registry.Swarms));
    }

    [Fact]
    public void LimitsHold()
    {
        var tracker = new Tracker(
            new RegistryLimits
            {
                MaxSwarms = 2,
                MaxPeers = 5,
                MaxPeersPerSwarm = 3,
                MaxPeersPerAddress = 2,
            }
        );
        for (var i = 1; i <= 10; i++)
        {
            tracker.Announce(Request(i, 5), $"10.0.0.{i}");
        }

        Assert.Equal(3, tracker.Registry.Peers);
        for (var i = 1; i <= 10; i++)
        {
            tracker.Now += TimeSpan.FromSeconds(1);
            tracker.Announce(Request(i, 5) with { InfoHash = Hash(2) }, "10.0.0.1");
        }

        // The newest two of that address: who restarts with another port is listed under that one.
        var (_, peers) = tracker.Announce(Request(0, 5) with { InfoHash = Hash(2) }, "10.0.0.9");
        Assert.Equal([9, 10], peers.Select(peer => peer.Port).Order());
        Assert.Equal(5, tracker.Registry.Peers);
        var refused = tracker.Announce(Request(1, 5) with { InfoHash = Hash(3) }, "10.0.0.1");
        Assert.Equal(RegistryOutcome.TooManySwarms, refused.Answer.Outcome);
    }

    [Fact]
    public void OneHouseholdOfIpv6IsOneAddress()
    {
        var tracker = new Tracker(new RegistryLimits { MaxPeersPerAddress = 2 });
        for (var i = 1; i <= 40; i++)
        {
            tracker.Announce(Request(i, 5), $"2001:db8:0:1::{i}");
        }

        Assert.Equal(2, tracker.Registry.Peers);
        tracker.Announce(Request(1, 5), "2001:db8:0:2::1");
        Assert.Equal(3, tracker.Registry.Peers);
    }

    [Fact]
    public void EveryPeerIsChosenEquallyOften()
    {
        const int peers = 40;
        const int wanted = 5;
        const int rounds = 8000;
        var tracker = new Tracker();
        for (var i = 1; i <= peers; i++)
        {
            tracker.Announce(Request(i, i % 2), $"10.0.0.{i}");
        }

        var chosen = new int[peers + 1];
        for (var i = 0; i < rounds; i++)
        {
            var (_, given) = tracker.Announce(Request(1, 1), "10.0.0.1", wanted);
            Assert.Equal(wanted, given.Distinct().Count());
            given.ForEach(peer => chosen[peer.Port]++);
        }

        Assert.Equal(0, chosen[1]);
        // 8000 * 5 / 39 = 1026 each; 5 standard deviations of a binomial are about 150.
        Assert.All(chosen.Skip(2), count => Assert.InRange(count, 1026 - 150, 1026 + 150));
    }

    [Theory]
    [InlineData(0, 5)]
    [InlineData(5, 5)]
    [InlineData(6, 5)]
    [InlineData(1000, 512)]
    public void SamplesAreDistinctAndInRange(int bound, int wanted)
    {
        var random = new TrackerRandom(7);
        var chosen = new int[wanted];
        var count = random.Sample(bound, chosen);
        Assert.Equal(Math.Min(bound, wanted), count);
        Assert.Equal(count, chosen[..count].Distinct().Count());
        Assert.All(chosen[..count], number => Assert.InRange(number, 0, bound - 1));
    }

    [Fact]
    public void RegistryDoesWhatANaiveOneDoes() =>
        Fuzz.Run(
            60,
            random =>
            {
                var tracker = new Tracker(new RegistryLimits { PeerLifetime = TimeSpan.FromSeconds(100) });
                var oracle = new Dictionary<(InfoHash, string, int), (AnnounceRequest Request, TimeSpan Heard)>();
                for (var step = 0; step < 400; step++)
                {
                    tracker.Now += TimeSpan.FromSeconds(random.Next(3));
                    var request = Request(random.Next(1, 4), random.Next(3), (AnnounceEvent)random.Next(5)) with
                    {
                        InfoHash = Hash(random.Next(3)),
                    };
                    var address = random.Next(2) == 0 ? $"10.0.0.{random.Next(60)}" : $"2001:db8:{random.Next(60)}::1";
                    var key = (request.InfoHash, address, (int)request.Port);
                    var (answer, peers) = tracker.Announce(request, address, 500);
                    oracle.Remove(key);
                    if (request.Event == AnnounceEvent.Stopped)
                    {
                        Assert.Empty(peers);
                    }
                    else
                    {
                        oracle[key] = (request, tracker.Now);
                        var wantsAll = request.Left > 0 && request.Event != AnnounceEvent.Paused;
                        var expected = oracle
                            .Where(other => other.Key.Item1 == request.InfoHash && other.Key != key)
                            .Where(other => wantsAll || IsDownloader(other.Value.Request))
                            .Select(other =>
                                new IPEndPoint(IPAddress.Parse(other.Key.Item2), other.Key.Item3).ToString()
                            );
                        Assert.Equal(expected.Order(), peers.Select(peer => peer.ToString()).Order());
                    }

                    if (random.Next(20) == 0)
                    {
                        tracker.Registry.Expire(tracker.Now, 100);
                        var since = Math.Floor((tracker.Now - TimeSpan.FromSeconds(100)).TotalSeconds);
                        foreach (
                            var old in oracle.Where(peer => Math.Floor(peer.Value.Heard.TotalSeconds) < since).ToList()
                        )
                        {
                            oracle.Remove(old.Key);
                        }
                    }

                    var counts = tracker.Registry.Scrape(request.InfoHash);
                    var swarm = oracle.Where(peer => peer.Key.Item1 == request.InfoHash).ToList();
                    Assert.Equal(swarm.Count(peer => peer.Value.Request.Left == 0), counts.Seeds);
                    Assert.Equal(swarm.Count(peer => IsDownloader(peer.Value.Request)), counts.Downloaders);
                    Assert.Equal(swarm.Count, counts.Seeds + counts.Leeches);
                    Assert.Equal(oracle.Count, tracker.Registry.Peers);
                }
            }
        );

    private static bool IsDownloader(AnnounceRequest request) =>
        request.Left > 0 && request.Event != AnnounceEvent.Paused;
}
