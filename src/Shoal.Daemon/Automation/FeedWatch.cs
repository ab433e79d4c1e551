using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Shoal.Api;
using Shoal.Engine;

namespace Shoal.Daemon;

/// <summary>Reads the feeds when their time has come, and adds what rules take.</summary>
internal sealed partial class FeedWatch(
    FeedStore store,
    SettingsStore settings,
    TorrentLibrary library,
    OutboundNetwork network,
    FeedLimits limits,
    TimeProvider time
)
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    /// <summary>Feeds that are read at once.</summary>
    private const int AtOnce = 4;

    /// <summary>Torrents that are added of a feed in one look; the others follow with the next.</summary>
    private const int MaxAdded = 100;

    /// <summary>How often an entry that cannot be added is tried, once in each look.</summary>
    private const int MaxTries = 5;

    /// <summary>Entries of one answer about what a rule would take.</summary>
    private const int MaxMatches = 1000;

    /// <summary>What is looked at for one such answer; what comes after it is left out.</summary>
    private static readonly TimeSpan MaxMatching = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<string, FeedState> _states = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _slow = new(StringComparer.Ordinal);

    public FeedBook Book => store.Book;

    /// <summary>Feeds, and how they are.</summary>
    public FeedList List() =>
        new([
            .. Book.Feeds.Select(feed =>
            {
                var state = _states.GetValueOrDefault(feed.Url);
                return new FeedItem
                {
                    Url = feed.Url,
                    Title = feed.Title,
                    Interval = feed.Interval,
                    CheckedAt = state?.CheckedAt,
                    Error = state?.Error,
                    Entries = state?.Entries.Count ?? 0,
                };
            }),
        ]);

    /// <summary>What was in a feed last; null: there is no such feed.</summary>
    public FeedEntryList? Entries(string url)
    {
        if (Book.Feeds.FirstOrDefault(feed => feed.Url == url) is not { } feed)
        {
            return null;
        }

        return new FeedEntryList([.. EntriesOf(feed)]);
    }

    /// <summary>What a rule would take of the entries that are known, if none had been taken yet; those taken are marked.</summary>
    /// <param name="rule">Need not be kept, and may be off.</param>
    /// <param name="stop">Its caller is gone.</param>
    public FeedEntryList Matching(FeedRule rule, CancellationToken stop)
    {
        var matcher = MatcherOf(rule with { Enabled = null });
        var began = time.GetTimestamp();
        var entries = Book
            .Feeds.Where(feed => matcher.Reads(feed.Url))
            .SelectMany(EntriesOf)
            // A pattern may be slow with each of many titles without being too slow with any.
            .TakeWhile(_ => !stop.IsCancellationRequested && time.GetElapsedTime(began) < MaxMatching)
            .Where(entry => entry.Source is not null);
        return new FeedEntryList([.. matcher.Among(entries, entry => entry.Title).Take(MaxMatches)]);
    }

    private IEnumerable<FeedEntryItem> EntriesOf(StoredFeed feed) =>
        Known(feed).Select(known => new FeedEntryItem(known.Entry.Title, known.Entry.Source, known.IsSeen));

    public async Task SetFeedAsync(FeedItem feed, bool isOwner)
    {
        CheckUrl(feed.Url);
        if (feed.Interval is < 60 or > 604_800)
        {
            throw ApiException.Bad("interval", "interval: must be from 60 to 604800 seconds");
        }

        if (feed.Title is { } title && (title.Length > 200 || title.Any(char.IsControl)))
        {
            throw ApiException.Bad("title", "title: at most 200 characters, none of them a control character");
        }

        await Task.Run(() =>
                store.Change(book =>
                {
                    var before = book.Feeds.FirstOrDefault(other => other.Url == feed.Url);
                    return book.With(
                        new StoredFeed(
                            feed.Url,
                            feed.Title,
                            feed.Interval,
                            isOwner || before?.MayBeLocal == true,
                            before?.Taken ?? []
                        )
                    );
                })
            )
            .ConfigureAwait(false);
    }

    public Task RemoveFeedAsync(string url) =>
        Task.Run(() =>
        {
            store.Change(book => book with { Feeds = [.. book.Feeds.Where(feed => feed.Url != url)] });
            _states.TryRemove(url, out _);
        });

    /// <param name="rule">Its folder checked already.</param>
    public Task SetRuleAsync(FeedRule rule)
    {
        CheckName(rule.Name);
        _ = MatcherOf(rule);
        library.CheckWish(new AddTorrent { Category = rule.Category, Labels = rule.Labels });
        return Task.Run(() =>
        {
            store.Change(book =>
                book.With(
                    new StoredRule(
                        rule with
                        {
                            Feeds = [.. ApiException.Whole("feeds", rule.Feeds)],
                        },
                        book.Rules.FirstOrDefault(other => other.Rule.Name == rule.Name)?.Episodes ?? []
                    )
                )
            );
            // What is there may be something for it.
            Forget();
        });
    }

    private static FeedMatcher MatcherOf(FeedRule rule)
    {
        if (new[] { rule.MustContain, rule.MustNotContain, rule.Pattern }.Any(text => text?.Length > 1000))
        {
            throw ApiException.Bad("pattern", "mustContain, mustNotContain, pattern: at most 1000 characters each");
        }

        try
        {
            return new FeedMatcher(rule);
        }
        catch (ArgumentException error)
        {
            throw ApiException.Bad("pattern", $"pattern: {error.Message}");
        }
    }

    public Task RemoveRuleAsync(string name) =>
        Task.Run(() =>
            store.Change(book => book with { Rules = [.. book.Rules.Where(rule => rule.Rule.Name != name)] })
        );

    /// <summary>All feeds are due.</summary>
    public void Forget()
    {
        foreach (var state in _states.Values)
        {
            state.LookedAt = null;
        }
    }

    /// <summary>Reads those feeds that are due.</summary>
    public async Task LookAsync(CancellationToken stop)
    {
        var now = time.GetElapsedTime(0);
        var due = Book
            .Feeds.Where(feed =>
                _states.GetOrAdd(feed.Url, _ => new FeedState()).LookedAt is not { } at
                || now - at >= TimeSpan.FromSeconds(feed.Interval ?? settings.Current.FeedInterval)
            )
            .ToList();
        await Parallel
            .ForEachAsync(
                due,
                new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = stop },
                async (feed, cancel) => await LookAsync(feed, now, cancel).ConfigureAwait(false)
            )
            .ConfigureAwait(false);
    }

    private async Task LookAsync(StoredFeed feed, TimeSpan now, CancellationToken stop)
    {
        var state = _states.GetOrAdd(feed.Url, _ => new FeedState());
        state.LookedAt = now;
        try
        {
            var answer = await network
                .FetchAsync(
                    feed.Url,
                    new FetchRequest
                    {
                        MaxBytes = limits.MaxBytes,
                        MayBeLocal = feed.MayBeLocal,
                        ETag = state.ETag,
                        LastModified = state.LastModified,
                    },
                    stop
                )
                .ConfigureAwait(false);
            state.CheckedAt = time.GetUtcNow().ToUnixTimeSeconds();
            state.IsLocal = answer.IsLocal;
            if (answer.Body is { } body)
            {
                state.Entries = FeedReader.Read(body, new Uri(feed.Url), limits);
                (state.ETag, state.LastModified) = (answer.ETag, answer.LastModified);
            }

            state.Error = null;
            await TakeAsync(feed, state, stop).ConfigureAwait(false);
        }
        catch (Exception error) when (error is DownloadException or FeedException or ApiException)
        {
            if (state.Error != error.Message)
            {
                library.Warn("feed-failed", $"the feed {feed.Url}: {error.Message}");
            }

            state.Error = error.Message;
        }
    }

    private async Task TakeAsync(StoredFeed feed, FeedState state, CancellationToken stop)
    {
        var rules = Book.Rules.Select(rule => new FeedMatcher(rule.Rule)).Where(rule => rule.Reads(feed.Url)).ToList();
        var taken = feed.Taken.ToHashSet(StringComparer.Ordinal);
        var added = 0;
        foreach (var entry in state.Entries)
        {
            stop.ThrowIfCancellationRequested();
            var mark = MarkOf(entry);
            if (entry.Source is null || taken.Contains(mark) || added >= MaxAdded)
            {
                continue;
            }

            var episode = EpisodeName.Of(entry.Title);
            if (rules.Find(rule => Takes(rule, entry, episode)) is { } taker)
            {
                added++;
                if (await TryAddAsync(feed, state, entry, taker.Rule, mark, stop).ConfigureAwait(false))
                {
                    store.Change(book => book.Took(feed.Url, mark, taker.Rule.Name, episode, limits));
                }
            }
        }
    }

    private bool Takes(FeedMatcher rule, FeedEntry entry, string? episode)
    {
        var takes =
            rule.Matches(entry.Title)
            && !(
                rule.Rule.OnceAnEpisode
                && episode is not null
                && Book.Rules.Any(stored => stored.Rule.Name == rule.Rule.Name && stored.Episodes.Contains(episode))
            );
        if (rule.IsSlow && _slow.TryAdd(rule.Rule.Name, true))
        {
            library.Warn(
                "feed-rule",
                $"the pattern of the rule '{rule.Rule.Name}' takes too long: such titles are left out"
            );
        }

        return takes;
    }

    /// <returns>It is done with: added, here already, or tried often enough.</returns>
    private async Task<bool> TryAddAsync(
        StoredFeed feed,
        FeedState state,
        FeedEntry entry,
        FeedRule rule,
        string mark,
        CancellationToken stop
    )
    {
        try
        {
            // A feed at home may lead to its own server, one in the world to nothing at home: where it was counts, not its
            // name, which its owner can give any address at any time.
            var mayBeLocal =
                feed.MayBeLocal
                && state.IsLocal
                && Uri.TryCreate(entry.Source, UriKind.Absolute, out var url)
                && url.Host == new Uri(feed.Url).Host;
            var torrent = await NewTorrent
                .OfSourceAsync(entry.Source!, network, mayBeLocal, stop)
                .ConfigureAwait(false);
            var folder = rule.SaveDirectory ?? library.FolderFor(null, rule.Category, roots: null);
            var wish = new AddTorrent
            {
                Category = rule.Category,
                Labels = rule.Labels,
                Paused = rule.Paused,
            };
            await library.AddAsync(new Addition(torrent, wish, folder)).ConfigureAwait(false);
            return true;
        }
        catch (ApiException error) when (error.Code == "torrent-exists")
        {
            return true;
        }
        catch (ApiException error)
        {
            var tries = state.Tries.GetValueOrDefault(mark) + 1;
            state.Tries[mark] = tries;
            if (tries is 1 or MaxTries)
            {
                var end = tries == MaxTries ? "; it is not tried again" : "";
                library.Warn(
                    "feed-failed",
                    $"'{entry.Title}' of the feed {feed.Url} cannot be added: {error.Message}{end}"
                );
            }

            return tries >= MaxTries;
        }
    }

    private static string MarkOf(FeedEntry entry) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(entry.Id)).AsSpan(0, 8));

    /// <summary>What is known of a feed in this run. Of its look only, except where reading a reference is enough.</summary>
    private sealed class FeedState
    {
        public TimeSpan? LookedAt { get; set; }
        public long? CheckedAt { get; set; }

        /// <summary>The last answer came from the own network.</summary>
        public bool IsLocal { get; set; }
        public string? Error { get; set; }
        public string? ETag { get; set; }
        public string? LastModified { get; set; }
        public IReadOnlyList<FeedEntry> Entries { get; set; } = [];
        public Dictionary<string, int> Tries { get; } = new(StringComparer.Ordinal);
    }
}
