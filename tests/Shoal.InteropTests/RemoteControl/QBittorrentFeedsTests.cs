using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Shoal.Api;

namespace Shoal.InteropTests;

/// <summary>Feeds and rules by qBittorrent's Web API, with a web server in the daemon's own network.</summary>
public sealed class QBittorrentFeedsTests
{
    private const string Hash = "0123456789abcdef0123456789abcdef01234567";
    private const string Other = "89abcdef0123456789abcdef0123456789abcdef";

    [Fact]
    public async Task Rules_take_entries_of_feeds_and_a_token_leads_no_feed_into_our_network()
    {
        await using var run = await QBittorrentCaller.StartAsync();
        using var web = new FeedServer(
            $"<rss><channel><item><guid>one</guid><title>Film S01E01 1080p</title><link>magnet:?xt=urn:btih:{Hash}</link><pubDate>Sat, 28 Nov 2026 09:00:00 +0000</pubDate></item>"
                + $"<item><guid>two</guid><title>Series</title><link>magnet:?xt=urn:btih:{Other}</link></item>"
                + "<item><title>Page only</title><link>/about</link></item></channel></rss>"
        );
        // Over the socket it is the owner who names it.
        await run.Daemon.Client.SetFeedAsync(
            new FeedItem { Url = web.Url + "mine", Title = "Mine" },
            CancellationToken.None
        );
        await run.PostAsync("rss/addFeed", ("url", web.Url + "theirs"), ("path", "Theirs"));
        Assert.Equal(409, await run.StatusAsync("rss/addFeed", ("url", web.Url + "theirs"), ("path", "Again")));
        Assert.Equal(409, await run.StatusAsync("rss/addFeed", ("url", web.Url + "x"), ("path", "Mine")));
        Assert.Equal(409, await run.StatusAsync("rss/addFeed", ("url", web.Url + "x"), ("path", @"a\b")));
        Assert.Equal(409, await run.StatusAsync("rss/addFeed", ("url", "file:///etc/passwd")));
        Assert.Equal(409, await run.StatusAsync("rss/addFolder", ("path", "a")));
        Assert.Equal(400, await run.StatusAsync("rss/addFeed"));

        string Rule(string folder, string feeds) =>
            $"{{\"mustContain\":\"s01e*|other\",\"affectedFeeds\":[{feeds}],\"smartFilter\":true,\"savePath\":\"{folder}\",\"assignedCategory\":\"films\",\"addPaused\":true}}";
        await run.PostAsync("rss/setRule", ("ruleName", "new"), ("ruleDef", "{}"));
        Assert.Equal(403, await run.StatusAsync("rss/setRule", ("ruleName", "films"), ("ruleDef", Rule("/etc", ""))));
        Assert.Equal(400, await run.StatusAsync("rss/setRule", ("ruleName", "films"), ("ruleDef", "{")));
        Assert.Equal(
            400,
            await run.StatusAsync("rss/setRule", ("ruleName", "x"), ("ruleDef", "{\"savePath\":\"\\ud800\"}"))
        );
        await run.PostAsync("rss/setRule", ("ruleName", "f"), ("ruleDef", Rule("below", $"\"{web.Url}mine\"")));
        await run.PostAsync("rss/renameRule", ("ruleName", "f"), ("newRuleName", "films"));
        Assert.Equal(409, await run.StatusAsync("rss/renameRule", ("ruleName", "films"), ("newRuleName", "new")));
        Assert.Equal(409, await run.StatusAsync("rss/renameRule", ("ruleName", "f"), ("newRuleName", "g")));

        var items = await UntilAsync(items =>
            Articles(items, "Mine").Length == 3
            && items.GetProperty("Theirs").GetProperty("hasError").GetBoolean()
            && Articles(items, "Mine")[0].GetProperty("isRead").GetBoolean()
        );
        Assert.Equal(["/mine"], web.Asked);
        var article = Articles(items, "Mine")[0];
        Assert.Equal("28 Nov 2026 09:00:00 +0000", article.GetProperty("date").GetString());
        Assert.Equal($"magnet:?xt=urn:btih:{Hash}", article.GetProperty("torrentURL").GetString());
        Assert.Equal("one", article.GetProperty("id").GetString());
        // A rule that has no feeds yet took nothing, though it would match everything.
        var torrent = Assert.Single((await run.JsonAsync("torrents/info")).EnumerateArray());
        Assert.Equal(
            (Hash, "films", Path.Combine(run.Downloads, "below")),
            (
                torrent.GetProperty("hash").GetString(),
                torrent.GetProperty("category").GetString(),
                torrent.GetProperty("save_path").GetString()
            )
        );
        var rules = await run.JsonAsync("rss/rules");
        Assert.Equal(0, rules.GetProperty("new").GetProperty("affectedFeeds").GetArrayLength());
        Assert.True(rules.GetProperty("films").GetProperty("useRegex").GetBoolean());

        await run.PostAsync(
            "rss/setRule",
            ("ruleName", "new"),
            ("ruleDef", $"{{\"enabled\":true,\"mustContain\":\"nothing\",\"affectedFeeds\":[\"{web.Url}mine\"]}}")
        );
        Assert.Equal("{}", (await run.JsonAsync("rss/matchingArticles?ruleName=new")).GetRawText());
        await run.PostAsync("rss/markAsRead", ("itemPath", "Mine"), ("articleId", "two"));
        await run.Daemon.Client.SetFeedRuleAsync(
            new FeedRule { Name = "owner", MustContain = "e" },
            CancellationToken.None
        );
        // Not "Series", which is read.
        Assert.Equal(
            """{"Mine":["Page only"]}""",
            (await run.JsonAsync("rss/matchingArticles?ruleName=owner")).GetRawText()
        );

        // The same feed at another address is another feed: whoever has only a token may not say where in our network it lies.
        await run.PostAsync("rss/setFeedURL", ("path", "Mine"), ("url", web.Url + "admin"));
        await run.PostAsync("rss/refreshItem", ("itemPath", "Mine"));
        await UntilAsync(items => items.GetProperty("Mine").GetProperty("hasError").GetBoolean());
        Assert.DoesNotContain("/admin", web.Asked);
        Assert.Equal(
            $"[\"{web.Url}admin\"]",
            (await run.JsonAsync("rss/rules")).GetProperty("films").GetProperty("affectedFeeds").GetRawText()
        );
        await run.PostAsync("rss/moveItem", ("itemPath", "Mine"), ("destPath", "Yours"));
        await run.PostAsync("rss/removeItem", ("path", "Yours"));
        Assert.Equal(409, await run.StatusAsync("rss/removeItem", ("path", "Yours")));
        foreach (var rule in new[] { "films", "new", "owner", "none" })
        {
            await run.PostAsync("rss/removeRule", ("ruleName", rule));
        }

        Assert.Equal("{}", (await run.JsonAsync("rss/rules")).GetRawText());
        Assert.Equal(["Theirs"], (await run.JsonAsync("rss/items")).EnumerateObject().Select(item => item.Name));

        async Task<JsonElement> UntilAsync(Func<JsonElement, bool> isSo)
        {
            for (var i = 0; ; i++)
            {
                var now = await run.JsonAsync("rss/items?withData=true");
                if (isSo(now))
                {
                    return now;
                }

                Assert.True(i < 200, "it did not become so within 20 seconds: " + now.GetRawText());
                await Task.Delay(100);
            }
        }
    }

