using System.Buffers.Binary;
using System.Net;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public class DnsMessageTests
{
    private const ushort Id = 0x1234;
    private const ushort Ok = 0x8180;

    private static readonly byte[] Address = [192, 0, 2, 1];

    private static byte[] Query(string name, DnsType type = DnsType.A)
    {
        var bytes = new byte[DnsMessage.MaxQuery];
        return bytes[..DnsMessage.WriteQuery(Id, name, type, bytes)];
    }

    private static byte[] Name(string name) => Query(name)[12..^4];

    private static byte[] Record(byte[] owner, ushort type, byte[] data, uint life = 300)
    {
        var fixedPart = new byte[10];
        BinaryPrimitives.WriteUInt16BigEndian(fixedPart, type);
        BinaryPrimitives.WriteUInt16BigEndian(fixedPart.AsSpan(2), 1);
        BinaryPrimitives.WriteUInt32BigEndian(fixedPart.AsSpan(4), life);
        BinaryPrimitives.WriteUInt16BigEndian(fixedPart.AsSpan(8), (ushort)data.Length);
        return [.. owner, .. fixedPart, .. data];
    }

    private static byte[] Answer(string name, ushort flags, params byte[][] records)
    {
        var answer = Query(name).Concat(records.SelectMany(record => record)).ToArray();
        BinaryPrimitives.WriteUInt16BigEndian(answer.AsSpan(2), flags);
        BinaryPrimitives.WriteUInt16BigEndian(answer.AsSpan(6), (ushort)records.Length);
        return answer;
    }

    private static DnsAnswer Read(byte[] bytes, string name = "a.example")
    {
        Assert.True(DnsMessage.TryReadAnswer(bytes, Id, name, DnsType.A, out var answer));
        return answer;
    }

    // The question begins at 12, so a pointer there stands for its name.
    private static readonly byte[] Asked = [0xC0, 12];

    [Fact]
    public void Addresses_are_read_with_the_shortest_life()
    {
        var answer = Read(
            Answer("A.Example", Ok, Record(Asked, 1, Address, 300), Record(Name("a.EXAMPLE"), 1, [192, 0, 2, 2], 60))
        );
        Assert.Equal(DnsStatus.Ok, answer.Status);
        Assert.Equal([IPAddress.Parse("192.0.2.1"), IPAddress.Parse("192.0.2.2")], answer.Addresses);
        Assert.Equal(TimeSpan.FromSeconds(60), answer.Lifetime);
        Assert.Null(answer.Alias);
    }

    [Fact]
    public void Aliases_are_followed_and_what_is_said_of_others_is_not_taken()
    {
        var chain = Read(
            Answer(
                "a.example",
                Ok,
                Record(Asked, 5, Name("b.example"), 20),
                Record(Name("b.example"), 5, Name("c.example")),
                Record(Name("c.example"), 1, Address),
                Record(Name("victim.example"), 1, [192, 0, 2, 66])
            )
        );
        Assert.Equal([IPAddress.Parse("192.0.2.1")], chain.Addresses);
        Assert.Equal(TimeSpan.FromSeconds(20), chain.Lifetime);
        Assert.Equal("b.example", Read(Answer("a.example", Ok, Record(Asked, 5, Name("b.example")))).Alias);
        // In a circle, and longer than anybody needs.
        Assert.Empty(
            Read(
                Answer(
                    "a.example",
                    Ok,
                    Record(Asked, 5, Name("b.example")),
                    Record(Name("b.example"), 5, Name("a.example"))
                )
            ).Addresses
        );
        var long_ = Enumerable.Range(0, 20).Select(i => Record(i == 0 ? Asked : Name($"n{i}"), 5, Name($"n{i + 1}")));
        Assert.Empty(Read(Answer("a.example", Ok, [.. long_, Record(Name("n20"), 1, Address)])).Addresses);
    }

    [Fact]
    public void What_servers_say_instead_of_addresses_is_understood()
    {
        Assert.Equal(DnsStatus.NoAddress, Read(Answer("a.example", Ok)).Status);
        Assert.Equal(DnsStatus.UnknownName, Read(Answer("a.example", Ok | 3)).Status);
        Assert.Equal(DnsStatus.Failed, Read(Answer("a.example", Ok | 2)).Status);
        Assert.Equal(DnsStatus.Failed, Read(Answer("a.example", Ok | 5)).Status);
        Assert.Equal(DnsStatus.Truncated, Read(Answer("a.example", Ok | 0x0200)).Status);
    }

    [Fact]
    public void An_answer_to_another_question_is_none()
    {
        var good = Answer("a.example", Ok, Record(Asked, 1, Address));
        Assert.False(DnsMessage.TryReadAnswer(good, Id + 1, "a.example", DnsType.A, out _));
        Assert.False(DnsMessage.TryReadAnswer(good, Id, "b.example", DnsType.A, out _));
        Assert.False(DnsMessage.TryReadAnswer(good, Id, "a.example", DnsType.Aaaa, out _));
        Assert.False(DnsMessage.TryReadAnswer(Query("a.example"), Id, "a.example", DnsType.A, out _));
        for (var length = 0; length < good.Length; length++)
        {
            Assert.False(DnsMessage.TryReadAnswer(good.AsSpan(0, length), Id, "a.example", DnsType.A, out _));
        }
    }

    [Fact]
    public void Names_that_point_at_themselves_or_forwards_end()
    {
        var at = (byte)Query("a.example").Length;
        Assert.False(
            DnsMessage.TryReadAnswer(
                Answer("a.example", Ok, Record([0xC0, at], 1, Address)),
                Id,
                "a.example",
                DnsType.A,
                out _
            )
        );
        Assert.False(
            DnsMessage.TryReadAnswer(
                Answer("a.example", Ok, Record([0xC0, (byte)(at + 2)], 1, Address)),
                Id,
                "a.example",
                DnsType.A,
                out _
            )
        );
    }

    [Theory]
    [InlineData("")]
    [InlineData("a..b")]
    [InlineData(".a")]
    [InlineData("\u00e9.example")]
    [InlineData("a234567890123456789012345678901234567890123456789012345678901234.example")]
    public void What_is_no_name_is_not_asked_for(string name) => Assert.Empty(Query(name));

    [Fact]
    public void A_name_of_more_than_255_bytes_is_not_asked_for()
    {
        var label = new string('x', 62);
        Assert.NotEmpty(Query($"{label}.{label}.{label}.{label}"));
        Assert.Empty(Query($"{label}.{label}.{label}.{label}.xx"));
    }

    [Fact]
    public void Mutated_answers_never_throw()
    {
        byte[][] corpus =
        [
            Answer("a.example", Ok, Record(Asked, 1, Address), Record(Asked, 1, [192, 0, 2, 2])),
            Answer("a.example", Ok, Record(Asked, 5, Name("b.example")), Record(Name("b.example"), 1, Address)),
            Answer(
                "a.example",
                Ok,
                Record(Asked, 5, [1, (byte)'b', 0xC0, 14]),
                Record([1, (byte)'b', 0xC0, 14], 1, Address)
            ),
        ];
        var taken = 0;
        Fuzz.Run(
            20_000,
            random =>
            {
                var bytes = Fuzz.Mutate(random, corpus[random.Next(corpus.Length)]);
                if (DnsMessage.TryReadAnswer(bytes, Id, "a.example", DnsType.A, out var answer))
                {
                    taken++;
                    Assert.True(answer.Addresses.Count <= bytes.Length / 11);
                    Assert.True(answer.Alias is null || answer.Alias.Length <= 255);
                }
            }
        );
        Assert.True(taken > 1000, $"{taken}");
    }

    [Fact]
    public void Files_of_the_system_are_read()
    {
        const string hosts =
            "127.0.0.1 localhost\n# 192.0.2.9 a\n192.0.2.1\tA.Example  a # here\n::1 localhost a\nnonsense a\n";
        Assert.Equal([IPAddress.Parse("192.0.2.1"), IPAddress.IPv6Loopback], NameFiles.FindHost(hosts, "a"));
        Assert.Equal([IPAddress.Parse("192.0.2.1")], NameFiles.FindHost(hosts, "a.example."));
        Assert.Empty(NameFiles.FindHost(hosts, "b"));
        var (servers, suffixes) = NameFiles.ReadConfiguration(
            "domain x\nsearch one.example two.example\nnameserver 192.0.2.1 # a\nnameserver nonsense\n;nameserver 192.0.2.9\n"
                + "nameserver ::1\nnameserver 192.0.2.3\nnameserver 192.0.2.4\nnameserver\n"
        );
        Assert.Equal(["192.0.2.1", "::1", "192.0.2.3"], servers.Select(server => server.ToString()));
        Assert.Equal(["one.example", "two.example"], suffixes);
    }
}
