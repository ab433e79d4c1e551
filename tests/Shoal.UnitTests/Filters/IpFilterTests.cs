using System.Net;
using System.Text;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public class IpFilterTests
{
    private static (IpFilter? Filter, int Line, string? Error) Read(
        string text,
        IpFilterLimits? limits = null,
        int step = int.MaxValue
    ) => Read(Encoding.Latin1.GetBytes(text), limits, step);

    private static (IpFilter? Filter, int Line, string? Error) Read(
        byte[] bytes,
        IpFilterLimits? limits = null,
        int step = int.MaxValue
    )
    {
        var builder = new IpFilterBuilder(limits ?? IpFilterLimits.Default);
        var reader = new IpFilterReader(limits ?? IpFilterLimits.Default, builder);
        for (var at = 0; at < bytes.Length; at += Math.Min(step, bytes.Length - at))
        {
            reader.TryRead(bytes.AsSpan(at, Math.Min(step, bytes.Length - at)));
        }

        return reader.TryFinish() ? (builder.Build(), reader.Line, null) : (null, reader.Line, reader.Error);
    }

    private static bool Blocks(string list, string address) =>
        (Read(list).Filter ?? throw new InvalidDataException(Read(list).Error)).Contains(IPAddress.Parse(address));

    [Theory]
    // DAT, with numbers filled up with zeros, which are decimal all the same.
    [InlineData("001.002.003.010 - 001.002.003.099 , 000 , somebody", "1.2.3.10", "1.2.3.99", "1.2.3.9", "1.2.3.100")]
    [InlineData("1.2.3.10-1.2.3.99,127,a, b and # c", "1.2.3.10", "1.2.3.99", "1.2.3.9", "1.2.3.100")]
    [InlineData("1.2.3.10 - 1.2.3.99", "1.2.3.10", "1.2.3.99", "1.2.3.9", "1.2.3.100")]
    // P2P, with all that descriptions contain.
    [InlineData("Some firm:1.2.3.10-1.2.3.99", "1.2.3.10", "1.2.3.99", "1.2.3.9", "1.2.3.100")]
    [InlineData("#1: a, b - c; http://x/:1.2.3.10-1.2.3.99\r", "::1", "::2", "::1", "::2", false)]
    [InlineData("a, b - c; http://x/ #3:1.2.3.10-1.2.3.99\r", "1.2.3.10", "1.2.3.99", "1.2.3.9", "1.2.3.100")]
    [InlineData(":1.2.3.10-1.2.3.99", "1.2.3.10", "1.2.3.99", "1.2.3.9", "1.2.3.100")]
    [InlineData(
        "\u00e9t\u00e9:2001:db8::10-2001:db8::99",
        "2001:db8::10",
        "2001:db8::99",
        "2001:db8::f",
        "2001:db8::9a"
    )]
    // Networks.
    [InlineData("1.2.3.77/24 ; SBL1", "1.2.3.0", "1.2.3.255", "1.2.2.255", "1.2.4.0")]
    [InlineData("1.2.3.4", "1.2.3.4", "1.2.3.4", "1.2.3.3", "1.2.3.5")]
    [InlineData(
        "2001:db8::/32 # here",
        "2001:db8::",
        "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:db7::",
        "2001:db9::"
    )]
    [InlineData("2001:db8::1", "2001:db8::1", "2001:db8::1", "2001:db8::", "2001:db8::2")]
    [InlineData("::ffff:1.2.3.0/120", "1.2.3.0", "::ffff:1.2.3.255", "1.2.2.255", "::ffff:1.2.4.0")]
    [InlineData("255.255.255.255", "255.255.255.255", "255.255.255.255", "255.255.255.254", "::")]
    [InlineData("0.0.0.0/0", "0.0.0.0", "255.255.255.255", "2001:db8::", "::")]
    [InlineData("::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "0.0.0.0", "255.255.255.255")]
    public void Every_form_in_use_is_read(
        string line,
        string first,
        string last,
        string before,
        string after,
        bool isBlocked = true
    )
    {
        var list = $"\u00ef\u00bb\u00bf# a list\n\n  ; more\n// and\n{line}\n";
        Assert.Equal(isBlocked, Blocks(list, first));
        Assert.Equal(isBlocked, Blocks(list, last));
        Assert.False(Blocks(list, before));
        Assert.False(Blocks(list, after));
    }

    [Fact]
    public void A_level_above_127_means_allowed()
    {
        const string list = "1.0.0.0 - 1.0.0.9 , 128 , good\n2.0.0.0 - 2.0.0.9 , 200\n3.0.0.0 - 3.0.0.9 , 127 , bad";
        Assert.False(Blocks(list, "1.0.0.5"));
        Assert.False(Blocks(list, "2.0.0.5"));
        Assert.True(Blocks(list, "3.0.0.5"));
    }

    [Theory]
    [InlineData("1.2.3.4\nnonsense\n", 2, "neither")]
    [InlineData("1.2.3.4\n\n1.2.3.9-1.2.3.4\n", 3, "ends before")]
    [InlineData("1.2.3.256", 1, "neither")]
    [InlineData("1.2.3", 1, "neither")]
    [InlineData("1.2.3.4.5", 1, "neither")]
    [InlineData("0001.2.3.4", 1, "neither")]
    [InlineData("1.2.3.4/33", 1, "neither")]
    [InlineData("1.2.3.4/", 1, "neither")]
    [InlineData("1.2.3.4/-1", 1, "neither")]
    [InlineData("1.2.3.4-", 1, "neither")]
    [InlineData("1.2.3.4-::1", 1, "neither")]
    [InlineData("fe80::1%eth0", 1, "neither")]
    [InlineData("[::1]:80", 1, "neither")]
    [InlineData("1.2.3.4 - 1.2.3.5 , x1 , text", 1, "neither")]
    public void What_is_wrong_is_told_with_its_line(string list, int line, string error)
    {
        var result = Read(list);
        Assert.Null(result.Filter);
        Assert.Equal(line, result.Line);
        Assert.Contains(error, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Limits_hold()
    {
        var limits = new IpFilterLimits
        {
            MaxRanges = 3,
            MaxBytes = 1000,
            MaxLine = 50,
        };
        Assert.NotNull(Read("1.0.0.1\n1.0.0.3\n::5", limits).Filter);
        Assert.Equal((4, "there are more than 3 ranges"), Without(Read("1.0.0.1\n1.0.0.3\n::5\n::7", limits)));
        Assert.Equal(
            (2, "the line has more than 50 bytes"),
            Without(Read("1.0.0.1\n" + new string('x', 51), limits, step: 7))
        );
        // The line may still be going on.
        Assert.Equal((1, "the line has more than 50 bytes"), Without(Read(new string('#', 1000), limits, step: 1)));
        Assert.StartsWith(
            "the list has more than",
            Read(string.Concat(Enumerable.Repeat("#\n", 501)), limits).Error,
            StringComparison.Ordinal
        );

        static (int, string?) Without((IpFilter?, int Line, string? Error) result) => (result.Line, result.Error);
    }

    [Fact]
    public void A_list_reads_the_same_however_it_is_cut()
    {
        const string list =
            "#\r\n1.2.3.0/24\r\n\r\nname:5.0.0.0-5.0.0.9\n009.000.000.000 - 009.000.000.009 , 0 , x\n::7";
        for (var step = 1; step < list.Length; step++)
        {
            var filter = Read(list, step: step).Filter!;
            Assert.Equal(4, filter.Count);
            Assert.True(filter.Contains(IPAddress.Parse("1.2.3.9")));
            Assert.True(filter.Contains(IPAddress.Parse("5.0.0.9")));
            Assert.True(filter.Contains(IPAddress.Parse("9.0.0.0")));
            Assert.True(filter.Contains(IPAddress.Parse("::7")));
        }
    }

    [Fact]
    public void Ranges_that_touch_or_overlap_become_one()
    {
        Assert.Equal(1, Read("1.0.0.0-1.0.0.9\n1.0.0.10-1.0.0.19\n1.0.0.5-1.0.0.7\n1.0.0.0-1.0.0.2").Filter!.Count);
        Assert.Equal(2, Read("1.0.0.0-1.0.0.9\n1.0.0.11-1.0.0.19").Filter!.Count);
        Assert.Equal(1, Read("0.0.0.0-255.255.255.255\n255.255.255.255\n1.2.3.4").Filter!.Count);
        Assert.Equal(1, Read("::/0\nffff::\n::1-::2").Filter!.Count);
    }

    [Theory]
    [InlineData(50)]
    [InlineData(40_000)]
    public void A_filter_says_what_its_ranges_say(int ranges)
    {
        var random = new Random(ranges);
        var list = new StringBuilder();
        var all = new List<(uint First, uint Last)>();
        for (var i = 0; i < ranges; i++)
        {
            var first = (uint)random.NextInt64(1L << 32);
            var last = (uint)Math.Min(first + random.NextInt64(1L << random.Next(1, 18)), uint.MaxValue);
            all.Add((first, last));
            list.Append($"{Address(first)}-{Address(last)}\n");
        }

        var filter = Read(list.ToString()).Filter!;
        // The ends of ranges are where it goes wrong, if it does.
        var asked = all.Take(200)
            .SelectMany(range => new[] { range.First, range.First - 1, range.Last, range.Last + 1 });
        foreach (var address in asked.Concat(Enumerable.Range(0, 200).Select(_ => (uint)random.NextInt64(1L << 32))))
        {
            var expected = all.Exists(range => range.First <= address && address <= range.Last);
            Assert.Equal(expected, filter.Contains(Address(address)));
        }

        static IPAddress Address(uint value) =>
            new([(byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value]);
    }

    [Fact]
    public void Mutated_lists_are_read_or_refused()
    {
        var corpus = Encoding.Latin1.GetBytes(
            "a:1.2.3.4-1.2.3.5\n001.002.003.004 - 001.002.003.005 , 0 , b\n2001:db8::/32\nc:::1-::2\n1.2.3.4/8 # d\n"
        );
        var limits = new IpFilterLimits { MaxLine = 100, MaxRanges = 10 };
        Fuzz.Run(
            20_000,
            random =>
            {
                var bytes = Fuzz.Mutate(random, corpus);
                var (filter, line, error) = Read(bytes, limits, random.Next(1, 50));
                Assert.True(filter is null == error is not null);
                Assert.InRange(line, 0, bytes.Count(one => one == '\n') + 1);
                Assert.True(filter is not { Count: > 10 });
            }
        );
    }

    [Theory]
    [InlineData("0-1023,6666", new[] { 0, 1, 1023, 6666 }, new[] { 1024, 6665, 6667, 65535 })]
    [InlineData("65535", new[] { 65535 }, new[] { 0, 65534 })]
    public void Ports_are_read(string text, int[] inside, int[] outside)
    {
        Assert.True(PortRanges.TryParse(text, out var ranges));
        Assert.All(inside, port => Assert.True(ranges.Contains(port)));
        Assert.All(outside, port => Assert.False(ranges.Contains(port)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("65536")]
    [InlineData("5-4")]
    [InlineData("1-2-3")]
    [InlineData("-5")]
    [InlineData("1,,2")]
    [InlineData("+1")]
    public void What_is_no_list_of_ports_is_refused(string text) => Assert.False(PortRanges.TryParse(text, out _));
}
