using System.Text;
using System.Text.Json;
using Shoal.Api;
using Shoal.Daemon;

namespace Shoal.UnitTests;

public sealed class FeedTests
{
    private const string Hash = "0123456789abcdef0123456789abcdef01234567";

    [Fact]
    public void A_feed_of_bep_36_is_read()
    {
        var entries = Read(
            $"""
            <?xml version="1.0" encoding="UTF-8"?>
            <rss version="2.0"><channel><title>of the channel</title>
              <item>
                <title>An  <![CDATA[<b>image</b>]]></title><guid>one</guid>
                <link>https://example.com/about/1</link>
                <enclosure url="https://example.com/1.torrent?key=a&amp;b" length="5" type="application/x-bittorrent"/>
                <torrent xmlns="http://xmlns.ezrss.it/0.1/"><infoHash>{Hash}</infoHash><magnetURI>magnet:?xt=urn:btih:{Hash}</magnetURI></torrent>
              </item>
              <item><title>By magnet</title>
                <torrent:magnetURI xmlns:torrent="http://xmlns.ezrss.it/0.1/"><![CDATA[magnet:?xt=urn:btih:{Hash}&dn=x]]></torrent:magnetURI>
              </item>
              <item><title>By hash</title><infoHash>{Hash.ToUpperInvariant()}</infoHash></item>
              <item><title>By link</title><link>/files/4.torrent</link></item>
              <item><title>By guid</title><guid isPermaLink="false">magnet:?xt=urn:btih:{Hash}</guid></item>
              <item><title>A page</title><link>https://example.com/about/6</link></item>
              <item><title>A film</title><enclosure url="https://example.com/a.mp4" type="video/mp4"/></item>
              <item><description>no title</description></item>
              <item/>
            </channel></rss>
            """
        );
        Assert.Equal(
            [
                ("one", "An image", "https://example.com/1.torrent?key=a&b"),
                ($"magnet:?xt=urn:btih:{Hash}&dn=x", "By magnet", $"magnet:?xt=urn:btih:{Hash}&dn=x"),
                ($"magnet:?xt=urn:btih:{Hash}", "By hash", $"magnet:?xt=urn:btih:{Hash}"),
                ("/files/4.torrent", "By link", "https://example.com/files/4.torrent"),
                ($"magnet:?xt=urn:btih:{Hash}", "By guid", $"magnet:?xt=urn:btih:{Hash}"),
                ("https://example.com/about/6", "A page", null),
                ("A film", "A film", null),
            ],
            entries.Select(entry => (entry.Id, entry.Title.Replace("<b>", "").Replace("</b>", ""), entry.Source))
        );
    }

    [Fact]
    public void Atom_and_torznab_are_read()
    {
        var atom = Read(
            """
            <feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><entry><id>urn:1</id><title type="html">An image</title>
            <link href="https://example.com/page"/><link rel="enclosure" type="application/x-bittorrent" href="1.torrent"/></entry></feed>
            """
        );
        Assert.Equal(
            [
                new FeedEntry("urn:1", "An image", "https://example.com/feeds/1.torrent")
                {
                    Page = "https://example.com/page",
                },
            ],
            atom
        );
        var torznab = Read(
            $"""
            <rss xmlns:torznab="http://torznab.com/schemas/2015/feed"><channel><item><title>x</title><guid>g</guid>
            <torznab:attr name="seeders" value="3"/><torznab:attr name="magneturl" value="magnet:?xt=urn:btih:{Hash}"/></item></channel></rss>
            """
        );
        Assert.Equal([new FeedEntry("g", "x", $"magnet:?xt=urn:btih:{Hash}")], torznab);
    }

    [Theory]
    [InlineData("<pubDate>Sat, 28 Nov 2026 10:00:00 +0100</pubDate>", 1_795_856_400L)]
    [InlineData("<pubDate>28 Nov 2026 09:00:00 GMT</pubDate>", 1_795_856_400L)]
    [InlineData(
        "<updated>2027-01-01T00:00:00Z</updated><published>2026-11-28T10:00:00+01:00</published>",
        1_795_856_400L
    )]
    [InlineData("<updated>2026-11-28T09:00:00Z</updated>", 1_795_856_400L)]
    [InlineData("<pubDate>yesterday</pubDate>", null)]
    [InlineData("", null)]
    public void When_an_entry_came_is_known_where_its_feed_says_so(string xml, long? seconds) =>
        Assert.Equal(seconds, Assert.Single(Read($"<rss><item><title>t</title>{xml}</item></rss>")).PublishedAt);

