using System.Buffers;
using System.Text;
using System.Text.Json;
using Shoal.Api;
using Shoal.Daemon;

namespace Shoal.UnitTests;

/// <summary>Rules for feeds in qBittorrent's form.</summary>
public sealed class RuleWordsTests
{
    private static readonly string[] Titles =
    [
        "Debian 13 netinst amd64",
        "Debian 13 DVD i386",
        "Fedora 43 amd64",
        "a|b (c) [1.5]",
        "",
    ];

    // What takes which of the titles: as qBittorrent would.
    [Theory]
    [InlineData("", "", false, "11111")]
    [InlineData("debian", "", false, "11000")]
    [InlineData("amd64 debian", "", false, "10000")]
    [InlineData("netinst|fedora", "", false, "10100")]
    [InlineData("netinst amd64 | fedora amd64", "", false, "10100")]
    [InlineData("deb*64", "", false, "10000")]
    [InlineData("*amd64*", "", false, "10100")]
    [InlineData("d?d", "", false, "01000")]
    [InlineData("(c) [1.5]", "", false, "00010")]
    [InlineData("", "amd64", false, "01011")]
    [InlineData("", "dvd|fedora", false, "10011")]
    [InlineData("", "debian amd64", false, "01111")]
    [InlineData("debian", "net* amd64|dvd", false, "00000")]
    [InlineData("debian", "dvd|", false, "00000")]
    [InlineData("fedora|", "", false, "11111")]
    [InlineData("^deb.*64$", "", true, "10000")]
    [InlineData("amd64", "^debian", true, "00100")]
    [InlineData("", "64$|dvd", true, "00011")]
    [InlineData("a\\|b", "", true, "00010")]
    public void A_rule_takes_what_qBittorrent_would_take(string must, string mustNot, bool isRegex, string takes)
    {
        var words = RuleWords.Read(must, mustNot, isRegex);
        Assert.Equal(takes, Takes(words));
        var (shown, shownNot, isShownRegex) = words.Write();
        Assert.Equal(takes, Takes(RuleWords.Read(shown, shownNot, isShownRegex)));
    }

    [Theory]
    [InlineData("netinst amd64", "dvd|i386", false)]
    [InlineData("", "", false)]
    [InlineData("^debian", "", true)]
    public void What_we_have_the_same_of_comes_back_as_it_was(string must, string mustNot, bool isRegex) =>
        Assert.Equal((must, mustNot, isRegex), RuleWords.Read(must, mustNot, isRegex).Write());

    [Theory]
    [InlineData("debian", "dvd i386", null)]
    [InlineData("a|b", null, null)]
    [InlineData(null, "a|b [1.5]", null)]
    [InlineData("debian", "dvd", "64$")]
    [InlineData(null, "dvd", "^debian")]
    public void Rules_of_our_own_are_shown_so_that_they_mean_the_same(string? must, string? mustNot, string? pattern)
    {
        var words = new RuleWords(must, mustNot, pattern);
        var (shown, shownNot, isRegex) = words.Write();
        var again = RuleWords.Read(shown, shownNot, isRegex);
        Assert.Equal(Takes(words), Takes(again));
        // And do not grow each time that an app shows and keeps them.
        var (shownAgain, shownNotAgain, isRegexAgain) = again.Write();
        Assert.Equal(again, RuleWords.Read(shownAgain, shownNotAgain, isRegexAgain));
    }

    [Theory]
    [InlineData("(", "")]
    [InlineData("", ")")]
    [InlineData("a)(b", "")]
    [InlineData("a", "b)|(c")]
    public void Half_a_regular_expression_is_none(string must, string mustNot) =>
        Assert.ThrowsAny<ArgumentException>(() => RuleWords.Read(must, mustNot, isRegex: true));

    [Fact]
    public void A_rule_is_read_and_written_with_all_that_ours_have()
    {
        var rule = Read(
            """
            {"enabled":false,"priority":3,"useRegex":true,"mustContain":"^a","episodeFilter":"","affectedFeeds":["https://e.com/x"],
            "ignoreDays":0,"smartFilter":true,"savePath":"/old","assignedCategory":"old","addPaused":false,"more":{},
            "torrentParams":{"category":"films","save_path":"/new","stopped":true,"tags":["t"],"download_limit":-1}}
            """
        );
        Assert.Equal(
            ("r", false, "^a", true, "films", "/new", true),
            (rule.Name, rule.Enabled, rule.Pattern, rule.OnceAnEpisode, rule.Category, rule.SaveDirectory, rule.Paused)
        );
        Assert.Equal(["https://e.com/x"], rule.Feeds);
        Assert.Equal(["t"], rule.Labels);
        var written = Write(rule);
        Assert.Equivalent(rule, QBittorrentFeedRules.Read(written, "r", null));
        Assert.Equal("films", written.GetProperty("assignedCategory").GetString());

        // As apps before version 4.6 say it; labels, which those do not know, stay.
        var old = Read("""{"savePath":"/s","assignedCategory":"c","addPaused":true,"torrentParams":null}""", rule);
        Assert.Equal(("/s", "c", true, "t"), (old.SaveDirectory, old.Category, old.Paused, old.Labels![0]));
        Assert.Null(old.Enabled);
    }

    [Fact]
    public void A_rule_without_feeds_takes_nothing_and_ours_for_all_feeds_names_them()
    {
        var rule = Read("{}");
        Assert.DoesNotContain(rule.Feeds, url => url.StartsWith("http", StringComparison.Ordinal));
        Assert.NotEmpty(rule.Feeds);
        Assert.Equal(0, Write(rule).GetProperty("affectedFeeds").GetArrayLength());
        Assert.Equal(
            "[\"https://e.com/1\",\"https://e.com/2\"]",
            Write(new FeedRule { Name = "r" }).GetProperty("affectedFeeds").GetRawText()
        );
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("1")]
    [InlineData("""{"mustContain":1}""")]
    [InlineData("""{"enabled":"yes"}""")]
    [InlineData("""{"affectedFeeds":"x"}""")]
    [InlineData("""{"affectedFeeds":[null]}""")]
    [InlineData("""{"torrentParams":{"tags":{}}}""")]
    [InlineData("""{"useRegex":true,"mustContain":"("}""")]
    public void What_is_no_rule_is_refused(string definition) =>
        Assert.Equal(400, Assert.Throws<ApiException>(() => Read(definition)).Status);

    [Theory]
    [InlineData("""{"episodeFilter":"1x2-;"}""")]
    [InlineData("""{"ignoreDays":3}""")]
    public void What_would_take_less_there_is_refused_and_not_ignored(string definition) =>
        Assert.Equal(409, Assert.Throws<ApiException>(() => Read(definition)).Status);

    private static FeedRule Read(string definition, FeedRule? before = null) =>
        QBittorrentFeedRules.Read(JsonElement.Parse(definition), "r", before);

    private static JsonElement Write(FeedRule rule)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            QBittorrentFeedRules.Write(json, new StoredRule(rule, []), 0, ["https://e.com/1", "https://e.com/2"]);
        }

        return JsonElement.Parse(Encoding.UTF8.GetString(buffer.WrittenSpan));
    }

    private static string Takes(RuleWords words)
    {
        var matcher = new FeedMatcher(
            new FeedRule
            {
                Name = "r",
                MustContain = words.MustContain,
                MustNotContain = words.MustNotContain,
                Pattern = words.Pattern,
            }
        );
        return string.Concat(Titles.Select(title => matcher.Matches(title) ? '1' : '0'));
    }
}
