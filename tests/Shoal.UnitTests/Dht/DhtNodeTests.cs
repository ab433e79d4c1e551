using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>One node, and a test that plays the rest of the world.</summary>
public sealed class DhtNodeTests : DhtNodeFixture
{
    [Fact]
    public void An_answer_counts_only_with_number_and_address_of_a_query()
    {
        var dht = NewDht();
        dht.AddBootstrap(Stranger);
        dht.Tick(Now, Effects);
        var (to, query) = Assert.Single(TakeQueries());
        Assert.Equal((Stranger, KrpcMethod.FindNode), (to, query.Method));

        var answer = new KrpcResponse { TransactionId = query.TransactionId, Id = Random.NextNodeId() };
        Send(dht, answer, new IPEndPoint(Stranger.Address, 4001));
        Send(dht, answer, new IPEndPoint(IPAddress.Parse("8.8.1.2"), 4000));
        byte[] other = [.. query.TransactionId];
        other[0] ^= 1;
        Send(dht, new KrpcResponse { TransactionId = other, Id = answer.Id }, Stranger);
        Assert.Equal(0, dht.NodeCount);

        Send(dht, answer, Stranger);
        Assert.Equal(1, dht.NodeCount);
        // The same once more is an answer to nothing.
        Send(dht, answer, Stranger);
        Assert.Equal(1, dht.NodeCount);
    }

    [Fact]
    public void An_announce_needs_the_token_given_to_its_address()
    {
        var dht = NewDht();
        var infoHash = Random.NextNodeId();
        var token = Ask<KrpcResponse>(dht, Query(KrpcMethod.GetPeers, infoHash)).Token;
        var announce = Query(KrpcMethod.AnnouncePeer, infoHash, token, port: 7000);

        Assert.Equal(
            KrpcErrorCode.Protocol,
            Ask<KrpcError>(dht, Query(KrpcMethod.AnnouncePeer, infoHash, [1], 7000)).Code
        );
        Assert.Equal(KrpcErrorCode.Protocol, Ask<KrpcError>(dht, announce, IPAddress.Parse("8.8.1.9")).Code);
        Assert.Equal(
            KrpcErrorCode.Protocol,
            Ask<KrpcError>(dht, Query(KrpcMethod.AnnouncePeer, infoHash, token, 0)).Code
        );
        Assert.Equal(0, dht.Nodes[0].Peers.PeerCount);

        Ask<KrpcResponse>(dht, announce);
        var found = Ask<KrpcResponse>(dht, Query(KrpcMethod.GetPeers, infoHash, scrape: true));
        Assert.Equal([new IPEndPoint(Stranger.Address, 7000)], found.Values!);
        Assert.Equal(1, new ScrapeFilter(found.PeerFilter).Estimate(), 0.1);
        Assert.Equal(Stranger, found.YourEndPoint);
        Assert.Equal(
            [infoHash.ToInfoHash()],
            Ask<KrpcResponse>(dht, Query(KrpcMethod.SampleInfohashes, infoHash)).Samples!.InfoHashes
        );
    }

    [Fact]
    public void Items_are_put_with_the_token_of_their_target_and_got_back()
    {
        var dht = NewDht();
        var item = DhtItem.Immutable([.. "996:"u8, .. new byte[996]]);
        var token = Ask<KrpcResponse>(dht, Query(KrpcMethod.Get, item.Target)).Token;

        Assert.Equal(KrpcErrorCode.Protocol, Ask<KrpcError>(dht, Put(item, [1])).Code);
        Assert.Equal(
            KrpcErrorCode.Protocol,
            Ask<KrpcError>(dht, Put(DhtItem.Immutable("1:x"u8.ToArray()), token)).Code
        );
        Ask<KrpcResponse>(dht, Put(item, token));
        var big = DhtItem.Immutable([.. "997:"u8, .. new byte[997]]);
        var bigToken = Ask<KrpcResponse>(dht, Query(KrpcMethod.Get, big.Target)).Token;
        Assert.Equal(KrpcErrorCode.ValueTooBig, Ask<KrpcError>(dht, Put(big, bigToken)).Code);

        Assert.Equal(item.Value, Ask<KrpcResponse>(dht, Query(KrpcMethod.Get, item.Target)).Value);
    }

