using System.Net;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.UnitTests;

public sealed class AnnounceScheduleTests
{
    private static readonly InfoHash V1 = AnnounceScript.V1;
    private static readonly InfoHash V2 = new("22222222222222222222"u8);

    [Fact]
    public void StartedOnceThenRegularThenStopped()
    {
        var script = new AnnounceScript("a");
        script.Works("a");
        Assert.Equal("a started", script.Until(29));
        // 30 to 31.5 minutes apart: never earlier than the tracker wants, up to a twentieth later.
        Assert.Equal("a, a", script.Until(65));
        Assert.Equal("a", script.Stop());
        Assert.Equal("", script.Stop());
        Assert.Null(script.Schedule.NextDue);
        Assert.Equal("", script.Until(1000));
    }

    [Fact]
    public void PausedSaysGoodbyeOnceAndBeginsAnewWhenResumed()
    {
        var script = new AnnounceScript("a");
        script.Works("a");
        script.Until(10);
        script.Schedule.Pause();
        script.Schedule.NeedPeers(script.Now);
        Assert.Equal("a stopped", script.Until(200));
        Assert.Null(script.Schedule.NextDue);
        script.Schedule.Resume(script.Now);
        Assert.Equal("a started, a", script.Until(235));
        // Not paused, it has nothing to take up again.
        script.Schedule.Resume(script.Now);
        Assert.Equal("", script.Until(236));
    }

    [Fact]
    public void AGoodbyeFollowsWhatIsOnItsWayAndNothingOvertakesIt()
    {
        var script = new AnnounceScript("a");
        script.Works("a");
        var started = Assert.Single(script.Tick());
        script.Schedule.Pause();
        Assert.Empty(script.Tick());
        script.Answer(started);
        var stopped = Assert.Single(script.Tick());
        Assert.Equal(AnnounceEvent.Stopped, stopped.Event);

        script.Schedule.Resume(script.Now);
        Assert.Empty(script.Tick());
        script.Trackers.Clear();
        script.Answer(stopped);
        Assert.Equal(AnnounceEvent.Started, Assert.Single(script.Tick()).Event);
        // A goodbye that failed is no trouble of the tracker's.
        Assert.Null(script.Status()[0].Message);
    }

    [Fact]
    public void AGoodbyeOnItsWayIsSaidAgainAtTheEnd()
    {
        var script = new AnnounceScript("a");
        script.Works("a");
        script.Until(1);
        script.Schedule.Pause();
        Assert.Equal(AnnounceEvent.Stopped, Assert.Single(script.Tick()).Event);
        Assert.Equal("a", script.Stop());
    }

    [Fact]
    public void CompletedIsToldOnceAndAtOnce()
    {
        var script = new AnnounceScript("a");
        script.Works("a");
        script.Until(10);
        script.Schedule.Completed(script.Now);
        script.Schedule.Completed(script.Now);
        Assert.Equal("a completed", script.Until(39));
        Assert.Equal("a", script.Until(60));
    }

    [Fact]
    public void CompleteAtStartIsNeverTold()
    {
        var script = new AnnounceScript("a", options => options with { IsComplete = true });
        script.Works("a");
        script.Schedule.Completed(script.Now);
        Assert.Equal("a started, a, a", script.Until(65));
    }

    [Fact]
    public void CompletedWhileTheStartIsOnItsWayIsToldAfterIt()
    {
        var script = new AnnounceScript("a");
        script.Works("a");
        var job = Assert.Single(script.Tick());
        script.Schedule.Completed(script.Now);
        Assert.Empty(script.Tick());
        script.Answer(job);
        Assert.Equal("a completed", script.Until(20));
    }

    [Fact]
    public void CompletedThatFailsIsToldLater()
    {
        var script = new AnnounceScript("a");
        script.Works("a");
        script.Until(1);
        script.Trackers.Clear();
        script.Schedule.Completed(script.Now);
        Assert.StartsWith("a completed", script.Until(1.1));
        script.Works("a");
        Assert.Equal("a completed", script.Until(20));
    }

    [Fact]
    public void NextInTheTierOnFailureAndTheWorkingOneMovesToTheFront()
    {
        var script = new AnnounceScript("a,b,c", options => options with { Seed = 5 });
        script.Works("c");
        var first = script.Until(0.1);
        Assert.EndsWith("c started", first);
        Assert.Equal("c", script.Until(33));
        // BEP 12: "If later neither tracker2 nor tracker1 can be reached, but tracker3 responds..."
        script.Trackers.Clear();
        script.Works("a", "b");
        var later = script.Until(66);
        Assert.Matches("^c, (a|b) started$", later);
    }

