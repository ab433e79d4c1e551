namespace Shoal.Engine;

/// <summary>How far hashing has come.</summary>
/// <param name="BytesDone">Bytes hashed.</param>
/// <param name="BytesTotal">Bytes in all.</param>
public readonly record struct HashingProgress(long BytesDone, long BytesTotal);

/// <summary>Adds up what the workers did, and reports it about ten times a second.</summary>
internal sealed class ProgressMeter(IProgress<HashingProgress>? progress, long total)
{
    private const int IntervalMilliseconds = 100;

    private long _done;
    private long _nextReport;

    public void Add(long bytes)
    {
        var done = Interlocked.Add(ref _done, bytes);
        var next = Volatile.Read(ref _nextReport);
        var now = Environment.TickCount64;
        if (
            progress is not null
            && now >= next
            && Interlocked.CompareExchange(ref _nextReport, now + IntervalMilliseconds, next) == next
        )
        {
            progress.Report(new HashingProgress(done, total));
        }
    }

    public void Finish() => progress?.Report(new HashingProgress(total, total));
}
