using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Shoal.Api;

namespace Shoal.Daemon;

/// <summary>
/// Feeds, named by their titles. Theirs lie in folders; ours do not, so a folder is refused and a name with '\', which would be one, too.
/// </summary>
internal static class QBittorrentFeeds
{
    /// <summary>Entries of one feed in an answer, the first that it has. Default 200; they keep 50.</summary>
    public const int MaxArticles = 200;

    public static IReadOnlyDictionary<string, QBittorrentRoute> Routes { get; } =
        new Dictionary<string, QBittorrentRoute>
        {
            ["rss/items"] = new(AccessScope.Read, false, ItemsAsync),
            ["rss/addFolder"] = new(AccessScope.Control, true, _ => throw NoFolders()),
            ["rss/addFeed"] = new(AccessScope.Control, true, AddAsync),
            ["rss/setFeedURL"] = new(AccessScope.Control, true, SetUrlAsync),
            ["rss/removeItem"] = new(AccessScope.Control, true, RemoveAsync),
            ["rss/moveItem"] = new(AccessScope.Control, true, RenameAsync),
            ["rss/refreshItem"] = new(AccessScope.Control, true, RefreshAsync),
            ["rss/markAsRead"] = new(AccessScope.Control, true, MarkAsync),
        };

    /// <summary>Feeds with their names: the title, or the URL where it has none or another has the same.</summary>
    public static IReadOnlyList<(string Name, StoredFeed Feed)> Named(FeedBook book)
    {
        var taken = book.Feeds.Select(feed => feed.Url).ToHashSet(StringComparer.Ordinal);
        return
        [
            .. book.Feeds.Select(feed =>
                (feed.Title is { Length: > 0 } title && taken.Add(title) ? title : feed.Url, feed)
            ),
        ];
    }

    private static Task ItemsAsync(QBittorrentCall call)
    {
        var hasData = call.Flag("withData") == true;
        var states = call.Services.Feeds.List().Feeds.ToDictionary(feed => feed.Url);
        return call.WriteJsonAsync(json =>
        {
            json.WriteStartObject();
            foreach (var (name, feed) in Named(call.Services.Feeds.Book))
            {
                json.WriteStartObject(name);
                json.WriteString(
                    "uid",
                    new Guid(SHA256.HashData(Encoding.UTF8.GetBytes(feed.Url))[..16]).ToString("B")
                );
                json.WriteString("url", feed.Url);
                if (hasData && states.TryGetValue(feed.Url, out var state))
                {
                    WriteData(json, call, feed, state);
                }

                json.WriteEndObject();
            }

            json.WriteEndObject();
        });
    }

    private static void WriteData(Utf8JsonWriter json, QBittorrentCall call, StoredFeed feed, FeedItem state)
    {
        json.WriteString("title", feed.Title ?? "");
        json.WriteString("lastBuildDate", "");
        json.WriteBoolean("isLoading", state is { CheckedAt: null, Error: null });
        json.WriteBoolean("hasError", state.Error is not null);
        json.WriteStartArray("articles");
        foreach (var (entry, isSeen) in call.Services.Feeds.Known(feed).Take(MaxArticles))
        {
            QBittorrentDetails.WriteObject(
                json,
                [
                    ("id", entry.Id),
                    ("date", Date(entry.PublishedAt ?? state.CheckedAt ?? 0)),
                    ("title", entry.Title),
                    ("author", ""),
                    ("description", ""),
                    ("torrentURL", entry.Source ?? ""),
                    ("link", entry.Page ?? entry.Source ?? ""),
                    ("isRead", isSeen),
                ]
            );
        }

        json.WriteEndArray();
    }

    // RFC 2822.
    private static string Date(long seconds) =>
        DateTimeOffset
            .FromUnixTimeSeconds(seconds)
            .ToString("dd MMM yyyy HH:mm:ss '+0000'", CultureInfo.InvariantCulture);

