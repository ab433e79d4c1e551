namespace Shoal.Api;

/// <summary>A feed (RSS or Atom) whose entries lead to torrents.</summary>
public sealed record FeedItem
{
    /// <summary>http or https. The feed's name in this API.</summary>
    public required string Url { get; init; }

    /// <summary>For people; null: none.</summary>
    public string? Title { get; init; }

    /// <summary>Seconds between looks at it, from 60; null: as the settings say.</summary>
    public long? Interval { get; init; }

    /// <summary>Seconds since 1970; null: not yet. What a caller sends is ignored, here and below.</summary>
    public long? CheckedAt { get; init; }

    /// <summary>Why it could not be read last; null: it could.</summary>
    public string? Error { get; init; }

    /// <summary>Of the last answer.</summary>
    public int Entries { get; init; }
}

/// <summary>Which entries of feeds are added, and how.</summary>
public sealed record FeedRule
{
    /// <summary>The rule's name in this API.</summary>
    public required string Name { get; init; }

    /// <summary>Null: it is.</summary>
    public bool? Enabled { get; init; }

    /// <summary>URLs of feeds; empty: all.</summary>
    public IReadOnlyList<string> Feeds
    {
        get;
        init => field = value ?? [];
    } = [];

    /// <summary>Words, all of which the title has, whatever their case; null: any title.</summary>
    public string? MustContain { get; init; }

    /// <summary>Words, none of which the title has.</summary>
    public string? MustNotContain { get; init; }

    /// <summary>A regular expression that matches somewhere in the title, whatever the case; null: none.</summary>
    public string? Pattern { get; init; }

    /// <summary>Of one episode of a series (S01E02, 1x02, a date) only the first release.</summary>
    public bool OnceAnEpisode { get; init; }
    public string? Category { get; init; }
    public IReadOnlyList<string>? Labels { get; init; }

    /// <summary>Null: as the category or the settings say.</summary>
    public string? SaveDirectory { get; init; }
    public bool Paused { get; init; }
}

/// <summary>An entry of a feed as it was read last.</summary>
/// <param name="Title">Of the entry.</param>
/// <param name="Source">A magnet link or the URL of a .torrent file; null: it leads to none.</param>
/// <param name="Seen">Rules have decided about it.</param>
public sealed record FeedEntryItem(string Title, string? Source, bool Seen);

/// <summary>All feeds.</summary>
public sealed record FeedList(IReadOnlyList<FeedItem> Feeds);

/// <summary>All rules, in the order in which they are asked.</summary>
public sealed record FeedRuleList(IReadOnlyList<FeedRule> Rules);

/// <summary>In which order rules are asked.</summary>
/// <param name="Names">These come first, in this order; rules that are not named come after them, in the order they have.</param>
public sealed record FeedRuleOrder(IReadOnlyList<string> Names);

/// <summary>Entries of one feed.</summary>
public sealed record FeedEntryList(IReadOnlyList<FeedEntryItem> Entries);
