using System.Buffers;
using System.Net;
using System.Text;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class KrpcTests
{
    private static readonly NodeId Id = new("abcdefghij0123456789"u8);
    private static readonly NodeId Other = new("mnopqrstuvwxyz123456"u8);

    // The packets of BEP 5.
    public static TheoryData<string> Packets =>
        [
            "d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe",
            "d1:rd2:id20:mnopqrstuvwxyz123456e1:t2:aa1:y1:re",
            "d1:ad2:id20:abcdefghij01234567896:target20:mnopqrstuvwxyz123456e1:q9:find_node1:t2:aa1:y1:qe",
            "d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz123456e1:q9:get_peers1:t2:aa1:y1:qe",
            "d1:rd2:id20:abcdefghij01234567895:token8:aoeusnth6:valuesl6:axje.u6:idhtnmee1:t2:aa1:y1:re",
            "d1:ad2:id20:abcdefghij012345678912:implied_porti1e9:info_hash20:mnopqrstuvwxyz1234564:porti6881e5:token8:aoeusnthe1:q13:announce_peer1:t2:aa1:y1:qe",
            "d1:eli201e23:A Generic Error Ocurrede1:t2:aa1:y1:ee",
        ];

    [Theory]
    [MemberData(nameof(Packets))]
    public void The_packets_of_the_specification_are_read_and_written_back_the_same(string packet)
    {
        Assert.Equal(KrpcReadStatus.Ok, KrpcReader.Read(Encoding.Latin1.GetBytes(packet), out var message, out _));

        Assert.Equal(packet, Encoding.Latin1.GetString(Write(message!)));
    }

    [Fact]
    public void A_query_with_everything_comes_back_whole()
    {
        var put = Read<KrpcQuery>(
            new KrpcQuery
            {
                TransactionId = [1, 2, 3],
                Version = [9, 9],
                Method = KrpcMethod.Put,
                Id = Id,
                IsReadOnly = true,
                Token = [7],
                Value = "l1:ai-3ee"u8.ToArray(),
                Signature = new KrpcSignature(new byte[32], 5, new byte[64]),
                Salt = "salt"u8.ToArray(),
                CompareAndSwap = 4,
            }
        );
        Assert.Equal([1, 2, 3], put.TransactionId);
        Assert.Equal([9, 9], put.Version);
        Assert.Equal((KrpcMethod.Put, Id, true, 4L), (put.Method, put.Id, put.IsReadOnly, put.CompareAndSwap));
        Assert.Equal("l1:ai-3ee"u8, put.Value!);
        Assert.Equal("salt"u8, put.Salt);
        Assert.Equal(5, put.Signature!.Sequence);

        var get = Read<KrpcQuery>(
            new KrpcQuery
            {
                TransactionId = [1],
                Method = KrpcMethod.GetPeers,
                Id = Id,
                Target = Other,
                NoSeeds = true,
                Scrape = true,
                Want = KrpcWant.IPv4 | KrpcWant.IPv6,
            }
        );
        Assert.Equal((Other, true, true), (get.Target, get.NoSeeds, get.Scrape));
        Assert.Equal(KrpcWant.IPv4 | KrpcWant.IPv6, get.Want);

        var announce = Read<KrpcQuery>(
            new KrpcQuery
            {
                TransactionId = [1],
                Method = KrpcMethod.AnnouncePeer,
                Id = Id,
                Target = Other,
                Port = 6881,
                ImpliedPort = true,
                IsSeed = true,
                Token = [1],
            }
        );
        Assert.Equal((6881, true, true), (announce.Port, announce.ImpliedPort, announce.IsSeed));
    }

    [Fact]
    public void An_answer_with_everything_comes_back_whole()
    {
        var four = new IPEndPoint(IPAddress.Parse("192.0.2.7"), 700);
        var six = new IPEndPoint(IPAddress.Parse("2001:db8::9"), 900);
        var answer = Read<KrpcResponse>(
            new KrpcResponse
            {
                TransactionId = [1],
                Id = Id,
                YourEndPoint = six,
                Nodes = [new NodeContact(Other, four)],
                Nodes6 = [new NodeContact(Other, six)],
                Values = [four, six],
                Token = [4, 5],
                SeedFilter = new byte[256],
                PeerFilter = new byte[256],
                Value = "i1e"u8.ToArray(),
                Signature = new KrpcSignature(new byte[32], long.MaxValue, new byte[64]),
                Samples = new KrpcSamples(300, 77, [Other.ToInfoHash()]),
            }
        );

        Assert.Equal(six, answer.YourEndPoint);
        Assert.Equal([new NodeContact(Other, four)], answer.Nodes!);
        Assert.Equal([new NodeContact(Other, six)], answer.Nodes6!);
        Assert.Equal([four, six], answer.Values!);
        Assert.Equal([4, 5], answer.Token);
        Assert.Equal((256, 256), (answer.SeedFilter!.Length, answer.PeerFilter!.Length));
        Assert.Equal(
            (long.MaxValue, 300, 77L),
            (answer.Sequence, answer.Samples!.IntervalSeconds, answer.Samples.Total)
        );
        Assert.Equal([Other.ToInfoHash()], answer.Samples.InfoHashes);
    }

    [Theory]
    [InlineData("", KrpcReadStatus.Malformed)]
    [InlineData("i1e", KrpcReadStatus.Malformed)]
    [InlineData("de", KrpcReadStatus.Malformed)]
    // No transaction, an empty one, one of 33 bytes.
    [InlineData("d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:y1:qe", KrpcReadStatus.Malformed)]
    [InlineData("d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t0:1:y1:qe", KrpcReadStatus.Malformed)]
    [InlineData(
        "d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t33:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1:y1:qe",
        KrpcReadStatus.Malformed
    )]
    // No id, a short one; a lookup without target.
    [InlineData("d1:ade1:q4:ping1:t2:aa1:y1:qe", KrpcReadStatus.BadQuery)]
    [InlineData("d1:ad2:id19:abcdefghij012345678e1:q4:ping1:t2:aa1:y1:qe", KrpcReadStatus.BadQuery)]
    [InlineData("d1:ad2:id20:abcdefghij0123456789e1:q9:find_node1:t2:aa1:y1:qe", KrpcReadStatus.BadQuery)]
    // A put without value, and with one whose keys are out of order.
    [InlineData("d1:ad2:id20:abcdefghij0123456789e1:q3:put1:t2:aa1:y1:qe", KrpcReadStatus.BadQuery)]
    [InlineData("d1:ad2:id20:abcdefghij01234567891:vd1:b0:1:a0:ee1:q3:put1:t2:aa1:y1:qe", KrpcReadStatus.BadQuery)]
    // A put with a key but no signature is neither kind of item.
    [InlineData("d1:ad2:id20:abcdefghij01234567891:k2:xx1:v0:e1:q3:put1:t2:aa1:y1:qe", KrpcReadStatus.BadQuery)]
    [InlineData("d1:rd2:id3:abce1:t2:aa1:y1:re", KrpcReadStatus.Malformed)]
    [InlineData("d1:e3:abc1:t2:aa1:y1:ee", KrpcReadStatus.Malformed)]
    [InlineData("d1:t2:aa1:y1:xe", KrpcReadStatus.Malformed)]
    public void What_is_wrong_is_told_apart_from_what_deserves_an_error(string packet, KrpcReadStatus expected)
    {
        Assert.Equal(expected, KrpcReader.Read(Encoding.Latin1.GetBytes(packet), out var message, out var transaction));

        Assert.Null(message);
        Assert.Equal(expected == KrpcReadStatus.BadQuery ? "aa" : "", Encoding.Latin1.GetString(transaction));
    }

    [Fact]
    public void An_unknown_method_with_a_target_is_read_as_such()
    {
        var packet = "d1:ad2:id20:abcdefghij01234567896:target20:mnopqrstuvwxyz123456e1:q6:future1:t2:aa1:y1:qe"u8;
        Assert.Equal(KrpcReadStatus.Ok, KrpcReader.Read(packet, out var message, out _));
        var query = Assert.IsType<KrpcQuery>(message);
        Assert.Equal((KrpcMethod.Unknown, Other), (query.Method, query.Target));
    }

    [Fact]
    public void Lists_are_cut_and_port_zero_is_nobody()
    {
        var contact = new NodeContact(Other, new IPEndPoint(IPAddress.Parse("192.0.2.7"), 700));
        var nobody = contact with { EndPoint = new IPEndPoint(IPAddress.Parse("192.0.2.7"), 0) };
        var answer = Read<KrpcResponse>(
            new KrpcResponse
            {
                TransactionId = [1],
                Id = Id,
                Nodes = [nobody, .. Enumerable.Repeat(contact, 30)],
                Values = [nobody.EndPoint, contact.EndPoint],
            }
        );
        Assert.Equal(KrpcReader.MaxContacts, answer.Nodes!.Count);
        Assert.DoesNotContain(nobody, answer.Nodes);
        Assert.Equal([contact.EndPoint], answer.Values!);
    }

    [Fact]
    public void Whatever_comes_in_it_does_not_throw_and_what_it_takes_can_be_written()
    {
        var corpus = Packets.Select(row => Encoding.Latin1.GetBytes(row.Data)).ToList();
        corpus.Add(
            Write(
                new KrpcResponse
                {
                    TransactionId = [1],
                    Id = Id,
                    YourEndPoint = new IPEndPoint(IPAddress.Loopback, 1),
                    Nodes = [new NodeContact(Other, new IPEndPoint(IPAddress.Loopback, 2))],
                    Value = "d1:ali1eee"u8.ToArray(),
                    Signature = new KrpcSignature(new byte[32], 5, new byte[64]),
                    Samples = new KrpcSamples(300, 77, [Other.ToInfoHash()]),
                }
            )
        );
        var taken = 0;
        Fuzz.Run(
            20_000,
            random =>
            {
                var bytes = Fuzz.Mutate(random, corpus[random.Next(corpus.Count)]);
                if (KrpcReader.Read(bytes, out var message, out _) == KrpcReadStatus.Ok)
                {
                    taken++;
                    if (message is not KrpcQuery { Method: KrpcMethod.Unknown })
                    {
                        Assert.Equal(KrpcReadStatus.Ok, KrpcReader.Read(Write(message!), out _, out _));
                    }
                }
            }
        );
        Assert.True(taken > 100, $"only {taken} mutations were still messages");
    }

    [Fact]
    public void Distances_compare_as_the_numbers_they_are()
    {
        var random = new Random(5);
        for (var i = 0; i < 200; i++)
        {
            var (target, a, b) = (Next(), Next(), Next());
            var expected = Distance(target, a).CompareTo(Distance(target, b));
            Assert.Equal(expected, Math.Sign(NodeId.CompareDistance(target, a, b)));
            var bits = random.Next(NodeId.Bits);
            var near = a.WithPrefixOf(bits, b);
            Assert.True(NodeId.SharedBits(a, near) >= bits);
            Assert.Equal(bits, NodeId.SharedBits(a, a.FlipBit(bits)));
            Assert.Equal(a, new NodeId(a.ToArray()));
        }

        NodeId Next()
        {
            var bytes = new byte[NodeId.Size];
            random.NextBytes(bytes);
            return new NodeId(bytes);
        }

        static System.Numerics.BigInteger Distance(NodeId a, NodeId b) =>
            new([.. a.ToArray().Zip(b.ToArray(), (x, y) => (byte)(x ^ y))], isUnsigned: true, isBigEndian: true);
    }

    private static byte[] Write(KrpcMessage message)
    {
        var buffer = new ArrayBufferWriter<byte>();
        KrpcWriter.Write(buffer, message);
        return buffer.WrittenSpan.ToArray();
    }

    private static T Read<T>(KrpcMessage message)
        where T : KrpcMessage
    {
        Assert.Equal(KrpcReadStatus.Ok, KrpcReader.Read(Write(message), out var read, out _));
        return Assert.IsType<T>(read);
    }
}
