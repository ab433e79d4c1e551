namespace Shoal.Daemon;

/// <summary>Gives memory back to the system when the daemon has come to rest, see <see cref="TrimRule"/>.</summary>
internal sealed class MemoryTrim(TorrentLibrary library, TimeProvider time)
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly TrimRule _rule = new();
    private readonly long _begun = time.GetTimestamp();

    public Task LookAsync(CancellationToken stop)
    {
        if (_rule.Look(time.GetElapsedTime(_begun), library.Revision, GC.GetTotalAllocatedBytes()))
        {
            // A tenth of a second for ten thousand torrents, in which nothing else runs.
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        }

        return Task.CompletedTask;
    }
}
