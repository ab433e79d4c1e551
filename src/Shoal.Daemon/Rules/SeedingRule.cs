namespace Shoal.Daemon;

/// <summary>When a torrent has seeded enough.</summary>
/// <param name="Ratio">Given back by taken; 0: never enough.</param>
/// <param name="Seconds">Of seeding; 0: never enough.</param>
internal readonly record struct SeedingLimits(double Ratio, long Seconds)
{
    /// <param name="uploaded">Bytes.</param>
    /// <param name="by">Bytes downloaded, or the size where nothing was.</param>
    /// <param name="seconds">Of seeding so far.</param>
    public bool AreReached(long uploaded, long by, long seconds) =>
        (Ratio > 0 && by > 0 && uploaded >= Ratio * by) || (Seconds > 0 && seconds >= Seconds);
}

/// <summary>Decides which limits of ratio and time hold for a torrent.</summary>
internal static class SeedingRule
{
    /// <summary>
    /// Who is nearer to the torrent counts: itself, its category, its labels (of several the one that lets it seed longest),
    /// the settings. Ratio and time are looked for each on their own.
    /// </summary>
    public static SeedingLimits Of(LibraryEntry entry, CategoryBook book, double ratio, long seconds)
    {
        var category = book.Category(entry.Category);
        return new SeedingLimits(
            entry.RatioLimit
                ?? category?.RatioLimit
                ?? Longest(entry.Labels.Select(label => book.Label(label)?.RatioLimit))
                ?? ratio,
            entry.SeedTimeLimit
                ?? category?.SeedTimeLimit
                ?? Longest(entry.Labels.Select(label => book.Label(label)?.SeedTimeLimit))
                ?? seconds
        );
    }

    // 0 means never, so it is the longest of all.
    private static T? Longest<T>(IEnumerable<T?> limits)
        where T : struct, IComparable<T>
    {
        T? longest = null;
        foreach (var limit in limits)
        {
            if (limit is not { } value)
            {
                continue;
            }

            if (value.CompareTo(default) == 0)
            {
                return value;
            }

            longest = longest is { } most && most.CompareTo(value) >= 0 ? most : value;
        }

        return longest;
    }
}
