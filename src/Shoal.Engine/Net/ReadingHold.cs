namespace Shoal.Engine;

/// <summary>
/// Lets the swarm keep a link from reading on: what the peer has sent waits in the socket then, and TCP or uTP slows it
/// down. Safe from any thread; one loop waits.
/// </summary>
internal sealed class ReadingHold(CancellationToken closing)
{
    private readonly Lock _lock = new();
    private readonly AsyncSignal _ended = new();
    private bool _isHeld;
    private bool _isAwaited;

    public bool IsHeld
    {
        get
        {
            lock (_lock)
            {
                return _isHeld;
            }
        }
    }

    public void Begin()
    {
        lock (_lock)
        {
            _isHeld = true;
        }
    }

    /// <summary>Also to be called when the link closes, after its token has been cancelled.</summary>
    public void End()
    {
        lock (_lock)
        {
            _isHeld = false;
            if (!_isAwaited)
            {
                return;
            }

            _isAwaited = false;
        }

        // Whoever ends it is the swarm's loop, which has other things to do than to read.
        _ended.SetOnPool();
    }

    /// <summary>Returns at once when nothing holds the link, or it closes.</summary>
    public ValueTask WaitAsync()
    {
        lock (_lock)
        {
            if (!_isHeld || closing.IsCancellationRequested)
            {
                return ValueTask.CompletedTask;
            }

            _isAwaited = true;
            return _ended.Arm();
        }
    }
}
