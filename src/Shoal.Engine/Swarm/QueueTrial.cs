namespace Shoal.Engine;

/// <summary>
/// Finds out whether a longer queue of requests at a peer would bring more. What comes in does not tell: with a queue of n
/// requests that are each answered after t seconds it is n / t, whether t is the peer's uplink, which a shorter queue would make
/// shorter, or a way to it that has become longer, which no queue changes. Only another length shows it.
/// </summary>
/// <remarks>
/// A queue that has become much shorter, and with it what comes in, is tried with twice its length; so is, ever more seldom, one that
/// nothing has happened to. What has brought more is kept, and may grow on as long as that brings more.
/// </remarks>
internal struct QueueTrial
{
    /// <summary>Shorter ones are not tried when they shrink: there is little to lose.</summary>
    private const int LeastTried = 8;

    /// <summary>Of the length it had: so much shorter is worth a look.</summary>
    private const double MuchShorter = 0.6;

    /// <summary>Of the rate there was before: it went with the queue, or by itself.</summary>
    private const double MuchLess = 0.75;

    /// <summary>Of the rate before it grew: it may stay so long.</summary>
    private const double More = 1.1;

    /// <summary>Of the rate with the shorter queue: the longer one is better.</summary>
    private const double MuchMore = 1.3;

    /// <summary>Peers that answer twice a second must not look as if they were faster or slower by that.</summary>
    private static readonly TimeSpan Measured = TimeSpan.FromSeconds(2);

    /// <summary>What was asked for before the queue changed comes within this time.</summary>
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan LeastPause = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan MostPause = TimeSpan.FromMinutes(5);

    private Phase _phase;

    // Of a trial: the length before it; the rate to compare with; and since when is measured, from how many bytes on.
    private int _length;
    private double _rate;
    private long _total;
    private TimeSpan _since;
    private bool _isSettled;

    // The next one that has no occasion, or how long a length is kept; and how long the one after it.
    private TimeSpan _next;
    private TimeSpan _pause;

    private enum Phase : byte
    {
        None,

        /// <summary>The queue becomes shorter, and is not much shorter yet.</summary>
        Shrinking,

        /// <summary>It is much shorter.</summary>
        Short,

        /// <summary>It is longer again.</summary>
        Long,

        /// <summary>It has been growing, as long as the rate followed.</summary>
        Grown,

        /// <summary>It has brought more.</summary>
        Kept,
    }

    /// <summary>Once a second. How many requests the peer should have.</summary>
    /// <param name="peer">Has its slow start behind it.</param>
    /// <param name="wanted">What its rate and its round trip suggest.</param>
    /// <param name="most">Never more.</param>
    /// <param name="now">The time.</param>
    public int OnSecond(PeerState peer, int wanted, int most, TimeSpan now)
    {
        if (_pause == default)
        {
            (_pause, _next) = (LeastPause, now + LeastPause);
        }

        var length = peer.QueueTarget;
        // It may have nothing more to be asked for: what comes in says nothing then.
        var isFull = peer.ActiveAsks >= length - length / 4;
        if (_phase >= Phase.Grown && !isFull)
        {
            return length;
        }

        if (!isFull || (_phase is Phase.Shrinking or Phase.Short && wanted > _length))
        {
            _phase = Phase.None;
        }

        return _phase switch
        {
            Phase.None when !isFull => wanted,
            Phase.None when wanted < length && length >= LeastTried => Shrink(peer, wanted, now),
            Phase.None when wanted <= length && now >= _next => Lengthen(
                peer,
                Math.Min(length * 2, most),
                peer.Down.Slow,
                now
            ),
            Phase.None => wanted,
            Phase.Shrinking => Shrink(peer, wanted, now),
            Phase.Short => JudgeShort(peer, wanted, now),
            Phase.Long => JudgeLong(peer, wanted, now),
            Phase.Grown => Math.Max(JudgeGrown(peer), wanted),
            _ => Keep(peer, wanted, now),
        };
    }

    private int Shrink(PeerState peer, int wanted, TimeSpan now)
    {
        if (_phase == Phase.None)
        {
            _length = peer.QueueTarget;
            _rate = Math.Max(peer.RateAtLook, Math.Max(peer.Down.Fast, peer.Down.Slow));
        }

        _phase = wanted > _length * MuchShorter ? Phase.Shrinking : Phase.Short;
        Measure(peer, now);
        return wanted;
    }

    private int JudgeShort(PeerState peer, int wanted, TimeSpan now)
    {
        if (!IsMeasured(peer, now))
        {
            return wanted;
        }

        var rate = RateSince(peer, now);
        if (rate < _rate * MuchLess)
        {
            return Lengthen(peer, Math.Min(peer.QueueTarget * 2, _length), rate, now);
        }

        _phase = Phase.None;
        return wanted;
    }

    /// <param name="rate">With the queue as it is.</param>
    private int Lengthen(PeerState peer, int length, double rate, TimeSpan now)
    {
        _phase = Phase.Long;
        _rate = rate;
        Measure(peer, now);
        return length;
    }

    private int JudgeLong(PeerState peer, int wanted, TimeSpan now)
    {
        if (!IsMeasured(peer, now))
        {
            return Math.Max(peer.QueueTarget, wanted);
        }

        var rate = RateSince(peer, now);
        var isBetter = rate > _rate * MuchMore;
        _rate = rate;
        _phase = Phase.None;
        Pause(now);
        return isBetter ? Grow(peer) : wanted;
    }

    private int Grow(PeerState peer)
    {
        _phase = Phase.Grown;
        _length = peer.QueueTarget;
        peer.IsSlowStart = true;
        // Of what it is asked for now nothing has come within the first second.
        peer.RateAtLook = 0;
        return _length;
    }

    /// <summary>The slow start is over: what it grew by is kept if it has brought anything.</summary>
    private int JudgeGrown(PeerState peer)
    {
        _phase = Phase.Kept;
        return peer.RateAtLook > _rate * More ? peer.QueueTarget : _length;
    }

    private int Keep(PeerState peer, int wanted, TimeSpan now)
    {
        _rate = Math.Max(_rate, peer.Down.Slow);
        if (peer.Down.Slow < _rate / 2)
        {
            _phase = Phase.None;
            return wanted;
        }

        if (now < _next)
        {
            return Math.Max(peer.QueueTarget, wanted);
        }

        Pause(now);
        _rate = peer.Down.Slow;
        return Grow(peer);
    }

    private void Pause(TimeSpan now)
    {
        _next = now + _pause;
        _pause = _pause * 2 < MostPause ? _pause * 2 : MostPause;
    }

    private void Measure(PeerState peer, TimeSpan now) => (_total, _since, _isSettled) = (peer.Down.Total, now, false);

    private bool IsMeasured(PeerState peer, TimeSpan now)
    {
        if (!_isSettled && now - _since >= Settling)
        {
            (_total, _since, _isSettled) = (peer.Down.Total, now, true);
        }

        return _isSettled && now - _since >= Measured;
    }

    private readonly double RateSince(PeerState peer, TimeSpan now) =>
        (peer.Down.Total - _total) / (now - _since).TotalSeconds;
}
