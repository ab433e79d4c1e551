using System.Net;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.UnitTests;

/// <summary>
/// How long the queue of requests at a peer becomes, with peers of several kinds in virtual time: what comes in must be near
/// to what each can give, and what waits not much longer than that takes.
/// </summary>
public sealed class RequestPacingTests
{
    private const double Megabyte = 1e6;

    [Theory]
    // A neighbour, somebody on another continent, a satellite; ADSL and a gigabit.
    [InlineData(0.002, 100)]
    [InlineData(0.15, 10)]
    [InlineData(0.15, 0.1)]
    [InlineData(0.3, 5)]
    [InlineData(0.6, 2)]
    [InlineData(0.6, 0.2)]
    [InlineData(1, 1)]
    public void A_long_way_is_filled(double roundTrip, double capacity)
    {
        var line = new Line { RoundTrip = roundTrip, Capacity = _ => capacity * Megabyte };
        line.Run(60);
        line.AssertRate(20, 60, 0.85 * capacity);
        line.AssertQueue(10, 60, (roundTrip + 1) * capacity);
    }

    [Theory]
    [InlineData(0.5, 0.001, 50)]
    [InlineData(0.5, 0.05, 1)]
    [InlineData(0.25, 0.1, 10)]
    [InlineData(1, 0.02, 2)]
    public void Who_answers_only_now_and_then_is_asked_for_enough(double period, double roundTrip, double capacity)
    {
        var line = new Line
        {
            RoundTrip = roundTrip,
            Period = period,
            Capacity = _ => capacity * Megabyte,
        };
        line.Run(180);
        line.AssertRate(0, 60, 0.7 * Math.Min(capacity, line.Most / period));
        line.AssertRate(60, 180, 0.85 * Math.Min(capacity, line.Most / period));
    }

    [Theory]
    [InlineData(0.5, 0.001, 50)]
    [InlineData(0.5, 0.05, 1)]
    [InlineData(0.25, 0.1, 10)]
    [InlineData(1, 0.02, 2)]
    public void Who_answers_only_now_and_then_is_not_asked_for_less_to_find_that_out(
        double period,
        double roundTrip,
        double capacity
    )
    {
        // Once it answers at once, as Transmission does while its socket takes no more: that says nothing of the next time.
        var line = new Line
        {
            RoundTrip = roundTrip,
            Period = period,
            IsAtOnce = time => time is > 3 and < 3.05,
            Capacity = _ => capacity * Megabyte,
        };
        line.Run(181);
        line.AssertEachRate(8, 180, 4, 0.8 * Math.Min(capacity, line.Most / period));
        line.AssertQueue(10, 180, (period + roundTrip + 0.5) * capacity);
    }

    [Fact]
    public void What_became_slower_by_itself_is_asked_for_less()
    {
        var line = new Line { RoundTrip = 0.05, Capacity = now => now < 20 ? 5 * Megabyte : Megabyte };
        line.Run(60);
        line.AssertRate(5, 20, 4.5);
        line.AssertQueue(30, 60, 0.7);
    }

    [Fact]
    public void What_becomes_faster_much_later_is_noticed()
    {
        var line = new Line
        {
            RoundTrip = 0.02,
            Period = 0.5,
            Capacity = now => now < 100 ? Megabyte / 10 : 10 * Megabyte,
        };
        line.Run(400);
        line.AssertRate(300, 400, 7);
    }

    [Fact]
    public void Whoever_was_silent_for_a_while_comes_back_to_its_rate()
    {
        var line = new Line
        {
            RoundTrip = 0.4,
            Period = 0.1,
            Capacity = now => now is > 20 and < 50 ? 0 : 2 * Megabyte,
        };
        line.Run(120);
        line.AssertRate(70, 120, 1.7);
    }

    [Fact]
    public void A_near_peer_has_a_queue_of_a_quarter_of_a_second()
    {
        var line = new Line { RoundTrip = 0.01, Capacity = _ => 2 * Megabyte };
        line.Run(30);
        line.AssertRate(2, 30, 1.9);
        line.AssertQueue(6, 30, 0.6);
    }

    /// <summary>A peer that answers requests in the order they came, and the way to it.</summary>
    private sealed class Line
    {
        private const double Step = 0.002;
        private const int Block = PieceLayout.BlockSize;

        private readonly SwarmLimits _limits = new();
        private readonly Queue<Ask> _toServe = new();
        private readonly Queue<(double At, Ask Ask)> _toArrive = new();
        private readonly List<(double Time, long Bytes, int Queue)> _seconds = [];
        private int _outstanding;

