using System.Diagnostics;
using System.Text.Json;
using Shoal.Api;

namespace Shoal.Daemon;

/// <summary>Rules for feeds in qBittorrent's form.</summary>
internal static class QBittorrentFeedRules
{
    /// <summary>
    /// No URL of a feed: the only one of a rule that has none yet. With us no feeds are all feeds, with qBittorrent, whose apps make
    /// rules before they choose feeds, they are none.
    /// </summary>
    public const string NoFeed = "none:";

    /// <summary>How long titles are compared with a rule for one answer; then it has those that were found.</summary>
    private static readonly TimeSpan MaxMatching = TimeSpan.FromSeconds(2);

    private static readonly JsonDocumentOptions Depth = new() { MaxDepth = 16 };

    public static IReadOnlyDictionary<string, QBittorrentRoute> Routes { get; } =
        new Dictionary<string, QBittorrentRoute>
        {
            ["rss/rules"] = new(AccessScope.Read, false, RulesAsync),
            ["rss/setRule"] = new(AccessScope.Control, true, SetAsync),
            ["rss/renameRule"] = new(AccessScope.Control, true, RenameAsync),
            ["rss/removeRule"] = new(AccessScope.Control, true, RemoveAsync),
            ["rss/matchingArticles"] = new(AccessScope.Read, false, MatchingAsync),
        };

    /// <summary>A rule of theirs as one of ours. Its folder is as it was written.</summary>
    /// <param name="before">The rule of this name; null: there is none.</param>
    /// <exception cref="ApiException">It has what ours have not, or values of other kinds.</exception>
    public static FeedRule Read(JsonElement definition, string name, FeedRule? before)
    {
        if (definition.ValueKind != JsonValueKind.Object)
        {
            throw ApiException.Bad("ruleDef", "ruleDef: an object is expected");
        }

        // What a rule takes less of with qBittorrent must not be taken here without a word.
        if (Text(definition, "episodeFilter").Trim().Length > 0)
        {
            throw new ApiException(
                409,
                "bad-value",
                "episodeFilter: rules have none here; a regular expression can do it"
            );
        }

        if (Number(definition, "ignoreDays") > 0)
        {
            throw new ApiException(409, "bad-value", "ignoreDays: rules do not rest for days here");
        }

        var words = WordsOf(definition);
        // From version 4.6 on; what stands beside counts no more then.
        var isNew =
            definition.TryGetProperty("torrentParams", out var parameters)
            && parameters.ValueKind == JsonValueKind.Object;
        var category = isNew ? Text(parameters, "category") : Text(definition, "assignedCategory");
        var folder = (isNew ? Text(parameters, "save_path") : Text(definition, "savePath")).Trim();
        var feeds = Texts(definition, "affectedFeeds") ?? [];
        return new FeedRule
        {
            Name = name,
            Enabled = Flag(definition, "enabled") == false ? false : null,
            Feeds = feeds.Count > 0 ? feeds : [NoFeed],
            MustContain = words.MustContain,
            MustNotContain = words.MustNotContain,
            Pattern = words.Pattern,
            OnceAnEpisode = Flag(definition, "smartFilter") ?? false,
            Category = category.Length > 0 ? category : null,
            Labels = isNew && Texts(parameters, "tags") is { } tags ? tags : before?.Labels,
            SaveDirectory = folder.Length > 0 ? folder : null,
            Paused = (isNew ? Flag(parameters, "stopped") : Flag(definition, "addPaused")) ?? false,
        };
    }

