namespace Shoal.Engine;

// A torrent that has nothing to do rests: it is ticked seldom, until something happens.
internal sealed partial class TorrentRunner
{
    /// <summary>5 seconds without peers and without news. What is due at the start (the DHT, trackers) has begun by then.</summary>
    private const int TicksBeforeRest = 50;

    /// <summary>The same where no peer is known: what is due later has a time.</summary>
    private const int TicksBeforeSleep = 3;

    private volatile bool _isStirred = true;
    private volatile int _isResting;
    private int _quietTicks;

    void ISwarmOwner.Stirred() => Stir();

    private void Stir()
    {
        if (!_isStirred)
        {
            _isStirred = true;
        }

        // Either we see that it rests, or TryRest sees that it was stirred.
        Interlocked.MemoryBarrier();
        if (_isResting != 0 && EndRest())
        {
            _services.Rota.Wake(this);
        }
    }

    /// <summary>Tells those who have seen it rest.</summary>
    /// <returns>Whether it did.</returns>
    private bool EndRest()
    {
        if (Interlocked.Exchange(ref _isResting, 0) == 0)
        {
            return false;
        }

        _services.RestEnded?.Invoke(Torrent);
        return true;
    }

    /// <summary>See <see cref="Torrent.IsAtRest"/>.</summary>
    public bool IsAtRest => _isResting != 0;

    /// <summary>At the end of each tick. To who sleeps time brings nothing but what the DHT has to hear.</summary>
    private TickWish NextTick() =>
        !TryRest() ? TickWish.Next
        : !_loop.IsAsleep ? TickWish.Seldom
        : TickWish.After(_sources.NextWait);

    /// <summary>Whether the next tick can wait.</summary>
    private bool TryRest()
    {
        if (_isStirred || !_loop.IsQuiet)
        {
            _isStirred = false;
            _quietTicks = 0;
            EndRest();
            return false;
        }

        if (_isResting != 0)
        {
            return true;
        }

        if (++_quietTicks < (_loop.IsAsleep ? TicksBeforeSleep : TicksBeforeRest))
        {
            return false;
        }

        // Nothing of it changes while it rests.
        SaveWhatIsKnown();
        Interlocked.Exchange(ref _isResting, 1);
        if (_isStirred)
        {
            EndRest();
            return false;
        }

        return true;
    }
}
