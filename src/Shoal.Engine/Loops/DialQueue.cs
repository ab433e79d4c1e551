namespace Shoal.Engine;

/// <summary>
/// Whose candidate is called next: the torrents' wishes wait here, not in sockets and not in connection places, so that a
/// thousand torrents with twenty wishes each do not stand in each other's way. The torrent that is worst off is next; of
/// those that are as badly off the one that was served longest ago. Only decides; one caller at a time.
/// </summary>
/// <remarks>
/// Calls that were agreed on (BEP 55: the other side calls at this very moment) go ahead of all others, in a budget of
/// their own that takes nothing from the rest: whoever has us sent to many addresses delays nobody. Beyond that budget
/// they are the first of their torrent's calls.
/// </remarks>
/// <param name="maxRunning">Calls under way at once, until their handshake is done; those that go ahead come on top.</param>
/// <param name="limits">How many a second.</param>
/// <param name="hasPlaceFor">Whether a torrent would be given a connection place.</param>
internal sealed class DialQueue(int maxRunning, SharingLimits limits, Func<TorrentShare, bool> hasPlaceFor)
{
    private readonly List<TorrentShare> _waiting = [];
    private readonly List<TorrentShare> _punching = [];
    private double _savings = limits.DialsPerSecond;
    private double _punchSavings = limits.PunchBurst;
    private TimeSpan _savedAt;
    private long _dialled;

    /// <summary>Calls under way, but for those that went ahead.</summary>
    public int Running { get; private set; }

    /// <summary>Calls under way that went ahead of others.</summary>
    public int RunningAhead { get; private set; }

    public bool IsEmpty => _waiting.Count == 0;

    public void Add(TorrentShare share, DialWish wish)
    {
        if (share.Wishes.Count + share.Punches.Count == 0)
        {
            _waiting.Add(share);
        }

        if ((wish.Hints & DialHints.Punch) == 0)
        {
            share.Wishes.Enqueue(wish);
            return;
        }

        if (share.Punches.Count == 0)
        {
            _punching.Add(share);
        }

        share.Punches.Enqueue(wish);
    }

    /// <summary>The torrent wants nothing any more.</summary>
    public void Drop(TorrentShare share)
    {
        share.Wishes.Clear();
        share.Punches.Clear();
        _waiting.Remove(share);
        _punching.Remove(share);
    }

    /// <summary>The next call, which counts as running from now on; false: none for now.</summary>
    public bool TryNext(TimeSpan now, out TorrentShare share, out DialWish wish)
    {
        var passed = (now - _savedAt).TotalSeconds;
        _savings = Math.Min(limits.DialsPerSecond, _savings + passed * limits.DialsPerSecond);
        _punchSavings = Math.Min(limits.PunchBurst, _punchSavings + passed * limits.PunchesPerSecond);
        _savedAt = now;
        return TryAhead(out share, out wish) || TryInTurn(out share, out wish);
    }

    /// <summary>A call is over.</summary>
    /// <param name="wish">As it was given.</param>
    public void Ended(DialWish wish = default)
    {
        if (wish.IsAhead)
        {
            RunningAhead--;
        }
        else
        {
            Running--;
        }
    }

    /// <summary>The torrents take turns.</summary>
    private bool TryAhead(out TorrentShare share, out DialWish wish)
    {
        (share, wish) = (null!, default);
        if (RunningAhead >= limits.PunchesAtOnce || _punchSavings < 1)
        {
            return false;
        }

        foreach (var one in _punching)
        {
            if ((share is null || one.LastPunched < share.LastPunched) && hasPlaceFor(one))
            {
                share = one;
            }
        }

        if (share is null)
        {
            return false;
        }

        wish = Take(share) with { IsAhead = true };
        share.LastPunched = ++_dialled;
        RunningAhead++;
        _punchSavings--;
        return true;
    }

    private bool TryInTurn(out TorrentShare share, out DialWish wish)
    {
        (share, wish) = (null!, default);
        if (Running >= maxRunning || _savings < 1)
        {
            return false;
        }

        TorrentShare? poorest = null;
        foreach (var one in _waiting)
        {
            if (poorest is null || IsBefore(one, poorest))
            {
                poorest = one;
            }
        }

        // Where there is no place for the poorest there is none for anybody.
        if (poorest is null || !hasPlaceFor(poorest))
        {
            return false;
        }

        share = poorest;
        wish = Take(share);
        share.LastDialled = ++_dialled;
        Running++;
        _savings--;
        return true;
    }

    /// <summary>What was agreed on first.</summary>
    private DialWish Take(TorrentShare share)
    {
        if (!share.Punches.TryDequeue(out var wish))
        {
            wish = share.Wishes.Dequeue();
        }
        else if (share.Punches.Count == 0)
        {
            _punching.Remove(share);
        }

        if (share.Wishes.Count + share.Punches.Count == 0)
        {
            _waiting.Remove(share);
        }

        return wish;
    }

    private bool IsBefore(TorrentShare a, TorrentShare b)
    {
        // As it will be: where there is a place for anybody there is one for the poorest then.
        var (one, other) = (a.Wealth(limits, more: 1), b.Wealth(limits, more: 1));
        return one != other ? one < other
            : a.Kind != b.Kind ? a.Kind > b.Kind
            : a.LastDialled < b.LastDialled;
    }
}
