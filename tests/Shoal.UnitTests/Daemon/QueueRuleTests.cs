using Shoal.Daemon;

namespace Shoal.UnitTests;

public sealed class QueueRuleTests
{
    // Capital: has everything. f forced, p paused, s slow, d and D neither.
    [Theory]
    [InlineData("ddd", 0, 0, "...")]
    [InlineData("ddd", 2, 0, "..w")]
    [InlineData("dDdD", 1, 1, "..ww")]
    [InlineData("pdd", 1, 0, "..w")]
    [InlineData("fdd", 1, 0, "..w")]
    [InlineData("sdd", 1, 0, "..w")]
    [InlineData("ssd", 1, 0, "...")]
    [InlineData("dsd", 1, 0, ".ww")]
    [InlineData("DDD", 1, 2, "..w")]
    public void Places_go_by_the_order_of_the_queue(string torrents, int downloads, int seeds, string waiting)
    {
        var result = QueueRule.Waiting(
            [
                .. torrents.Select(c => new QueueCandidate(
                    char.IsUpper(c),
                    Wants: c != 'p',
                    IsForced: c == 'f',
                    IsSlow: c == 's'
                )),
            ],
            downloads,
            seeds
        );
        Assert.Equal(waiting, string.Concat(result.Select(waits => waits ? 'w' : '.')));
    }
}
