namespace Shoal.Engine;

/// <summary>
/// Items that are to stay in the DHT while somebody here wants them. BEP 44: "Without re-announcement, these items MAY
/// expire in 2 hours. In order to keep items alive, they SHOULD be re-announced once an hour."
/// </summary>
internal sealed class ItemKeeper(DhtRandom random)
{
    private static readonly TimeSpan Regular = TimeSpan.FromMinutes(60);
    private static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LastRetry = TimeSpan.FromMinutes(10);

    private readonly List<Kept> _kept = [];

    public bool IsEmpty => _kept.Count == 0;

    /// <param name="number">Of the wish.</param>
    /// <param name="item">Signed already, if it is mutable.</param>
    /// <param name="wasPut">It was put just now: due in an hour, not at once.</param>
    /// <param name="now">The time.</param>
    public void Add(int number, DhtItem item, bool wasPut, TimeSpan now) =>
        _kept.Add(new Kept(number, item) { Next = wasPut ? NextRegular(now) : now });

    /// <summary>The search that puts it at this moment, to be cancelled; 0: none.</summary>
    public int Remove(int number)
    {
        var kept = _kept.Find(candidate => candidate.Number == number);
        _ = kept is not null && _kept.Remove(kept);
        return kept?.Search ?? 0;
    }

    /// <summary>Those to put now.</summary>
    public List<Kept> Due(TimeSpan now) => _kept.FindAll(kept => kept.Search == 0 && now >= kept.Next);

    /// <summary>Whose putting that search is; null: nobody's.</summary>
    public Kept? OfSearch(int search) => _kept.Find(kept => kept.Search == search);

    /// <summary>The putting of an item has ended.</summary>
    public DhtResult.ItemKept Done(Kept kept, DhtResult.ItemDone done, TimeSpan now)
    {
        kept.Search = 0;
        // Whoever has the key put a newer one: that one is worth keeping, ours is taken by nobody.
        if (done.Best?.Signature?.Sequence > kept.Item.Signature?.Sequence)
        {
            kept.Item = done.Best;
        }

        if (done.StoredAt > 0)
        {
            kept.Next = NextRegular(now);
            kept.Retry = FirstRetry;
        }
        else
        {
            kept.Next = now + kept.Retry;
            kept.Retry = kept.Retry * 2 < LastRetry ? kept.Retry * 2 : LastRetry;
        }

        return new DhtResult.ItemKept(kept.Number, kept.Item, done.StoredAt);
    }

    // Up to a twelfth sooner: items kept together come apart.
    private TimeSpan NextRegular(TimeSpan now) => now + Regular * (1 - (random.Next(1000) / 12_000.0));

    internal sealed class Kept(int number, DhtItem item)
    {
        public int Number => number;
        public DhtItem Item { get; set; } = item;
        public TimeSpan Next { get; set; }
        public TimeSpan Retry { get; set; } = FirstRetry;

        /// <summary>The search that puts it; 0: none is under way.</summary>
        public int Search { get; set; }
    }
}
