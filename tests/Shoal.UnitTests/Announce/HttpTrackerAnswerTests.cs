using System.Buffers;
using System.Net;
using System.Text;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class HttpTrackerAnswerTests
{
    private static bool TryRead(string body, out AnnounceAnswer answer, AnnounceLimits? limits = null) =>
        HttpTrackerAnswer.TryReadAnnounce(Encoding.Latin1.GetBytes(body), limits ?? AnnounceLimits.Default, out answer);

    private static AnnounceAnswer Read(string body, AnnounceLimits? limits = null)
    {
        Assert.True(TryRead(body, out var answer, limits), body);
        return answer;
    }

    private static byte[] Write(Action<ArrayBufferWriter<byte>> write)
    {
        var output = new ArrayBufferWriter<byte>();
        write(output);
        return output.WrittenSpan.ToArray();
    }

    [Fact]
    public void ExampleOfBep7()
    {
        var answer = Read("d8:intervali1800e5:peers6:iiiipp6:peers618:iiiiiiiiiiiiiiiippe");
        Assert.Equal(TimeSpan.FromMinutes(30), answer.Interval);
        Assert.Equal(["105.105.105.105:28784", "[6969:6969:6969:6969:6969:6969:6969:6969]:28784"], Texts(answer));
    }

    [Fact]
    public void WordyPeersOfBep3()
    {
        var answer = Read(
            "d8:intervali60e5:peersl"
                + "d2:ip9:127.0.0.17:peer id20:aaaaaaaaaaaaaaaaaaaa4:porti6881ee"
                + "d2:ip11:2001:db8::14:porti1ee"
                + "d2:ip11:example.com4:porti1ee"
                + "d2:ip7:1.2.3.44:porti0ee"
                + "d2:ip7:1.2.3.44:porti70000ee"
                + "d2:ip7:0.0.0.04:porti1ee"
                + "i5e4:abcde"
                + "ee"
        );
        Assert.Equal(["127.0.0.1:6881", "[2001:db8::1]:1"], Texts(answer));
    }

    [Fact]
    public void PeersAreCapped()
    {
        var limits = new AnnounceLimits { MaxPeers = 3 };
        Assert.Equal(3, Read($"d5:peers600:{new string('i', 600)}e", limits).Peers.Count);
        var wordy = string.Concat(Enumerable.Repeat("d2:ip7:1.2.3.44:porti1ee", 50));
        Assert.Equal(3, Read($"d5:peersl{wordy}ee", limits).Peers.Count);
        Assert.Equal(3, Read($"d5:peers12:aaaaaaaaaaaa6:peers636:{new string('b', 36)}e", limits).Peers.Count);
        Assert.False(
            TryRead($"d5:peers600:{new string('i', 600)}e", out _, new AnnounceLimits { MaxAnswerBytes = 600 })
        );
    }

    [Fact]
    public void AllKeysAreRead()
    {
        var answer = Read(
            "d8:completei3e11:external ip4:\u0001\u0002\u0003\u000410:incompletei-4e8:intervali99999999999e"
                + "12:min intervali30e5:peers0:10:tracker id2:\u00ffx15:warning message3:a\nbe\n"
        );
        Assert.Equal((3, null), (answer.Seeds, answer.Leeches));
        Assert.Equal(IPAddress.Parse("1.2.3.4"), answer.ExternalAddress);
        Assert.Equal(TimeSpan.FromSeconds(30), answer.MinInterval);
        Assert.Equal([0xFF, (byte)'x'], answer.TrackerId.ToArray());
        Assert.Equal("a?b", answer.Warning);
        Assert.Empty(answer.Peers);
    }

    [Theory]
    [InlineData("8:retry in1:5", 5.0)]
    [InlineData("8:retry ini5e", 5.0)]
    [InlineData("8:retry in5:never", double.PositiveInfinity)]
    [InlineData("8:retry in1:0", null)]
    [InlineData("8:retry ini-5e", null)]
    [InlineData("8:retry in9:999999999", 999999999.0)]
    [InlineData("8:retry in10:9999999999", null)]
    [InlineData("", null)]
    public void RetryInIsRead(string retry, double? minutes)
    {
        var answer = Read($"d14:failure reason10:Overloaded{retry}e");
        Assert.Equal("Overloaded", answer.Failure);
        var expected = minutes is { } some
            ? double.IsInfinity(some)
                ? AnnounceAnswer.Never
                : TimeSpan.FromMinutes(some)
            : (TimeSpan?)null;
        Assert.Equal(expected, answer.RetryIn);
    }

    [Theory]
    [InlineData("")]
    [InlineData("de")]
    [InlineData("le")]
    [InlineData("i5e")]
    [InlineData("<html><body>Welcome</body></html>")]
    [InlineData("d8:completei5ee")]
    [InlineData("d8:intervali1800e5:peers6:iiii")]
    [InlineData("d8:intervali1800e5:peers9999999999:iiii")]
    public void WhatIsNoAnswerIsNone(string body) => Assert.False(TryRead(body, out _));

    [Fact]
    public void AnswersComeBackAsTheyWent()
    {
        var external = IPAddress.Parse("2001:db8::5");
        var peers = new byte[] { 10, 0, 0, 1, 0, 1 };
        var peers6 = new byte[18];
        peers6[0] = 0x20;
        peers6[17] = 7;
        var counts = new ScrapeCounts(1, 2, 3, 2);
        var compact = Write(output => HttpTrackerAnswer.WriteAnnounce(output, counts, 60, 30, external, peers, peers6));
        Assert.True(HttpTrackerAnswer.TryReadAnnounce(compact, AnnounceLimits.Default, out var answer));
        Assert.Equal((1, 3, external), (answer.Seeds!.Value, answer.Leeches!.Value, answer.ExternalAddress));
        Assert.Equal((TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(30)), (answer.Interval, answer.MinInterval));
        Assert.Equal(["10.0.0.1:1", "[2000::]:7"], Texts(answer));

        var wordy = Write(output =>
            HttpTrackerAnswer.WriteWordyAnnounce(output, counts, 60, 30, external, answer.Peers)
        );
        Assert.True(HttpTrackerAnswer.TryReadAnnounce(wordy, AnnounceLimits.Default, out var again));
        Assert.Equal(answer.Peers, again.Peers);
        // Strict readers, ours among them, want sorted keys.
        foreach (var written in new[] { compact, wordy })
        {
            Assert.True(
                BencodeDocument.TryParse(written, BencodeMode.Strict, BencodeLimits.Default, out _, out var error),
                error.ToString()
            );
        }
    }

    [Fact]
    public void RefusalsAndScrapesComeBackAsTheyWent()
    {
        var refusal = Write(output => HttpTrackerAnswer.WriteFailure(output, "full", TimeSpan.FromSeconds(61)));
        Assert.Equal("d14:failure reason4:full8:retry in1:2e", Encoding.ASCII.GetString(refusal));

        var counts = new Dictionary<InfoHash, ScrapeCounts>
        {
            [new InfoHash("yyyyyyyyyyyyyyyyyyyy"u8)] = new(21, 206, 20),
            [new InfoHash("xxxxxxxxxxxxxxxxxxxx"u8)] = new(11, 13772, 19),
        };
        var scrape = Write(output => HttpTrackerAnswer.WriteScrape(output, counts));
        // The example of BEP 48.
        Assert.Equal(
            "d5:filesd20:xxxxxxxxxxxxxxxxxxxxd8:completei11e10:downloadedi13772e10:incompletei19ee"
                + "20:yyyyyyyyyyyyyyyyyyyyd8:completei21e10:downloadedi206e10:incompletei20eeee",
            Encoding.ASCII.GetString(scrape)
        );
        Assert.True(HttpTrackerAnswer.TryReadScrape(scrape, AnnounceLimits.Default, out var read, out var failure));
        Assert.Null(failure);
        Assert.Equal(counts.OrderBy(entry => entry.Key), read.OrderBy(entry => entry.Key));
        Assert.True(HttpTrackerAnswer.TryReadScrape(refusal, AnnounceLimits.Default, out _, out failure));
        Assert.Equal("full", failure);
        Assert.False(HttpTrackerAnswer.TryReadScrape("d5:filesi1ee"u8.ToArray(), AnnounceLimits.Default, out _, out _));
    }

    [Fact]
    public void NoAnswerThrows()
    {
        string[] originals =
        [
            "d8:completei3e11:external ip4:abcd10:incompletei4e8:intervali999e12:min intervali30e5:peers12:aaaabbccccdd"
                + "6:peers618:iiiiiiiiiiiiiiiipp10:tracker id2:xx15:warning message3:abce",
            "d14:failure reason4:full8:retry in5:nevere",
            "d8:intervali60e5:peersld2:ip9:127.0.0.17:peer id20:aaaaaaaaaaaaaaaaaaaa4:porti6881eeee",
            "d5:filesd20:xxxxxxxxxxxxxxxxxxxxd8:completei11e10:downloadedi13772e10:incompletei19eeee",
        ];
        Fuzz.Run(
            20_000,
            random =>
            {
                var original = Encoding.ASCII.GetBytes(originals[random.Next(originals.Length)]);
                var body = Fuzz.Mutate(random, original);
                if (HttpTrackerAnswer.TryReadAnnounce(body, AnnounceLimits.Default, out var answer))
                {
                    Assert.All(answer.Peers, peer => Assert.InRange(peer.Port, 1, 65535));
                    Assert.DoesNotContain(answer.Failure ?? answer.Warning ?? "", char.IsControl);
                }

                HttpTrackerAnswer.TryReadScrape(body, AnnounceLimits.Default, out var counts, out _);
                Assert.InRange(counts.Count, 0, AnnounceLimits.Default.MaxScrape);
            }
        );
    }

    private static IEnumerable<string> Texts(AnnounceAnswer answer) => answer.Peers.Select(peer => peer.ToString());
}
