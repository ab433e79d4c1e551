namespace Shoal.Engine;

// A torrent that has nothing to do rests: it is ticked seldom, until something happens.
internal sealed partial class TorrentRunner
{
    /// <summary>5 seconds without peers and without news. What is due at the start (the DHT, trackers) has begun by then.</summary>
    private const int TicksBeforeRest = 50;

    /// <summary>The same where no peer is known and nothing is begun by ticks.</summary>
    private const int TicksBeforeSleep = 3;

    private volatile bool _isStirred = true;
    private volatile int _isResting;
    private volatile int _rests;
    private int _quietTicks;

    void ISwarmOwner.Stirred()
    {
        if (!_isStirred)
        {
            _isStirred = true;
        }

        // Either we see that it rests, or TryRest sees that it was stirred.
        Interlocked.MemoryBarrier();
        if (_isResting != 0 && Interlocked.Exchange(ref _isResting, 0) != 0)
        {
            _services.Rota.Wake(this);
        }
    }

    /// <summary>See <see cref="Torrent.RestNumber"/>.</summary>
    public int RestNumber => _isResting != 0 ? _rests : 0;

    /// <summary>At the end of each tick: whether the next can wait.</summary>
    private bool TryRest()
    {
        if (_isStirred || !_loop.IsQuiet)
        {
            _isStirred = false;
            _quietTicks = 0;
            _isResting = 0;
            return false;
        }

        if (_isResting != 0)
        {
            return true;
        }

        if (++_quietTicks < (_loop.IsAsleep && !_sources.NeedTicks ? TicksBeforeSleep : TicksBeforeRest))
        {
            return false;
        }

        // Nothing of it changes while it rests.
        SaveWhatIsKnown();
        _rests++;
        Interlocked.Exchange(ref _isResting, 1);
        if (_isStirred)
        {
            _isResting = 0;
            return false;
        }

        return true;
    }
}
