using Shoal.Api;

namespace Shoal.Daemon;

// What apps of other programs ask for besides.
internal sealed partial class FeedWatch
{
    /// <summary>Entries of a feed as it was read last, in its order.</summary>
    public IReadOnlyList<(FeedEntry Entry, bool IsSeen)> Known(StoredFeed feed)
    {
        var taken = feed.Taken.ToHashSet(StringComparer.Ordinal);
        return
        [
            .. (_states.GetValueOrDefault(feed.Url)?.Entries ?? []).Select(entry =>
                (entry, taken.Contains(MarkOf(entry)))
            ),
        ];
    }

    /// <summary>The feed is at another address from now on.</summary>
    /// <param name="isOwner">Who says so came over the socket: nobody else leads us into our own network.</param>
    /// <exception cref="ApiException">It is none, or another feed has it.</exception>
    public Task ChangeUrlAsync(string from, string to, bool isOwner)
    {
        CheckUrl(to);
        return from == to
            ? Task.CompletedTask
            : Task.Run(() =>
            {
                store.Change(book =>
                    book.Feeds.Any(feed => feed.Url == to)
                        ? throw new ApiException(409, "bad-value", "url: there is a feed of this URL already")
                        : book.Moved(from, to, isOwner)
                );
                _states.TryRemove(from, out _);
            });
    }

    /// <summary>A rule is called otherwise; what it has taken stays taken.</summary>
    /// <exception cref="ApiException">There is none, or one of the new name.</exception>
    public Task RenameRuleAsync(string from, string to)
    {
        CheckName(to);
        return Task.Run(() =>
            store.Change(book =>
                book.Rules.All(rule => rule.Rule.Name != from)
                    ? throw new ApiException(409, "bad-value", "there is no rule of this name")
                : from != to && book.Rules.Any(rule => rule.Rule.Name == to)
                    ? throw new ApiException(409, "bad-value", "there is a rule of the new name already")
                : book with
                {
                    Rules =
                    [
                        .. book.Rules.Select(rule =>
                            rule.Rule.Name == from ? rule with { Rule = rule.Rule with { Name = to } } : rule
                        ),
                    ],
                }
            )
        );
    }

    /// <summary>These rules are asked first, in this order; the others after them.</summary>
    /// <exception cref="ApiException">There is no such rule, or one is named twice.</exception>
    public Task OrderRulesAsync(IReadOnlyList<string> names)
    {
        if (names.Distinct(StringComparer.Ordinal).Count() != names.Count)
        {
            throw ApiException.Bad("names", "names: one is there twice");
        }

        return Task.Run(() =>
            store.Change(book =>
            {
                var known = book.Rules.Select(rule => rule.Rule.Name).ToHashSet(StringComparer.Ordinal);
                return names.FirstOrDefault(name => !known.Contains(name)) is { } missing
                    ? throw ApiException.Bad("names", $"names: there is no rule '{missing}'")
                    : book.Ordered(names);
            })
        );
    }

    /// <summary>A rule is asked at this place, from 0; beyond the others: last.</summary>
    public Task PlaceRuleAsync(string name, int place) =>
        Task.Run(() => store.Change(book => book.Placed(name, place)));

    /// <summary>No rule takes these entries any more.</summary>
    /// <param name="id">Of one of them; null: all that are in the feed now.</param>
    public Task MarkSeenAsync(string url, string? id)
    {
        var marks = (_states.GetValueOrDefault(url)?.Entries ?? [])
            .Where(entry => id is null || entry.Id == id)
            .Select(MarkOf)
            .ToList();
        return marks.Count == 0
            ? Task.CompletedTask
            : Task.Run(() => store.Change(book => book.Seen(url, marks, limits)));
    }

    /// <summary>A feed is due.</summary>
    public void Forget(string url)
    {
        if (_states.TryGetValue(url, out var state))
        {
            state.LookedAt = null;
        }
    }

    private void CheckUrl(string text)
    {
        if (
            text.Length > limits.MaxText
            || !Uri.TryCreate(text, UriKind.Absolute, out var url)
            || url.Scheme is not ("http" or "https")
        )
        {
            throw ApiException.Bad("url", "url: this is not a URL of http or https");
        }
    }

    private static void CheckName(string name)
    {
        if (name.Length is 0 or > 200 || name.Any(char.IsControl))
        {
            throw ApiException.Bad("name", "name: 1 to 200 characters, none of them a control character");
        }
    }
}
