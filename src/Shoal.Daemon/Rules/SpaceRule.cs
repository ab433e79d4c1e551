namespace Shoal.Daemon;

/// <summary>Decides for each folder whether what downloads into it has to wait, so that the disk is never full.</summary>
internal sealed class SpaceRule
{
    private HashSet<string> _full = new(StringComparer.Ordinal);

    /// <summary>Folders whose downloads wait.</summary>
    public IReadOnlySet<string> Full => _full;

    /// <param name="free">Bytes free by folder; null: unknown, so nothing is decided anew.</param>
    /// <param name="least">Bytes that are to stay free; 0: nobody waits.</param>
    /// <returns>Folders that have just become full, and those that have room again.</returns>
    public (IReadOnlyList<string> Full, IReadOnlyList<string> Roomy) Look(
        IReadOnlyDictionary<string, long?> free,
        long least
    )
    {
        var full = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (folder, bytes) in free)
        {
            var was = _full.Contains(folder);
            // Half as much again before they go on: else they would stop and go with each block.
            if (least > 0 && (bytes is { } known ? known < (was ? least + least / 2 : least) : was))
            {
                full.Add(folder);
            }
        }

        var change = (
            full.Where(folder => !_full.Contains(folder)).ToList(),
            _full.Where(folder => !full.Contains(folder)).ToList()
        );
        _full = full;
        return change;
    }
}
