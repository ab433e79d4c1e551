using System.Threading.Tasks.Sources;

namespace Shoal.Engine;

/// <summary>
/// Wakes one waiting loop, again and again, without allocating. The owner's lock decides who may call what:
/// <see cref="Arm"/> and then exactly one <see cref="Set"/> for each wait.
/// </summary>
internal sealed class AsyncSignal : IValueTaskSource, IThreadPoolWorkItem
{
    private ManualResetValueTaskSourceCore<bool> _core;

    /// <summary>Starts a new wait.</summary>
    public ValueTask Arm()
    {
        _core.Reset();
        return new ValueTask(this, _core.Version);
    }

    /// <summary>Ends the wait; the waiting loop goes on inside this call.</summary>
    public void Set() => _core.SetResult(true);

    /// <summary>Ends the wait; the waiting loop goes on on a pool thread.</summary>
    public void SetOnPool() => ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);

    void IThreadPoolWorkItem.Execute() => Set();

    void IValueTaskSource.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource.OnCompleted(
        Action<object?> continuation,
        object? state,
        short token,
        ValueTaskSourceOnCompletedFlags flags
    ) => _core.OnCompleted(continuation, state, token, flags);
}
