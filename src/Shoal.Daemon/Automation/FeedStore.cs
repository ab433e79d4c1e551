using System.Text.Json;
using Shoal.Api;
using Shoal.Engine;

namespace Shoal.Daemon;

/// <summary>A feed as it is kept.</summary>
/// <param name="MayBeLocal">It was named over the socket, so it may lie in this machine's own network.</param>
/// <param name="Taken">What entries are told by, of those that a rule has taken; the newest last.</param>
internal sealed record StoredFeed(
    string Url,
    string? Title,
    long? Interval,
    bool MayBeLocal,
    IReadOnlyList<string> Taken
);

/// <summary>A rule as it is kept.</summary>
/// <param name="Episodes">That it has taken; the newest last.</param>
internal sealed record StoredRule(FeedRule Rule, IReadOnlyList<string> Episodes);

/// <summary>Feeds, rules, and what was taken of which. Immutable; replaced whole.</summary>
internal sealed record FeedBook(IReadOnlyList<StoredFeed> Feeds, IReadOnlyList<StoredRule> Rules)
{
    public static FeedBook Empty { get; } = new([], []);

    public FeedBook With(StoredFeed feed) =>
        this with
        {
            Feeds = [.. Feeds.Where(other => other.Url != feed.Url), feed],
        };

    /// <summary>A feed is at another address: rules that named it go on with that, and what was taken stays taken.</summary>
    /// <param name="mayBeLocal">Who named the new address did so over the socket.</param>
    public FeedBook Moved(string from, string to, bool mayBeLocal) =>
        new(
            [.. Feeds.Select(feed => feed.Url == from ? feed with { Url = to, MayBeLocal = mayBeLocal } : feed)],
            [
                .. Rules.Select(rule =>
                    rule with
                    {
                        Rule = rule.Rule with { Feeds = [.. rule.Rule.Feeds.Select(url => url == from ? to : url)] },
                    }
                ),
            ]
        );

    /// <summary>No rule takes these entries any more.</summary>
    public FeedBook Seen(string url, IEnumerable<string> entries, FeedLimits limits) =>
        this with
        {
            Feeds =
            [
                .. Feeds.Select(feed =>
                    feed.Url == url
                        ? feed with
                        {
                            Taken = [.. feed.Taken.Union(entries).TakeLast(limits.MaxSeen)],
                        }
                        : feed
                ),
            ],
        };

    /// <summary>In the place of the rule of its name, or at the end.</summary>
    public FeedBook With(StoredRule rule) =>
        Rules.Any(other => other.Rule.Name == rule.Rule.Name)
            ? this with
            {
                Rules = [.. Rules.Select(other => other.Rule.Name == rule.Rule.Name ? rule : other)],
            }
            : this with
            {
                Rules = [.. Rules, rule],
            };

    /// <summary>These rules are asked first, in this order; the others after them, in the order they have.</summary>
    public FeedBook Ordered(IReadOnlyList<string> names)
    {
        var places = names.Select((name, place) => (name, place)).ToDictionary(pair => pair.name, pair => pair.place);
        return this with { Rules = [.. Rules.OrderBy(rule => places.GetValueOrDefault(rule.Rule.Name, int.MaxValue))] };
    }

    /// <summary>A rule is asked at this place, from 0; beyond the others: last.</summary>
    public FeedBook Placed(string name, int place)
    {
        List<string> names = [.. Rules.Select(rule => rule.Rule.Name)];
        if (names.Remove(name))
        {
            names.Insert(Math.Clamp(place, 0, names.Count), name);
        }

        return Ordered(names);
    }

    /// <summary>An entry was taken by a rule.</summary>
    public FeedBook Took(string url, string entry, string rule, string? episode, FeedLimits limits) =>
        this with
        {
            Feeds =
            [
                .. Feeds.Select(feed =>
                    feed.Url == url ? feed with { Taken = Appended(feed.Taken, entry, limits.MaxSeen) } : feed
                ),
            ],
            Rules =
            [
                .. Rules.Select(other =>
                    other.Rule.Name == rule && episode is not null
                        ? other with
                        {
                            Episodes = Appended(other.Episodes, episode, limits.MaxEpisodes),
                        }
                        : other
                ),
            ],
        };

    private static IReadOnlyList<string> Appended(IReadOnlyList<string> list, string item, int most) =>
        list.Contains(item) ? list : [.. list.Skip(Math.Max(0, list.Count + 1 - most)), item];
}

/// <summary>The file of feeds in the state folder (docs/formats/library.md), and what it says now.</summary>
internal sealed class FeedStore
{
    private readonly string _path;
    private readonly FeedLimits _limits;
    private readonly Lock _turn = new();
    private volatile FeedBook _book;

    private FeedStore(string path, FeedBook book, FeedLimits limits)
    {
        _path = path;
        _book = book;
        _limits = limits;
    }

    public FeedBook Book => _book;

    /// <exception cref="IOException">The file cannot be read, or is broken.</exception>
    public static FeedStore Open(string path, FeedLimits limits)
    {
        try
        {
            var book = File.Exists(path)
                ? JsonSerializer.Deserialize(File.ReadAllBytes(path), StateJson.Default.FeedBook)
                : null;
            return new FeedStore(path, book ?? FeedBook.Empty, limits);
        }
        catch (JsonException error)
        {
            throw new IOException(
                $"'{path}' is broken ({error.Message}); without it there are no feeds: remove it",
                error
            );
        }
    }

    /// <summary>Durable when it returns. Waits for the disk of the state folder.</summary>
    /// <exception cref="ApiException">There are too many, or it cannot be saved: nothing was changed.</exception>
    public void Change(Func<FeedBook, FeedBook> change)
    {
        lock (_turn)
        {
            var next = change(_book);
            if (next.Feeds.Count > _limits.MaxFeeds || next.Rules.Count > _limits.MaxFeeds)
            {
                throw new ApiException(507, "too-many-feeds", $"there are {_limits.MaxFeeds} of them already");
            }

            try
            {
                AtomicFile.Write(_path, JsonSerializer.SerializeToUtf8Bytes(next, StateJson.Default.FeedBook));
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw new ApiException(500, "state-not-saved", $"the state folder cannot be written: {error.Message}");
            }

            _book = next;
        }
    }
}