    [Fact]
    public void A_mutable_item_is_checked_and_left_out_for_who_has_it()
    {
        var dht = NewDht((key, message, proof) => proof[0] == 1);
        var proof = new byte[64];
        var item = new DhtItem("i1e"u8.ToArray(), new KrpcSignature(new byte[32], 3, proof), "s"u8.ToArray());
        var token = Ask<KrpcResponse>(dht, Query(KrpcMethod.Get, item.Target)).Token;

        Assert.Equal(KrpcErrorCode.BadSignature, Ask<KrpcError>(dht, Put(item, token)).Code);
        proof[0] = 1;
        Ask<KrpcResponse>(dht, Put(item, token));

        var full = Ask<KrpcResponse>(dht, Query(KrpcMethod.Get, item.Target, knownSequence: 2));
        Assert.Equal((3L, "i1e"), (full.Signature!.Sequence, System.Text.Encoding.ASCII.GetString(full.Value!)));
        var known = Ask<KrpcResponse>(dht, Query(KrpcMethod.Get, item.Target, knownSequence: 3));
        Assert.Equal((3L, null, null), (known.Sequence, known.Value, known.Signature));
    }

    [Fact]
    public void A_flood_from_one_address_gets_few_answers()
    {
        var dht = NewDht();
        var infoHash = Random.NextNodeId();
        for (var i = 0; i < 10_000; i++)
        {
            Send(dht, Query(KrpcMethod.GetPeers, infoHash), Stranger);
        }

        Assert.InRange(Effects.Datagrams.Count, 1, 50);
        Assert.All(Effects.Datagrams, datagram => Assert.True(datagram.Bytes.Length <= KrpcWriter.MaxDatagram));
    }

    [Fact]
    public void A_flood_from_many_addresses_is_bounded_too()
    {
        var dht = NewDht();
        for (var i = 0; i < 20_000; i++)
        {
            var source = new IPEndPoint(new IPAddress([9, (byte)(i >> 8), (byte)i, 1]), 5000);
            Send(dht, Query(KrpcMethod.FindNode, Random.NextNodeId()), source);
        }

        Assert.InRange(Effects.Datagrams.Count, 1, 700);
    }

    [Fact]
    public void Read_only_we_answer_nothing_and_say_so_and_who_says_so_is_not_pinged()
    {
        var silent = NewDht(isReadOnly: true);
        Send(silent, Query(KrpcMethod.Ping, null), Stranger);
        Send(silent, "d1:ade1:q4:ping1:t2:aa1:y1:qe"u8.ToArray(), Stranger);
        Assert.Empty(Effects.Datagrams);
        silent.AddBootstrap(Stranger);
        silent.Tick(Now, Effects);
        Assert.True(Assert.Single(TakeQueries()).Query.IsReadOnly);

        var dht = NewDht();
        Send(dht, Query(KrpcMethod.Ping, null, isReadOnly: true), Stranger);
        Effects.Clear();
        dht.Tick(Now, Effects);
        Assert.Empty(Effects.Datagrams);
        Send(dht, Query(KrpcMethod.Ping, null), Stranger);
        Effects.Clear();
        dht.Tick(Now += TimeSpan.FromSeconds(2), Effects);
        Assert.Equal(KrpcMethod.Ping, Assert.Single(TakeQueries()).Query.Method);
    }

    [Fact]
    public void A_stranger_cannot_send_us_into_the_local_network()
    {
        var dht = NewDht();
        dht.AddBootstrap(Stranger);
        dht.Tick(Now, Effects);
        var (_, query) = Assert.Single(TakeQueries());
        string[] bad = ["127.0.0.1", "192.168.1.1", "10.0.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255"];
        var good = new NodeContact(Random.NextNodeId(), new IPEndPoint(IPAddress.Parse("7.7.7.7"), 7));
        Send(
            dht,
            new KrpcResponse
            {
                TransactionId = query.TransactionId,
                Id = Random.NextNodeId(),
                Nodes =
                [
                    .. bad.Select(text => new NodeContact(
                        Random.NextNodeId(),
                        new IPEndPoint(IPAddress.Parse(text), 53)
                    )),
                    good,
                ],
            },
            Stranger
        );
        Assert.Equal([good.EndPoint], TakeQueries().Select(sent => sent.To));
    }

