using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>One node, and a test that plays the rest of the world.</summary>
public sealed class DhtNodeTests
{
    private static readonly IPEndPoint Stranger = new(IPAddress.Parse("8.8.1.1"), 4000);
    private readonly DhtRandom _random = new([.. Enumerable.Repeat((byte)7, 32)]);
    private readonly DhtEffects _effects = new();
    private TimeSpan _now = TimeSpan.FromSeconds(100);

    [Fact]
    public void An_answer_counts_only_with_number_and_address_of_a_query()
    {
        var dht = NewDht();
        dht.AddBootstrap(Stranger);
        dht.Tick(_now, _effects);
        var (to, query) = Assert.Single(TakeQueries());
        Assert.Equal((Stranger, KrpcMethod.FindNode), (to, query.Method));

        var answer = new KrpcResponse { TransactionId = query.TransactionId, Id = _random.NextNodeId() };
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
        var infoHash = _random.NextNodeId();
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
        var infoHash = _random.NextNodeId();
        for (var i = 0; i < 10_000; i++)
        {
            Send(dht, Query(KrpcMethod.GetPeers, infoHash), Stranger);
        }

        Assert.InRange(_effects.Datagrams.Count, 1, 50);
        Assert.All(_effects.Datagrams, datagram => Assert.True(datagram.Bytes.Length <= KrpcWriter.MaxDatagram));
    }

    [Fact]
    public void A_flood_from_many_addresses_is_bounded_too()
    {
        var dht = NewDht();
        for (var i = 0; i < 20_000; i++)
        {
            var source = new IPEndPoint(new IPAddress([9, (byte)(i >> 8), (byte)i, 1]), 5000);
            Send(dht, Query(KrpcMethod.FindNode, _random.NextNodeId()), source);
        }

        Assert.InRange(_effects.Datagrams.Count, 1, 700);
    }

    [Fact]
    public void Read_only_we_answer_nothing_and_say_so_and_who_says_so_is_not_pinged()
    {
        var silent = NewDht(isReadOnly: true);
        Send(silent, Query(KrpcMethod.Ping, null), Stranger);
        Send(silent, "d1:ade1:q4:ping1:t2:aa1:y1:qe"u8.ToArray(), Stranger);
        Assert.Empty(_effects.Datagrams);
        silent.AddBootstrap(Stranger);
        silent.Tick(_now, _effects);
        Assert.True(Assert.Single(TakeQueries()).Query.IsReadOnly);

        var dht = NewDht();
        Send(dht, Query(KrpcMethod.Ping, null, isReadOnly: true), Stranger);
        _effects.Clear();
        dht.Tick(_now, _effects);
        Assert.Empty(_effects.Datagrams);
        Send(dht, Query(KrpcMethod.Ping, null), Stranger);
        _effects.Clear();
        dht.Tick(_now += TimeSpan.FromSeconds(2), _effects);
        Assert.Equal(KrpcMethod.Ping, Assert.Single(TakeQueries()).Query.Method);
    }

