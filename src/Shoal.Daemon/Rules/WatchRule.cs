namespace Shoal.Daemon;

/// <summary>A file in a watch folder.</summary>
/// <param name="Size">Bytes.</param>
/// <param name="Changed">Ticks of its time of change: compared only, never taken for a time.</param>
internal readonly record struct WatchedFile(string Path, long Size, long Changed);

/// <summary>
/// Decides when files of a watch folder are whole: when they have not changed for a while. Time is a parameter that only grows.
/// </summary>
internal sealed class WatchRule
{
    /// <summary>A file that has not changed for so long is tried.</summary>
    public static readonly TimeSpan Quiet = TimeSpan.FromSeconds(2);

    /// <summary>A file that makes no sense is broken when it has not changed for so long; before, somebody may still be writing it.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Files that are looked at in a folder at once; more wait until these are gone. Default 1,000.</summary>
    public const int MaxFiles = 1000;

    private Dictionary<string, Seen> _seen = new(StringComparer.Ordinal);

    /// <summary>Which files are to be tried now.</summary>
    /// <param name="files">All that are there. Empty ones are of somebody who has just begun, or no files at all: pipes, devices.</param>
    /// <param name="now">Since any moment.</param>
    public IReadOnlyList<string> Look(IReadOnlyList<WatchedFile> files, TimeSpan now)
    {
        var seen = new Dictionary<string, Seen>(StringComparer.Ordinal);
        var ready = new List<string>();
        foreach (var file in files.Take(MaxFiles))
        {
            var before = _seen.GetValueOrDefault(file.Path);
            var entry = before is not null && before.File == file ? before : new Seen(file, now);
            seen.Add(file.Path, entry);
            if (file.Size > 0 && now - entry.Since >= Quiet && now >= entry.TryAt)
            {
                // Looked at again at the end of the patience, unless it changes before.
                entry.TryAt = entry.Since + Patience;
                ready.Add(file.Path);
            }
        }

        // What is gone is forgotten.
        _seen = seen;
        return ready;
    }

    /// <summary>A file that was tried makes no sense: is it broken, or may it still be written?</summary>
    public bool IsBroken(string path, TimeSpan now) =>
        _seen.TryGetValue(path, out var seen) && now - seen.Since >= Patience;

    private sealed class Seen(WatchedFile file, TimeSpan since)
    {
        public WatchedFile File { get; } = file;
        public TimeSpan Since { get; } = since;
        public TimeSpan TryAt { get; set; }
    }
}