    private static async Task AddAsync(QBittorrentCall call)
    {
        var url = call.Need("url").Trim();
        var name = call.Text("path")?.Trim() is { Length: > 0 } path && path != url ? NewName(call, path) : null;
        var feeds = call.Services.Feeds;
        if (feeds.Book.Feeds.Any(feed => feed.Url == url))
        {
            throw Refused($"RSS feed with given URL already exists: {QBittorrentCall.Shorten(url)}.");
        }

        await KeepAsync(call, () => feeds.SetFeedAsync(new FeedItem { Url = url, Title = name }, call.Caller.IsOwner))
            .ConfigureAwait(false);
    }

    private static Task SetUrlAsync(QBittorrentCall call)
    {
        var feed = Find(call, "path");
        var url = call.Need("url").Trim();
        return KeepAsync(call, () => call.Services.Feeds.ChangeUrlAsync(feed.Url, url, call.Caller.IsOwner));
    }

    private static Task RemoveAsync(QBittorrentCall call)
    {
        var feed = Find(call, "path");
        return KeepAsync(call, () => call.Services.Feeds.RemoveFeedAsync(feed.Url));
    }

    private static Task RenameAsync(QBittorrentCall call)
    {
        var feed = Find(call, "itemPath");
        var name = NewName(call, call.Need("destPath").Trim());
        var changed = new FeedItem
        {
            Url = feed.Url,
            Title = name,
            Interval = feed.Interval,
        };
        return KeepAsync(call, () => call.Services.Feeds.SetFeedAsync(changed, call.Caller.IsOwner));
    }

    private static Task RefreshAsync(QBittorrentCall call)
    {
        // The topmost folder, which has no name, is all feeds.
        if (call.Need("itemPath").Length == 0)
        {
            call.Services.Feeds.Forget();
        }
        else
        {
            call.Services.Feeds.Forget(Find(call, "itemPath").Url);
        }

        return call.WriteTextAsync("");
    }

    /// <summary>What is read is taken by no rule any more, as with qBittorrent.</summary>
    private static Task MarkAsync(QBittorrentCall call)
    {
        var feeds = call.Need("itemPath").Length == 0 ? call.Services.Feeds.Book.Feeds : [Find(call, "itemPath")];
        var article = call.Text("articleId") is { Length: > 0 } id ? id : null;
        return KeepAsync(
            call,
            async () =>
            {
                foreach (var feed in feeds)
                {
                    await call.Services.Feeds.MarkSeenAsync(feed.Url, article).ConfigureAwait(false);
                }
            }
        );
    }

    /// <exception cref="ApiException">There is none of this name.</exception>
    private static StoredFeed Find(QBittorrentCall call, string parameter)
    {
        var name = call.Need(parameter);
        return Named(call.Services.Feeds.Book)
                .Where(named => named.Name == name)
                .Select(named => named.Feed)
                .FirstOrDefault()
            ?? throw Refused($"Item doesn't exist: {QBittorrentCall.Shorten(name)}.");
    }

    private static string NewName(QBittorrentCall call, string name) =>
        name.Contains('\\', StringComparison.Ordinal) ? throw NoFolders()
        : Named(call.Services.Feeds.Book).Any(named => named.Name == name)
            ? throw Refused($"RSS item with given path already exists: {QBittorrentCall.Shorten(name)}.")
        : name.Length == 0 ? throw Refused("Incorrect RSS Item path: .")
        : name;

    /// <summary>What cannot be is 409, whatever it is.</summary>
    private static async Task KeepAsync(QBittorrentCall call, Func<Task> change)
    {
        try
        {
            await change().ConfigureAwait(false);
        }
        catch (ApiException error) when (error.Status == 400)
        {
            throw Refused(error.Message);
        }

        await call.WriteTextAsync("").ConfigureAwait(false);
    }

    private static ApiException NoFolders() =>
        Refused("there are no folders of feeds here, and no '\\' in their names");

    private static ApiException Refused(string why) => new(409, "bad-value", why);
}
