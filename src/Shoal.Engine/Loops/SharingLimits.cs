namespace Shoal.Engine;

/// <summary>How the torrents of one engine share what there is only once.</summary>
internal sealed record SharingLimits
{
    public static readonly SharingLimits Default = new();

    /// <summary>
    /// How many connections of a torrent that downloads weigh as much as one of a torrent that only seeds, when there are
    /// not enough for all. Default 4.
    /// </summary>
    public int DownloadWeight { get; init; } = 4;

    /// <summary>
    /// Connections beyond the limit while a torrent that has many gives one up for a torrent that has few. Default 16.
    /// Beyond: the newcomer is refused.
    /// </summary>
    public int MaxOwed { get; init; } = 16;

    /// <summary>Peers called a second over all torrents, and the burst after a pause. Default 50. Beyond: they wait.</summary>
    public int DialsPerSecond { get; init; } = 50;

    /// <summary>
    /// Of the calls that peers introduced us for (BEP 55) so many a second go ahead of all others. Default 5: a tenth of
    /// all calls. Beyond: they wait with their torrent's others, first among those.
    /// </summary>
    public int PunchesPerSecond { get; init; } = 5;

    /// <summary>The same after a pause. Default 10.</summary>
    public int PunchBurst { get; init; } = 10;

    /// <summary>Such calls under way at once, on top of the others. Default 20; they are uTP, so no half-open TCP.</summary>
    public int PunchesAtOnce { get; init; } = 20;

    /// <summary>
    /// Peers unchoked at once over all torrents, but two for each torrent that somebody wants. Default 200. Beyond:
    /// each torrent unchokes fewer.
    /// </summary>
    public int UploadSlots { get; init; } = 200;

    /// <summary>Least unchoked peers of one torrent: one by merit, one by chance. Default 2.</summary>
    public int MinUploadSlots { get; init; } = 2;
}
