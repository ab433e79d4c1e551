using System.Net;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.UnitTests;

/// <summary>What others can make us do, at most; and what we ask of others.</summary>
public sealed class DhtBoundsTests : DhtNodeFixture
{
    [Fact]
    public void Nothing_that_an_unproven_address_gets_is_larger_than_one_datagram_of_1400_bytes()
    {
        // All our stores at their fullest: what is announced, the longest salt and value, and a whole table.
        var dht = NewDht((_, _, _) => true);
        var infoHash = Random.NextNodeId();
        for (var i = 0; i < 300; i++)
        {
            var peer = new IPEndPoint(new IPAddress([9, 1, (byte)(i >> 8), (byte)i]), 5000);
            dht.Nodes[0].Peers.Announce(infoHash, peer, i % 2 == 0, Now);
            dht.Nodes[0].Peers.Announce(Random.NextNodeId(), peer, true, Now);
        }

        for (var i = 0; i < 200; i++)
        {
            var address = new IPAddress([10, 0, 0, (byte)(i + 1)]);
            dht.Nodes[0].Table.Responded(new NodeContact(Random.NextNodeId(), new IPEndPoint(address, 1000 + i)), Now);
        }

        var value = System.Text.Encoding.ASCII.GetBytes("996:" + new string('x', 996));
        var item = new DhtItem(value, new KrpcSignature(new byte[32], 3, new byte[64]), new byte[64]);
        var token = Ask<KrpcResponse>(dht, Query(KrpcMethod.Get, item.Target)).Token;
        Ask<KrpcResponse>(dht, Put(item, token));

        KrpcQuery[] queries =
        [
            Query(KrpcMethod.Ping, null),
            Query(KrpcMethod.FindNode, infoHash),
            Query(KrpcMethod.GetPeers, infoHash),
            Query(KrpcMethod.GetPeers, infoHash, scrape: true),
            Query(KrpcMethod.SampleInfohashes, infoHash),
            Query(KrpcMethod.Get, item.Target),
            Query(KrpcMethod.AnnouncePeer, infoHash, [1], 7000),
            Put(item, [1]),
        ];
        Now += TimeSpan.FromMinutes(1);
        foreach (var query in queries)
        {
            Send(dht, query, new IPEndPoint(IPAddress.Parse("8.8.3.3"), 4000));
            var answer = Assert.Single(Effects.Datagrams).Bytes;
            var bound = query.Method == KrpcMethod.Get ? 1400 : KrpcWriter.MaxDatagram;
            Assert.True(answer.Length <= bound, $"{query.Method}: {answer.Length} bytes");
            Effects.Clear();
        }

        // In a second a victim gets no more than the burst and then ten such; all victims together 64 KiB, and the burst.
        Now += TimeSpan.FromMinutes(1);
        for (var i = 0; i < 50_000; i++)
        {
            var victim = new IPEndPoint(new IPAddress([9, 9, (byte)(i % 40), 1]), 5000);
            Send(dht, Query(KrpcMethod.Get, item.Target), victim);
            Now += TimeSpan.FromSeconds(1) / 5000;
        }

        var all = Effects.Datagrams.Sum(datagram => (long)datagram.Bytes.Length);
        Assert.InRange(all, 100_000, 64 * 1024 * (10 + 4));
        Assert.All(
            Effects.Datagrams.GroupBy(datagram => datagram.To),
            victim => Assert.True(victim.Count() <= 50 + 10 * 10, $"{victim.Count()} datagrams in ten seconds")
        );
    }

    [Fact]
    public void A_flood_of_puts_costs_few_signature_checks()
    {
        var checks = 0;
        var dht = NewDht(
            (_, _, _) =>
            {
                checks++;
                return false;
            }
        );
        for (var i = 0; i < 2000; i++)
        {
            var source = IPAddress.Parse($"9.{i / 250}.{i % 250}.1");
            var item = new DhtItem("i1e"u8.ToArray(), new KrpcSignature(new byte[32], i, new byte[64]), []);
            Now += TimeSpan.FromMilliseconds(5);
            var token = Ask<KrpcResponse>(dht, Query(KrpcMethod.Get, item.Target), source).Token;
            Send(dht, Put(item, token), new IPEndPoint(source, 4000));
            Effects.Clear();
        }

        // Ten seconds.
        Assert.InRange(checks, 20, (10 * 20) + 40);
    }

    [Fact]
    public void Samples_are_asked_for_on_the_way_and_of_nobody_twice_within_his_interval()
    {
        var dht = NewDht();
        var target = Random.NextNodeId();
        dht.AddBootstrap(Stranger);
        List<KrpcMethod> asked = [];
        for (var round = 0; round < 3; round++)
        {
            Effects.Clear();
            var number = dht.SampleInfoHashes(target, Now, Effects);
            DhtResult.SamplesDone? done = null;
            for (var i = 0; i < 200 && done is null; i++)
            {
                done = Effects
                    .Results.OfType<DhtResult.SamplesDone>()
                    .FirstOrDefault(result => result.Number == number);
                foreach (var (to, query) in TakeQueries())
                {
                    if (query.Target == target)
                    {
                        asked.Add(query.Method);
                    }

                    Send(
                        dht,
                        new KrpcResponse
                        {
                            TransactionId = query.TransactionId,
                            Id = new NodeId([.. Enumerable.Repeat((byte)9, 20)]),
                            Samples =
                                query.Method == KrpcMethod.SampleInfohashes
                                    ? new KrpcSamples(60, 7, [target.ToInfoHash()])
                                    : null,
                        },
                        to
                    );
                }

                done ??= Effects
                    .Results.OfType<DhtResult.SamplesDone>()
                    .FirstOrDefault(result => result.Number == number);
                Now += TimeSpan.FromMilliseconds(100);
                dht.Tick(Now, Effects);
            }

            Assert.NotNull(done);
            Assert.Equal(round == 1 ? 0 : 7, done.Stored);
            Assert.Equal(round == 1 ? [] : [target.ToInfoHash()], done.InfoHashes);
            Now += round == 1 ? TimeSpan.FromSeconds(60) : TimeSpan.Zero;
        }

        Assert.Equal([KrpcMethod.SampleInfohashes, KrpcMethod.FindNode, KrpcMethod.SampleInfohashes], asked);
    }
}
