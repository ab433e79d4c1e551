using System.Net;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.SimTests;

public sealed class DhtSimulationTests(ITestOutputHelper log)
{
    private const int Seed = 20261121;

    private static readonly DhtLimits Limits = new() { SourceCounters = 256 };

    [Fact]
    public void A_thousand_nodes_with_churn_loss_and_every_fifth_hostile_find_what_was_announced()
    {
        var world = new DhtWorld(Seed, loss: 0.02);
        var honest = new List<HonestNode>();
        var friends = new List<HostileNode>();
        var addresses = new List<IPEndPoint>();
        Populate(world, 1000, 0.2, honest, friends, addresses);
        world.Run(TimeSpan.FromMinutes(1));
        var joined = world.DatagramsSent;
        log.WriteLine($"seed {Seed}: {honest.Count} honest, {friends.Count} hostile; {joined} datagrams to join");

        // A tenth of the honest nodes goes away without a word, and as many new ones come.
        for (var i = 0; i < 80; i++)
        {
            var index = world.Random.Next(honest.Count);
            world.Remove(honest[index]);
            honest[index] = Join(world, honest, addresses);
            world.Run(TimeSpan.FromSeconds(0.5));
        }

        world.Run(TimeSpan.FromSeconds(60));

        var figures = AnnounceAndFind(world, honest, 200);

        var fooled = honest.Count(node => node.Dht.Nodes[0].ExternalAddress?.ToString() == "66.66.66.66");
        var sure = honest.Count(node => node.Dht.Nodes[0].ExternalAddress?.Equals(node.Address.Address) == true);
        log.WriteLine($"{fooled} of {honest.Count} are fooled about their address, {sure} are sure of it");
        log.WriteLine(figures.ToString());
        Assert.True(figures.Found >= figures.Tried * 0.99, figures.ToString());
        Assert.True(figures.MostQueries <= Limits.LookupQueries, figures.ToString());
        Assert.True(figures.MeanQueries <= 30, figures.ToString());
        // log2 of 1,000 is 10, and each answer takes several steps at once.
        Assert.True(figures.Hops.At(0.5) <= 4 && figures.Hops.At(0.99) <= 8, figures.ToString());
        Assert.True(figures.Datagrams.At(0.5) <= 50 && figures.Datagrams.At(0.99) <= 120, figures.ToString());
        // Hardly anybody believes the hostile nodes about his address.
        Assert.True(fooled <= honest.Count / 50, $"{fooled} of {honest.Count} are fooled about their address");
        Assert.True(sure >= honest.Count * 0.9, $"only {sure} of {honest.Count} are sure of their address");
    }

    [Fact]
    public void Honest_nodes_alone_need_few_queries_and_keep_items()
    {
        var world = new DhtWorld(Seed) { Verify = (key, message, proof) => proof.SequenceEqual(Sign(key, message)) };
        var honest = new List<HonestNode>();
        Populate(world, 200, 0, honest, [], []);
        world.Run(TimeSpan.FromMinutes(1));

        var figures = AnnounceAndFind(world, honest, 50);
        log.WriteLine(figures.ToString());
        Assert.Equal(50, figures.Found);
        Assert.True(figures.MeanQueries <= 20, figures.ToString());
        Assert.True(figures.MeanSeconds <= 0.5, figures.ToString());

        byte[] key = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
        var salt = "s"u8.ToArray();
        var immutable = DhtItem.Immutable("5:hello"u8.ToArray());
        Assert.True(Put(world, honest[1], new ItemPut(immutable)).StoredAt >= 6);
        Assert.Equal("5:hello"u8, Get(world, honest[50], ItemQuery.Immutable(immutable.Target)).Best!.Value);

        Assert.True(Put(world, honest[2], new ItemPut(Mutable(1))).StoredAt >= 6);
        Assert.True(Put(world, honest[3], new ItemPut(Mutable(2), CompareAndSwap: 1)).StoredAt >= 6);
        // Too late: the number is another by now.
        var late = Put(world, honest[4], new ItemPut(Mutable(2), CompareAndSwap: 1));
        Assert.Equal(KrpcErrorCode.CompareAndSwapMismatch, late.Refusal);
        var newest = Get(world, honest[60], ItemQuery.Mutable(key, salt)).Best!;
        Assert.Equal(2, newest.Signature!.Sequence);

        DhtItem Mutable(long sequence)
        {
            var value = "i1e"u8.ToArray();
            var proof = Sign(key, DhtItem.BytesToSign(salt, sequence, value));
            return new DhtItem(value, new KrpcSignature(key, sequence, proof), salt);
        }
    }

