namespace Shoal.Daemon;

/// <summary>Bounds of streaming.</summary>
internal static class StreamLimits
{
    /// <summary>Files being sent at once. Beyond: 503. 64 buffers of 128 KiB.</summary>
    public const int MaxStreams = 64;

    /// <summary>Of them those that go back to one token or login. Default 32, so that one leaves room for others. Beyond: 429.</summary>
    public const int MaxStreamsOfOne = 32;

    /// <summary>How long a player waits for a byte that no peer brings. Beyond: the answer ends.</summary>
    public static readonly TimeSpan MaxWait = TimeSpan.FromMinutes(5);

    /// <summary>
    /// How long a player may take nothing (it is paused) while its connection stays open. Beyond: it is closed, and players
    /// come back for the rest.
    /// </summary>
    public static readonly TimeSpan MaxPause = TimeSpan.FromHours(1);

    /// <summary>How long a command that is done waits for a player that is gone: one that is started anew comes back.</summary>
    public static readonly TimeSpan AfterPlayer = TimeSpan.FromMinutes(1);

    /// <summary>How long a link is good: a film with breaks.</summary>
    public static readonly TimeSpan LinkTime = TimeSpan.FromHours(12);

    /// <summary>Subtitles that are converted, in bytes. Beyond: 413. Those of a long film have 200 KiB.</summary>
    public const int MaxSubtitles = 4 * 1024 * 1024;

    public static LongCalls CreatePlaces() => new("files are being sent", MaxStreamsOfOne, MaxStreams, TooMany);

    public static ApiException TooMany() => new(503, "too-many-streams", "too many files are being played already");
}