    [Fact]
    public void TiersAreShuffledWithinAndNotAcross()
    {
        var orders = new HashSet<string>();
        for (var seed = 0; seed < 40; seed++)
        {
            var script = new AnnounceScript("a,b,c|d", options => options with { Seed = seed, EveryTier = false });
            var order = script.Until(0.1).Replace(" started", "", StringComparison.Ordinal);
            Assert.EndsWith("d", order);
            orders.Add(order);
        }

        Assert.Equal(6, orders.Count);
    }

    [Fact]
    public void OneAfterTheOtherGoesBackToTheFirstTier()
    {
        var script = new AnnounceScript("a|b|c", options => options with { EveryTier = false });
        script.Works("b", "c");
        Assert.Equal("a started, b started", script.Until(5));
        script.Works("a");
        Assert.Equal("a started", script.Until(33));
        Assert.Equal("a, b", string.Join(", ", script.Stop().Split(", ").Order()));
    }

    [Fact]
    public void EveryTierIsAskedByDefault()
    {
        var script = new AnnounceScript("a|b");
        script.Works("b");
        Assert.Equal("a started, b started", script.Until(0.1));
        Assert.Equal("b", script.Stop());
    }

    [Fact]
    public void HybridsAndAddressFamiliesAreAnnouncedSeparately()
    {
        var script = new AnnounceScript(
            "a",
            options => options with { InfoHashes = [V1, V2], Origins = [IPAddress.Any, IPAddress.IPv6Any] }
        );
        script.Works("a");
        var jobs = script.Tick();
        Assert.Equal(4, jobs.Select(job => (job.InfoHash, job.Origin)).Distinct().Count());
        Assert.All(jobs, job => Assert.Equal(AnnounceEvent.Started, job.Event));
        script.Schedule.AddInfoHash(V2);
        Assert.Empty(script.Tick());
    }

    [Fact]
    public void SecondNameOfAMagnetLinkIsAnnouncedOnceKnown()
    {
        var script = new AnnounceScript("a");
        script.Works("a");
        script.Until(5);
        script.Schedule.AddInfoHash(V2);
        Assert.Equal(V2, Assert.Single(script.Tick()).InfoHash);
    }

    [Fact]
    public void FailuresBackOff()
    {
        var script = new AnnounceScript("a");
        var count = script.Until(24 * 60).Split(", ").Length;
        // 30 s, doubling to an hour, each give or take a quarter: 8 in the first two hours, then about one an hour.
        Assert.InRange(count, 22, 40);
        Assert.False(script.Status()[0].IsWorking);
        Assert.Equal("unreachable", script.Status()[0].Message);
        Assert.NotNull(script.Status()[0].NextAnnounce);
        Assert.Equal("", script.Stop());
    }

    [Fact]
    public void RetryInIsKept()
    {
        var script = new AnnounceScript("a");
        script.Trackers["a"] = _ => new AnnounceAnswer { Failure = "busy", RetryIn = TimeSpan.FromMinutes(50) };
        Assert.Equal("a started", script.Until(49));
        Assert.Equal("a started", script.Until(99));
        script.Trackers["a"] = _ => new AnnounceAnswer { Failure = "gone", RetryIn = AnnounceAnswer.Never };
        Assert.Equal("a started", script.Until(101));
        Assert.Equal("", script.Until(100_000));
        Assert.Equal("gone", script.Status()[0].Message);
    }

    [Fact]
    public void ForbiddenTrackersAreNotAskedAgain()
    {
        var script = new AnnounceScript("a");
        var job = Assert.Single(script.Tick());
        Assert.True(script.Schedule.Failed(job.Id, TrackerFailure.Forbidden, "no", script.Now));
        Assert.Equal("", script.Until(100_000));
    }

    [Fact]
    public void NoAddressOfTheFamilyIsNoFailure()
    {
        var script = new AnnounceScript("a", options => options with { Origins = [IPAddress.Any, IPAddress.IPv6Any] });
        foreach (var job in script.Tick())
        {
            if (job.Origin.Equals(IPAddress.Any))
            {
                script.Schedule.Answered(job.Id, AnnounceScript.Good, script.Now);
            }
            else
            {
                Assert.False(script.Schedule.Failed(job.Id, TrackerFailure.NoAddress, "", script.Now));
            }
        }

        Assert.True(script.Status()[0].IsWorking);
        Assert.Null(script.Status()[0].Message);
        Assert.Equal("", script.Until(29));
    }

    [Fact]
    public void NeedForPeersRespectsTheMinimalInterval()
    {
        var script = new AnnounceScript("a");
        script.Works("a");
        script.Until(1);
        script.Schedule.NeedPeers(script.Now);
        Assert.Equal("", script.Until(4.9));
        Assert.Equal("a", script.Until(5.1));
        Assert.Equal("", script.Until(20));
        script.Schedule.NeedPeers(script.Now);
        Assert.Equal("a", script.Until(20.1));
    }

