namespace Shoal.Engine;

/// <summary>Runs the <see cref="DialQueue"/> of the engine: starts calls as their turn comes.</summary>
internal sealed class Dialling(DialQueue queue, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly long _epoch = time.GetTimestamp();
    private readonly Dictionary<TorrentShare, Func<DialWish, bool>> _callers = [];
    private bool _isPumping;
    private bool _mustPumpAgain;

    /// <param name="share">The torrent.</param>
    /// <param name="call">
    /// Starts a call, whose end is told by <see cref="Ended"/>; false: it came to nothing at once. Must not wait.
    /// </param>
    public void Join(TorrentShare share, Func<DialWish, bool> call)
    {
        lock (_lock)
        {
            _callers.Add(share, call);
        }
    }

    public void Leave(TorrentShare share)
    {
        lock (_lock)
        {
            _callers.Remove(share);
            queue.Drop(share);
        }
    }

    public void Ask(TorrentShare share, DialWish wish)
    {
        lock (_lock)
        {
            if (!_callers.ContainsKey(share))
            {
                return;
            }

            queue.Add(share, wish);
        }

        Pump();
    }

    /// <summary>What the torrent asked for and was not begun is not wanted any more.</summary>
    public void Drop(TorrentShare share)
    {
        lock (_lock)
        {
            queue.Drop(share);
        }
    }

    /// <param name="wish">As it was given to the caller.</param>
    public void Ended(DialWish wish)
    {
        lock (_lock)
        {
            queue.Ended(wish);
        }

        Pump();
    }

    /// <summary>Starts what may start. Called at each change, and a few times a second since time brings new turns.</summary>
    public void Pump()
    {
        lock (_lock)
        {
            // A call that begins may make a torrent ask for another: one pump at a time, however that comes about.
            _mustPumpAgain = true;
            if (_isPumping)
            {
                return;
            }

            _isPumping = true;
        }

        while (TryTurn(out var call, out var wish))
        {
            if (!call(wish))
            {
                lock (_lock)
                {
                    queue.Ended(wish);
                }
            }
        }
    }

    private bool TryTurn(out Func<DialWish, bool> call, out DialWish wish)
    {
        lock (_lock)
        {
            while (_mustPumpAgain)
            {
                if (queue.TryNext(time.GetElapsedTime(_epoch), out var share, out wish))
                {
                    call = _callers[share];
                    return true;
                }

                _mustPumpAgain = false;
            }

            _isPumping = false;
            (call, wish) = (null!, default);
            return false;
        }
    }
}
