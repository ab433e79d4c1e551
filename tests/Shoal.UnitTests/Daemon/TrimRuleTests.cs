using Shoal.Daemon;

namespace Shoal.UnitTests;

public sealed class TrimRuleTests
{
    private const long Mebi = 1024 * 1024;

    [Fact]
    public void Memory_is_given_back_when_nothing_has_changed_for_some_looks()
    {
        var rule = new TrimRule();
        Assert.Equal([false, false, false, true, false], Looks(rule, 0, [1, 1, 1, 1, 1], made: 100 * Mebi));
    }

    [Fact]
    public void While_something_moves_nothing_pauses()
    {
        var rule = new TrimRule();
        Assert.DoesNotContain(true, Looks(rule, 0, [1, 2, 2, 2, 3, 3, 3, 4, 5, 6], made: 100 * Mebi));
    }

    [Fact]
    public void Little_is_not_worth_a_pause_and_much_not_one_after_the_other()
    {
        var rule = new TrimRule();
        Assert.DoesNotContain(true, Looks(rule, 0, [1, 1, 1, 1, 1, 1], made: 60 * Mebi));
        Assert.Contains(true, Looks(rule, 60, [1], made: 70 * Mebi));
        Assert.DoesNotContain(true, Looks(rule, 65, [1, 1, 1, 1, 1, 1], made: 400 * Mebi));
        Assert.Contains(true, Looks(rule, 60 + 300, [1], made: 400 * Mebi));
    }

    private static bool[] Looks(TrimRule rule, int second, int[] revisions, long made) =>
        [.. revisions.Select((revision, i) => rule.Look(TimeSpan.FromSeconds(second + i), revision, made))];
}
