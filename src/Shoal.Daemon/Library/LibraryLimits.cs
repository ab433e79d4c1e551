namespace Shoal.Daemon;

/// <summary>What callers may ask the library to keep.</summary>
internal sealed record LibraryLimits
{
    /// <summary>Torrents; beyond it adding is refused. Default 100,000: some 100 MB of state.</summary>
    public int MaxTorrents { get; init; } = 100_000;

    /// <summary>Labels of one torrent. Default 64.</summary>
    public int MaxLabels { get; init; } = 64;

    /// <summary>Characters of a label or category. Default 128.</summary>
    public int MaxLabelLength { get; init; } = 128;

    /// <summary>Characters of what the user calls a torrent. Default 255.</summary>
    public int MaxTitleLength { get; init; } = 255;

    /// <summary>Tracker URLs of one torrent. Default 500.</summary>
    public int MaxTrackers { get; init; } = 500;

    /// <summary>Bytes of a URL. Default 2,048.</summary>
    public int MaxUrlLength { get; init; } = 2048;

    /// <summary>Peers named in one call. Default 1,000.</summary>
    public int MaxPeers { get; init; } = 1000;

    /// <summary>Of those that were named of a torrent, how many are kept over a restart. Default 100: the last.</summary>
    public int MaxKeptPeers { get; init; } = 100;

    /// <summary>Files renamed in one call. Default 10,000: each is a record in a journal, written through.</summary>
    public int MaxRenames { get; init; } = 10_000;

    /// <summary>Removed torrents that are remembered, so that who asks for changes hears of them. Default 20,000; who asks for what lies further back gets the whole list.</summary>
    public int MaxTombstones { get; init; } = 20_000;

    /// <summary>Torrents in one answer. Default 20,000.</summary>
    public int MaxPage { get; init; } = 20_000;

    /// <summary>How long an addition waits for the same torrent to be gone that was just removed. Default 10 s; then it is refused.</summary>
    public TimeSpan RemovalPatience { get; init; } = TimeSpan.FromSeconds(10);

    public static LibraryLimits Default { get; } = new();
}