    private static JsonElement[] Articles(JsonElement items, string feed) =>
        [.. items.GetProperty(feed).GetProperty("articles").EnumerateArray()];

    /// <summary>Answers whatever is asked with one document.</summary>
    private sealed class FeedServer : IDisposable
    {
        private readonly HttpListener _listener = new();
        private readonly ConcurrentDictionary<string, bool> _asked = new();
        private readonly byte[] _document;

        public FeedServer(string document)
        {
            _document = Encoding.UTF8.GetBytes(document);
            using (var free = new TcpListener(IPAddress.Loopback, 0))
            {
                free.Start();
                Url = $"http://127.0.0.1:{((IPEndPoint)free.LocalEndpoint).Port}/";
            }

            _listener.Prefixes.Add(Url);
            _listener.Start();
            _ = AnswerAsync();
        }

        public string Url { get; }

        /// <summary>Paths, each once.</summary>
        public ICollection<string> Asked => _asked.Keys;

        public void Dispose() => _listener.Close();

        private async Task AnswerAsync()
        {
            try
            {
                while (true)
                {
                    var context = await _listener.GetContextAsync();
                    _asked[context.Request.RawUrl!] = true;
                    context.Response.ContentLength64 = _document.Length;
                    await context.Response.OutputStream.WriteAsync(_document);
                    context.Response.Close();
                }
            }
            catch (Exception error) when (error is HttpListenerException or ObjectDisposedException)
            {
                // The test is over.
            }
        }
    }
}
