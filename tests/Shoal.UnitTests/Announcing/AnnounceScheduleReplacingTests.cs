using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.UnitTests;

/// <summary>The user edits the trackers of a torrent that is announced already.</summary>
public sealed class AnnounceScheduleReplacingTests
{
    [Fact]
    public void A_new_tracker_is_asked_at_once_and_an_old_one_as_before()
    {
        var script = new AnnounceScript("a");
        script.Works("a", "b");
        Assert.Equal("a started", script.Until(10));
        Assert.Empty(Set(script, "a|b"));
        // The old one is due after half an hour, as if nothing had been.
        Assert.Equal("b started", script.Until(29));
        Assert.Equal("a", script.Until(34));
        Assert.Equal("b", script.Until(43));
    }

    [Fact]
    public void Who_is_left_out_hears_that_we_stop_and_is_not_shown_any_more()
    {
        var script = new AnnounceScript("a|b");
        script.Works("a", "b");
        script.Until(10);
        var goodbye = Assert.Single(Set(script, "b"));
        Assert.Equal(("a", AnnounceEvent.Stopped), (goodbye.Url.Host, goodbye.Event));
        script.Answer(goodbye);
        Assert.Equal("b", script.Until(35));
        Assert.Equal(["http://b/announce"], Status(script));
        Assert.Equal("b", script.Stop());
    }

    [Fact]
    public void None_at_all_is_possible_and_back_again()
    {
        var script = new AnnounceScript("a");
        script.Works("a");
        script.Until(10);
        Assert.Single(Set(script, ""));
        Assert.Equal("", script.Until(100));
        Assert.Null(script.Schedule.NextDue);
        Assert.Empty(Status(script));
        Set(script, "a");
        Assert.Equal("a started", script.Until(110));
        Assert.Equal(["http://a/announce"], Status(script));
    }

    [Fact]
    public void What_is_on_its_way_meanwhile_does_no_harm()
    {
        var script = new AnnounceScript("a|b");
        script.Works("a", "b", "c");
        var asked = script.Tick();
        Assert.Equal(2, asked.Count);
        // It may have heard of us by now, so it hears of the end too.
        var goodbye = Assert.Single(Set(script, "b|c"));
        Assert.Equal("a", goodbye.Url.Host);
        foreach (var late in asked)
        {
            script.Answer(late);
        }

        Assert.Equal(["b started", "c started"], Order(script.Until(10)));
    }

    [Fact]
    public void A_tracker_that_a_peer_had_named_can_become_the_users_while_it_is_asked()
    {
        var script = new AnnounceScript("a");
        script.Works("a", "h");
        script.Schedule.AddHearsay([new HearsayTracker(Url("h"), NetworkReach.Global)]);
        var asked = script.Tick();
        Assert.Equal(2, asked.Count);
        Set(script, "h|a");
        asked.ForEach(script.Answer);
        Assert.Equal(["a started", "h started"], Order(script.Until(10)));
    }

    [Fact]
    public void A_tracker_that_a_peer_had_named_can_become_the_users()
    {
        var script = new AnnounceScript("a");
        script.Works("a", "h");
        script.Schedule.AddHearsay([new HearsayTracker(Url("h"), NetworkReach.Global)]);
        script.Until(10);
        Set(script, "a|h");
        Assert.Equal(["a", "h"], Order(script.Until(45)).Distinct());
        Assert.Equal(2, Status(script).Count);
        // And what the user threw out does not come back by hearsay.
        Set(script, "a");
        script.Schedule.AddHearsay([new HearsayTracker(Url("h"), NetworkReach.Global)]);
        Assert.DoesNotContain("h", script.Until(120), StringComparison.Ordinal);
    }

    private static List<AnnounceJob> Set(AnnounceScript script, string tiers)
    {
        var jobs = new List<AnnounceJob>();
        script.Schedule.SetTiers(
            tiers.Length == 0
                ? []
                : [.. tiers.Split('|').Select(tier => (IReadOnlyList<TrackerUrl>)[.. tier.Split(',').Select(Url)])],
            script.Now,
            jobs
        );
        return jobs;
    }

    private static List<string> Status(AnnounceScript script) =>
        [.. script.Schedule.Status(_ => DateTimeOffset.UnixEpoch).Select(tracker => tracker.Url)];

    private static IEnumerable<string> Order(string log) => log.Split(", ").Order(StringComparer.Ordinal);

    private static TrackerUrl Url(string host) =>
        TrackerUrl.TryParse($"http://{host}/announce", out var url) ? url : throw new ArgumentException(host);
}