    [Fact]
    public void What_is_kept_is_there_after_hours_and_of_what_is_signed_the_newest()
    {
        var world = new DhtWorld(Seed) { Verify = (key, message, proof) => proof.SequenceEqual(Sign(key, message)) };
        var honest = new List<HonestNode>();
        Populate(world, 24, 0, honest, [], []);
        world.Run(TimeSpan.FromMinutes(1));
        byte[] key = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
        var kept = DhtItem.Immutable("4:kept"u8.ToArray());
        var left = DhtItem.Immutable("4:left"u8.ToArray());
        var signed = ItemQuery.Mutable(key, []);

        var number = honest[1].Do((dht, effects) => dht.KeepItem(kept, false, world.Now, effects), world);
        honest[2].Do((dht, effects) => dht.KeepItem(Mutable(1), false, world.Now, effects), world);
        Assert.True(Put(world, honest[1], new ItemPut(left)).StoredAt >= 6);
        Assert.True(Put(world, honest[3], new ItemPut(Mutable(2))).StoredAt >= 6);
        world.Run(TimeSpan.FromMinutes(190));

        Assert.Equal("4:kept"u8, Get(world, honest[10], ItemQuery.Immutable(kept.Target)).Best!.Value);
        Assert.Null(Get(world, honest[10], ItemQuery.Immutable(left.Target)).Best);
        Assert.Equal(2, Get(world, honest[11], signed).Best!.Signature!.Sequence);
        Assert.Equal(4, honest[1].Results.OfType<DhtResult.ItemKept>().Count(put => put.StoredAt > 0));

        // No longer wanted, it goes as others do.
        honest[1].Dht.Cancel(number);
        world.Run(TimeSpan.FromMinutes(125));
        Assert.Null(Get(world, honest[10], ItemQuery.Immutable(kept.Target)).Best);

        DhtItem Mutable(long sequence)
        {
            var value = "i1e"u8.ToArray();
            var proof = Sign(key, DhtItem.BytesToSign([], sequence, value));
            return new DhtItem(value, new KrpcSignature(key, sequence, proof), []);
        }
    }

    // Stands for a signature: nobody here wants to forge one.
    private static byte[] Sign(ReadOnlySpan<byte> key, ReadOnlySpan<byte> message) =>
        System.Security.Cryptography.SHA512.HashData([.. key, .. message]);

    private static DhtResult.ItemDone Put(DhtWorld world, HonestNode node, ItemPut put) =>
        Finish(world, node, node.Do((dht, effects) => dht.PutItem(put, world.Now, effects), world));

    private static DhtResult.ItemDone Get(DhtWorld world, HonestNode node, ItemQuery query) =>
        Finish(world, node, node.Do((dht, effects) => dht.GetItem(query, world.Now, effects), world));

    private static DhtResult.ItemDone Finish(DhtWorld world, HonestNode node, int number)
    {
        world.Run(TimeSpan.FromSeconds(15));
        return node.Results.OfType<DhtResult.ItemDone>().Single(done => done.Number == number);
    }

    /// <summary>Nodes that come one after the other; the share that is hostile is of three kinds.</summary>
    internal static void Populate(
        DhtWorld world,
        int count,
        double hostile,
        List<HonestNode> honest,
        List<HostileNode> friends,
        List<IPEndPoint> addresses,
        Action<HonestNode>? onJoin = null
    )
    {
        for (var i = 0; i < count; i++)
        {
            // The first are honest: somebody must be there to be asked by.
            if (i >= 20 && world.Random.NextDouble() < hostile)
            {
                var kind = (friends.Count % 10) switch
                {
                    < 5 => HostileKind.Poisoner,
                    < 9 => HostileKind.Sybil,
                    _ => HostileKind.Flooder,
                };
                var node = new HostileNode(world, kind, friends, addresses);
                friends.Add(node);
                addresses.Add(node.Address);
                world.Add(node);
            }
            else
            {
                honest.Add(Join(world, honest, addresses));
                onJoin?.Invoke(honest[^1]);
            }

            world.Run(TimeSpan.FromMilliseconds(100));
        }
    }

    private static HonestNode Join(DhtWorld world, List<HonestNode> honest, List<IPEndPoint> addresses)
    {
        var bootstrap = Enumerable
            .Range(0, Math.Min(3, honest.Count))
            .Select(_ => honest[world.Random.Next(honest.Count)].Address);
        var node = new HonestNode(world, world.NewAddress(), bootstrap, Limits);
        addresses.Add(node.Address);
        world.Add(node);
        return node;
    }

