using System.Net;

namespace Shoal.Protocol;

/// <summary>What a tracker said to an announce. Everything in it is a claim of a stranger, but bounded.</summary>
public sealed record AnnounceAnswer
{
    /// <summary>Not null: the tracker refused, and only <see cref="RetryIn"/> has meaning besides. Printable.</summary>
    public string? Failure { get; init; }

    /// <summary>
    /// BEP 31: "specifies the number of minutes in which a retry can be done". <see cref="Never"/>: do not ask
    /// again.
    /// </summary>
    public TimeSpan? RetryIn { get; init; }

    /// <summary>BEP 31: "The latter specifies that the client should never send this query again."</summary>
    public static readonly TimeSpan Never = TimeSpan.MaxValue;

    /// <summary>Printable.</summary>
    public string? Warning { get; init; }

    /// <summary>Time to the next regular announce; null: not said.</summary>
    public TimeSpan? Interval { get; init; }

    /// <summary>Never announce more often than this; null: not said.</summary>
    public TimeSpan? MinInterval { get; init; }

    public int? Seeds { get; init; }

    public int? Leeches { get; init; }

    /// <summary>To be sent back in later announces, as it is.</summary>
    public ReadOnlyMemory<byte> TrackerId { get; init; }

    /// <summary>BEP 24: our address as the tracker sees it.</summary>
    public IPAddress? ExternalAddress { get; init; }

    /// <summary>Addresses with a port that is not 0. May hold our own.</summary>
    public IReadOnlyList<IPEndPoint> Peers { get; init; } = [];
}

/// <summary>What a tracker counts for one infohash (BEP 48, BEP 15).</summary>
/// <param name="Seeds">BEP 48: "The number of active peers that have completed downloading."</param>
/// <param name="Completed">BEP 48: "The number of peers that have ever completed downloading."</param>
/// <param name="Leeches">BEP 48: "The number of active peers that have not completed downloading."</param>
/// <param name="Downloaders">BEP 21: leeches without partial seeds; null where not said (UDP cannot).</param>
public readonly record struct ScrapeCounts(int Seeds, int Completed, int Leeches, int? Downloaders = null);
