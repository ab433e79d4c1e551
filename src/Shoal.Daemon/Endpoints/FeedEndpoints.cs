using Shoal.Api;

namespace Shoal.Daemon;

/// <summary>Feeds, and rules that say which of their entries are added. Names stand in the query: they may have any character.</summary>
internal static class FeedEndpoints
{
    public static IReadOnlyList<ApiRoute> Routes { get; } =
    [
        ApiRoute.Read(
            "/feeds",
            "All feeds, and how they are.",
            call => call.Services.Feeds.List(),
            ApiJson.Default.FeedList
        ),
        new("PUT", "/feeds", AccessScope.Control, "Makes a feed, or changes the one of this URL.", SetFeedAsync)
        {
            Body = ApiJson.Default.FeedItem,
            Answer = ApiJson.Default.FeedList,
        },
        new(
            "DELETE",
            "/feeds",
            AccessScope.Control,
            "Removes a feed.",
            async call =>
            {
                await call.Services.Feeds.RemoveFeedAsync(Needed(call, "url")).ConfigureAwait(false);
                await call.WriteNothingAsync().ConfigureAwait(false);
            }
        )
        {
            Query = [("url", "Of the feed.")],
            Status = 204,
        },
        new(
            "POST",
            "/feeds/check",
            AccessScope.Control,
            "Reads all feeds soon, whenever they were read last.",
            call =>
            {
                call.Services.Feeds.Forget();
                return call.WriteNothingAsync();
            }
        )
        {
            Status = 204,
        },
        new(
            "GET",
            "/feeds/entries",
            AccessScope.Read,
            "The entries of a feed as it was read last.",
            call =>
                call.WriteAsync(
                    call.Services.Feeds.Entries(Needed(call, "url"))
                        ?? throw new ApiException(404, "no-such-feed", "there is no feed of this URL"),
                    ApiJson.Default.FeedEntryList
                )
        )
        {
            Query = [("url", "Of the feed.")],
            Answer = ApiJson.Default.FeedEntryList,
        },
        ApiRoute.Read(
            "/feed-rules",
            "All rules, in the order in which they are asked.",
            call => Rules(call),
            ApiJson.Default.FeedRuleList
        ),
        new("PUT", "/feed-rules", AccessScope.Control, "Makes a rule, or changes the one of this name.", SetRuleAsync)
        {
            Body = ApiJson.Default.FeedRule,
            Answer = ApiJson.Default.FeedRuleList,
        },
        new(
            "PUT",
            "/feed-rules/order",
            AccessScope.Control,
            "Has rules asked in another order: these first, in this order.",
            OrderRulesAsync
        )
        {
            Body = ApiJson.Default.FeedRuleOrder,
            Answer = ApiJson.Default.FeedRuleList,
        },
        new(
            "POST",
            "/feed-rules/matches",
            AccessScope.Control,
            "The entries that a rule, kept or not, on or off, would take of what is in the feeds now.",
            MatchesAsync
        )
        {
            Body = ApiJson.Default.FeedRule,
            Answer = ApiJson.Default.FeedEntryList,
        },
        new(
            "DELETE",
            "/feed-rules",
            AccessScope.Control,
            "Removes a rule.",
            async call =>
            {
                await call.Services.Feeds.RemoveRuleAsync(Needed(call, "name")).ConfigureAwait(false);
                await call.WriteNothingAsync().ConfigureAwait(false);
            }
        )
        {
            Query = [("name", "Of the rule.")],
            Status = 204,
        },
    ];

    private static async Task SetFeedAsync(ApiCall call)
    {
        var feed = await call.ReadAsync(ApiJson.Default.FeedItem).ConfigureAwait(false);
        await call.Services.Feeds.SetFeedAsync(feed, call.Caller.IsOwner).ConfigureAwait(false);
        await call.WriteAsync(call.Services.Feeds.List(), ApiJson.Default.FeedList).ConfigureAwait(false);
    }

    private static async Task SetRuleAsync(ApiCall call)
    {
        var rule = await call.ReadAsync(ApiJson.Default.FeedRule).ConfigureAwait(false);
        if (rule.SaveDirectory is { } folder)
        {
            rule = rule with { SaveDirectory = PathJail.Check(folder, call.AllowedFolders) };
        }

        await call.Services.Feeds.SetRuleAsync(rule).ConfigureAwait(false);
        await call.WriteAsync(Rules(call), ApiJson.Default.FeedRuleList).ConfigureAwait(false);
    }

    private static async Task OrderRulesAsync(ApiCall call)
    {
        var order = await call.ReadAsync(ApiJson.Default.FeedRuleOrder).ConfigureAwait(false);
        await call.Services.Feeds.OrderRulesAsync(ApiException.Whole("names", order.Names)).ConfigureAwait(false);
        await call.WriteAsync(Rules(call), ApiJson.Default.FeedRuleList).ConfigureAwait(false);
    }

    private static async Task MatchesAsync(ApiCall call)
    {
        var rule = await call.ReadAsync(ApiJson.Default.FeedRule).ConfigureAwait(false);
        await call.WriteAsync(call.Services.Feeds.Matching(rule, call.Aborted), ApiJson.Default.FeedEntryList)
            .ConfigureAwait(false);
    }

    private static FeedRuleList Rules(ApiCall call) =>
        new([.. call.Services.Feeds.Book.Rules.Select(rule => rule.Rule)]);

    private static string Needed(ApiCall call, string name) =>
        call.Query(name) is { Length: > 0 } value ? value : throw ApiException.Bad(name, $"{name}: which one?");
}
