namespace Shoal.Engine;

/// <summary>
/// How much may be under way: LEDBAT (RFC 6817, BEP 29) with what later experience added to it (LEDBAT++). The queue
/// that we build stays below a target delay, so everybody else goes first. Times in microseconds, sizes in bytes.
/// </summary>
/// <remarks>
/// Where it differs from BEP 29, and why, is in docs/decisions/0015-ledbat-that-lets-go.md.
/// </remarks>
internal sealed class UtpCongestion(UtpLimits limits)
{
    /// <summary>The window never is smaller: with one packet, each would wait for a delayed acknowledgement.</summary>
    private const int MinPackets = 2;

    /// <summary>Queueing below this is none: it is what timers and schedulers do.</summary>
    private const long Noise = 10_000;

    private readonly long _target = (long)limits.TargetDelay.TotalMicroseconds;
    private double _window = limits.InitialWindow;
    private double _threshold = double.MaxValue;
    private double _peak;
    private bool _isFirstStart = true;

    private double _undoWindow;
    private double _undoThreshold;

    // Slowing down now and then shows what the path is like without us.
    private long _restUntil = long.MinValue;
    private double _restWindow;
    private long _restStarted;
    private bool _isRecoveringFromRest;
    private long _nextRest = long.MaxValue;
    private long _smallestDelay = long.MaxValue;

    // When there has been neither loss nor queue for long, there is more to be had.
    private long _quietSince = long.MinValue;

    private long _nextDecrease;

    /// <summary>Bytes that may be under way.</summary>
    public long Window => (long)_window;

    public bool IsSlowStart => _window < _threshold;

    /// <summary>The window is small on purpose until then.</summary>
    public long RestUntil => _restUntil;

    /// <summary>The queueing delay that last counted; -1: there is none.</summary>
    public long Delay { get; private set; } = -1;

    /// <summary>Bytes were acknowledged.</summary>
    /// <param name="acked">How many.</param>
    /// <param name="delay">Queueing on the way to the peer; -1: not known.</param>
    /// <param name="trip">The round trip.</param>
    /// <param name="packet">Size of a full packet.</param>
    /// <param name="wasLimited">Whether the window was what kept us from sending more.</param>
    /// <param name="now">The time.</param>
    public void Acknowledge(int acked, long delay, UtpRoundTrip trip, int packet, bool wasLimited, long now)
    {
        Delay = delay;
        if (delay >= 0)
        {
            _smallestDelay = Math.Min(_smallestDelay, delay);
        }

        if (delay > Noise || _quietSince == long.MinValue)
        {
            _quietSince = now;
        }

        if (Rest(trip, packet, now))
        {
            return;
        }

        if (IsSlowStart)
        {
            if (IsEnoughForStart(delay, trip))
            {
                EndStart(trip, packet, now);
            }
            else if (wasLimited)
            {
                _window = Math.Min(_window + acked, Math.Max(_threshold, _window));
                EndRecovery(now);
            }

            return;
        }

        EndRecovery(now);
        if (delay > _target)
        {
            // More than the target: give back, the more the more it is above; once in a round trip, because that long
            // the queue does not show what we did.
            if (now >= _nextDecrease)
            {
                _window -= _window * Math.Min((double)delay / _target - 1, 0.5);
                _nextDecrease = now + trip.Latest;
            }
        }
        else if (wasLimited)
        {
            _window += Gain(delay, trip, packet, now) * acked / Math.Max(_window, acked);
        }

        _window = Math.Max(_window, MinPackets * packet);
    }

    /// <summary>Packets were lost, for the first time within a round trip.</summary>
    public void Lose(int packet, long now)
    {
        (_undoWindow, _undoThreshold) = (_window, _threshold);
        _peak = _window;
        // BEP 29: "When a packet is lost, the max_window is multiplied by 0.5 to mimic TCP." Where there is no queue at
        // all, no queue has run over: then it is by chance, and we give back less.
        var keep = Delay is >= 0 and < Noise ? 0.7 : 0.5;
        _window = Math.Max(_window * keep, MinPackets * packet);
        _threshold = _window;
        _restUntil = long.MinValue;
        _quietSince = now;
        Schedule(now);
    }

    /// <summary>Nothing comes back any more: start again.</summary>
    public void TimeOut(int packet, long inFlight, long now)
    {
        (_undoWindow, _undoThreshold) = (_window, _threshold);
        _peak = Math.Max(_window, _peak);
        _threshold = Math.Max(Math.Min(_window, Math.Max(inFlight, 1)) / 2, MinPackets * packet);
        _window = MinPackets * packet;
        _restUntil = long.MinValue;
        _quietSince = now;
    }