    private sealed record Figures(
        int Tried,
        int Found,
        double MeanQueries,
        long MostQueries,
        double MeanSeconds,
        int Announced,
        Spread Hops,
        Spread Datagrams
    )
    {
        public override string ToString() =>
            $"{Found} of {Tried} found; {MeanQueries:F1} queries each, at most {MostQueries}; first peer after {MeanSeconds:F2} s; announced to {Announced / (double)Tried:F1}; hops {Hops}; datagrams {Datagrams}";
    }

    /// <summary>How numbers are spread.</summary>
    private sealed class Spread(IEnumerable<int> values)
    {
        private readonly List<int> _sorted = [.. values.Order()];

        /// <summary>The value that such a share does not exceed.</summary>
        public int At(double share) =>
            _sorted[Math.Clamp((int)Math.Ceiling(share * _sorted.Count) - 1, 0, _sorted.Count - 1)];

        public override string ToString() => $"median {At(0.5)}, p99 {At(0.99)}, most {_sorted[^1]}";
    }

    private static Figures AnnounceAndFind(DhtWorld world, List<HonestNode> honest, int count)
    {
        var torrents = new List<(NodeId InfoHash, HonestNode Seed, int Number)>();
        for (var i = 0; i < count; i++)
        {
            var node = honest[world.Random.Next(honest.Count)];
            var infoHash = new DhtRandom(world.NewSeed()).NextNodeId();
            var query = new PeerQuery(infoHash) { AnnouncePort = 5000, IsSeed = true };
            torrents.Add((infoHash, node, node.Do((dht, effects) => dht.FindPeers(query, world.Now, effects), world)));
            world.Run(TimeSpan.FromMilliseconds(100));
        }

        world.Run(TimeSpan.FromSeconds(25));
        var announced = torrents.Sum(torrent =>
            torrent.Seed.Results.OfType<DhtResult.PeersDone>().Single(done => done.Number == torrent.Number).StoredAt
        );
        var probes = new List<PeerSearchProbe>();
        foreach (var (infoHash, seed, _) in torrents)
        {
            HonestNode node;
            do
            {
                node = honest[world.Random.Next(honest.Count)];
            } while (node == seed);

            probes.Add(new PeerSearchProbe(node, infoHash, new IPEndPoint(seed.Address.Address, 5000), world));
            world.Run(TimeSpan.FromMilliseconds(100));
            probes.ForEach(probe => probe.Look());
        }

        for (var i = 0; i < 300 && !probes.TrueForAll(probe => probe.IsDone); i++)
        {
            world.Run(TimeSpan.FromMilliseconds(100));
            probes.ForEach(probe => probe.Look());
        }

        Assert.All(probes, probe => Assert.True(probe.IsDone, "a lookup takes more than 30 s"));
        return new Figures(
            count,
            probes.Count(probe => probe.FoundAfter is not null),
            probes.Average(probe => probe.Asked),
            probes.Max(probe => probe.Asked),
            probes.Average(probe => probe.FoundAfter?.TotalSeconds ?? 30),
            announced,
            new Spread(probes.Select(probe => probe.Hops)),
            new Spread(probes.Select(probe => probe.Datagrams))
        );
    }

    /// <summary>One lookup, watched.</summary>
    private sealed class PeerSearchProbe
    {
        private readonly HonestNode _node;
        private readonly DhtWorld _world;
        private readonly IPEndPoint _peer;
        private readonly int _number;
        private readonly TimeSpan _begin;

        public PeerSearchProbe(HonestNode node, NodeId infoHash, IPEndPoint peer, DhtWorld world)
        {
            (_node, _world, _peer, _begin) = (node, world, peer, world.Now);
            _number = node.Do((dht, effects) => dht.FindPeers(new PeerQuery(infoHash), world.Now, effects), world);
        }

        public TimeSpan? FoundAfter { get; private set; }

        public bool IsDone { get; private set; }

        public int Asked { get; private set; }

        public int Hops { get; private set; }

        /// <summary>Queries and answers.</summary>
        public int Datagrams { get; private set; }

        public void Look()
        {
            if (IsDone)
            {
                return;
            }

            var results = _node.Results.Where(result => result.Number == _number).ToList();
            if (FoundAfter is null && results.OfType<DhtResult.PeersFound>().Any(found => found.Peers.Contains(_peer)))
            {
                FoundAfter = _world.Now - _begin;
            }

            if (results.OfType<DhtResult.PeersDone>().SingleOrDefault() is { } done)
            {
                IsDone = true;
                (Asked, Hops, Datagrams) = (done.Asked, done.Hops, done.Asked + done.Answered);
            }
        }
    }
}
