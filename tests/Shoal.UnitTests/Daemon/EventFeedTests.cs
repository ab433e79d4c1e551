using Shoal.Api;
using Shoal.Daemon;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class EventFeedTests
{
    [Fact]
    public async Task A_reader_that_comes_back_misses_nothing()
    {
        var feed = new EventFeed(new VirtualTime());
        var start = feed.LastId;
        Say(feed, "one");
        Say(feed, "two");
        var (events, after, seen) = await feed.ReadAsync(start, 0, CancellationToken.None);
        Assert.Equal(["one", "two"], events.Select(e => e.Message));
        Say(feed, "three");
        (events, _, _) = await feed.ReadAsync(events[0].Id, seen, CancellationToken.None);
        Assert.Equal(["two", "three"], events.Select(e => e.Message));
        Assert.Equal(start + 2, after);
    }

    [Fact]
    public async Task Who_was_away_too_long_or_comes_from_another_run_starts_anew()
    {
        var time = new VirtualTime();
        var feed = new EventFeed(time);
        var start = feed.LastId;
        for (var i = 0; i < 5000; i++)
        {
            Say(feed, $"{i}");
        }

        Assert.Equal("reset", (await feed.ReadAsync(start, 0, CancellationToken.None)).Events[0].Kind);
        Assert.Equal("reset", (await feed.ReadAsync(start - 1_000_000, 0, CancellationToken.None)).Events[0].Kind);
        Assert.Equal("reset", (await feed.ReadAsync(feed.LastId + 1, 0, CancellationToken.None)).Events[0].Kind);
        // A later run begins with larger ids than any of this one.
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.True(new EventFeed(time).LastId > feed.LastId);
    }

    [Fact]
    public async Task Of_revisions_only_the_last_is_told()
    {
        var feed = new EventFeed(new VirtualTime());
        var waiting = feed.ReadAsync(feed.LastId, 5, CancellationToken.None);
        Assert.False(waiting.IsCompleted);
        feed.SetRevision(6);
        var (events, after, seen) = await waiting;
        Assert.Equal(("changed", 6L), (Assert.Single(events).Kind, events[0].Revision));
        feed.SetRevision(7);
        feed.SetRevision(8);
        (events, _, seen) = await feed.ReadAsync(after, seen, CancellationToken.None);
        Assert.Equal(8, Assert.Single(events).Revision);
        Assert.Equal(8, seen);
    }

    private static void Say(EventFeed feed, string message) =>
        feed.Add(
            new DaemonEvent
            {
                Id = 0,
                Kind = "warning",
                Message = message,
            }
        );
}
