namespace Shoal.Engine;

/// <summary>Bounds of what readers of a torrent that is still being fetched can ask of its swarm.</summary>
internal sealed record ReaderLimits
{
    /// <summary>
    /// Readers of one torrent at once. Beyond: no reader is opened. Default 32: a player has one to three, each pick looks
    /// at all.
    /// </summary>
    public int MaxReaders { get; init; } = 32;

    /// <summary>Read ahead at least so far, in bytes, and at least two pieces. Default 4 MiB: a third of a second at 100 Mbit/s.</summary>
    public long MinAhead { get; init; } = 4 * 1024 * 1024;

    /// <summary>Read ahead at most so far, in bytes. Default 64 MiB: 20 s of the 25 Mbit/s that films in 4K have.</summary>
    public long MaxAhead { get; init; } = 64 * 1024 * 1024;

    /// <summary>Between those: what the reader takes in so long, by its measured rate.</summary>
    public TimeSpan Ahead { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>
    /// What the reader takes within this time is urgent: only quick peers are asked for it, and others besides when it is
    /// late. At least the rest of the piece it stands in. Default 2 s.
    /// </summary>
    public TimeSpan Urgent { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Who has less than this in hand is in a hurry, whatever its rate. Bytes. Default 256 KiB.</summary>
    public long LeastInHand { get; init; } = 256 * 1024;

    /// <summary>Urgent at most, in bytes beyond the piece it stands in. Default 4 MiB.</summary>
    public long MaxUrgent { get; init; } = 4 * 1024 * 1024;

    /// <summary>A peer is quick if it has at least this share of the rate of the fastest that could bring the same. A quarter.</summary>
    public double QuickShare { get; init; } = 0.25;

    /// <summary>Peers that one urgent block is asked of at once. Default 3, as in the endgame.</summary>
    public int MaxAskers { get; init; } = 3;

    /// <summary>Late blocks asked of others in one tick, for each reader. Default 16: 256 KiB, 2.5 MiB/s at most are paid twice.</summary>
    public int MaxLatePerTick { get; init; } = 16;

    /// <summary>
    /// After a jump requests for anything else are taken back, so that the peers' queues are short; not more often than
    /// this, since each is a message for each request. Default 100 ms.
    /// </summary>
    public TimeSpan RoomInterval { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// While somebody reads, a peer that joined less than this ago and still chokes us is asked only for what is read, not for
    /// whatever else it allows. Default 1 s: a few round trips.
    /// </summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// v2: hashes of blocks are asked for where a reader jumps to, so far, in bytes: blocks there are proven alone. Default
    /// 128 KiB. A reader that goes on needs none, its pieces are complete in time.
    /// </summary>
    public long ProveAlone { get; init; } = 128 * 1024;
}
