using System.Buffers;
using System.Text;
using System.Text.Json;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class BencodeTests
{
    private static bool TryParse(byte[] data, BencodeMode mode, out BencodeDocument document, out BencodeError error) =>
        BencodeDocument.TryParse(data, mode, BencodeLimits.Default, out document, out error);

    private static byte[] Latin1(string text) => Encoding.Latin1.GetBytes(text);

    [Fact]
    public void Vectors_of_the_strict_decoder()
    {
        using var vectors = TestVectors.Load("bencode.json");
        foreach (var item in vectors.RootElement.GetProperty("cases").EnumerateArray())
        {
            var input = item.GetProperty("input").GetString()!;
            var accepted = TryParse(Latin1(input), BencodeMode.Lenient, out var document, out var error);
            Assert.True(accepted == (item.GetProperty("verdict").GetString() == "ok"), $"{input}: {error}");

            // The vectors leave the order of keys to policy; ours is to be strict about it on demand.
            var strict = TryParse(Latin1(input), BencodeMode.Strict, out _, out error);
            Assert.True(strict == accepted || error.Fault == BencodeFault.UnsortedKeys, $"{input}: {error}");
            if (accepted && item.GetProperty("value").ValueKind == JsonValueKind.Number)
            {
                Assert.True(document.Root.TryGetInteger(out var value));
                Assert.Equal(item.GetProperty("value").GetInt64(), value);
            }
        }

        foreach (var item in vectors.RootElement.GetProperty("binary_reject_hex").EnumerateArray())
        {
            Assert.False(TryParse(Convert.FromHexString(item.GetString()!), BencodeMode.Lenient, out _, out _));
        }
    }

    [Theory]
    [InlineData("06:foobar", BencodeFault.LeadingZero, 0)]
    [InlineData("i01e", BencodeFault.LeadingZero, 1)]
    [InlineData("i-03e", BencodeFault.LeadingZero, 2)]
    [InlineData("i-0e", BencodeFault.NegativeZero, 1)]
    [InlineData("d2:bai1e2:aai2ee", BencodeFault.UnsortedKeys, 8)]
    [InlineData("d2:aai1e1:ai2ee", BencodeFault.UnsortedKeys, 8)]
    [InlineData("d2:aai1e2:aai2ee", BencodeFault.DuplicateKey, 8)]
    public void Deviations_are_errors_when_strict_and_remembered_when_lenient(
        string text,
        BencodeFault fault,
        int offset
    )
    {
        Assert.False(TryParse(Latin1(text), BencodeMode.Strict, out _, out var error));
        Assert.Equal(new BencodeError(fault, offset), error);
        Assert.True(TryParse(Latin1(text), BencodeMode.Lenient, out var document, out _));
        Assert.Equal(new BencodeError(fault, offset), document.Deviation);
    }

    [Theory]
    [InlineData("leee", BencodeFault.TrailingData, 2)]
    [InlineData("i1e\n", BencodeFault.TrailingData, 3)]
    [InlineData("i9223372036854775808e", BencodeFault.Overflow, 19)]
    [InlineData("i-9223372036854775809e", BencodeFault.Overflow, 20)]
    [InlineData("2147483648:", BencodeFault.Overflow, 9)]
    [InlineData("2147483647:abc", BencodeFault.UnexpectedEnd, 11)]
    [InlineData("d1:ae", BencodeFault.ExpectedValue, 4)]
    [InlineData("d", BencodeFault.UnexpectedEnd, 1)]
    [InlineData("3abc", BencodeFault.ExpectedColon, 1)]
    [InlineData("x", BencodeFault.ExpectedValue, 0)]
    [InlineData("di1ei2ee", BencodeFault.ExpectedKey, 1)]
    public void Faults_name_their_place(string text, BencodeFault fault, int offset)
    {
        Assert.False(TryParse(Latin1(text), BencodeMode.Lenient, out _, out var error));
        Assert.Equal(new BencodeError(fault, offset), error);
    }

    [Fact]
    public void Integers_of_64_bits_fit()
    {
        foreach (var value in new[] { long.MinValue, long.MaxValue, 0, -1, 1, 10 })
        {
            Assert.True(TryParse(Latin1($"i{value}e"), BencodeMode.Strict, out var document, out _));
            Assert.True(document.Root.TryGetInteger(out var read));
            Assert.Equal(value, read);
        }
    }

    [Fact]
    public void Nesting_is_capped_and_costs_no_stack()
    {
        Assert.True(TryParse(Latin1(new string('l', 100) + new string('e', 100)), BencodeMode.Strict, out _, out _));
        Assert.False(
            TryParse(Latin1(new string('l', 1024) + new string('e', 1024)), BencodeMode.Strict, out _, out var error)
        );
        Assert.Equal(new BencodeError(BencodeFault.TooDeep, 100), error);

        var deep = new BencodeLimits { MaxDepth = 1_000_000 };
        var million = Latin1(new string('l', 1_000_000) + new string('e', 1_000_000));
        Assert.True(BencodeDocument.TryParse(million, BencodeMode.Strict, deep, out _, out _));
    }

    [Fact]
    public void Tokens_are_capped()
    {
        var limits = new BencodeLimits { MaxTokens = 1000 };
        byte[] ofStrings(int count) => Latin1("l" + string.Concat(Enumerable.Repeat("0:", count)) + "e");
        Assert.True(BencodeDocument.TryParse(ofStrings(999), BencodeMode.Strict, limits, out _, out _));
        Assert.False(BencodeDocument.TryParse(ofStrings(1000), BencodeMode.Strict, limits, out _, out var error));
        Assert.Equal(BencodeFault.TooManyTokens, error.Fault);
        Assert.False(BencodeDocument.TryParse(ofStrings(5119), BencodeMode.Strict, limits, out _, out _));
    }

    [Fact]
    public void A_claimed_length_allocates_nothing()
    {
        var lie = Latin1("l1073741824:abce");
        TryParse(lie, BencodeMode.Strict, out _, out _);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.False(TryParse(lie, BencodeMode.Strict, out _, out var error));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 10_000);
        Assert.Equal(BencodeFault.UnexpectedEnd, error.Fault);
    }

    [Fact]
    public void Nodes_walk_what_was_found()
    {
        var data = "d4:listl1:ai-7eded1:xi1eee3:numi42e4:text5:helloe"u8.ToArray();
        Assert.True(TryParse(data, BencodeMode.Strict, out var document, out _));
        var root = document.Root;
        Assert.Equal(BencodeKind.Dictionary, root.Kind);
        Assert.Equal(3, root.Count);
        Assert.Equal(42, root.Find("num"u8).IntegerOr(0));
        Assert.Equal("hello", root.Find("text"u8).TextOrNull());
        Assert.Equal("5:hello"u8, root.Find("text"u8).Raw);
        Assert.False(root.Find("none"u8).Exists);
        Assert.False(root.Find("none"u8).Find("deeper"u8).Exists);
        Assert.Equal(BencodeKind.None, root.Find("none"u8).Kind);
        Assert.Equal(7, root.Find("text"u8).IntegerOr(7));

        var kinds = new List<BencodeKind>();
        foreach (var element in root.Find("list"u8).Elements)
        {
            kinds.Add(element.Kind);
        }

        Assert.Equal([BencodeKind.String, BencodeKind.Integer, BencodeKind.Dictionary, BencodeKind.Dictionary], kinds);
        var keys = new List<string>();
        foreach (var entry in root.Entries)
        {
            keys.Add(Encoding.ASCII.GetString(entry.Key));
        }

        Assert.Equal(["list", "num", "text"], keys);
    }

    [Fact]
    public void The_first_of_repeated_keys_counts()
    {
        Assert.True(TryParse(Latin1("d1:ai1e1:ai2ee"), BencodeMode.Lenient, out var document, out _));
        Assert.Equal(1, document.Root.Find("a"u8).IntegerOr(0));
    }

    [Fact]
    public void Small_messages_are_read_without_allocating()
    {
        var message = "d8:msg_typei1e5:piecei3e10:total_sizei34256eexxxxxxxx"u8.ToArray();
        long Read()
        {
            Span<BencodeToken> table = stackalloc BencodeToken[16];
            Assert.True(
                Bencode.TryParse(message, table, BencodeMode.Lenient, out var root, out _, allowTrailing: true)
            );
            return root.Find("piece"u8).IntegerOr(0) * 1000 + root.Raw.Length;
        }

        Read();
        var before = GC.GetAllocatedBytesForCurrentThread();
        var result = Read();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(3045, result);

        Span<BencodeToken> small = stackalloc BencodeToken[3];
        Assert.False(Bencode.TryParse(message, small, BencodeMode.Lenient, out _, out var error, allowTrailing: true));
        Assert.Equal(BencodeFault.TooManyTokens, error.Fault);
    }

    [Fact]
    public void What_is_written_is_canonical()
    {
        var output = new ArrayBufferWriter<byte>();
        var writer = new BencodeWriter(output);
        writer.BeginDictionary();
        writer.Entry("a"u8, long.MinValue);
        writer.Entry("b"u8, "é");
        writer.String("c"u8);
        writer.BeginList();
        writer.String(""u8);
        writer.Integer(0);
        writer.Raw("de"u8);
        writer.End();
        writer.End();
        Assert.Equal("d1:ai-9223372036854775808e1:b2:é1:cl0:i0edeee"u8, output.WrittenSpan);
        Assert.True(TryParse(output.WrittenSpan.ToArray(), BencodeMode.Strict, out _, out _));
    }

    [Fact]
    public void Every_prefix_of_a_message_is_refused()
    {
        var data = "d4:listl1:ai-7eded1:xi1eee3:numi42e4:text5:helloe"u8.ToArray();
        for (var length = 0; length < data.Length; length++)
        {
            Assert.False(TryParse(data[..length], BencodeMode.Lenient, out _, out var error), $"{length}");
            Assert.InRange(error.Offset, 0, length);
        }
    }

    [Fact]
    public void Mutations_never_throw_and_what_is_accepted_strictly_is_canonical()
    {
        var corpus = TestVectors.Corpus("bencode");
        Fuzz.Run(
            20_000,
            random =>
            {
                var input = Fuzz.Mutate(random, corpus[random.Next(corpus.Count)]);
                var lenient = TryParse(input, BencodeMode.Lenient, out _, out _);
                if (TryParse(input, BencodeMode.Strict, out var document, out _))
                {
                    Assert.True(lenient);
                    var output = new ArrayBufferWriter<byte>();
                    Copy(document.Root, new BencodeWriter(output));
                    Assert.Equal(input, output.WrittenSpan);
                }
            }
        );
    }

    private static void Copy(BencodeNode node, BencodeWriter writer)
    {
        switch (node.Kind)
        {
            case BencodeKind.Integer:
                Assert.True(node.TryGetInteger(out var value));
                writer.Integer(value);
                break;
            case BencodeKind.String:
                writer.String(node.Bytes);
                break;
            case BencodeKind.List:
                writer.BeginList();
                foreach (var element in node.Elements)
                {
                    Copy(element, writer);
                }

                writer.End();
                break;
            default:
                writer.BeginDictionary();
                foreach (var entry in node.Entries)
                {
                    writer.String(entry.Key);
                    Copy(entry.Value, writer);
                }

                writer.End();
                break;
        }
    }
}
