using Shoal.Cli;
using Shoal.Engine;

namespace Shoal.UnitTests;

public sealed class LeaveRulesTests
{
    private static readonly TorrentStatus Waiting = new() { State = TorrentState.Downloading, WantedBytes = 1000 };

    [Fact]
    public void Complete_is_the_end_unless_told_to_stay()
    {
        Assert.Null(new LeaveRules().Check(Waiting, isComplete: false, At(1)));
        Assert.Equal(LeaveReason.Complete, new LeaveRules().Check(Waiting, isComplete: true, At(1)));
        Assert.Null(new LeaveRules { Stay = true }.Check(Waiting, isComplete: true, At(1_000_000)));
    }

    [Fact]
    public void Nobody_leaves_a_player_alone()
    {
        var isHeld = true;
        var rules = new LeaveRules
        {
            SeedTime = At(10),
            Timeout = At(5),
            IsHeld = () => isHeld,
        };
        // What is not complete may never come, whoever waits for it.
        Assert.Null(rules.Check(Waiting, isComplete: false, At(0)));
        Assert.Equal(LeaveReason.Timeout, rules.Check(Waiting, isComplete: false, At(5)));
        Assert.Null(rules.Check(Waiting, isComplete: true, At(1)));
        Assert.Null(rules.Check(Waiting, isComplete: true, At(1_000)));
        isHeld = false;
        Assert.Equal(LeaveReason.SeedTime, rules.Check(Waiting, isComplete: true, At(1_000)));
        Assert.Equal(
            LeaveReason.Complete,
            new LeaveRules { IsHeld = () => isHeld }.Check(Waiting, isComplete: true, At(1))
        );
    }

    [Fact]
    public void Seed_time_counts_from_completion()
    {
        var rules = new LeaveRules { SeedTime = At(10) };
        Assert.Null(rules.Check(Waiting, isComplete: false, At(100)));
        Assert.Null(rules.Check(Waiting, isComplete: true, At(101)));
        Assert.Null(rules.Check(Waiting, isComplete: true, At(110)));
        Assert.Equal(LeaveReason.SeedTime, rules.Check(Waiting, isComplete: true, At(111)));
    }

    [Fact]
    public void Seed_ratio_counts_what_was_sent()
    {
        var rules = new LeaveRules { SeedRatio = 1.5, Stay = true };
        Assert.Null(rules.Check(Waiting with { Uploaded = 1500 }, isComplete: false, At(1)));
        Assert.Null(rules.Check(Waiting with { Uploaded = 1499 }, isComplete: true, At(2)));
        Assert.Equal(LeaveReason.SeedRatio, rules.Check(Waiting with { Uploaded = 1500 }, isComplete: true, At(3)));
    }

    [Fact]
    public void Timeout_counts_from_the_last_byte()
    {
        var rules = new LeaveRules { Timeout = At(10) };
        Assert.Null(rules.Check(Waiting, isComplete: false, At(5)));
        Assert.Null(rules.Check(Waiting with { Downloaded = 1 }, isComplete: false, At(14)));
        Assert.Null(rules.Check(Waiting with { Downloaded = 1 }, isComplete: false, At(23)));
        Assert.Equal(LeaveReason.Timeout, rules.Check(Waiting with { Downloaded = 1 }, isComplete: false, At(24)));
    }

    [Fact]
    public void Timeout_does_not_count_hashing_and_counts_metadata_as_an_arrival()
    {
        var rules = new LeaveRules { Timeout = At(10) };
        Assert.Null(rules.Check(Waiting with { State = TorrentState.FetchingMetadata }, isComplete: false, At(0)));
        Assert.Null(rules.Check(Waiting with { State = TorrentState.Checking }, isComplete: false, At(9)));
        Assert.Null(rules.Check(Waiting with { State = TorrentState.Checking }, isComplete: false, At(100)));
        Assert.Null(rules.Check(Waiting, isComplete: false, At(109)));
        Assert.Equal(LeaveReason.Timeout, rules.Check(Waiting, isComplete: false, At(110)));
    }

    private static TimeSpan At(double seconds) => TimeSpan.FromSeconds(seconds);
}
