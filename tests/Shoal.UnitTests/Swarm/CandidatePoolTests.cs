using System.Net;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class CandidatePoolTests
{
    private static readonly BuiltTorrent Torrent = new TorrentBuilder(TorrentFormat.V1, 32768)
        .Single(131_000, 5)
        .Build();

    private static IPAddress Address(int network, int host) => new([20, 0, (byte)network, (byte)host]);

    [Fact]
    public void A_tracker_that_invents_thousands_of_peers_delays_nobody_elses()
    {
        var fixture = new SwarmFixture(Torrent);
        var invented = Enumerable.Range(0, 3000).Select(i => At(30 + (i >> 8), i & 255));
        var tried = Find(fixture, "http://liar.example/", [.. invented]).ToList();
        var honest = Enumerable.Range(0, 10).Select(i => At(90, i)).ToHashSet();
        tried.AddRange(Find(fixture, "http://honest.example/", [.. honest]));
        for (var second = 0; second < 30 && !honest.IsSubsetOf(tried); second++)
        {
            foreach (var endPoint in tried.Where(endPoint => !honest.Contains(endPoint)).ToArray())
            {
                tried.Remove(endPoint);
                var reason = (uint)DisconnectReason.ConnectTimeout;
                fixture.Do(new SwarmEvent(SwarmEventKind.ConnectFailed, Piece: reason, Payload: endPoint));
            }

            fixture.Now += TimeSpan.FromSeconds(1);
            tried.AddRange(Calls(fixture.Do(new SwarmEvent(SwarmEventKind.Tick))));
        }

        Assert.Superset(honest, tried.ToHashSet());
        Assert.InRange(fixture.Now, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        Assert.InRange(fixture.Swarm.CreateStatus(fixture.Now).CandidateCount, 0, 2000);
    }

    /// <summary>Candidates of one tracker take their turns with those of others only if each is known by its teller.</summary>
    [Fact]
    public void A_filter_leaves_who_named_the_others()
    {
        var batch = new CandidateBatch([At(1, 1), At(1, 2)], PeerSource.Tracker, "http://one.example/");
        var allowed = batch.Only(endPoint => endPoint.Equals(At(1, 2)));
        Assert.Equal([At(1, 2)], allowed.EndPoints);
        Assert.Equal((PeerSource.Tracker, "http://one.example/"), (allowed.Source, allowed.Teller));
    }

    private static IPEndPoint At(int network, int host) => new(Address(network, host), 6881);

    private static IEnumerable<IPEndPoint> Calls(IEnumerable<SwarmEffect> effects) =>
        effects.Where(e => e.Kind == SwarmEffectKind.Connect).Select(e => (IPEndPoint)e.Payload!);

    private static IEnumerable<IPEndPoint> Find(SwarmFixture fixture, string tracker, IPEndPoint[] peers)
    {
        var batch = new CandidateBatch(peers, PeerSource.Tracker, tracker);
        return Calls(fixture.Do(new SwarmEvent(SwarmEventKind.CandidatesFound, Payload: batch)));
    }
}