    /// <summary>A rule of ours as one of theirs.</summary>
    /// <param name="priority">Its place among the others.</param>
    /// <param name="feeds">URLs of all feeds: those of a rule that names none.</param>
    public static void Write(Utf8JsonWriter json, StoredRule stored, int priority, IReadOnlyList<string> feeds)
    {
        var rule = stored.Rule;
        var (must, mustNot, isRegex) = new RuleWords(rule.MustContain, rule.MustNotContain, rule.Pattern).Write();
        json.WriteStartObject();
        json.WriteBoolean("enabled", rule.Enabled != false);
        json.WriteNumber("priority", priority);
        json.WriteBoolean("useRegex", isRegex);
        json.WriteString("mustContain", must);
        json.WriteString("mustNotContain", mustNot);
        json.WriteString("episodeFilter", "");
        WriteList(json, "affectedFeeds", rule.Feeds.Count > 0 ? rule.Feeds.Where(url => url != NoFeed) : feeds);
        json.WriteString("lastMatch", "");
        json.WriteNumber("ignoreDays", 0);
        json.WriteBoolean("smartFilter", rule.OnceAnEpisode);
        WriteList(json, "previouslyMatchedEpisodes", stored.Episodes);
        json.WriteBoolean("addPaused", rule.Paused);
        json.WriteNull("torrentContentLayout");
        json.WriteString("savePath", rule.SaveDirectory ?? "");
        json.WriteString("assignedCategory", rule.Category ?? "");
        json.WriteStartObject("torrentParams");
        json.WriteString("category", rule.Category ?? "");
        json.WriteString("save_path", rule.SaveDirectory ?? "");
        json.WriteBoolean("stopped", rule.Paused);
        WriteList(json, "tags", rule.Labels ?? []);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static Task RulesAsync(QBittorrentCall call)
    {
        var book = call.Services.Feeds.Book;
        List<string> feeds = [.. book.Feeds.Select(feed => feed.Url)];
        return call.WriteJsonAsync(json =>
        {
            json.WriteStartObject();
            for (var i = 0; i < book.Rules.Count; i++)
            {
                json.WritePropertyName(book.Rules[i].Rule.Name);
                Write(json, book.Rules[i], i, feeds);
            }

            json.WriteEndObject();
        });
    }

    private static async Task SetAsync(QBittorrentCall call)
    {
        var name = call.Need("ruleName").Trim();
        var isKnown = Find(call, name) is not null;
        FeedRule rule;
        double? place;
        try
        {
            using var definition = JsonDocument.Parse(call.Need("ruleDef"), Depth);
            rule = Read(definition.RootElement, name, Find(call, name)?.Rule);
            place = definition.RootElement.TryGetProperty("priority", out _)
                ? Number(definition.RootElement, "priority")
                : null;
        }
        catch (JsonException error)
        {
            throw ApiException.Bad("ruleDef", $"ruleDef: {error.Message}");
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair, which JSON can write.
            throw ApiException.Bad("ruleDef", "ruleDef: a text is no Unicode");
        }

        if (rule.SaveDirectory is { } folder)
        {
            rule = rule with { SaveDirectory = QBittorrentAdding.FolderOf(call, "savePath", folder) };
        }

        await call.Services.Feeds.SetRuleAsync(rule).ConfigureAwait(false);
        // What an app got from us it sends back, so that a rule that was only edited stays where it is; a new one has priority 0.
        if (isKnown && place is { } wanted)
        {
            await call
                .Services.Feeds.PlaceRuleAsync(name, (int)Math.Clamp(wanted, 0, int.MaxValue))
                .ConfigureAwait(false);
        }

        await call.WriteTextAsync("").ConfigureAwait(false);
    }

    private static async Task RenameAsync(QBittorrentCall call)
    {
        var (from, to) = (call.Need("ruleName").Trim(), call.Need("newRuleName").Trim());
        await call.Services.Feeds.RenameRuleAsync(from, to).ConfigureAwait(false);
        await call.WriteTextAsync("").ConfigureAwait(false);
    }

    private static async Task RemoveAsync(QBittorrentCall call)
    {
        await call.Services.Feeds.RemoveRuleAsync(call.Need("ruleName").Trim()).ConfigureAwait(false);
        await call.WriteTextAsync("").ConfigureAwait(false);
    }

    private static async Task MatchingAsync(QBittorrentCall call)
    {
        var found = Find(call, call.Need("ruleName").Trim()) is { } rule
            ? await Task.Run(() => Matching(call, rule), call.Aborted).ConfigureAwait(false)
            : [];
        await call.WriteJsonAsync(json =>
            {
                json.WriteStartObject();
                foreach (var (feed, titles) in found)
                {
                    WriteList(json, feed, titles);
                }

                json.WriteEndObject();
            })
            .ConfigureAwait(false);
    }

    /// <summary>What the rule would take of what is in the feeds and was not taken yet.</summary>
    private static List<(string Feed, List<string> Titles)> Matching(QBittorrentCall call, StoredRule rule)
    {
        var feeds = call.Services.Feeds;
        var matcher = new FeedMatcher(rule.Rule);
        var started = Stopwatch.GetTimestamp();
        var found = new List<(string, List<string>)>();
        foreach (var (name, feed) in QBittorrentFeeds.Named(feeds.Book))
        {
            if (rule.Rule.Feeds.Count > 0 && !rule.Rule.Feeds.Contains(feed.Url))
            {
                continue;
            }

            List<string> titles =
            [
                .. feeds
                    .Known(feed)
                    .Where(known => !known.IsSeen)
                    .Select(known => known.Entry.Title)
                    .TakeWhile(_ => Stopwatch.GetElapsedTime(started) < MaxMatching)
                    .Where(matcher.Matches),
            ];
            if (titles.Count > 0)
            {
                found.Add((name, titles));
            }
        }

        return found;
    }

    private static StoredRule? Find(QBittorrentCall call, string name) =>
        call.Services.Feeds.Book.Rules.FirstOrDefault(stored => stored.Rule.Name == name);

    private static RuleWords WordsOf(JsonElement definition)
    {
        try
        {
            return RuleWords.Read(
                Text(definition, "mustContain"),
                Text(definition, "mustNotContain"),
                Flag(definition, "useRegex") ?? false
            );
        }
        catch (ArgumentException error)
        {
            throw ApiException.Bad("mustContain", $"mustContain: {error.Message}");
        }
    }

    private static string Text(JsonElement from, string name) =>
        Value(from, name) switch
        {
            null => "",
            { ValueKind: JsonValueKind.String } text => text.GetString() ?? "",
            _ => throw Wrong(name),
        };

    private static bool? Flag(JsonElement from, string name) =>
        Value(from, name) switch
        {
            null => null,
            { ValueKind: JsonValueKind.True } => true,
            { ValueKind: JsonValueKind.False } => false,
            _ => throw Wrong(name),
        };

    private static double Number(JsonElement from, string name) =>
        Value(from, name) switch
        {
            null => 0,
            { ValueKind: JsonValueKind.Number } number => number.GetDouble(),
            _ => throw Wrong(name),
        };

    private static List<string>? Texts(JsonElement from, string name) =>
        Value(from, name) switch
        {
            null => null,
            { ValueKind: JsonValueKind.Array } list =>
            [
                .. list.EnumerateArray()
                    .Select(item =>
                        item.ValueKind == JsonValueKind.String ? item.GetString() ?? "" : throw Wrong(name)
                    ),
            ],
            _ => throw Wrong(name),
        };

    private static JsonElement? Value(JsonElement from, string name) =>
        from.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static ApiException Wrong(string name) => ApiException.Bad(name, $"{name}: not a value of its kind");

    private static void WriteList(Utf8JsonWriter json, string name, IEnumerable<string> items)
    {
        json.WriteStartArray(name);
        foreach (var item in items)
        {
            json.WriteStringValue(item);
        }

        json.WriteEndArray();
    }
}
