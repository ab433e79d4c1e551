using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

internal enum AnnounceJobKind
{
    Announce,
    Scrape,
}

/// <summary>An effect of an <see cref="AnnounceSchedule"/>: ask this tracker now, and report what came of it by the number.</summary>
internal sealed record AnnounceJob
{
    public required int Id { get; init; }
    public required AnnounceJobKind Kind { get; init; }
    public required TrackerUrl Url { get; init; }
    public required InfoHash InfoHash { get; init; }

    /// <summary>The local address to ask from; 0.0.0.0 or :: for any of that family.</summary>
    public required IPAddress Origin { get; init; }
    public AnnounceEvent Event { get; init; }

    /// <summary>How near the peer is that named the tracker; null: the torrent or the user did.</summary>
    public NetworkReach? NamedBy { get; init; }

    /// <summary>To be sent back to the tracker; empty: none.</summary>
    public ReadOnlyMemory<byte> TrackerId { get; init; }
}
