using Shoal.Engine;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class RateGateTests
{
    private readonly VirtualTime _time = new();

    [Fact]
    public void Without_a_limit_anywhere_nothing_is_limited()
    {
        var root = new RateGate(_time);
        var torrent = root.CreateChild();
        var link = torrent.CreateChild();
        Assert.False(link.IsLimited);

        root.Limit = 1;
        Assert.True(link.IsLimited);
        root.Limit = 0;
        link.Limit = 1;
        Assert.True(link.IsLimited);
        Assert.False(torrent.IsLimited);
    }

    [Theory]
    [InlineData(100_000)]
    [InlineData(1_000_000)]
    [InlineData(50_000_000)]
    public void A_limit_holds_within_five_percent(long limit)
    {
        var root = new RateGate(_time, limit);
        var taker = new Taker(root.CreateChild().CreateChild(), 16 * 1024);

        Run(10, taker);

        AssertNear(limit * 10, taker.Total);
    }

    [Fact]
    public void Torrents_share_a_limit_evenly_and_so_do_the_links_of_each()
    {
        var root = new RateGate(_time, 2_000_000);
        var one = root.CreateChild();
        var other = root.CreateChild();
        Taker[] three = [.. Enumerable.Range(0, 3).Select(_ => new Taker(one.CreateChild(), 128 * 1024))];
        var single = new Taker(other.CreateChild(), 128 * 1024);

        Run(20, [.. three, single]);

        Assert.All(three, taker => AssertNear(20_000_000 / 3, taker.Total));
        AssertNear(20_000_000, single.Total);
    }

    [Fact]
    public void A_torrent_with_a_hundred_peers_does_not_starve_one_with_a_single_peer()
    {
        var root = new RateGate(_time, 2_000_000);
        var busy = root.CreateChild();
        var quiet = root.CreateChild();
        Taker[] crowd = [.. Enumerable.Range(0, 100).Select(_ => new Taker(busy.CreateChild(), 16 * 1024))];
        var single = new Taker(quiet.CreateChild(), 16 * 1024);
        Run(20, [.. crowd, single]);
        AssertNear(20_000_000, single.Total);
        AssertNear(20_000_000, crowd.Sum(taker => taker.Total));

        // What it does not use the others have.
        quiet.Limit = 200_000;
        var before = crowd.Sum(taker => taker.Total);
        Run(20, [.. crowd, single]);
        AssertNear(36_000_000, crowd.Sum(taker => taker.Total) - before);
    }

    [Fact]
    public void The_tightest_limit_on_the_way_up_counts_and_holds_nobody_else_back()
    {
        var root = new RateGate(_time, 1_000_000);
        var slow = root.CreateChild();
        slow.Limit = 200_000;
        var a = new Taker(slow.CreateChild(), 16 * 1024);
        var b = new Taker(slow.CreateChild(), 16 * 1024);
        var free = new Taker(root.CreateChild().CreateChild(), 16 * 1024);

        Run(20, a, b, free);

        AssertNear(2_000_000, a.Total);
        AssertNear(2_000_000, b.Total);
        AssertNear(16_000_000, free.Total);
    }

    [Fact]
    public void A_limit_can_be_changed_while_links_wait()
    {
        var root = new RateGate(_time, 10_000);
        var taker = new Taker(root.CreateChild(), 16 * 1024);
        Run(1, taker);

        root.Limit = 1_000_000;
        var before = taker.Total;
        Run(10, taker);
        AssertNear(10_000_000, taker.Total - before);

        root.Limit = 100_000;
        before = taker.Total;
        Run(10, taker);
        AssertNear(1_000_000, taker.Total - before);

        root.Limit = 0;
        _time.Advance(TimeSpan.Zero);
        Assert.False(taker.IsWaiting);
    }

    [Fact]
    public void What_is_given_back_goes_to_others_and_what_was_used_beyond_is_paid()
    {
        var root = new RateGate(_time, 1_000_000);
        var wasteful = new Taker(root.CreateChild(), 16 * 1024) { ReturnedShare = 1 };
        var taker = new Taker(root.CreateChild(), 16 * 1024);
        Run(10, wasteful, taker);
        AssertNear(10_000_000, taker.Total);

        var greedy = new RateGate(_time, 1_000_000);
        var user = new Taker(greedy.CreateChild(), 16 * 1024) { ReturnedShare = -1 };
        Run(10, user);
        AssertNear(5_000_000, user.Total);
    }

    [Fact]
    public void After_a_pause_the_burst_is_short()
    {
        var root = new RateGate(_time, 1_000_000);
        var taker = new Taker(root.CreateChild(), 16 * 1024);
        _time.Advance(TimeSpan.FromHours(1));

        Run(1, taker);

        Assert.InRange(taker.Total, 1_000_000, 1_000_000 + 100_000 + 32 * 1024);
    }

    [Fact]
    public void A_cancelled_turn_is_not_called_and_leaves_no_timer_running()
    {
        var root = new RateGate(_time, 1_000);
        var gate = root.CreateChild();
        var calls = 0;
        var first = new RateTurn(_ => calls++);
        var second = new RateTurn(_ => calls++);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.NotEqual(0, gate.Take(first, 16 * 1024));
        Assert.Equal(0, gate.Take(second, 16 * 1024));

        Assert.True(gate.Cancel(second));
        Assert.False(gate.Cancel(second));
        _time.Advance(TimeSpan.FromMinutes(5));

        Assert.Equal(0, calls);
        Assert.Equal(0, _time.ActiveTimers);
    }

    private void Run(int seconds, params Taker[] takers)
    {
        for (var step = 0; step < seconds * 100; step++)
        {
            foreach (var taker in takers)
            {
                taker.TakeAll();
            }

            _time.Advance(TimeSpan.FromMilliseconds(10));
        }
    }

    private static void AssertNear(long expected, long actual) =>
        Assert.InRange(actual, expected * 0.95, expected * 1.05);

    /// <summary>A link that always has something to send.</summary>
    private sealed class Taker
    {
        private readonly RateGate _gate;
        private readonly RateTurn _turn;
        private readonly int _wanted;

        public Taker(RateGate gate, int wanted)
        {
            _gate = gate;
            _wanted = wanted;
            _turn = new RateTurn(bytes =>
            {
                IsWaiting = false;
                Use(bytes);
                TakeAll();
            });
        }

        public long Total { get; private set; }

        public bool IsWaiting { get; private set; }

        /// <summary>How much of each grant is given back; negative: used beyond.</summary>
        public int ReturnedShare { get; init; }

        public void TakeAll()
        {
            // As many turns as one round of a link could use, so that a link without a limit ends too.
            for (var turn = 0; turn < 1000 && !IsWaiting; turn++)
            {
                IsWaiting = true;
                var bytes = _gate.Take(_turn, _wanted);
                if (bytes > 0)
                {
                    IsWaiting = false;
                    Use(bytes);
                }
                if (ReturnedShare == 1 && turn == 0)
                {
                    return;
                }
            }
        }

        private void Use(int bytes)
        {
            Total += bytes;
            _gate.Return(bytes * ReturnedShare);
        }
    }
}
