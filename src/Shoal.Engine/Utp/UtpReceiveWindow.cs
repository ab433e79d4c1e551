namespace Shoal.Engine;

/// <summary>
/// How much the peer may send before the reader takes it: twice of what was taken within a round trip, so that the
/// sender's growth is never what ends, and no more than that, so that memory is used where it moves something.
/// </summary>
/// <param name="limits">From where to where.</param>
/// <param name="budget">What pays for growth.</param>
internal sealed class UtpReceiveWindow(UtpLimits limits, UtpBudget budget)
{
    /// <summary>What schedulers add to a round trip at most, in microseconds.</summary>
    private const long Slack = 4_000;

    private long _periodStart = -1;
    private long _taken;
    private long _lastPeriod;

    /// <summary>In bytes.</summary>
    public int Size { get; private set; } = limits.MinReceiveWindow;

    /// <summary>The reader has taken so many bytes.</summary>
    public void Take(int bytes, UtpRoundTrip trip, long now)
    {
        if (_periodStart < 0)
        {
            _periodStart = now;
        }

        _taken += bytes;
        // Within one machine the round trip is next to nothing and the only queue is that of our socket: a window with
        // the full slack would only overflow it.
        var period = trip.Min + Math.Min(Slack, trip.Min * 4);
        if (now - _periodStart < period)
        {
            return;
        }

        // The period may have been longer than asked for; what counts is the rate.
        var perPeriod = _taken * period / Math.Max(now - _periodStart, 1);
        // While it doubles each time, the next will be twice as much again.
        var times = perPeriod > _lastPeriod * 3 / 2 ? 4 : 2;
        _lastPeriod = perPeriod;
        var wanted = (int)Math.Min(perPeriod * times, limits.MaxReceiveWindow);
        if (wanted > Size && budget.TryTake(wanted - Size))
        {
            Size = wanted;
        }

        (_periodStart, _taken) = (now, 0);
    }

    /// <summary>Gives back what it has grown by: the connection is quiet, or ends.</summary>
    public void Shrink()
    {
        budget.Return(Size - limits.MinReceiveWindow);
        Size = limits.MinReceiveWindow;
    }
}