    [Theory]
    [InlineData("/about/1", "https://example.com/about/1")]
    [InlineData("http://other.example/1", "http://other.example/1")]
    [InlineData("/1.torrent", null)]
    [InlineData("javascript:alert(1)", null)]
    [InlineData("file:///etc/passwd", null)]
    public void A_page_about_an_entry_is_one_that_a_browser_may_open(string link, string? page) =>
        Assert.Equal(page, Assert.Single(Read($"<rss><item><title>t</title><link>{link}</link></item></rss>")).Page);

    [Theory]
    [InlineData("<html><body/></html>", "no feed")]
    [InlineData("not xml", "line 1")]
    [InlineData("", "line")]
    [InlineData("<rss><channel>", "line")]
    [InlineData("<!DOCTYPE rss [<!ENTITY a \"b\">]><rss>&a;</rss>", "DTD")]
    [InlineData("<!DOCTYPE rss SYSTEM \"file:///etc/passwd\"><rss/>", "DTD")]
    public void What_is_no_feed_or_defines_anything_is_refused(string xml, string says)
    {
        var error = Assert.Throws<FeedException>(() => Read(xml));
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Floods_are_bounded()
    {
        var limits = FeedLimits.Default with { MaxEntries = 10, MaxText = 100 };
        var items = string.Concat(Enumerable.Range(0, 50).Select(i => $"<item><title>{i}</title></item>"));
        Assert.Equal(10, FeedReader.Read(Bytes($"<rss>{items}</rss>"), Address, limits).Count);
        var longTitle = $"<rss><item><guid>g</guid><title>{new string('a', 101)}</title></item></rss>";
        Assert.Empty(FeedReader.Read(Bytes(longTitle), Address, limits));
        var deep = string.Concat(Enumerable.Repeat("<a>", 100_000));
        Assert.Contains(
            "in each other",
            Assert.Throws<FeedException>(() => Read("<rss>" + deep)).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "in each other",
            Assert.Throws<FeedException>(() => Read("<rss><item>" + deep)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Mutated_feeds_are_read_or_refused()
    {
        var random = new Random(5);
        var whole = Bytes(
            $"<rss><channel><item><title>a</title><link>b.torrent</link><enclosure url='c' type='application/x-bittorrent'/><infoHash>{Hash}</infoHash></item></channel></rss>"
        );
        for (var i = 0; i < 3000; i++)
        {
            var bytes = (byte[])whole.Clone();
            for (var n = random.Next(1, 6); n > 0; n--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            try
            {
                FeedReader.Read(bytes, Address, FeedLimits.Default);
            }
            catch (FeedException) { }
        }
    }

    [Theory]
    [InlineData(null, null, null, "anything", true)]
    [InlineData("debian iso", null, null, "Debian 13 netinst ISO", true)]
    [InlineData("debian iso", null, null, "Debian 13 netinst", false)]
    [InlineData("debian", "arm64 i386", null, "Debian 13 i386", false)]
    [InlineData(null, null, "^debian.*amd64$", "Debian 13 amd64", true)]
    [InlineData(null, null, "^debian.*amd64$", "Debian 13 amd64.iso", false)]
    public void A_rule_takes_what_its_words_and_pattern_say(
        string? must,
        string? mustNot,
        string? pattern,
        string title,
        bool takes
    )
    {
        var rule = new FeedRule
        {
            Name = "r",
            MustContain = must,
            MustNotContain = mustNot,
            Pattern = pattern,
        };
        Assert.Equal(takes, new FeedMatcher(rule).Matches(title));
        Assert.False(new FeedMatcher(rule with { Enabled = false }).Matches(title));
    }

    [Fact]
    public void A_pattern_that_never_ends_is_given_up()
    {
        // What is left out of a rule has no value: that is no reason to be off.
        var bare = JsonSerializer.Deserialize("""{"name": "r"}""", ApiJson.Default.FeedRule)!;
        Assert.True(new FeedMatcher(bare).Matches("anything"));
        Assert.False(new FeedMatcher(bare with { Enabled = false }).Matches("anything"));
        var matcher = new FeedMatcher(new FeedRule { Name = "r", Pattern = "^(a+)+$" });
        Assert.False(matcher.Matches(new string('a', 64) + "!"));
        Assert.True(matcher.IsSlow);
        Assert.ThrowsAny<ArgumentException>(() => new FeedMatcher(new FeedRule { Name = "r", Pattern = "(" }));
    }

    [Fact]
    public void A_pattern_that_is_often_slow_is_not_asked_any_more()
    {
        var matcher = new FeedMatcher(new FeedRule { Name = "r", Pattern = "^(a+)+$" });
        Assert.True(matcher.Matches("aaa"));
        for (var i = 0; i < FeedMatcher.MaxSlow; i++)
        {
            Assert.False(matcher.Matches(new string('a', 64) + "!"));
        }

        Assert.False(matcher.Matches("aaa"));
    }

    [Theory]
    [InlineData("A Show S01E02 1080p", "ashow 1x2")]
    [InlineData("a.show.s1e02.720p", "ashow 1x2")]
    [InlineData("A Show - 1x02 - Title", "ashow 1x2")]
    [InlineData("A Show S01.E02", "ashow 1x2")]
    [InlineData("Daily Talk 2026.11.28 Guest", "dailytalk 2026-11-28")]
    [InlineData("Debian 13 1920x1080", null)]
    [InlineData("A film 2026", null)]
    [InlineData("x264x10bits", null)]
    public void Episodes_are_known_by_their_numbers(string title, string? episode) =>
        Assert.Equal(episode, EpisodeName.Of(title));

    [Fact]
    public void A_rule_says_what_it_would_take_of_some_entries()
    {
        string[] titles = ["A Show S01E02 big", "Other", "a.show.1x02.small", "A Show S01E03", "Another show"];
        var rule = new FeedRule { Name = "r", MustContain = "show" };
        Assert.Equal([titles[0], titles[2], titles[3], titles[4]], new FeedMatcher(rule).Among(titles, title => title));
        Assert.Equal(
            [titles[0], titles[3], titles[4]],
            new FeedMatcher(rule with { OnceAnEpisode = true }).Among(titles, title => title)
        );
        Assert.True(new FeedMatcher(rule).Reads("http://a/"));
        Assert.False(new FeedMatcher(rule with { Feeds = ["http://b/"] }).Reads("http://a/"));
    }

    [Fact]
    public void What_was_taken_is_remembered_and_bounded()
    {
        var limits = FeedLimits.Default with { MaxSeen = 3, MaxEpisodes = 2 };
        var book = FeedBook
            .Empty.With(new StoredFeed("u", null, null, false, []))
            .With(new StoredRule(new FeedRule { Name = "r" }, []));
        for (var i = 0; i < 5; i++)
        {
            book = book.Took("u", $"m{i}", "r", $"e{i}", limits);
        }

        book = book.Took("u", "m4", "r", null, limits);
        Assert.Equal(["m2", "m3", "m4"], book.Feeds[0].Taken);
        Assert.Equal(["e3", "e4"], book.Rules[0].Episodes);
    }

    [Fact]
    public void Rules_are_asked_in_another_order_and_forget_nothing()
    {
        var book = FeedBook.Empty;
        foreach (var name in (string[])["a", "b", "c", "d"])
        {
            book = book.With(new StoredRule(new FeedRule { Name = name }, [name + "1"]));
        }

        static string Order(FeedBook book) =>
            string.Concat(book.Rules.Select(rule => rule.Rule.Name))
            + string.Concat(book.Rules.SelectMany(rule => rule.Episodes));

        Assert.Equal("cabdc1a1b1d1", Order(book.Ordered(["c"])));
        Assert.Equal("dbacd1b1a1c1", Order(book.Ordered(["d", "b"])));
        Assert.Equal("abcda1b1c1d1", Order(book.Ordered([])));
        Assert.Equal("dabcd1a1b1c1", Order(book.Placed("d", 0)));
        Assert.Equal("bcdab1c1d1a1", Order(book.Placed("a", 99)));
        Assert.Equal("acbda1c1b1d1", Order(book.Placed("b", 2)));
        Assert.Equal("abcda1b1c1d1", Order(book.Placed("nobody", 0)));
        // A rule that is changed stays in its place.
        Assert.Equal("cabd", Order(book.Ordered(["c"]).With(new StoredRule(new FeedRule { Name = "a" }, [])))[..4]);
    }

    [Fact]
    public void A_feed_that_moves_takes_its_rules_along_and_not_the_way_into_our_network()
    {
        var book = FeedBook
            .Empty.With(new StoredFeed("http://127.0.0.1/a", "t", 60, true, ["m"]))
            .With(new StoredFeed("http://b", null, null, true, []))
            .With(new StoredRule(new FeedRule { Name = "r", Feeds = ["http://127.0.0.1/a", "http://b"] }, ["e"]))
            .Moved("http://127.0.0.1/a", "http://127.0.0.1/admin", mayBeLocal: false);
        var feed = book.Feeds[0];
        Assert.Equal(
            ("http://127.0.0.1/admin", "t", false, "m"),
            (feed.Url, feed.Title, feed.MayBeLocal, Assert.Single(feed.Taken))
        );
        Assert.True(book.Feeds[1].MayBeLocal);
        Assert.Equal(["http://127.0.0.1/admin", "http://b"], book.Rules[0].Rule.Feeds);
        Assert.Equal(["e"], book.Rules[0].Episodes);

        var seen = book.Seen("http://b", ["1", "2", "3"], FeedLimits.Default with { MaxSeen = 2 });
        Assert.Equal(["2", "3"], seen.Feeds[1].Taken);
        Assert.Equal(["m"], seen.Feeds[0].Taken);
    }

    [Fact]
    public void Feeds_with_the_same_title_have_names_of_their_own()
    {
        var book = FeedBook.Empty;
        foreach (
            var (url, title) in new[]
            {
                ("http://a", "t"),
                ("http://b", "t"),
                ("http://c", null),
                ("http://d", "http://c"),
            }
        )
        {
            book = book.With(new StoredFeed(url, title, null, false, []));
        }

        Assert.Equal(
            ["t", "http://b", "http://c", "http://d"],
            QBittorrentFeeds.Named(book).Select(named => named.Name)
        );
    }

    [Fact]
    public void Feeds_and_rules_survive_and_a_broken_file_is_named()
    {
        using var folder = new TempFolder();
        var path = folder["feeds.json"];
        var store = FeedStore.Open(path, FeedLimits.Default);
        store.Change(book =>
            book.With(new StoredFeed("https://example.com/", "t", 60, true, ["m"]))
                .With(
                    new StoredRule(
                        new FeedRule
                        {
                            Name = "r",
                            Pattern = "x",
                            Labels = ["a"],
                        },
                        ["e"]
                    )
                )
        );
        var again = FeedStore.Open(path, FeedLimits.Default).Book;
        Assert.Equal(
            ("t", 60, true, "m"),
            (again.Feeds[0].Title, again.Feeds[0].Interval, again.Feeds[0].MayBeLocal, again.Feeds[0].Taken[0])
        );
        Assert.Equal(
            ("x", true, "a", "e"),
            (
                again.Rules[0].Rule.Pattern,
                again.Rules[0].Rule.Enabled is null,
                again.Rules[0].Rule.Labels![0],
                again.Rules[0].Episodes[0]
            )
        );
        File.WriteAllText(path, "[");
        Assert.Contains(
            path,
            Assert.Throws<IOException>(() => FeedStore.Open(path, FeedLimits.Default)).Message,
            StringComparison.Ordinal
        );
    }

    private static Uri Address { get; } = new("https://example.com/feeds/all.xml");

    private static IReadOnlyList<FeedEntry> Read(string xml) =>
        FeedReader.Read(Bytes(xml.TrimStart()), Address, FeedLimits.Default);

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
