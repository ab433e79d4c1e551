using System.Diagnostics;

namespace Shoal.InteropTests;

/// <summary>How <c>get</c> ends, and what seeds do that have nothing for each other.</summary>
public sealed class EndOfGetTests(Library library)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task What_led_to_completion_is_told_before_it_and_all_hear_goodbye()
    {
        await using var lab = await Lab.CreateAsync();
        var (sample, tracker, seed) = await SeedAsync(lab);
        var host = await lab.AddHostAsync("leech");
        var leech = Get(host, sample);
        Assert.Equal(0, await leech.Process.WaitForExitAsync(Patience));
        var events = leech.Process.Lines;
        var peer = Array.FindIndex(events, line => ShoalClient.IsEvent(line, "peer"));
        var complete = Array.FindIndex(events, line => ShoalClient.IsEvent(line, "complete"));
        Assert.True(peer >= 0 && peer < complete, string.Join('\n', events));
        // Seen by whichever end closes first, perhaps when we stop.
        Assert.Contains(events, line => ShoalClient.IsEvent(line, "peer-gone"));
        // With the one that left there would be two.
        await tracker.WaitForSeedsAsync(sample, 1, seed.Process);
        DataSet.AssertSame(sample.Content, Path.Combine(host.SubFolder("got"), sample.Name));
    }

    [Fact]
    public async Task A_tracker_that_does_not_hear_the_goodbye_keeps_nobody_waiting()
    {
        await using var lab = await Lab.CreateAsync();
        var (sample, _, _) = await SeedAsync(lab);
        var host = await lab.AddHostAsync("leech");
        var leech = Get(host, sample, "--download-limit", "8MiB/s");
        await leech.Process.WaitForLineAsync(line => ShoalClient.IsEvent(line, "peer"), Patience);
        await Firewall.AllowOnlyAsync(host, $"ip daddr != {lab.Hub.Address}");
        await leech.WaitCompleteAsync(Patience);
        var clock = Stopwatch.StartNew();
        Assert.Equal(0, await leech.Process.WaitForExitAsync(Patience));
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(10));
    }

    /// <summary>The second of them called the first when it began; ten seconds later one of them used to call again.</summary>
    [Fact]
    public async Task Two_seeds_meet_once()
    {
        await using var lab = await Lab.CreateAsync();
        var (sample, tracker, first) = await SeedAsync(lab);
        var host = await lab.AddHostAsync("other");
        var second = ShoalClient.Start(host, ["seed", sample.File, "--data", sample.Parent]);
        await tracker.WaitForSeedsAsync(sample, 2, second.Process);
        await second.Process.WaitForLineAsync(line => ShoalClient.IsEvent(line, "peer-gone"), Patience);
        await Task.Delay(TimeSpan.FromSeconds(25));
        foreach (var seed in (RunningClient[])[first, second])
        {
            // Two where both called at the same moment.
            Assert.InRange(seed.Process.Lines.Count(line => ShoalClient.IsEvent(line, "peer")), 1, 2);
        }
    }

    private async Task<(Sample Sample, TrackerHost Tracker, RunningClient Seed)> SeedAsync(Lab lab)
    {
        var sample = await library.DataAsync("v1");
        var tracker = TrackerHost.Start(lab, sample);
        var host = await lab.AddHostAsync("seed");
        var seed = ShoalClient.Start(host, ["seed", sample.File, "--data", sample.Parent]);
        await tracker.WaitForSeedsAsync(sample, 1, seed.Process);
        return (sample, tracker, seed);
    }

    private static RunningClient Get(Host host, Sample sample, params string[] options) =>
        ShoalClient.Start(host, ["get", sample.File, "-o", host.SubFolder("got"), .. options]);
}
