using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>What one torrent's announces begin with.</summary>
internal sealed record AnnounceScheduleOptions
{
    /// <summary>Tiers of trackers (BEP 12), the most preferred first.</summary>
    public required IReadOnlyList<IReadOnlyList<TrackerUrl>> Tiers { get; init; }

    /// <summary>Every name of the torrent: two for a hybrid, each announced, since their swarms know one name only.</summary>
    public required IReadOnlyList<InfoHash> InfoHashes { get; init; }

    /// <summary>
    /// Local addresses to announce from, each separately. BEP 7: "An announce to the tracker should be made for
    /// each local IP address". 0.0.0.0 and :: leave the choice to the system.
    /// </summary>
    public required IReadOnlyList<IPAddress> Origins { get; init; }

    /// <summary>
    /// Announce to one tracker of every tier, not only of the first tier that has one. BEP 12 processes tiers one
    /// after the other; we deviate because torrents and magnet links nowadays list unrelated trackers, one to a
    /// tier, whose peers do not know of each other. Default true.
    /// </summary>
    public bool EveryTier { get; init; } = true;

    /// <summary>BEP 3: "No completed is sent if the file was complete when started."</summary>
    public bool IsComplete { get; init; }

    /// <summary>BEP 21.</summary>
    public bool IsPartialSeed { get; init; }

    /// <summary>Of order and jitter.</summary>
    public required int Seed { get; init; }

    public AnnounceTimes Times { get; init; } = new();
}

/// <summary>The times between announces.</summary>
internal sealed record AnnounceTimes
{
    public AnnounceLimits Limits { get; init; } = AnnounceLimits.Default;

    /// <summary>Where a tracker says none.</summary>
    public TimeSpan DefaultInterval { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>Where a tracker says no minimum: how soon after an answer to ask again when peers are needed.</summary>
    public TimeSpan DefaultMinInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>After the first failure; doubled with each further one up to <see cref="MaxBackOff"/>, give or take a quarter.</summary>
    public TimeSpan BackOff { get; init; } = TimeSpan.FromSeconds(30);

    public TimeSpan MaxBackOff { get; init; } = TimeSpan.FromHours(1);

    /// <summary>When to look again whether a host has got an address of the family.</summary>
    public TimeSpan NoAddressPause { get; init; } = TimeSpan.FromHours(1);
}
