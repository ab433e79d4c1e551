namespace Shoal.Daemon;

/// <summary>Whether a player is there, may come back, or has been gone so long that it does not.</summary>
internal sealed class PlayerPresence(TimeProvider time)
{
    private readonly Lock _lock = new();
    private int _there;
    private long? _leftAt;

    /// <summary>One came, and none is there any more since <see cref="StreamLimits.AfterPlayer"/>.</summary>
    public bool IsOver
    {
        get
        {
            lock (_lock)
            {
                return _there == 0 && _leftAt is { } at && time.GetElapsedTime(at) >= StreamLimits.AfterPlayer;
            }
        }
    }

    public void Enter()
    {
        lock (_lock)
        {
            _there++;
        }
    }

    public void Leave()
    {
        lock (_lock)
        {
            _there--;
            _leftAt = time.GetTimestamp();
        }
    }
}
