using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>What became of one announce or scrape: an answer, or a failure with a text for the user.</summary>
internal readonly record struct TrackerReply(
    AnnounceAnswer? Answer,
    ScrapeCounts? Counts,
    TrackerFailure Failure,
    string Message
)
{
    public static TrackerReply From(AnnounceAnswer answer) => new(answer, null, TrackerFailure.None, "");

    public static TrackerReply From(ScrapeCounts counts) => new(null, counts, TrackerFailure.None, "");

    /// <summary>What it means to an announce that a host cannot be reached.</summary>
    public static TrackerFailure FailureOf(HostFailure failure) =>
        failure switch
        {
            HostFailure.NoAddress => TrackerFailure.NoAddress,
            HostFailure.Forbidden => TrackerFailure.Forbidden,
            _ => TrackerFailure.Unreachable,
        };

    public static TrackerReply Failed(TrackerFailure failure, string message) => new(null, null, failure, message);
}

/// <summary>Carries out announces and scrapes. Shared by all torrents; any thread.</summary>
internal interface ITrackerClient
{
    /// <summary>Never throws for what the network or a tracker does; only for the cancellation asked for.</summary>
    /// <param name="job">What to ask whom.</param>
    /// <param name="request">What to tell; of no meaning for a scrape.</param>
    Task<TrackerReply> AskAsync(AnnounceJob job, AnnounceRequest request, CancellationToken cancellation);
}

/// <summary>Bounds of exchanges with trackers.</summary>
internal sealed record TrackerClientLimits
{
    public AnnounceLimits Announce { get; init; } = AnnounceLimits.Default;

    /// <summary>One HTTP exchange with all its redirects. Default 30 s; then it is a timeout.</summary>
    public TimeSpan HttpTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>HTTP exchanges at once over all torrents. Default 64; further ones wait.</summary>
    public int MaxHttpExchanges { get; init; } = 64;

    /// <summary>Redirects followed. Default 5; then it is a failure.</summary>
    public int MaxRedirects { get; init; } = 5;

    /// <summary>
    /// How long to wait for an answer over UDP, before each repetition. BEP 15 says 15 * 2^n seconds; we begin
    /// with less, because a lost datagram is far more common than a tracker that needs longer, and stop earlier,
    /// because another tracker may be waiting for its turn. Then it is a timeout.
    /// </summary>
    public IReadOnlyList<TimeSpan> UdpWaits { get; init; } =
    [TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(6), TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(30)];

    /// <summary>BEP 15: "A client can use a connection ID until one minute after it has received it."</summary>
    public TimeSpan ConnectionIdLifetime { get; init; } = TimeSpan.FromMinutes(1);
}
