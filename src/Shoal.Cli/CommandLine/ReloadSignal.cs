namespace Shoal.Cli;

/// <summary>
/// SIGHUP, for who reads something again because of it; without such a listener it means the end. Safe to use from any
/// thread.
/// </summary>
internal sealed class ReloadSignal
{
    private readonly Lock _lock = new();
    private Action? _listener;

    /// <summary>From now on, until the result is disposed of. One listener at a time.</summary>
    /// <param name="onReload">Quick.</param>
    public IDisposable Listen(Action onReload)
    {
        lock (_lock)
        {
            _listener = onReload;
        }

        return new Listening(this);
    }

    /// <summary>False: nobody listens.</summary>
    public bool TryRaise()
    {
        lock (_lock)
        {
            _listener?.Invoke();
            return _listener is not null;
        }
    }

    private sealed class Listening(ReloadSignal signal) : IDisposable
    {
        public void Dispose()
        {
            lock (signal._lock)
            {
                signal._listener = null;
            }
        }
    }
}
