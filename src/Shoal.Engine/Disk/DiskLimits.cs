namespace Shoal.Engine;

/// <summary>Bounds of the disk's work.</summary>
internal static class DiskLimits
{
    /// <summary>
    /// How long a block waits in memory for its neighbours. Bounds what a kill can lose: at 100 MiB/s about
    /// 200 KiB; and the writes of a slow download: 500 a second for each open piece at most. A fast one fills a
    /// write of 1 MiB in this time.
    /// </summary>
    public static readonly TimeSpan FlushDelay = TimeSpan.FromMilliseconds(2);

    /// <summary>How often it is looked whether somebody else has written to a file that peers read. One fstat.</summary>
    public static readonly TimeSpan ChangeInterval = TimeSpan.FromSeconds(5);

    /// <summary>How often a failed disk is tried again.</summary>
    public static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(3);

    /// <summary>
    /// How often what was written is made durable. Bounds what must be hashed again after a power loss: the
    /// pieces of about this time and of the sync itself.
    /// </summary>
    public static readonly TimeSpan CheckpointInterval = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Further files that are made durable at the same time as one. Of 3,000 small new ones on ext4 one after the other takes 3 ms
    /// each, 32 at a time take 0.4.
    /// </summary>
    public const int SyncsAtOnce = 31;

    /// <summary>Files that each of them has at least: for fewer a thread is not worth it.</summary>
    public const int FilesPerSync = 4;

    /// <summary>Requests carried out before answers are posted: 1 MiB, so that no answer waits for long.</summary>
    public const int RequestsPerRound = 64;

    /// <summary>
    /// Blocks one shard may hold at least, whatever the cache's size. Above its share (half of the cache over
    /// all shards) a shard writes early and reads back later what it could not hash in order.
    /// </summary>
    public const int MinHeldPerShard = 16;

    /// <summary>Longest read that neighbouring requests are joined to, in blocks: 1 MiB.</summary>
    public const int BlocksPerRead = 64;

    /// <summary>Bytes read at once while a piece is hashed from its files: small enough to stay in the cache.</summary>
    public const int HashChunk = 128 * 1024;
}
