using Shoal.Engine;
using Xunit;

namespace Shoal.UnitTests;

/// <summary>What a move does with each file, apart from doing it.</summary>
public class MoveRulesTests
{
    [Theory]
    [InlineData(null, null, false, nameof(CopyStep.None))]
    [InlineData(null, 1, false, nameof(CopyStep.DeleteCopy))]
    [InlineData(1, null, false, nameof(CopyStep.Copy))]
    [InlineData(1, 1, false, nameof(CopyStep.None))]
    [InlineData(2, 1, false, nameof(CopyStep.Copy))]
    [InlineData(null, null, true, nameof(CopyStep.None))]
    [InlineData(1, null, true, nameof(CopyStep.Refuse))]
    public void A_file_is_copied_again_when_it_changed_and_never_over_one_of_others(
        int? now,
        int? copied,
        bool isForeign,
        string expected
    ) => Assert.Equal(expected, $"{MoveRules.Next(Stamp(now), Stamp(copied), isForeign)}");

    [Theory]
    // One letter a file: o the original alone, c at both places, m gone from the old one, - nowhere; f others' at the new place alone, F with
    // ours at the old one. Of the first something is claimed. The part file is the last.
    [InlineData(nameof(MoveStage.Renaming), "ooo", "undone")]
    [InlineData(nameof(MoveStage.Renaming), "moo", "ends, renames 12")]
    [InlineData(nameof(MoveStage.Renaming), "mm-", "ends")]
    [InlineData(nameof(MoveStage.Renaming), "oco", "undone")]
    [InlineData(nameof(MoveStage.Renaming), "-m-", "lost")]
    [InlineData(nameof(MoveStage.Copying), "ooo", "undone")]
    [InlineData(nameof(MoveStage.Copying), "cco", "undone, deletes 01")]
    [InlineData(nameof(MoveStage.Copying), "cmo", "undone, deletes 0")]
    [InlineData(nameof(MoveStage.Copying), "com", "undone, deletes 02")]
    [InlineData(nameof(MoveStage.Copying), "cFo", "undone, deletes 0")]
    [InlineData(nameof(MoveStage.Copying), "mm-", "lost")]
    [InlineData(nameof(MoveStage.Copying), "moo", "lost")]
    [InlineData(nameof(MoveStage.Copying), "---", "lost")]
    [InlineData(nameof(MoveStage.Copied), "ccc", "ends, deletes 012")]
    [InlineData(nameof(MoveStage.Copied), "mco", "ends, deletes 12")]
    [InlineData(nameof(MoveStage.Copied), "mo-", "ends")]
    [InlineData(nameof(MoveStage.Copied), "mF-", "ends")]
    [InlineData(nameof(MoveStage.Copied), "oo-", "lost")]
    [InlineData(nameof(MoveStage.Copied), "of-", "lost")]
    public void A_move_that_was_cut_short_touches_nothing_where_the_content_is(
        string stage,
        string files,
        string expected
    )
    {
        var ending = MoveRules.End(
            Enum.Parse<MoveStage>(stage),
            files.Select(
                (letter, file) =>
                    new MovePlace(file, "ocF".Contains(letter), "cmfF".Contains(letter), "fF".Contains(letter))
                    {
                        IsClaimed = file == 0,
                        IsPartFile = file == 2,
                    }
            )
        );
        var told =
            ending is null ? "lost"
            : ending.GoesOn ? "ends"
            : "undone";
        told += ending is { Deleted.Count: > 0 } ? $", deletes {string.Concat(ending.Deleted.Order())}" : "";
        told += ending is { Left.Count: > 0 } ? $", renames {string.Concat(ending.Left)}" : "";
        Assert.Equal(expected, told);
    }

    private static FileStamp? Stamp(int? size) => size is { } known ? new FileStamp(known, 7) : null;
}
