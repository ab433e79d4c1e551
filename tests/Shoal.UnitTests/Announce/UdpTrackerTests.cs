using System.Net;
using System.Net.Sockets;
using System.Text;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class UdpTrackerTests
{
    private static readonly AnnounceRequest Sample = new()
    {
        InfoHash = new InfoHash(Enumerable.Range(1, 20).Select(i => (byte)i).ToArray()),
        PeerId = new PeerId("-SH0001-abcdefghijkl"u8),
        Port = 51413,
        Uploaded = long.MaxValue,
        Downloaded = 3,
        Left = 1L << 40,
        Event = AnnounceEvent.Started,
        Key = 0xDEADBEEF,
        Wanted = 30,
    };

    [Fact]
    public void ConnectStandsAsInTheSpecification()
    {
        var datagram = new byte[16];
        Assert.Equal(16, UdpTrackerRequest.WriteConnect(0x01020304, datagram));
        Assert.Equal("00000417271019800000000001020304", Convert.ToHexStringLower(datagram));
        Assert.Equal(UdpTrackerFault.None, UdpTrackerRequest.TryRead(datagram, out var request));
        Assert.Equal(UdpTrackerAction.Connect, request.Action);
        Assert.Equal(0x01020304u, request.TransactionId);
        datagram[0] = 1;
        Assert.Equal(UdpTrackerFault.BadProtocolId, UdpTrackerRequest.TryRead(datagram, out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/dir?a=b&c=d")]
    [InlineData("long")]
    public void AnnounceComesBackAsItWent(string url)
    {
        url = url == "long" ? "/" + new string('x', AnnounceLimits.MaxUdpUrlData - 1) : url;
        var datagram = new byte[UdpTrackerRequest.AnnounceSize + UdpUrlData.MaxEncoded];
        var length = UdpTrackerRequest.WriteAnnounce(7, -2, Sample, Encoding.ASCII.GetBytes(url), datagram);
        Assert.Equal(UdpTrackerFault.None, UdpTrackerRequest.TryRead(datagram.AsSpan(0, length), out var request));
        Assert.Equal(Sample, request.Announce);
        Assert.Equal(-2, request.ConnectionId);
        Assert.Equal(7u, request.TransactionId);
        var data = new byte[AnnounceLimits.MaxUdpUrlData];
        Assert.True(UdpUrlData.TryRead(request.Rest, data, out var urlLength));
        Assert.Equal(url, Encoding.ASCII.GetString(data, 0, urlLength));
        for (var cut = 0; cut < UdpTrackerRequest.AnnounceSize; cut++)
        {
            Assert.Equal(UdpTrackerFault.TooShort, UdpTrackerRequest.TryRead(datagram.AsSpan(0, cut), out _));
        }
    }

    [Fact]
    public void UrlDataOfTheSpecificationsExamples()
    {
        var data = new byte[100];
        byte[] first = [2, 0xC, .. "/dir?a=b&c=d"u8];
        foreach (
            var options in new byte[][] { first, [.. first, 1, 1, 0], [.. first, 0, 2, 9], [1, 7, 2, 9, 9, .. first] }
        )
        {
            Assert.True(UdpUrlData.TryRead(options, data, out var length));
            Assert.Equal("/dir?a=b&c=d", Encoding.ASCII.GetString(data, 0, length));
        }

        Assert.True(UdpUrlData.TryRead([2, 0], data, out var none));
        Assert.Equal(0, none);
        Assert.True(UdpUrlData.TryRead([2, 1, (byte)'a', 2, 1, (byte)'b'], data, out var two));
        Assert.Equal(2, two);
        for (var cut = 1; cut < first.Length; cut++)
        {
            Assert.False(UdpUrlData.TryRead(first.AsSpan(0, cut), data, out _));
        }

        Assert.False(UdpUrlData.TryRead(first, data.AsSpan(0, 11), out _));
    }

    [Theory]
    [InlineData(AddressFamily.InterNetwork, "10.1.2.3", "192.0.2.9")]
    [InlineData(AddressFamily.InterNetworkV6, "2001:db8::1", "fe80::7")]
    public void AnnounceAnswerHasTheStrideOfItsFamily(AddressFamily family, string first, string second)
    {
        IPEndPoint[] peers = [new(IPAddress.Parse(first), 1), new(IPAddress.Parse(second), 65535)];
        var datagram = new byte[200];
        var length = UdpTrackerAnswer.WriteAnnounceHeader(9, 1800, 4, 5, datagram);
        foreach (var peer in peers)
        {
            length += CompactPeers.Write(peer, datagram.AsSpan(length));
        }

        for (var cut = 0; cut < length; cut++)
        {
            var fault = UdpTrackerAnswer.TryRead(datagram.AsSpan(0, cut), UdpTrackerAction.Announce, 9, out var partly);
            Assert.Equal(cut < 20 ? UdpTrackerFault.TooShort : UdpTrackerFault.None, fault);
            if (cut >= 20)
            {
                var whole = (cut - 20) / CompactPeers.SizeOf(family);
                Assert.Equal(whole, partly.ToAnnounceAnswer(family, AnnounceLimits.Default).Peers.Count);
            }
        }

        UdpTrackerAnswer.TryRead(datagram.AsSpan(0, length), UdpTrackerAction.Announce, 9, out var read);
        var answer = read.ToAnnounceAnswer(family, AnnounceLimits.Default);
        Assert.Equal(peers, answer.Peers);
        Assert.Equal((4, 5, TimeSpan.FromSeconds(1800)), (answer.Leeches!.Value, answer.Seeds!.Value, answer.Interval));
        Assert.Single(read.ToAnnounceAnswer(family, new AnnounceLimits { MaxPeers = 1 }).Peers);
    }

    [Fact]
    public void AnswersToOtherQuestionsAreNotTaken()
    {
        var datagram = new byte[100];
        UdpTrackerAnswer.WriteConnect(5, 77, datagram);
        Assert.Equal(
            UdpTrackerFault.WrongTransaction,
            UdpTrackerAnswer.TryRead(datagram, UdpTrackerAction.Connect, 6, out _)
        );
        Assert.Equal(
            UdpTrackerFault.WrongAction,
            UdpTrackerAnswer.TryRead(datagram, UdpTrackerAction.Scrape, 5, out _)
        );
        Assert.Equal(UdpTrackerFault.None, UdpTrackerAnswer.TryRead(datagram, UdpTrackerAction.Connect, 5, out var ok));
        Assert.Equal(77, ok.ConnectionId);

        var length = UdpTrackerAnswer.WriteError(5, "no\u001b[2J\u202e way"u8, datagram);
        Assert.Equal(
            UdpTrackerFault.None,
            UdpTrackerAnswer.TryRead(datagram.AsSpan(0, length), UdpTrackerAction.Announce, 5, out var error)
        );
        var answer = error.ToAnnounceAnswer(AddressFamily.InterNetwork, AnnounceLimits.Default);
        Assert.Equal("no?[2J? way", answer.Failure);
    }

    [Fact]
    public void ScrapeComesBackAsItWent()
    {
        InfoHash[] hashes = [Sample.InfoHash, new InfoHash(new byte[20])];
        var datagram = new byte[100];
        var length = UdpTrackerRequest.WriteScrape(1, 2, hashes, datagram);
        Assert.Equal(UdpTrackerFault.None, UdpTrackerRequest.TryRead(datagram.AsSpan(0, length + 3), out var request));
        Assert.Equal(40, request.Rest.Length);
        Assert.Equal(hashes[0], new InfoHash(request.Rest[..20]));

        length = UdpTrackerAnswer.WriteScrapeHeader(1, datagram);
        length += UdpTrackerAnswer.WriteScrapeEntry(new ScrapeCounts(1, 2, 3), datagram.AsSpan(length));
        UdpTrackerAnswer.TryRead(datagram.AsSpan(0, length), UdpTrackerAction.Scrape, 1, out var answer);
        Assert.Equal([new ScrapeCounts(1, 2, 3)], answer.ToScrapeAnswer(2));
    }

    [Fact]
    public void NoDatagramThrows()
    {
        var buffer = new byte[200];
        var url = new byte[64];
        Fuzz.Run(
            50_000,
            random =>
            {
                var bytes = buffer.AsSpan(0, random.Next(0, 200));
                random.NextBytes(bytes);
                if (bytes.Length >= 16)
                {
                    // Mostly known actions, else nothing gets beyond the first check.
                    bytes[random.Next(2) == 0 ? 3 : 11] = (byte)random.Next(5);
                    bytes[..3].Clear();
                    bytes[8..11].Clear();
                }

                if (UdpTrackerRequest.TryRead(bytes, out var request) == UdpTrackerFault.None)
                {
                    UdpUrlData.TryRead(request.Rest, url, out var length);
                    Assert.InRange(length, 0, url.Length);
                }

                foreach (var action in Enum.GetValues<UdpTrackerAction>())
                {
                    UdpTrackerAnswer.TryReadTransaction(bytes, out var transaction);
                    if (UdpTrackerAnswer.TryRead(bytes, action, transaction, out var answer) != UdpTrackerFault.None)
                    {
                        continue;
                    }

                    Assert.InRange(answer.ToScrapeAnswer(3).Length, 0, 3);
                    if (answer.Action is UdpTrackerAction.Announce or UdpTrackerAction.Error)
                    {
                        Assert.NotNull(answer.ToAnnounceAnswer(AddressFamily.InterNetworkV6, AnnounceLimits.Default));
                    }
                }
            }
        );
    }
}
