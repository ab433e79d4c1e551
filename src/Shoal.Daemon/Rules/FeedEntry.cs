namespace Shoal.Daemon;

/// <summary>One entry of a feed.</summary>
/// <param name="Id">What tells it from others of the feed: its guid or id, else its link, else its title.</param>
/// <param name="Title">Without control characters.</param>
/// <param name="Source">A magnet link, or the URL of a .torrent file; null: the entry leads to none.</param>
internal sealed record FeedEntry(string Id, string Title, string? Source)
{
    /// <summary>A page about it, by http or https; null: none is named.</summary>
    public string? Page { get; init; }

    /// <summary>Seconds since 1970, as the feed says; null: it does not, or not in a way we know.</summary>
    public long? PublishedAt { get; init; }
}

/// <summary>A feed could not be read; the message says why.</summary>
internal sealed class FeedException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>What a feed may have.</summary>
internal sealed record FeedLimits
{
    /// <summary>Bytes. Default 8 MiB.</summary>
    public int MaxBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>Entries that are read; later ones are left out. Default 5,000.</summary>
    public int MaxEntries { get; init; } = 5000;

    /// <summary>Characters of a title, an id, a link; longer entries are left out. Default 4,096.</summary>
    public int MaxText { get; init; } = 4096;

    /// <summary>Elements in each other. Default 32; deeper ones make the feed unreadable.</summary>
    public int MaxDepth { get; init; } = 32;

    /// <summary>Feeds; and rules. Default 1,000.</summary>
    public int MaxFeeds { get; init; } = 1000;

    /// <summary>Entries of a feed that are remembered as seen, the newest. Default 10,000: more than one feed has at once, so none is taken twice.</summary>
    public int MaxSeen { get; init; } = 10_000;

    /// <summary>Episodes that a rule remembers, the newest. Default 10,000.</summary>
    public int MaxEpisodes { get; init; } = 10_000;

    public static FeedLimits Default { get; } = new();
}
