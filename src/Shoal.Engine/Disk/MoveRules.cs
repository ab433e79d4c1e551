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

/// <summary>A file of a move that was cut short.</summary>
/// <param name="File">Its number.</param>
/// <param name="IsHere">Something lies at the old place.</param>
/// <param name="IsThere">Something lies at the new one.</param>
/// <param name="IsForeign">That was there before the move, so it is others'.</param>
internal readonly record struct MovePlace(int File, bool IsHere, bool IsThere, bool IsForeign);

/// <summary>How a move that was cut short is ended.</summary>
/// <param name="GoesOn">At the new place; else the copies there are taken away.</param>
/// <param name="Copied">Files that are at both places: copies, which may not be whole.</param>
/// <param name="Left">Files that are at the old place only.</param>
internal sealed record MoveEnding(bool GoesOn, IReadOnlyList<int> Copied, IReadOnlyList<int> Left);

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

    /// <remarks>
    /// Nothing lay at the new place of a file that lay at its old one when the move began. So what is at both is a copy, unless it
    /// is known to be foreign; and since originals are deleted only when all copies are durable, copies are whole as soon as one
    /// original is gone. They are to be compared all the same: an older version did not say what is foreign. What came to the old
    /// place where it is others' at the new one stays there: a move that knew of it would not have ended.
    /// </remarks>
    public static MoveEnding End(IEnumerable<MovePlace> places)
    {
        var ours = places.Where(place => !place.IsForeign).ToList();
        return new MoveEnding(
            ours.Exists(place => place is { IsHere: false, IsThere: true }),
            [.. ours.Where(place => place is { IsHere: true, IsThere: true }).Select(place => place.File)],
            [.. ours.Where(place => place is { IsHere: true, IsThere: false }).Select(place => place.File)]
        );
    }
}
