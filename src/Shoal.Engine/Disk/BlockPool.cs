using System.Diagnostics.CodeAnalysis;

namespace Shoal.Engine;

/// <summary>
/// The bounded supply of <see cref="BlockBuffer"/>s, and with it the backpressure of a direction: a link takes
/// payload off its socket only into a buffer it could rent, so a slow disk closes the TCP window instead of
/// filling memory.
/// </summary>
internal sealed class BlockPool
{
    private const int BlocksPerSlab = 64;

    private readonly Lock _lock = new();
    private readonly Stack<BlockBuffer> _free = new();
    private readonly Queue<TaskCompletionSource> _waiters = new();
    private int _created;

    /// <param name="limit">Most buffers in existence at once; memory is taken from the system in 1 MiB slabs as needed.</param>
    public BlockPool(int limit)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        Limit = limit;
    }

    public int Limit { get; }

    /// <summary>Buffers that somebody owns now. Tests assert that it ends at zero.</summary>
    public int Leased { get; private set; }

    public bool TryRent([NotNullWhen(true)] out BlockBuffer? buffer)
    {
        lock (_lock)
        {
            if (_free.Count == 0)
            {
                AddSlab();
            }

            if (!_free.TryPop(out buffer))
            {
                return false;
            }

            Leased++;
            buffer.MarkLeased();
            return true;
        }
    }

    /// <summary>
    /// Completes when a buffer may have become free; the caller then tries <see cref="TryRent"/> again. Waiters
    /// are woken in the order they came, one for each buffer returned; who is woken must try, or another would
    /// miss what was meant for it.
    /// </summary>
    public Task WhenAvailable(CancellationToken cancellation)
    {
        TaskCompletionSource waiter;
        lock (_lock)
        {
            if (_free.Count > 0 || _created < Limit)
            {
                return Task.CompletedTask;
            }

            waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Enqueue(waiter);
        }

        return WaitAsync(waiter, cancellation);
    }

    internal void Return(BlockBuffer buffer)
    {
        lock (_lock)
        {
            Leased--;
            _free.Push(buffer);
            // A waiter that was cancelled is passed over: it will not take the buffer, and the next one may wait
            // for ever if this is the last to be returned.
            while (_waiters.TryDequeue(out var waiter) && !waiter.TrySetResult()) { }
        }
    }

    private static async Task WaitAsync(TaskCompletionSource waiter, CancellationToken cancellation)
    {
        using var registration = cancellation.UnsafeRegister(
            static (source, token) => ((TaskCompletionSource)source!).TrySetCanceled(token),
            waiter
        );
        await waiter.Task.ConfigureAwait(false);
    }

    private void AddSlab()
    {
        var count = Math.Min(BlocksPerSlab, Limit - _created);
        if (count <= 0)
        {
            return;
        }

        Memory<byte> slab = PageMemory.Allocate(count * BlockBuffer.Capacity);
        for (var i = count - 1; i >= 0; i--)
        {
            _free.Push(new BlockBuffer(this, slab.Slice(i * BlockBuffer.Capacity, BlockBuffer.Capacity)));
        }

        _created += count;
    }
}
