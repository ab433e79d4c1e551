using System.Text;
using Shoal.Daemon;

namespace Shoal.UnitTests;

/// <summary>Subtitles of all kinds become what browsers understand.</summary>
public sealed class SubtitleTests
{
    [Fact]
    public void Subrip_becomes_webvtt()
    {
        const string subRip =
            "\ufeff1\r\n00:00:01,500 --> 0:00:02,5  X1:40 X2:600\r\n<i>One</i> & <font color=\"red\">two</font> <3\r\n{\\an8}--> x\r\n\r\n"
            + "not a cue\r\n\r\n2\r\n100:00:03.000 --> 100:00:04.123\r\n<script>alert(1)</script>\r\n";
        Assert.Equal(
            "WEBVTT\n\n00:00:01.500 --> 00:00:02.500\n<i>One</i> &amp; two &lt;3\n--&gt; x\n\n"
                + "100:00:03.000 --> 100:00:04.123\nalert(1)\n",
            WebVtt.Of("a.srt", Encoding.UTF8.GetBytes(subRip))
        );
        Assert.EndsWith(
            "\nGr\u00fc\u00dfe\n",
            WebVtt.Of("a.srt", Encoding.Latin1.GetBytes("1\n00:00:01,000 --> 00:00:02,000\nGr\u00fc\u00dfe"))
        );
        Assert.Equal("WEBVTT\n", WebVtt.Of("a.srt", ""u8));
    }

    [Fact]
    public void No_bytes_break_the_conversion()
    {
        var random = new Random(20261128);
        for (var round = 0; round < 300; round++)
        {
            var text = Encoding.UTF8.GetBytes("1\n00:00:01,000 --> 00:00:02,000\n<i>a</i>{\\b}\n\n");
            for (var i = 0; i < 8; i++)
            {
                text[random.Next(text.Length)] = (byte)random.Next(256);
            }

            var converted = WebVtt.Of("a.srt", text);
            Assert.StartsWith("WEBVTT\n", converted);
            Assert.DoesNotContain("<s", converted, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Fact]
    public void Substation_becomes_webvtt()
    {
        const string document = """
            [Script Info]
            Title: of a film
            Dialogue: 0,0:00:00.00,0:00:01.00,Default,,0,0,0,,not an event
            [V4+ Styles]
            Format: Name, Fontname
            [Events]
            Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
            Dialogue: 0,0:01:02.50,1:01:04.05,Default,,0,0,0,,{\i1}Second{\i0}, with <comma>\N\N\Nand a\hline {open
            Comment: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,left out
            Dialogue: 1,0:00:01.00,0:00:02.5,Default,Anna,0,0,0,,{\pos(1,2)\p1}m 0 0 l 1 1{\p0} First & best --> here
            Dialogue: 0,0:00:03.00,0:00:02.00,Default,,0,0,0,,ends before it begins
            Dialogue: 0,soon,later,Default,,0,0,0,,no times
            Dialogue: 0,0:00:05.00,0:00:06.00,Default,,0,0,0,,{\p2}m 0 0
            [Fonts]
            Dialogue: 0,0:00:07.00,0:00:08.00,Default,,0,0,0,,not an event either
            """;
        const string converted =
            "WEBVTT\n\n00:00:01.000 --> 00:00:02.500\nFirst &amp; best --&gt; here\n\n"
            + "00:01:02.500 --> 01:01:04.050\nSecond, with &lt;comma&gt;\nand a line {open\n";
        foreach (var ends in new[] { "\n", "\r\n" })
        {
            var text = document.ReplaceLineEndings(ends);
            Assert.Equal(converted, WebVtt.Of("film.ass", Encoding.UTF8.GetBytes(text)));
            Assert.Equal(converted, WebVtt.Of("film.SSA", Encoding.Unicode.GetBytes(text)));
        }

        // Columns in another order.
        Assert.Equal(
            "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\na, b\n",
            WebVtt.Of("a.ass", "[events]\nformat: End, Start, Text\ndialogue: 0:00:02,0:00:01,a, b"u8)
        );
        Assert.Equal("WEBVTT\n", WebVtt.Of("a.ass", ""u8));
    }

    [Theory]
    [InlineData("utf-8", true)]
    [InlineData("utf-8", false)]
    [InlineData("utf-16", true)]
    [InlineData("utf-16", false)]
    [InlineData("utf-16BE", true)]
    [InlineData("utf-16BE", false)]
    public void The_encoding_is_found_out(string name, bool hasMark)
    {
        var encoding = Encoding.GetEncoding(name);
        foreach (
            var said in new[]
            {
                "Gr\u00fc\u00dfe",
                "\u041f\u0440\u0438\u0432\u0435\u0442",
                "\u4f60\u597d\uff0c\u4e16\u754c",
            }
        )
        {
            var text = $"1\n00:00:01,000 --> 00:00:02,000\n{said}\n";
            byte[] bytes = [.. hasMark ? encoding.GetPreamble() : [], .. encoding.GetBytes(text)];
            Assert.Equal(text, SubtitleText.Decode(bytes));
        }
    }

    [Fact]
    public void No_bytes_break_the_conversion_of_substation()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        var whole =
            "[Events]\nFormat: Layer, Start, End, Text\nDialogue: 0,0:00:01.00,0:00:02.00,{\\p1}a{\\p0}b\\Nc<s>\n"u8.ToArray();
        for (var round = 0; round < 2000; round++)
        {
            var bytes = (byte[])whole.Clone();
            for (var i = random.Next(1, 8); i > 0; i--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            var converted = WebVtt.Of("a.ass", bytes);
            Assert.True(
                converted.StartsWith("WEBVTT\n", StringComparison.Ordinal)
                    && !converted.Contains("<s", StringComparison.Ordinal),
                $"seed {seed}"
            );
        }

        // Looked through once, whatever is open.
        var flood = Encoding.UTF8.GetBytes(
            "[Events]\nDialogue: 0,0:00:01.00,0:00:02.00,,,,,,," + new string('{', 2_000_000) + "}"
        );
        Assert.Equal("WEBVTT\n", WebVtt.Of("a.ass", flood));
        flood[^1] = (byte)'{';
        Assert.Contains("{{{", WebVtt.Of("a.ass", flood), StringComparison.Ordinal);
    }
}
