using Shoal.Testing;

namespace Shoal.SimTests;

/// <summary>
/// uTP over simulated paths in virtual time. `Shoal.Benchmarks utp` prints the same as a table; the bounds here are what
/// must not be lost again.
/// </summary>
public sealed class UtpSimulationTests
{
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(5);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 100)]
    [InlineData(10, 20)]
    [InlineData(10, 200)]
    [InlineData(100, 1)]
    [InlineData(100, 100)]
    public void An_empty_path_is_filled_and_its_queue_stays_below_the_target(double megabits, double trip)
    {
        var figures = Measure(Path(megabits, trip), 20);
        Assert.True(figures.Share > 0.8, $"{figures}");
        Assert.True(figures.HighDelay < TimeSpan.FromMilliseconds(115), $"{figures}");
        Assert.True(figures.Retransmitted < 10, $"{figures}");
    }

    [Fact]
    public void A_gigabit_over_100_ms_is_filled()
    {
        var figures = Measure(Path(1000, 100), 4);
        Assert.True(figures.Share > 0.85, $"{figures}");
        Assert.True(figures.HighDelay < TimeSpan.FromMilliseconds(115), $"{figures}");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(10)]
    public void A_buffer_of_ten_seconds_is_left_empty(double megabits)
    {
        var figures = Measure(Path(megabits, 30) with { Buffer = TimeSpan.FromSeconds(10) }, 60);
        Assert.True(figures.Share > 0.8, $"{figures}");
        Assert.True(figures.HighDelay < TimeSpan.FromMilliseconds(115), $"{figures}");
    }

    [Theory]
    [InlineData(0.001, 0.8)]
    [InlineData(0.01, 0.6)]
    [InlineData(0.02, 0.4)]
    [InlineData(0.05, 0.25)]
    public void Loss_by_chance_costs_what_it_would_cost_TCP(double loss, double atLeast)
    {
        var figures = Measure(Path(10, 20) with { Loss = loss }, 30);
        Assert.True(figures.Share > atLeast, $"{figures}");
    }

    [Fact]
    public void Packets_that_overtake_each_other_are_no_loss()
    {
        var path = Path(10, 40) with { Reordering = 0.05, ReorderingDelay = TimeSpan.FromMilliseconds(20) };
        var figures = Measure(path, 30);
        Assert.True(figures.Share > 0.8, $"{figures}");
    }

    [Theory]
    [InlineData(-200)]
    [InlineData(200)]
    public void Clocks_that_drift_apart_change_nothing(int partsPerMillion)
    {
        var figures = UtpSimPair.Measure(1, Path(2, 40), WarmUp, TimeSpan.FromMinutes(20), partsPerMillion * 1e-6);
        Assert.True(figures.Share > 0.8, $"{figures}");
        Assert.True(figures.HighDelay < TimeSpan.FromMilliseconds(130), $"{figures}");
    }

    [Theory]
    // In a buffer no longer than the target only loss tells; there TCP gets the larger part.
    [InlineData(100, 2.5)]
    [InlineData(500, 20)]
    [InlineData(10_000, 100)]
    public void TCP_goes_first_and_what_it_leaves_is_used(int buffer, double times)
    {
        var (utp, tcp, after) = UtpSimSharing.WithTcp(1, 10e6, TimeSpan.FromMilliseconds(buffer));
        Assert.True(tcp > 0.65 * 10e6 && tcp > times * utp, $"TCP {tcp}, uTP {utp}");
        Assert.True(after > 0.8 * 10e6, $"uTP after TCP has left {after}");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(30)]
    public void Two_flows_share_whoever_came_first(int later)
    {
        var (first, second, delay) = UtpSimSharing.TwoFlows(1, 10e6, TimeSpan.FromSeconds(later));
        Assert.True(first + second > 0.85 * 10e6, $"{first} and {second}");
        Assert.InRange(first / second, 1 / 3.5, 3.5);
        Assert.True(delay < TimeSpan.FromMilliseconds(130), $"{delay}");
    }

    [Fact]
    public void Streams_arrive_whole_over_the_worst_paths_and_each_run_is_the_same()
    {
        Fuzz.Run(
            20,
            random =>
            {
                var seed = random.Next();
                Assert.Equal(Transfer(seed), Transfer(seed));
            }
        );
    }

    private static UtpSimPath Path(double megabits, double trip) =>
        new(megabits * 1e6, TimeSpan.FromMilliseconds(trip / 2));

    private static UtpSimFigures Measure(UtpSimPath path, int seconds) =>
        UtpSimPair.Measure(1, path, WarmUp, TimeSpan.FromSeconds(seconds));

    /// <summary>Both ends send at once, read slowly perhaps, and end; what comes is compared with what was sent.</summary>
    private static (ulong, ulong, long) Transfer(int seed)
    {
        var random = new Random(seed);
        var world = new UtpWorld(seed);
        var path = new UtpSimPath(random.Next(1, 50) * 1e6, TimeSpan.FromMilliseconds(random.Next(1, 100)))
        {
            Loss = random.NextDouble() * 0.1,
            Reordering = random.NextDouble() * 0.3,
            ReorderingDelay = TimeSpan.FromMilliseconds(random.Next(1, 60)),
            Duplication = random.NextDouble() * 0.05,
            Buffer = TimeSpan.FromMilliseconds(random.Next(5, 1000)),
            Mtu = random.Next(2) == 0 ? 1500 : random.Next(600, 1500),
        };
        var one = new UtpSimEnd(world, new UtpSimLink(world, path))
        {
            ToWrite = random.Next(1, 400_000),
            EndsWriting = true,
            WriteSize = random.Next(3) == 0 ? random.Next(1, 3000) : 0,
            ReadRate = random.Next(3) == 0 ? random.Next(50_000, 1_000_000) : 0,
        };
        var other = new UtpSimEnd(world, new UtpSimLink(world, path))
        {
            ToWrite = random.Next(1, 400_000),
            EndsWriting = true,
            ReadRate = random.Next(3) == 0 ? random.Next(50_000, 1_000_000) : 0,
        };
        (one.Other, other.Other) = (other, one);
        one.Call();
        // The first SYN and its answers may be lost.
        var isDone = world.RunUntil(() => one.IsAtEnd && other.IsAtEnd, TimeSpan.FromMinutes(10));
        Assert.True(isDone, $"{path}: {other.Read} of {one.ToWrite} there, {one.Read} of {other.ToWrite} back");
        Assert.Equal((one.ToWrite, other.ToWrite), (other.Read, one.Read));
        return (one.Trace, other.Trace, world.Now);
    }
}
