namespace Shoal.Engine;

/// <summary>How long the disk takes: counted by the workers where they wait for it.</summary>
internal sealed class DiskTimes
{
    public DurationHistogram Reads { get; } = new();
    public DurationHistogram Writes { get; } = new();
    public DurationHistogram Syncs { get; } = new();

    public DiskDurations Read() => new(Reads.Read(), Writes.Read(), Syncs.Read());
}
