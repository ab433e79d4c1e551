namespace Shoal.Engine;

/// <summary>
/// Whose candidate is called next: the torrents' wishes wait here, not in sockets and not in connection places, so that a
/// thousand torrents with twenty wishes each do not stand in each other's way. The torrent that is worst off is next; of
/// those that are as badly off the one that was served longest ago. Only decides; one caller at a time.
/// </summary>
/// <param name="maxRunning">Calls under way at once, until their handshake is done.</param>
/// <param name="limits">How many a second.</param>
/// <param name="hasPlaceFor">Whether a torrent would be given a connection place.</param>
internal sealed class DialQueue(int maxRunning, SharingLimits limits, Func<TorrentShare, bool> hasPlaceFor)
{
    private readonly List<TorrentShare> _waiting = [];
    private double _savings = limits.DialsPerSecond;
    private TimeSpan _savedAt;
    private long _dialled;

    public int Running { get; private set; }

    public bool IsEmpty => _waiting.Count == 0;

    public void Add(TorrentShare share, DialWish wish)
    {
        if (share.Wishes.Count == 0)
        {
            _waiting.Add(share);
        }

        share.Wishes.Enqueue(wish);
    }

    /// <summary>The torrent wants nothing any more.</summary>
    public void Drop(TorrentShare share)
    {
        share.Wishes.Clear();
        _waiting.Remove(share);
    }

    /// <summary>The next call, which counts as running from now on; false: none for now.</summary>
    public bool TryNext(TimeSpan now, out TorrentShare share, out DialWish wish)
    {
        _savings = Math.Min(limits.DialsPerSecond, _savings + (now - _savedAt).TotalSeconds * limits.DialsPerSecond);
        _savedAt = now;
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
        wish = share.Wishes.Dequeue();
        share.LastDialled = ++_dialled;
        if (share.Wishes.Count == 0)
        {
            _waiting.Remove(share);
        }

        Running++;
        _savings--;
        return true;
    }

    /// <summary>A call is over.</summary>
    public void Ended() => Running--;

    private bool IsBefore(TorrentShare a, TorrentShare b)
    {
        // As it will be: where there is a place for anybody there is one for the poorest then.
        var (one, other) = (a.Wealth(limits, more: 1), b.Wealth(limits, more: 1));
        return one != other ? one < other
            : a.Kind != b.Kind ? a.Kind > b.Kind
            : a.LastDialled < b.LastDialled;
    }
}