    /// <summary>The last loss was none: packets had only overtaken each other.</summary>
    public void Undo()
    {
        _window = Math.Max(_window, _undoWindow);
        _threshold = Math.Max(_threshold, _undoThreshold);
    }

    /// <summary>Nothing was sent for so many timeouts: what we knew of the path grows old.</summary>
    public void Idle(int packet, int periods)
    {
        var floor = Math.Max(limits.InitialWindow, MinPackets * packet);
        if (_window > floor)
        {
            _threshold = Math.Max(_threshold, _window);
            _window = Math.Max(_window * Math.Pow(0.5, Math.Min(periods, 30)), floor);
        }
    }

    /// <summary>Packets became longer: the window is never below two of them.</summary>
    public void FitPacket(int packet) => _window = Math.Max(_window, MinPackets * packet);

    // Half the target ends the first start: by the time we hear of it there will be twice as much. Later starts know
    // where to end; there a queue must be the target itself.
    private bool IsEnoughForStart(long delay, UtpRoundTrip trip) =>
        delay > (_isFirstStart ? Math.Min(_target / 2, Math.Max(trip.Min, _target / 8)) : _target);

    private void EndStart(UtpRoundTrip trip, int packet, long now)
    {
        // What the path holds without a queue, and half the target on top.
        var fits = _window * (trip.Min + _target / 2) / Math.Max(trip.Smoothed, trip.Min + _target / 2);
        _window = Math.Max(Math.Max(fits, _window / 2), MinPackets * packet);
        _threshold = _window;
        _nextDecrease = now + trip.Latest;
        if (_isFirstStart)
        {
            _isFirstStart = false;
            _nextRest = now + 2 * trip.Smoothed;
        }

        EndRecovery(now);
    }

    /// <summary>What a window's worth of acknowledgements adds.</summary>
    private double Gain(long delay, UtpRoundTrip trip, int packet, long now)
    {
        if (delay < 0)
        {
            // A peer that measures nothing gets a plain TCP.
            return packet;
        }

        if (IsQuiet(packet, now))
        {
            return _window / 16;
        }

        if (delay < Noise)
        {
            // No queue, nobody to yield to: as TCP would.
            return packet;
        }

        // One packet a round trip is what TCP does. Slower than that means to yield also where the buffer is too small for
        // the target and loss ends its growth; on short paths one packet a round trip would be many a second.
        var slowness = Math.Clamp(2 * _target / Math.Max(trip.Min, 1), 1, 16);
        return (double)packet / slowness * (_target - delay) / _target;
    }

    /// <summary>As long as CUBIC would take to come back to where the last loss was, without a trace of a queue.</summary>
    private bool IsQuiet(int packet, long now)
    {
        var patience = Math.Cbrt(Math.Max(_peak, _window) / packet * 0.5 / 0.4) * 1_000_000;
        return now - _quietSince > patience;
    }

    private bool Rest(UtpRoundTrip trip, int packet, long now)
    {
        if (now < _restUntil)
        {
            return true;
        }

        if (_restUntil != long.MinValue)
        {
            // Back to where we were, as fast as a start.
            _restUntil = long.MinValue;
            _threshold = _restWindow;
            _isRecoveringFromRest = true;
            _smallestDelay = long.MaxValue;
            return false;
        }

        if (now < _nextRest || IsSlowStart)
        {
            return false;
        }

        if (_smallestDelay < Noise)
        {
            // There has been no queue at some moment, so the base is right.
            _smallestDelay = long.MaxValue;
            _nextRest = now + 9 * Math.Max(4 * trip.Smoothed, _target);
            return false;
        }

        _restWindow = _window;
        _restStarted = now;
        _restUntil = now + 2 * trip.Smoothed;
        _window = Math.Max(_window / 8, MinPackets * packet);
        _threshold = _window;
        return true;
    }

    private void EndRecovery(long now)
    {
        if (_isRecoveringFromRest && !IsSlowStart)
        {
            Schedule(now);
        }
    }

    // A tenth of the time at most.
    private void Schedule(long now)
    {
        if (_isRecoveringFromRest)
        {
            _isRecoveringFromRest = false;
            _nextRest = now + 9 * (now - _restStarted);
        }
    }
}
