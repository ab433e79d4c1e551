namespace Shoal.Engine;

internal sealed partial class UtpConnection
{
    /// <summary>
    /// How long others keep back an acknowledgement of a single packet, in microseconds: 100 ms in the reference
    /// implementation.
    /// </summary>
    private const long PeerAckDelay = 120_000;

    /// <summary>Shortest wait before the last packet is sent again as a question.</summary>
    private const long MinTailWait = 10_000;

    private const long MinWindowWait = 1_000_000;

    private long _timeoutSince;
    private int _timeouts;
    private int _silentTimeouts;
    private bool _isTailProbeSent;
    private bool _isTailProbeDue;
    private long _overtakenDue = Never;
    private long _windowProbeSince = Never;
    private int _windowProbes;
    private bool _isWindowProbeDue;

    /// <summary>How long to wait for an acknowledgement, with back-off.</summary>
    private long Timeout() =>
        Math.Min(
            Math.Max(_trip.Timeout, Micros(_limits.MinTimeout)) << Math.Min(_timeouts, 10),
            Micros(_limits.MaxTimeout)
        );

    private long TimeoutDue() => _send.HasInFlight ? _timeoutSince + Timeout() : Never;

    /// <summary>
    /// When the last packet goes again, because nothing comes after it that would tell of its loss; long before the timeout.
    /// </summary>
    private long TailDue() =>
        _send.HasInFlight && !_send.HasLost && !_isTailProbeSent && _timeouts == 0 && _trip.HasSample
            ? _lastDataAt + Math.Max(2 * _trip.Smoothed, MinTailWait) + (_send.Span < 2 ? PeerAckDelay : 0)
            : Never;

    private long WindowProbeDue() =>
        _windowProbeSince == Never
            ? Never
            : _windowProbeSince
                + Math.Min(
                    Math.Max(Timeout(), MinWindowWait) << Math.Min(_windowProbes, 10),
                    Micros(_limits.MaxTimeout)
                );

    private void CheckTimers(long now)
    {
        if (now >= _lingerUntil)
        {
            Abort(TimeSpan.FromMicroseconds(now));
            return;
        }

        if (now >= TimeoutDue())
        {
            TimeOut(now);
            if (End != UtpEnd.None)
            {
                return;
            }
        }
        else if (now >= TailDue())
        {
            SendTail(now);
        }

        if (now >= _overtakenDue)
        {
            GiveUpOvertaken(now);
        }

        if (now >= WindowProbeDue())
        {
            // One packet more than the peer has room for: it answers with what it has.
            _windowProbes++;
            (_isWindowProbeDue, _windowProbeSince) = (true, Never);
            TrySendRun(now);
            _isWindowProbeDue = false;
        }

        if (now - _lastSentAt >= Micros(_limits.KeepAliveAfter))
        {
            // Also for the memory: nothing moves here.
            _window.Shrink();
            _mustAck = true;
        }
    }

    private void TimeOut(long now)
    {
        _timeoutSince = now;
        var inFlight = _send.InFlightBytes;
        var isWindowProbe = _windowProbes > 0;
        var losses = _send.GiveUpAll();
        if (losses.HasProbe)
        {
            _mtu.Fail(isCertain: false, now);
            if (losses.Packets == 0)
            {
                // Nothing else was under way, so it says nothing about the path.
                return;
            }
        }

        _timeouts++;
        if (++_silentTimeouts > _limits.MaxTimeouts)
        {
            Finish(UtpEnd.TimedOut);
            return;
        }

        if (isWindowProbe)
        {
            return;
        }

        if (_silentTimeouts == 2 && _mtu.Size > _mtu.Floor)
        {
            _mtu.Collapse(now);
        }

        _recoveryOrder = _send.LastOrder;
        (_episodeLost, _episodeSpurious) = (losses.Packets, 0);
        _congestion.TimeOut(_mtu.Size, inFlight, now);
    }

    private void SendTail(long now)
    {
        _isTailProbeSent = true;
        if (_send.GiveUpNewest().HasProbe)
        {
            _mtu.Fail(isCertain: false, now);
        }

        _isTailProbeDue = true;
        TrySendRun(now);
        _isTailProbeDue = false;
    }

    private void Schedule(long now)
    {
        if (End != UtpEnd.None)
        {
            NextDue = TimeSpan.MaxValue;
            return;
        }

        if (!IsConnected)
        {
            NextDue = TimeSpan.FromMicroseconds(_synDue);
            return;
        }

        var due = Math.Min(Math.Min(TimeoutDue(), TailDue()), Math.Min(_overtakenDue, WindowProbeDue()));
        due = Math.Min(due, Math.Min(Math.Min(_lingerUntil, _retryAt), _coalesceDue));
        due = Math.Min(due, _lastSentAt + Micros(_limits.KeepAliveAfter));
        if (_unacknowledged > 0)
        {
            due = Math.Min(due, _ackSince + Micros(_limits.AckDelay));
        }

        NextDue = TimeSpan.FromMicroseconds(Math.Max(due, now));
    }
}
