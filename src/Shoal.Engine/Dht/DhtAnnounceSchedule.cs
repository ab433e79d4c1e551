namespace Shoal.Engine;

/// <summary>
/// When one torrent looks for peers in the DHT and announces itself: at once, then every 15 to 30 minutes; sooner while
/// the DHT does not answer or peers are needed, but ever less often. Private torrents have none (BEP 27).
/// </summary>
/// <param name="jitter">From 0 to below 1, a new one at each call: torrents must not all announce at once.</param>
internal sealed class DhtAnnounceSchedule(Func<double> jitter)
{
    private static readonly TimeSpan Regular = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(2);

    // Two that look for each other at the same time both find nobody: the second look is what brings them together.
    private static readonly TimeSpan FirstWish = TimeSpan.FromSeconds(2);

    private TimeSpan _retry = FirstRetry;
    private TimeSpan _wish = FirstWish;
    private TimeSpan _last;
    private bool _isUnanswered;

    /// <summary>The next search; meaningless while one runs.</summary>
    public TimeSpan Next { get; private set; }

    /// <summary>A search runs.</summary>
    public bool IsRunning { get; private set; }

    /// <summary>Whether to begin a search now.</summary>
    public bool IsDue(TimeSpan now) => !IsRunning && now >= Next;

    public void Begun() => IsRunning = true;

    /// <summary>A search has ended.</summary>
    /// <param name="answered">Nodes that answered.</param>
    /// <param name="found">Peers found.</param>
    /// <param name="wantsPeers">The torrent is not complete.</param>
    /// <param name="now">The time.</param>
    public void Done(int answered, int found, bool wantsPeers, TimeSpan now)
    {
        IsRunning = false;
        _last = now;
        _isUnanswered = answered == 0;
        if (_isUnanswered)
        {
            // No way into the DHT: it may open any moment.
            Next = now + _retry;
            _retry = Smaller(_retry * 2, Regular / 3);
            return;
        }

        _retry = FirstRetry;
        Next = now + Regular * (1 + jitter());
        if (found == 0 && wantsPeers)
        {
            Wish();
        }
    }

    /// <summary>There is a way into the DHT now: a search that had no answer is repeated at once.</summary>
    public void Joined(TimeSpan now)
    {
        if (!IsRunning && _isUnanswered)
        {
            _retry = FirstRetry;
            Next = now;
        }
    }

    /// <summary>More peers would help.</summary>
    public void NeedPeers()
    {
        if (!IsRunning && _last + _wish < Next)
        {
            Wish();
        }
    }

    /// <summary>The torrent has become complete, or its name or port is another: announce soon.</summary>
    public void Changed(TimeSpan now) => Next = IsRunning ? Next : Smaller(Next, now);

    // Each wish that is granted makes the next wait twice as long.
    private void Wish()
    {
        Next = Smaller(Next, _last + _wish);
        _wish = Smaller(_wish * 2, Regular);
    }

    private static TimeSpan Smaller(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
