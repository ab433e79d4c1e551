using System.Net;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>BEP 14: when we announce to the local network, and from whom we listen.</summary>
public sealed class LocalDiscoveryTests
{
    private static readonly IPAddress Neighbour = IPAddress.Parse("192.168.1.2");

    private static InfoHash Hash(int i) => new([.. BitConverter.GetBytes(i), .. new byte[16]]);

    private static LocalAnnounceSchedule Schedule() => new(LocalAnnounceLimits.Default, () => 0);

    private static TimeSpan At(double seconds) => TimeSpan.FromSeconds(seconds);

    [Fact]
    public void The_first_torrent_is_announced_at_once_and_again_after_five_minutes()
    {
        var schedule = Schedule();
        Assert.Empty(schedule.Next(At(0)));
        schedule.Add(Hash(1), At(1));
        Assert.Equal([Hash(1)], schedule.Next(At(1)));
        Assert.Empty(schedule.Next(At(300)));
        Assert.Equal([Hash(1)], schedule.Next(At(301)));
        schedule.Remove(Hash(1));
        Assert.Empty(schedule.Next(At(10_000)));
    }

    [Fact]
    public void There_is_at_most_one_announce_a_minute_and_many_torrents_share_it()
    {
        var schedule = Schedule();
        schedule.Add(Hash(0), At(0));
        Assert.Single(schedule.Next(At(0)));
        for (var i = 1; i <= 60; i++)
        {
            schedule.Add(Hash(i), At(1));
        }

        var sent = new List<(int At, InfoHash[] Names)>();
        for (var second = 0; second < 1200; second++)
        {
            if (schedule.Next(At(second)) is { Count: > 0 } names)
            {
                sent.Add((second, [.. names]));
            }
        }

        Assert.All(sent.Zip(sent.Skip(1)), pair => Assert.True(pair.Second.At - pair.First.At >= 60));
        Assert.All(sent, one => Assert.InRange(one.Names.Length, 1, LocalAnnounce.MaxInfoHashes));
        Assert.Equal(61, sent.Take(4).SelectMany(one => one.Names).Concat([Hash(0)]).Distinct().Count());
        // Each has its turn about every five minutes.
        Assert.All(sent.SelectMany(one => one.Names).CountBy(name => name), count => Assert.InRange(count.Value, 3, 5));
    }

    [Fact]
    public void Who_sends_too_much_is_not_heard_and_takes_nothing_from_others()
    {
        var schedule = Schedule();
        var heard = Enumerable.Range(0, 10_000).Count(i => schedule.MayHear(Neighbour, At(i / 1000.0)));
        Assert.InRange(heard, 10, 13);
        Assert.True(schedule.MayHear(IPAddress.Parse("192.168.1.3"), At(10)));

        // From addresses without end: in all fifty a second.
        heard = Enumerable
            .Range(0, 100_000)
            .Count(i => schedule.MayHear(new IPAddress([10, (byte)(i >> 16), (byte)(i >> 8), (byte)i]), At(20)));
        Assert.InRange(heard, 1, 50);
    }

    [Fact]
    public async Task Others_are_found_and_we_are_not()
    {
        var network = new FakeMulticast();
        var time = new VirtualTime();
        await using var discovery = new LocalDiscovery(network, 7777, new Random(1), time, Assert.Null);
        var found = new List<CandidateBatch>();
        discovery.Add([Hash(1), Hash(2)], found.Add);
        discovery.Tick();
        var own = await network.Sent.Task.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.True(LocalAnnounce.TryRead(own, out var announce));
        Assert.Equal((7777, 2), (announce.Port, announce.InfoHashes.Count));

        network.Receive(Neighbour, own);
        Assert.Empty(found);
        network.Receive(Neighbour, (announce with { Cookie = "another", Port = 5 }).Write(LocalAnnounce.GroupV4));
        Assert.Equal(2, found.Count);
        Assert.Equal(new IPEndPoint(Neighbour, 5), Assert.Single(found[0].EndPoints));
        Assert.Equal(PeerSource.LocalDiscovery, found[0].Source);

        // Nothing of torrents that are not ours, or no longer; and whatever it says, it is not said for ever.
        discovery.Remove([Hash(1), Hash(2)]);
        network.Receive(Neighbour, new LocalAnnounce(5, [Hash(1), Hash(3)], null).Write(LocalAnnounce.GroupV4));
        discovery.Add([Hash(1)], found.Add);
        for (var i = 0; i < 100; i++)
        {
            network.Receive(Neighbour, new LocalAnnounce(5, [Hash(1)], null).Write(LocalAnnounce.GroupV4));
        }

        Assert.InRange(found.Count, 3, 12);
    }

    private sealed class FakeMulticast : ILocalMulticast
    {
        private Action<IPAddress, ReadOnlyMemory<byte>> _receive = (_, _) => { };

        public TaskCompletionSource<byte[]> Sent { get; } = new();

        public void Start(Action<IPAddress, ReadOnlyMemory<byte>> receive) => _receive = receive;

        public void Send(Func<IPEndPoint, byte[]> datagram) => Sent.TrySetResult(datagram(LocalAnnounce.GroupV4));

        public void Receive(IPAddress source, byte[] datagram) => _receive(source, datagram);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