    [Fact]
    public void A_stranger_cannot_send_us_into_the_local_network()
    {
        var dht = NewDht();
        dht.AddBootstrap(Stranger);
        dht.Tick(_now, _effects);
        var (_, query) = Assert.Single(TakeQueries());
        string[] bad = ["127.0.0.1", "192.168.1.1", "10.0.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255"];
        var good = new NodeContact(_random.NextNodeId(), new IPEndPoint(IPAddress.Parse("7.7.7.7"), 7));
        Send(
            dht,
            new KrpcResponse
            {
                TransactionId = query.TransactionId,
                Id = _random.NextNodeId(),
                Nodes =
                [
                    .. bad.Select(text => new NodeContact(
                        _random.NextNodeId(),
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
        var dht = new Dht(new DhtLimits(), new byte[32], families, null, false, [], _now);
        Assert.Equal(3, dht.Nodes.Select(node => node.Id).Distinct().Count());
        var six = new IPEndPoint(IPAddress.Parse("2001:db8::1"), 6);
        dht.AddNode(Stranger, _now, _effects);
        dht.AddNode(six, _now, _effects);
        var id = _random.NextNodeId();
        foreach (var (datagram, query) in _effects.Datagrams.ToList().Zip(TakeQueries()))
        {
            var answer = new KrpcResponse { TransactionId = query.Query.TransactionId, Id = id };
            dht.Receive(datagram.Via, datagram.To, Encode(answer), _now, _effects);
        }

        // BEP 32: who wants both families gets both, whichever way he came.
        var both = new KrpcQuery
        {
            TransactionId = [1],
            Id = _random.NextNodeId(),
            Method = KrpcMethod.FindNode,
            Target = id,
            Want = KrpcWant.IPv4 | KrpcWant.IPv6,
        };
        var nodes = Ask<KrpcResponse>(dht, both);
        Assert.Equal([new NodeContact(id, Stranger)], nodes.Nodes!);
        Assert.Equal([new NodeContact(id, six)], nodes.Nodes6!);

        // An announce leaves from each address, from those of one family one after the other.
        dht.AddBootstrap(Stranger);
        _effects.Clear();
        var infoHash = _random.NextNodeId();
        dht.FindPeers(new PeerQuery(infoHash) { AnnouncePort = 5 }, _now, _effects);
        Assert.Equal([0, 2], Searches());
        dht.Tick(_now += TimeSpan.FromSeconds(15), _effects);
        Assert.Equal([1], Searches());

        List<int> Searches()
        {
            var via = _effects.Datagrams.Select(datagram => datagram.Via).ToList();
            var queries = TakeQueries();
            return [.. via.Where((_, i) => queries[i].Query.Method == KrpcMethod.GetPeers).Order().Distinct()];
        }
    }

    [Fact]
    public void Whatever_comes_in_the_node_goes_on()
    {
        var dht = NewDht((_, _, _) => true);
        var infoHash = _random.NextNodeId();
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
                _effects.Clear();
                _now += TimeSpan.FromMilliseconds(random.Next(100));
                var source = new IPEndPoint(new IPAddress([8, (byte)random.Next(5), 1, 1]), 1 + random.Next(60000));
                dht.Receive(0, source, Fuzz.Mutate(random, corpus[random.Next(corpus.Count)]), _now, _effects);
                dht.Tick(_now, _effects);
            }
        );
        _now += TimeSpan.FromMinutes(1);
        Assert.Equal(
            dht.Nodes[0].Id,
            Ask<KrpcResponse>(dht, Query(KrpcMethod.Ping, null), IPAddress.Parse("7.1.1.1")).Id
        );
    }

    private Dht NewDht(SignatureVerifier? verify = null, bool isReadOnly = false)
    {
        var seed = new byte[DhtRandom.SeedSize];
        return new Dht(new DhtLimits(), seed, [AddressFamily.InterNetwork], verify, isReadOnly, [], _now);
    }

    private KrpcQuery Query(
        KrpcMethod method,
        NodeId? target,
        byte[]? token = null,
        int port = 0,
        bool scrape = false,
        bool isReadOnly = false,
        long? knownSequence = null
    ) =>
        new()
        {
            TransactionId = [1, 2],
            Id = _random.NextNodeId(),
            Method = method,
            Target = target,
            Token = token ?? [],
            Port = port,
            Scrape = scrape,
            IsReadOnly = isReadOnly,
            KnownSequence = knownSequence,
        };

    private KrpcQuery Put(DhtItem item, byte[] token) =>
        new()
        {
            TransactionId = [1, 2],
            Id = _random.NextNodeId(),
            Method = KrpcMethod.Put,
            Value = item.Value,
            Signature = item.Signature,
            Salt = item.Salt,
            Token = token,
        };

    private T Ask<T>(Dht dht, KrpcQuery query, IPAddress? from = null)
        where T : KrpcMessage
    {
        _effects.Clear();
        var source = from is null ? Stranger : new IPEndPoint(from, 4000);
        Send(dht, query, source);
        var answer = Assert.Single(_effects.Datagrams);
        Assert.Equal(source, answer.To);
        Assert.Equal(KrpcReadStatus.Ok, KrpcReader.Read(answer.Bytes, out var message, out _));
        _effects.Clear();
        return Assert.IsType<T>(message);
    }

    private List<(IPEndPoint To, KrpcQuery Query)> TakeQueries()
    {
        var result = new List<(IPEndPoint, KrpcQuery)>();
        foreach (var datagram in _effects.Datagrams)
        {
            KrpcReader.Read(datagram.Bytes, out var message, out _);
            if (message is KrpcQuery query)
            {
                result.Add((datagram.To, query));
            }
        }

        _effects.Clear();
        return result;
    }

    private void Send(Dht dht, KrpcMessage message, IPEndPoint from) => Send(dht, Encode(message), from);

    private void Send(Dht dht, byte[] datagram, IPEndPoint from) => dht.Receive(0, from, datagram, _now, _effects);

    private static byte[] Encode(KrpcMessage message)
    {
        var buffer = new ArrayBufferWriter<byte>();
        KrpcWriter.Write(buffer, message);
        return buffer.WrittenSpan.ToArray();
    }
}
