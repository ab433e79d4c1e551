using Shoal.Engine;

namespace Shoal.UnitTests;

/// <summary>URLs, answers, addresses and pauses: the rules of web seeds that need no network.</summary>
public sealed class WebSeedRuleTests
{
    [Theory]
    // BEP 19: the name is added where the URL ends in a slash; a torrent of several files has a folder.
    [InlineData("http://h/film.mkv", "film.mkv", "http://h/film.mkv")]
    [InlineData("http://h/other-name", "film.mkv", "http://h/other-name")]
    [InlineData("http://h/dir/", "film.mkv", "http://h/dir/film.mkv")]
    [InlineData("http://h", "film.mkv", "http://h/film.mkv")]
    [InlineData("http://h/dir/", "t/a%20b", "http://h/dir/t/a%20b")]
    [InlineData("http://h/dir", "t/a", "http://h/dir/t/a")]
    [InlineData("http://h/get?id=7&f=", "t/a", "http://h/get?id=7&f=/t/a")]
    [InlineData("http://h/get?id=7", "film", "http://h/get?id=7")]
    // What a request line cannot carry is encoded, and nothing else is touched.
    [InlineData("http://h/a b/é/%c3%A9/%2F/", "n", "http://h/a%20b/%C3%A9/%c3%A9/%2F/n")]
    [InlineData("http://h/x#fragment", "n", "http://h/x")]
    [InlineData("HTTP://User:Pass@H:8080/x/", "n", "http://h:8080/x/n")]
    [InlineData("https://[::1]:99/", "n", "https://[::1]:99/n")]
    [InlineData("http://münchen.example/", "n", "http://xn--mnchen-3ya.example/n")]
    public void A_file_is_below_the_url(string url, string path, string expected)
    {
        Assert.True(WebSeedUrl.TryParse(url, out var parsed));
        Assert.Equal(expected, parsed.Of(path).ToString().Replace(":80/", "/", StringComparison.Ordinal));
        Assert.Equal(new Uri(expected).PathAndQuery, parsed.Of(path).PathAndQuery, ignoreCase: true);
    }

    [Theory]
    [InlineData("ftp://h/x")]
    [InlineData("file:///etc/passwd")]
    [InlineData("javascript:alert(1)")]
    [InlineData("/x")]
    [InlineData("http://")]
    [InlineData("http:///x")]
    [InlineData("http://h:0/x")]
    [InlineData("http://h:99999/x")]
    [InlineData("")]
    public void What_is_no_web_address_is_no_web_seed(string url) => Assert.False(WebSeedUrl.TryParse(url, out _));

