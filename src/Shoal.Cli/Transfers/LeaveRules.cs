using Shoal.Engine;

namespace Shoal.Cli;

/// <summary>When a transfer ends by itself. Pure: told the time, it keeps the time of what it saw last.</summary>
internal sealed class LeaveRules
{
    private TimeSpan _lastArrival;
    private long _arrived = -1;
    private TimeSpan? _completedAt;

    /// <summary>Stay after completion until stopped or until one of the limits below is reached.</summary>
    public bool Stay { get; init; }

    /// <summary>Stay so long after completion.</summary>
    public TimeSpan? SeedTime { get; init; }

    /// <summary>Stay until so many times the wanted bytes were sent.</summary>
    public double? SeedRatio { get; init; }

    /// <summary>Give up when nothing arrived for so long.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Asked when everything is here: somebody needs us still, whatever the limits say.</summary>
    public Func<bool> IsHeld { get; set; } = () => false;

    private bool HasLimits => SeedTime is not null || SeedRatio is not null;

    /// <summary>Why to leave now, or null.</summary>
    /// <param name="status">The transfer, as one.</param>
    /// <param name="isComplete">Everything wanted is here.</param>
    /// <param name="now">Time since any fixed moment.</param>
    public LeaveReason? Check(TorrentStatus status, bool isComplete, TimeSpan now)
    {
        if (isComplete)
        {
            _completedAt ??= now;
            if (IsHeld())
            {
                return null;
            }

            if (!Stay && !HasLimits)
            {
                return LeaveReason.Complete;
            }

            return now - _completedAt >= SeedTime ? LeaveReason.SeedTime
                : status.Uploaded >= SeedRatio * status.WantedBytes ? LeaveReason.SeedRatio
                : null;
        }

        // Hashing what is on disk is no waiting for others, and metadata that arrives is something that arrives.
        var arrived = status.Downloaded + (status.State == TorrentState.FetchingMetadata ? 0 : 1);
        if (arrived != _arrived || status.State == TorrentState.Checking)
        {
            _arrived = arrived;
            _lastArrival = now;
        }

        return now - _lastArrival >= Timeout ? LeaveReason.Timeout : null;
    }
}

internal enum LeaveReason
{
    Complete,
    SeedTime,
    SeedRatio,
    Timeout,

    /// <summary>The link leads to another torrent now.</summary>
    OtherVersion,
}
