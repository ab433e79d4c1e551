using System.Text;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class AnnounceQueryTests
{
    private static readonly AnnounceRequest Sample = new()
    {
        InfoHash = new InfoHash([0, 255, .. "%&=+ ?#/:azAZ09-._~"u8.ToArray().AsSpan(0, 18)]),
        PeerId = new PeerId("-SH0001-abcdefghijkl"u8),
        Port = 6881,
        Uploaded = 1,
        Downloaded = long.MaxValue,
        Left = 3,
        Event = AnnounceEvent.Completed,
        Key = 0xABCDEF,
        Wanted = 80,
        NoPeerId = true,
    };

    private static TrackerUrl Url(string text)
    {
        Assert.True(TrackerUrl.TryParse(text, out var url), text);
        return url;
    }

    [Fact]
    public void EveryByteOfAnInfoHashSurvives()
    {
        for (var value = 0; value < 256; value++)
        {
            var request = Sample with { InfoHash = new InfoHash(Enumerable.Repeat((byte)value, 20).ToArray()) };
            var url = AnnounceQuery.Build(Url("http://t/announce"), request, default);
            Assert.Equal(
                AnnounceQueryFault.None,
                AnnounceQuery.TryRead(url.AsSpan(url.IndexOf('?') + 1), out var read)
            );
            Assert.Equal(request, read);
        }
    }

    [Theory]
    [InlineData(AnnounceEvent.None, "")]
    [InlineData(AnnounceEvent.Started, "&event=started")]
    [InlineData(AnnounceEvent.Stopped, "&event=stopped")]
    [InlineData(AnnounceEvent.Completed, "&event=completed")]
    [InlineData(AnnounceEvent.Paused, "&event=paused")]
    public void QueryIsAsTheSpecificationsSay(AnnounceEvent happened, string written)
    {
        var request = Sample with { Event = happened, InfoHash = new InfoHash("aaaaaaaaaaaaaaaaaaa\u0001"u8) };
        Assert.Equal(
            "https://t:1/x/announce?info_hash=aaaaaaaaaaaaaaaaaaa%01&peer_id=-SH0001-abcdefghijkl&port=6881"
                + "&uploaded=1&downloaded=9223372036854775807&left=3&key=00ABCDEF&numwant=80&compact=1&no_peer_id=1"
                + written
                + "&trackerid=%FFx",
            AnnounceQuery.Build(Url("https://t:1/x/announce"), request, [0xFF, (byte)'x'])
        );
    }

    [Fact]
    public void UrlWithAQueryKeepsIt()
    {
        Assert.StartsWith("http://t/announce?key=m%20e&info_hash=", Build("http://t/announce?key=m%20e#frag"));
        Assert.StartsWith("http://t/?info_hash=", Build("http://t"));
        Assert.StartsWith("http://t/a?info_hash=", Build("http://t/a?"));

        static string Build(string url) => AnnounceQuery.Build(Url(url), Sample, default);
    }

    [Theory]
    [InlineData("", AnnounceQueryFault.MissingInfoHash)]
    [InlineData("info_hash", AnnounceQueryFault.MissingInfoHash)]
    [InlineData("info_hash=short&peer_id=-SH0001-abcdefghijkl&port=1", AnnounceQueryFault.BadInfoHash)]
    [InlineData("info_hash=aaaaaaaaaaaaaaaaaaaaa&peer_id=-SH0001-abcdefghijkl&port=1", AnnounceQueryFault.BadInfoHash)]
    [InlineData("info_hash=aaaaaaaaaaaaaaaaaaa%4&peer_id=-SH0001-abcdefghijkl&port=1", AnnounceQueryFault.BadInfoHash)]
    [InlineData("info_hash=aaaaaaaaaaaaaaaaaaa%4g&peer_id=-SH0001-abcdefghijkl&port=1", AnnounceQueryFault.BadInfoHash)]
    [InlineData("info_hash=aaaaaaaaaaaaaaaaaaaé&peer_id=-SH0001-abcdefghijkl&port=1", AnnounceQueryFault.BadInfoHash)]
    [InlineData("info_hash=aaaaaaaaaaaaaaaaaaaa&info_hash=aaaaaaaaaaaaaaaaaaaa", AnnounceQueryFault.SeveralInfoHashes)]
    [InlineData("info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=x&port=1", AnnounceQueryFault.BadPeerId)]
    [InlineData("info_hash=aaaaaaaaaaaaaaaaaaaa&port=1", AnnounceQueryFault.BadPeerId)]
    [InlineData("info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=-SH0001-abcdefghijkl", AnnounceQueryFault.BadPort)]
    [InlineData("info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=-SH0001-abcdefghijkl&port=65536", AnnounceQueryFault.BadPort)]
    [InlineData("info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=-SH0001-abcdefghijkl&port=-1", AnnounceQueryFault.BadPort)]
    [InlineData(
        "info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=-SH0001-abcdefghijkl&port=1&left=1e3",
        AnnounceQueryFault.BadNumber
    )]
    [InlineData(
        "info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=-SH0001-abcdefghijkl&port=1&left=+3",
        AnnounceQueryFault.BadNumber
    )]
    [InlineData(
        "info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=-SH0001-abcdefghijkl&port=1&uploaded=99999999999999999999",
        AnnounceQueryFault.BadNumber
    )]
    public void BadQueriesSayWhy(string query, AnnounceQueryFault fault)
    {
        Assert.Equal(fault, AnnounceQuery.TryRead(query, out _));
        Assert.NotEmpty(AnnounceQuery.Describe(fault));
    }

    [Fact]
    public void QueriesOfOtherClientsAreRead()
    {
        const string query =
            "info_hash=%124Vx%9A%BC%DE%F1%23Eg%89%AB%CD%EF%124Vx%9A&peer_id=-TR3000-0123456789ab&port=51413"
            + "&uploaded=0&downloaded=0&left=1024&numwant=80&key=7d1c2b3a&compact=1&supportcrypto=1&event=&ip=192.0.2.1&corrupt=0";
        Assert.Equal(AnnounceQueryFault.None, AnnounceQuery.TryRead(query, out var request));
        Assert.Equal("123456789abcdef123456789abcdef123456789a", request.InfoHash.ToString());
        Assert.Equal((51413, 1024L, 80, 0x7d1c2b3au), (request.Port, request.Left, request.Wanted, request.Key));
        Assert.Equal(AnnounceEvent.None, request.Event);
    }

    [Fact]
    public void ScrapeHashesComeBack()
    {
        InfoHash[] hashes = [Sample.InfoHash, new InfoHash(new byte[20])];
        var url = AnnounceQuery.BuildScrape(Url("http://t/scrape?a=b"), hashes);
        Assert.StartsWith("http://t/scrape?a=b&info_hash=", url);
        var read = new InfoHash[2];
        var query = url[(url.IndexOf('?') + 1)..];
        Assert.Equal(AnnounceQueryFault.None, AnnounceQuery.TryReadScrape(query, read, out var count));
        Assert.Equal(2, count);
        Assert.Equal(hashes, read);
        AnnounceQuery.TryReadScrape(query, read.AsSpan(0, 1), out count);
        Assert.Equal(1, count);
        Assert.Equal(AnnounceQueryFault.MissingInfoHash, AnnounceQuery.TryReadScrape("a=b", read, out _));
        Assert.Equal(AnnounceQueryFault.BadInfoHash, AnnounceQuery.TryReadScrape("info_hash=b", read, out _));
    }

    [Theory]
    [InlineData("http://t/announce", "http://t/scrape")]
    [InlineData("http://t:81/x/announce.php?a=announce", "http://t:81/x/scrape.php?a=announce")]
    [InlineData("http://u:p@t/announce", "http://u:p@t/scrape")]
    [InlineData("http://t/a", null)]
    [InlineData("http://t/announce/x", null)]
    [InlineData("http://t/xannounce", null)]
    [InlineData("udp://t:1/announce", "udp://t:1/announce")]
    public void ScrapeUrl(string announce, string? scrape) => Assert.Equal(scrape, Url(announce).Scrape?.ToString());

    [Theory]
    [InlineData("ftp://t/announce")]
    [InlineData("file:///etc/passwd")]
    [InlineData("udp://t/announce")]
    [InlineData("udp://t:0/announce")]
    [InlineData("http://t:65536/")]
    [InlineData("http:///announce")]
    [InlineData("announce")]
    [InlineData("")]
    [InlineData("http://t/a b")]
    [InlineData("http://t/a\r\nX: y")]
    [InlineData(null)]
    public void BadTrackerUrlsAreRefused(string? text) => Assert.False(TrackerUrl.TryParse(text, out _));

    [Theory]
    [InlineData("udp://tracker.example.com:80/dir?a=b&c=d", "tracker.example.com", 80, "/dir?a=b&c=d")]
    [InlineData("udp://tracker.example.com:80", "tracker.example.com", 80, "")]
    [InlineData("udp://[2001:db8::1]:80/announce", "2001:db8::1", 80, "/announce")]
    [InlineData("http://[::1]/announce", "::1", 80, "/announce")]
    [InlineData("HTTPS://Ex.org/announce", "ex.org", 443, "/announce")]
    public void TrackerUrlHasItsParts(string text, string host, int port, string pathAndQuery)
    {
        var url = Url(text);
        Assert.Equal((host, port, pathAndQuery), (url.Host, url.Port, url.PathAndQuery));
    }

    [Fact]
    public void NoQueryThrows()
    {
        var original = Encoding.ASCII.GetBytes(AnnounceQuery.Build(Url("http://t/"), Sample, default)[10..]);
        var hashes = new InfoHash[3];
        Fuzz.Run(
            20_000,
            random =>
            {
                var query = Encoding.Latin1.GetString(Fuzz.Mutate(random, original));
                if (AnnounceQuery.TryRead(query, out var request) == AnnounceQueryFault.None)
                {
                    var again = AnnounceQuery.Build(Url("http://t/"), request, default)[10..];
                    Assert.Equal(AnnounceQueryFault.None, AnnounceQuery.TryRead(again, out var twice));
                    Assert.Equal(request with { NoPeerId = twice.NoPeerId }, twice);
                }

                AnnounceQuery.TryReadScrape(query, hashes, out var count);
                Assert.InRange(count, 0, 3);
            }
        );
    }
}
