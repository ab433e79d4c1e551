namespace Shoal.Engine;

/// <summary>What becomes of one file when a move by copying ends.</summary>
internal enum CopyStep
{
    /// <summary>Its copy is as it is, or there is nothing to copy.</summary>
    None,

    /// <summary>It came, or changed after it was copied.</summary>
    Copy,

    /// <summary>It went away: the part file that is not needed any more, or one that its owner took.</summary>
    DeleteCopy,

    /// <summary>It came where others have a file at the new place.</summary>
    Refuse,
}

/// <summary>How far a move had come that was cut short. The journal says it: files may be away that are on a disk not mounted now.</summary>
internal enum MoveStage
{
    /// <summary>Files may have been renamed, and nothing was copied; or there is no journal.</summary>
    Renaming,

    /// <summary>Copying had begun: the content is at the old place, and what is at the new one may not be whole.</summary>
    Copying,

    /// <summary>Everything was copied, and may have been written to at the new place since: originals may be left.</summary>
    Copied,
}

/// <summary>A file of a move that was cut short.</summary>
/// <param name="File">Its number.</param>
/// <param name="IsHere">Something lies at the old place.</param>
/// <param name="IsThere">Something lies at the new one.</param>
/// <param name="IsForeign">That was there before the move, so it is others'.</param>
internal readonly record struct MovePlace(int File, bool IsHere, bool IsThere, bool IsForeign)
{
    /// <summary>We have written to it where it was.</summary>
    public bool IsClaimed { get; init; }

    /// <summary>Nobody but us makes a file of this name.</summary>
    public bool IsPartFile { get; init; }
}

/// <summary>How a move that was cut short is ended.</summary>
/// <param name="GoesOn">At the new place.</param>
/// <param name="Deleted">Files to delete at the place that is not the content's.</param>
/// <param name="Left">Files that are to be renamed to the new place.</param>
internal sealed record MoveEnding(bool GoesOn, IReadOnlyList<int> Deleted, IReadOnlyList<int> Left);

/// <summary>Decides what <see cref="ContentMove"/> does with files. Pure.</summary>
internal static class MoveRules
{
    /// <param name="now">Of the file at the old place; null: it is not there.</param>
    /// <param name="copied">What it was when it was copied; null: it was not.</param>
    /// <param name="isForeign">Others have a file in its place at the new one.</param>
    public static CopyStep Next(FileStamp? now, FileStamp? copied, bool isForeign) =>
        now is null
            ? copied is null
                ? CopyStep.None
                : CopyStep.DeleteCopy
            : now == copied
                ? CopyStep.None
                : isForeign
                    ? CopyStep.Refuse
                    : CopyStep.Copy;

    /// <returns>Null: nothing is where the content must be, so perhaps its disk is not mounted. Nothing is to be changed.</returns>
    /// <remarks>
    /// Originals are deleted only when the copies and the journal that says so are durable. Until then the content is at the old
    /// place, from then on at the new one, and nothing is deleted or replaced where it is. What is at the other place only is
    /// nobody's copy, or the last there is of a file: it stays.
    /// </remarks>
    public static MoveEnding? End(MoveStage stage, IEnumerable<MovePlace> places)
    {
        var ours = places.Where(place => !place.IsForeign).ToList();
        var twice = ours.Where(place => place is { IsHere: true, IsThere: true });
        var claimed = ours.FindAll(place => place.IsClaimed);
        switch (stage)
        {
            case MoveStage.Copying:
                var copies = twice.Union(ours.Where(place => place is { IsPartFile: true, IsThere: true }));
                return (claimed.Count > 0 ? claimed : ours).Exists(place => place.IsHere)
                    ? new MoveEnding(false, Numbers(copies), [])
                    : null;
            case MoveStage.Copied:
                var originals = twice.Union(ours.Where(place => place is { IsPartFile: true, IsHere: true }));
                return ours.Exists(place => place.IsThere) ? new MoveEnding(true, Numbers(originals), []) : null;
            default:
                return claimed.Count > 0 && !claimed.Exists(place => place.IsHere || place.IsThere) ? null
                    : ours.Exists(place => place is { IsHere: false, IsThere: true })
                        ? new MoveEnding(
                            true,
                            [],
                            Numbers(ours.Where(place => place is { IsHere: true, IsThere: false }))
                        )
                    : new MoveEnding(false, [], []);
        }
    }

    private static IReadOnlyList<int> Numbers(IEnumerable<MovePlace> places) => [.. places.Select(place => place.File)];
}
