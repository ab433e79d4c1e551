namespace Shoal.Protocol;

/// <summary>Bounds on what is believed of trackers and of those that ask a tracker.</summary>
public sealed record AnnounceLimits
{
    public static readonly AnnounceLimits Default = new();

    /// <summary>
    /// Peers taken from one answer, both address families together, from 1. Default 1,000: trackers give 50 to
    /// 200. Beyond it the rest of the answer is ignored.
    /// </summary>
    public int MaxPeers { get; init; } = 1_000;

    /// <summary>
    /// Bytes of one HTTP answer after decompression, from 1 KiB. Default 512 KiB: 1,000 peers in the wordy form
    /// of BEP 3 are about 70 KiB. A longer answer is a failure.
    /// </summary>
    public int MaxAnswerBytes { get; init; } = 512 * 1024;

    /// <summary>Characters kept of a failure reason or warning, from 1. Default 256; the rest is cut off.</summary>
    public int MaxTextLength { get; init; } = 256;

    /// <summary>Bytes of a tracker id kept and sent back, from 1. Default 128; a longer one is ignored.</summary>
    public int MaxTrackerIdBytes { get; init; } = 128;

    /// <summary>
    /// Infohashes in one scrape, from 1. Default 74. BEP 15: "Up to about 74 torrents can be scraped at once."
    /// Beyond it the rest is not answered.
    /// </summary>
    public int MaxScrape { get; init; } = 74;

    /// <summary>
    /// Seconds between regular announces, whatever the tracker asks for. Default 10 s to 24 h: a hostile or
    /// broken tracker neither makes us flood it nor silences us for ever. Beyond them the bound is used.
    /// </summary>
    public TimeSpan MinInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <inheritdoc cref="MinInterval"/>
    public TimeSpan MaxInterval { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Characters of a tracker URL. Longer ones are not used.</summary>
    public const int MaxUrlLength = 2048;

    /// <summary>
    /// Bytes of path and query in a UDP announce (BEP 41): 98 + 1,024 + 5 * 2 stays below any path's MTU. A
    /// longer one is a failure, since a tracker cannot do anything with half of it.
    /// </summary>
    public const int MaxUdpUrlData = 1024;
}
