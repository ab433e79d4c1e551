namespace Shoal.Daemon;

/// <summary>A torrent as the queue sees it.</summary>
/// <param name="IsSeed">Everything wanted is here.</param>
/// <param name="Wants">It is neither paused nor failed.</param>
/// <param name="IsForced">It runs whatever the queue says, and takes no place.</param>
/// <param name="IsSlow">It has moved almost nothing for a while: it runs and takes no place.</param>
internal readonly record struct QueueCandidate(bool IsSeed, bool Wants, bool IsForced, bool IsSlow);

/// <summary>Decides which torrents run when the settings allow only so many at once.</summary>
internal static class QueueRule
{
    /// <param name="candidates">In the order of the queue.</param>
    /// <param name="downloads">Places of those that fetch; 0: any number.</param>
    /// <param name="seeds">Places of those that have everything; 0: any number.</param>
    /// <returns>For each: it has to wait.</returns>
    public static bool[] Waiting(IReadOnlyList<QueueCandidate> candidates, int downloads, int seeds)
    {
        var waiting = new bool[candidates.Count];
        var (fetching, seeding) = (0, 0);
        for (var i = 0; i < waiting.Length; i++)
        {
            var candidate = candidates[i];
            if (!candidate.Wants || candidate.IsForced)
            {
                continue;
            }

            var most = candidate.IsSeed ? seeds : downloads;
            ref var running = ref candidate.IsSeed ? ref seeding : ref fetching;
            if (most > 0 && running >= most)
            {
                waiting[i] = true;
            }
            else if (!candidate.IsSlow)
            {
                running++;
            }
        }

        return waiting;
    }
}