    [Fact]
    public void Credentials_are_kept_apart_and_not_shown()
    {
        Assert.True(WebSeedUrl.TryParse("http://me:se%3Acret@h/x?token=hidden", out var url));
        Assert.Equal("me:se:cret", url.Credentials);
        Assert.Equal("http://h:80/x", url.Display);
        Assert.Equal("http://h:80/x", url.ToString());
        Assert.DoesNotContain("cret", url.Of("").ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(206, "bytes 100-199/1000", 100, "", "")]
    [InlineData(206, "bytes 100-199/*", 100, "", "")]
    [InlineData(206, "BYTES 100-199/1000", null, "identity", "")]
    [InlineData(200, null, 1000, "", "")]
    [InlineData(200, null, null, "", "")]
    // The file is another one.
    [InlineData(200, null, 999, "", "FileMissing")]
    [InlineData(206, "bytes 100-199/1001", 100, "", "FileMissing")]
    [InlineData(404, null, 5, "", "FileMissing")]
    [InlineData(410, null, 5, "", "FileMissing")]
    [InlineData(403, null, 5, "", "FileMissing")]
    [InlineData(416, "bytes */50", 5, "", "FileMissing")]
    // Another part than was asked for, in every way.
    [InlineData(206, "bytes 0-99/1000", 100, "", "BadAnswer")]
    [InlineData(206, "bytes 100-198/1000", 99, "", "BadAnswer")]
    [InlineData(206, "bytes 100-200/1000", 101, "", "BadAnswer")]
    [InlineData(206, "bytes 100-199/1000", 99, "", "BadAnswer")]
    [InlineData(206, null, 100, "", "BadAnswer")]
    [InlineData(206, "bytes 100-199", 100, "", "BadAnswer")]
    [InlineData(206, "bytes -100-199/1000", 100, "", "BadAnswer")]
    [InlineData(206, "bytes 199-100/1000", 100, "", "BadAnswer")]
    [InlineData(206, "bytes 100-99999999999999999999/1000", 100, "", "BadAnswer")]
    [InlineData(206, "bytes 100-199/150", 100, "", "BadAnswer")]
    [InlineData(206, "items 100-199/1000", 100, "", "BadAnswer")]
    [InlineData(206, "bytes 100-199/1000,bytes 300-399/1000", 100, "", "BadAnswer")]
    // We asked for identity: what is packed may be a bomb.
    [InlineData(206, "bytes 100-199/1000", 100, "gzip", "BadAnswer")]
    [InlineData(200, null, 1000, "gzip", "BadAnswer")]
    [InlineData(200, null, null, "br, gzip", "BadAnswer")]
    [InlineData(429, null, 0, "", "Busy")]
    [InlineData(503, null, 0, "", "Busy")]
    [InlineData(500, null, 0, "", "Busy")]
    [InlineData(401, null, 0, "", "BadAnswer")]
    [InlineData(304, null, 0, "", "BadAnswer")]
    [InlineData(204, null, 0, "", "BadAnswer")]
    [InlineData(302, null, 0, "", "BadAnswer")]
    public void Answers_are_judged(int status, string? range, int? length, string encoding, string expected)
    {
        var head = new RangeHead
        {
            Status = status,
            ContentRange = range,
            ContentLength = length,
            ContentEncoding = encoding,
        };
        var failure = RangeAnswer.Judge(new RangeQuestion(100, 100, 1000), head, out var start);
        Assert.Equal(expected, failure?.Fault.ToString() ?? "");
        Assert.Equal(failure is null && status == 206 ? 100 : 0, start);
    }

    [Theory]
    [InlineData(nameof(NetworkReach.Global), true, null, true)]
    [InlineData(nameof(NetworkReach.Global), true, nameof(NetworkReach.Local), true)]
    [InlineData(nameof(NetworkReach.Local), false, null, true)]
    [InlineData(nameof(NetworkReach.Loopback), false, null, true)]
    [InlineData(nameof(NetworkReach.Local), true, null, false)]
    [InlineData(nameof(NetworkReach.Loopback), true, null, false)]
    [InlineData(nameof(NetworkReach.Local), false, nameof(NetworkReach.Global), false)]
    [InlineData(nameof(NetworkReach.Loopback), false, nameof(NetworkReach.Global), false)]
    [InlineData(nameof(NetworkReach.Loopback), false, nameof(NetworkReach.Local), true)]
    [InlineData(nameof(NetworkReach.None), false, null, false)]
    public void What_may_be_asked_where(string reach, bool hasQuery, string? cameFrom, bool isAllowed) =>
        Assert.Equal(
            isAllowed,
            WebSeedAccess.WhyNot(
                Enum.Parse<NetworkReach>(reach),
                hasQuery,
                cameFrom is null ? null : Enum.Parse<NetworkReach>(cameFrom)
            )
                is null
        );

    [Fact]
    public void Pauses_double_up_to_an_hour_and_begin_anew_when_it_was_of_use()
    {
        var schedule = new WebSeedSchedule(WebSeedLimits.Default, new Random(1));
        var now = TimeSpan.FromHours(5);
        var failure = new WebSeedFailure(WebSeedFault.Broken, "reset");
        double Pause(bool wasOfUse = false)
        {
            schedule.Failed(failure, wasOfUse, now);
            return (schedule.NotBefore - now).TotalSeconds;
        }

        Assert.InRange(Pause(), 4, 6);
        Assert.InRange(Pause(), 8, 12);
        Assert.InRange(Pause(), 16, 24);
        Assert.InRange(Pause(wasOfUse: true), 4, 6);
        for (var i = 0; i < 100; i++)
        {
            Assert.InRange(Pause(), 4, 3600);
        }

        Assert.Equal(3600, Pause());
        Assert.False(schedule.IsGivenUp);
    }

    [Theory]
    [InlineData(1, 4, 6)]
    [InlineData(120, 120, 120)]
    [InlineData(1_000_000, 3600, 3600)]
    public void What_the_server_asks_for_counts_within_bounds(int seconds, double least, double most)
    {
        var schedule = new WebSeedSchedule(WebSeedLimits.Default, new Random(1));
        schedule.Failed(
            new WebSeedFailure(WebSeedFault.Busy, "HTTP status 503", TimeSpan.FromSeconds(seconds)),
            wasOfUse: false,
            TimeSpan.Zero
        );
        Assert.InRange(schedule.NotBefore.TotalSeconds, least, most);
    }

    [Fact]
    public void Who_leads_where_we_must_not_go_is_not_tried_again()
    {
        var schedule = new WebSeedSchedule(WebSeedLimits.Default, new Random(1));
        schedule.Failed(new WebSeedFailure(WebSeedFault.Forbidden, "inwards"), wasOfUse: true, TimeSpan.Zero);
        Assert.True(schedule.IsGivenUp);
    }
}
