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
    // One letter a file: o the original alone, c copied, m gone from the old place, - nowhere; f others' at the new place alone, F with ours
    // at the old one.
    [InlineData("ooo", false, "", "012")]
    [InlineData("cco", false, "01", "2")]
    [InlineData("ccc", false, "012", "")]
    [InlineData("mcc", true, "12", "")]
    [InlineData("moo", true, "", "12")]
    [InlineData("mm-", true, "", "")]
    [InlineData("cof", false, "0", "1")]
    [InlineData("coF", false, "0", "1")]
    [InlineData("mcF", true, "1", "")]
    [InlineData("---", false, "", "")]
    public void A_move_goes_on_if_something_of_ours_is_at_the_new_place_only(
        string files,
        bool goesOn,
        string copied,
        string left
    )
    {
        var ending = MoveRules.End(
            files.Select(
                (letter, file) =>
                    new MovePlace(file, "ocF".Contains(letter), "cmfF".Contains(letter), "fF".Contains(letter))
            )
        );
        Assert.Equal((goesOn, copied, left), (ending.GoesOn, string.Concat(ending.Copied), string.Concat(ending.Left)));
    }

    private static FileStamp? Stamp(int? size) => size is { } known ? new FileStamp(known, 7) : null;
}