    [Fact]
    public void HostileIntervalsAreBounded()
    {
        var script = new AnnounceScript("a");
        script.Trackers["a"] = _ => new AnnounceAnswer
        {
            Interval = TimeSpan.Zero,
            MinInterval = TimeSpan.FromDays(99),
        };
        Assert.InRange(script.Until(1).Split(", ").Length, 6, 7);
        script.Trackers["a"] = _ => new AnnounceAnswer { Interval = TimeSpan.FromDays(1000) };
        script.Until(3);
        Assert.InRange(script.Schedule.NextDue!.Value.TotalHours, 24, 25.3);
    }

    [Fact]
    public void PartialSeedsSayPausedEachTime()
    {
        var script = new AnnounceScript("a");
        script.Works("a");
        script.Until(1);
        script.Schedule.SetPartialSeed(true);
        Assert.Equal("a paused, a paused", script.Until(65));
        script.Schedule.Completed(script.Now);
        Assert.Equal("a completed", script.Until(66));
        Assert.Equal("a", script.Stop());
    }

    [Fact]
    public void StopTellsATrackerThatHasNotAnsweredYet()
    {
        var script = new AnnounceScript("a|b");
        script.Works("a");
        var jobs = script.Tick();
        script.Answer(jobs[0]);
        Assert.Equal("a, b", script.Stop());
        // What comes after the end changes nothing.
        script.Schedule.Answered(jobs[1].Id, AnnounceScript.Good, script.Now);
        Assert.Empty(script.Tick());
    }

    [Fact]
    public void TrackerIdIsSentBack()
    {
        var script = new AnnounceScript("a");
        script.Trackers["a"] = _ => AnnounceScript.Good with { TrackerId = new byte[] { 7 } };
        script.Until(5);
        script.Trackers["a"] = job =>
        {
            Assert.Equal([7], job.TrackerId.ToArray());
            return AnnounceScript.Good;
        };
        Assert.Equal("a", script.Until(33));
    }

    [Fact]
    public void ScrapeFillsTheStatus()
    {
        var script = new AnnounceScript("a|http://b/other");
        script.Works("a");
        script.Until(1);
        var jobs = new List<AnnounceJob>();
        script.Schedule.Scrape(script.Now, jobs);
        var job = Assert.Single(jobs);
        Assert.Equal(AnnounceJobKind.Scrape, job.Kind);
        script.Schedule.Scraped(job.Id, new ScrapeCounts(3, 4, 5));
        var status = script.Status()[0];
        Assert.Equal((3, 5, 0), (status.Seeds!.Value, status.Leeches!.Value, status.Tier));
    }

    [Fact]
    public void SameTrackerTwiceIsAskedOnce()
    {
        var script = new AnnounceScript("a,a|a|b");
        Assert.Equal("a started, b started", script.Until(0.1));
    }

    [Fact]
    public void TrackersThatPeersNameAreOneTierBehindAllOthersAndFailQuietly()
    {
        var script = new AnnounceScript("a");
        script.Works("a", "y");
        script.Until(1);
        script.Schedule.AddHearsay([Hearsay("x"), Hearsay("a"), Hearsay("y")]);
        Assert.Equal("x started, y started", script.Until(2));
        // One more is one more to fall back on, not one more to announce to.
        script.Schedule.AddHearsay([Hearsay("z"), Hearsay("y")]);
        Assert.DoesNotContain("z", script.Until(20), StringComparison.Ordinal);
        Assert.Equal(
            ["a", "x", "y", "z"],
            script.Schedule.Status(_ => default).Select(tracker => new Uri(tracker.Url).Host)
        );
        var jobs = new List<AnnounceJob>();
        script.Schedule.AddInfoHash(new InfoHash("22222222222222222222"u8));
        script.Schedule.Tick(script.Now, jobs);
        Assert.Equal([null, NetworkReach.Local], jobs.Select(job => job.NamedBy));
        Assert.False(script.Schedule.Failed(jobs[1].Id, TrackerFailure.Unreachable, "gone", script.Now));
        Assert.True(script.Schedule.Failed(jobs[0].Id, TrackerFailure.Unreachable, "gone", script.Now));
    }

    [Fact]
    public void ATorrentWithoutTrackersUsesThoseThatPeersName()
    {
        var script = new AnnounceScript("a", options => options with { Tiers = [] });
        script.Works("x");
        Assert.Equal("", script.Until(1));
        Assert.Null(script.Schedule.NextDue);
        script.Schedule.AddHearsay([Hearsay("x")]);
        Assert.Equal("x started", script.Until(2));
    }

    private static HearsayTracker Hearsay(string host) => new(AnnounceScript.Url(host), NetworkReach.Local);
}