    [Fact]
    public void Several_addresses_are_several_nodes_that_do_not_ask_at_once_and_tell_of_each_other()
    {
        AddressFamily[] families =
        [
            AddressFamily.InterNetwork,
            AddressFamily.InterNetwork,
            AddressFamily.InterNetworkV6,
        ];
        var dht = new Dht(new DhtLimits(), new byte[32], families, null, false, [], Now);
        Assert.Equal(3, dht.Nodes.Select(node => node.Id).Distinct().Count());
        var six = new IPEndPoint(IPAddress.Parse("2001:db8::1"), 6);
        dht.AddNode(Stranger, Now, Effects);
        dht.AddNode(six, Now, Effects);
        var id = Random.NextNodeId();
        foreach (var (datagram, query) in Effects.Datagrams.ToList().Zip(TakeQueries()))
        {
            var answer = new KrpcResponse { TransactionId = query.Query.TransactionId, Id = id };
            dht.Receive(datagram.Via, datagram.To, Encode(answer), Now, Effects);
        }

        // BEP 32: who wants both families gets both, whichever way he came.
        var both = new KrpcQuery
        {
            TransactionId = [1],
            Id = Random.NextNodeId(),
            Method = KrpcMethod.FindNode,
            Target = id,
            Want = KrpcWant.IPv4 | KrpcWant.IPv6,
        };
        var nodes = Ask<KrpcResponse>(dht, both);
        Assert.Equal([new NodeContact(id, Stranger)], nodes.Nodes!);
        Assert.Equal([new NodeContact(id, six)], nodes.Nodes6!);

        // An announce leaves from each address, from those of one family one after the other.
        dht.AddBootstrap(Stranger);
        Effects.Clear();
        var infoHash = Random.NextNodeId();
        dht.FindPeers(new PeerQuery(infoHash) { AnnouncePort = 5 }, Now, Effects);
        Assert.Equal([0, 2], Searches());
        dht.Tick(Now += TimeSpan.FromSeconds(15), Effects);
        Assert.Equal([1], Searches());

        List<int> Searches()
        {
            var via = Effects.Datagrams.Select(datagram => datagram.Via).ToList();
            var queries = TakeQueries();
            return [.. via.Where((_, i) => queries[i].Query.Method == KrpcMethod.GetPeers).Order().Distinct()];
        }
    }

    [Fact]
    public void Whatever_comes_in_the_node_goes_on()
    {
        var dht = NewDht((_, _, _) => true);
        var infoHash = Random.NextNodeId();
        KrpcMessage[] messages =
        [
            Query(KrpcMethod.Ping, null),
            Query(KrpcMethod.GetPeers, infoHash, scrape: true),
            Query(KrpcMethod.AnnouncePeer, infoHash, [1, 2], 5),
            Query(KrpcMethod.SampleInfohashes, infoHash),
            Put(new DhtItem("i1e"u8.ToArray(), new KrpcSignature(new byte[32], 3, new byte[64]), [1]), [1]),
            new KrpcResponse
            {
                TransactionId = [1, 2, 3, 4],
                Id = infoHash,
                Values = [Stranger],
            },
        ];
        var corpus = messages.Select(Encode).ToList();
        Fuzz.Run(
            20_000,
            random =>
            {
                Effects.Clear();
                Now += TimeSpan.FromMilliseconds(random.Next(100));
                var source = new IPEndPoint(new IPAddress([8, (byte)random.Next(5), 1, 1]), 1 + random.Next(60000));
                dht.Receive(0, source, Fuzz.Mutate(random, corpus[random.Next(corpus.Count)]), Now, Effects);
                dht.Tick(Now, Effects);
            }
        );
        Now += TimeSpan.FromMinutes(1);
        Assert.Equal(
            dht.Nodes[0].Id,
            Ask<KrpcResponse>(dht, Query(KrpcMethod.Ping, null), IPAddress.Parse("7.1.1.1")).Id
        );
    }
}
