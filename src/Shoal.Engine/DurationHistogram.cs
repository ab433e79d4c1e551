namespace Shoal.Engine;

/// <summary>How long things took, sorted into classes. Safe to use from any thread; nobody waits.</summary>
public sealed class DurationHistogram
{
    // Seconds: from what a page cache takes to what makes people ask what is wrong.
    private static readonly double[] Bounds =
    [
        0.0001,
        0.00025,
        0.0005,
        0.001,
        0.0025,
        0.005,
        0.01,
        0.025,
        0.05,
        0.1,
        0.25,
        0.5,
        1,
        2.5,
        5,
        10,
    ];

    private readonly long[] _counts = new long[Bounds.Length + 1];
    private long _ticks;

    /// <summary>Counts one.</summary>
    public void Add(TimeSpan took)
    {
        var at = 0;
        while (at < Bounds.Length && took.TotalSeconds > Bounds[at])
        {
            at++;
        }

        Interlocked.Increment(ref _counts[at]);
        Interlocked.Add(ref _ticks, took.Ticks);
    }

    /// <summary>As it is now; of what is added meanwhile some may be in it.</summary>
    public DurationCounts Read()
    {
        var counts = new long[_counts.Length];
        for (var i = 0; i < counts.Length; i++)
        {
            counts[i] = Interlocked.Read(ref _counts[i]);
        }

        return new DurationCounts(Bounds, counts, TimeSpan.FromTicks(Interlocked.Read(ref _ticks)).TotalSeconds);
    }
}

/// <summary>What a <see cref="DurationHistogram"/> had counted at one moment.</summary>
/// <param name="Bounds">Upper ends of the classes, in seconds, each with what is exactly as long.</param>
/// <param name="Counts">Of each class, and at the end of what took longer than all bounds.</param>
/// <param name="Sum">Seconds, all together.</param>
public sealed record DurationCounts(IReadOnlyList<double> Bounds, IReadOnlyList<long> Counts, double Sum)
{
    public long Count => Counts.Sum();
}

/// <summary>How long the disk took, over all torrents, since the start.</summary>
/// <param name="Reads">Runs of neighbouring blocks that peers and players asked for, or that were read to be hashed.</param>
/// <param name="Writes">Runs of neighbouring blocks, to the system's cache.</param>
/// <param name="Syncs">Files that were made durable.</param>
public sealed record DiskDurations(DurationCounts Reads, DurationCounts Writes, DurationCounts Syncs);
