using System.Collections.Concurrent;

namespace Shoal.Engine;

/// <summary>
/// Maps that every torrent has and few fill: with one lock and room for little they take a third of the memory, which ten
/// thousand idle torrents notice. They grow as others do.
/// </summary>
internal static class SmallMap
{
    public static ConcurrentDictionary<TKey, TValue> Create<TKey, TValue>()
        where TKey : notnull => new(concurrencyLevel: 1, capacity: 1);
}