        /// <summary>Seconds.</summary>
        public double RoundTrip { get; init; }

        /// <summary>It answers all this many seconds; 0: at once.</summary>
        public double Period { get; init; }

        /// <summary>When it answers at once all the same.</summary>
        public Func<double, bool> IsAtOnce { get; init; } = _ => false;

        /// <summary>Bytes a second, by the time.</summary>
        public required Func<double, double> Capacity { get; init; }

        /// <summary>Of what may be asked for at once, in MB.</summary>
        public double Most => _limits.DefaultRequestsOut * Block / Megabyte;

        public void Run(int seconds)
        {
            var peer = new PeerState(new PeerHandle(1), Introduction(), default);
            RequestPacing.Begin(peer, _limits);
            var budget = 0.0;
            for (var step = 0; step * Step < seconds; step++)
            {
                var time = step * Step;
                var now = TimeSpan.FromSeconds(time);
                budget += Capacity(time) * Step;
                var isDue = Period == 0 || step % (int)(Period / Step) == 0 || IsAtOnce(time);
                // Request and block have the same way; all of it is counted on the way back.
                while (
                    isDue
                    && budget >= Block
                    && _toServe.TryPeek(out var first)
                    && first.At.TotalSeconds + RoundTrip / 2 <= time
                )
                {
                    budget -= Block;
                    _toArrive.Enqueue((time + RoundTrip / 2, _toServe.Dequeue()));
                }

                // What nobody asked for in time is lost.
                budget = isDue ? Math.Min(budget, Block + Capacity(time) * Step) : budget;
                while (_toArrive.TryPeek(out var next) && next.At <= time)
                {
                    _toArrive.Dequeue();
                    _outstanding--;
                    peer.ActiveAsks = _outstanding;
                    peer.Down.Add(Block);
                    RequestPacing.OnBlock(peer, next.Ask, now, _limits);
                    Refill(peer, now);
                }

                Refill(peer, now);
                if (step % 50 == 0)
                {
                    peer.Down.Tick(TimeSpan.FromSeconds(50 * Step));
                }

                if (step % 500 == 0)
                {
                    Tell(peer, time, now);
                }
            }
        }

        public void AssertRate(int from, int to, double least)
        {
            var bytes =
                _seconds.Last(second => second.Time <= to).Bytes - _seconds.Last(second => second.Time <= from).Bytes;
            var rate = bytes / Megabyte / (to - from);
            Assert.True(rate >= least, $"{rate:f2} MB/s from {from} to {to} s, at least {least:f2} wanted; {this}");
        }

        /// <summary>In each so many seconds.</summary>
        public void AssertEachRate(int from, int to, int seconds, double least)
        {
            for (var time = from; time + seconds <= to; time++)
            {
                AssertRate(time, time + seconds, least);
            }
        }

        /// <summary>The middle of the lengths, in MB.</summary>
        public void AssertQueue(int from, int to, double most)
        {
            var lengths = _seconds
                .Where(second => second.Time >= from && second.Time <= to)
                .Select(second => second.Queue)
                .Order();
            var middle = lengths.ElementAt((to - from) / 2) * Block / Megabyte;
            most += 4 * Block / Megabyte;
            Assert.True(middle <= most, $"{middle:f2} MB asked for in the middle, {most:f2} at most wanted; {this}");
        }

        public override string ToString() => string.Join(' ', _seconds.Select(second => second.Queue));

        private void Tell(PeerState peer, double time, TimeSpan now)
        {
            RequestPacing.OnSecond(peer, now, _limits);
            if (_outstanding > 0 && now - peer.LastBlockAt > _limits.RequestTimeout)
            {
                // As RequestLedger does, but that what was asked for stays asked for.
                peer.IsTimedOut = true;
                peer.IsSlowStart = false;
                peer.QueueTarget = 1;
            }

            _seconds.Add((time, peer.Down.Total, peer.QueueTarget));
        }

        private void Refill(PeerState peer, TimeSpan now)
        {
            for (; _outstanding < Math.Min(peer.QueueTarget, peer.PeerQueueLimit); _outstanding++)
            {
                _toServe.Enqueue(new Ask { At = now, Ahead = (ushort)_outstanding });
            }

            peer.ActiveAsks = _outstanding;
        }

        private static PeerIntroduction Introduction() =>
            new()
            {
                EndPoint = new IPEndPoint(IPAddress.Parse("192.0.2.1"), 6881),
                PeerId = default,
                Capabilities = PeerCapabilities.Fast,
                IsOutgoing = true,
                InfoHash = default,
            };
    }
}
