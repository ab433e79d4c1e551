namespace Shoal.Engine;

/// <summary>
/// Many writers, one reader: the queue in front of a loop, and the rule that only one thread at a time runs it.
/// </summary>
/// <remarks>
/// The writer that finds the loop idle becomes its reader (<see cref="Write"/> and <see cref="TryWriteOrWait"/>
/// return true in <c>mustRun</c>), so on a quiet machine an event needs no thread hop. While the loop runs,
/// writers only append. Batches alternate between two lists: no allocation per event.
/// </remarks>
internal sealed class EventMailbox<T>(int capacity)
{
    private readonly Lock _lock = new();
    private List<T> _incoming = [];
    private List<T> _taken = [];
    private bool _running;
    private bool _closed;
    private TaskCompletionSource? _room;

    /// <summary>Appends without waiting, beyond the capacity if need be: for writers that are bounded otherwise.</summary>
    /// <returns>False when the mailbox is closed: the caller still owns what the item holds.</returns>
    public bool Write(ReadOnlySpan<T> items, out bool mustRun)
    {
        lock (_lock)
        {
            return Append(items, out mustRun);
        }
    }

    /// <summary>
    /// Appends, or returns a task that completes when there is room and it is worth trying again.
    /// </summary>
    public Task? TryWriteOrWait(ReadOnlySpan<T> items, out bool accepted, out bool mustRun)
    {
        lock (_lock)
        {
            if (_incoming.Count >= capacity && !_closed)
            {
                accepted = false;
                mustRun = false;
                _room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                return _room.Task;
            }

            accepted = Append(items, out mustRun);
            return null;
        }
    }

    /// <summary>
    /// The reader's side: takes everything that has come. Null: nothing left, and the caller is the reader no
    /// more. The list is valid until the next call.
    /// </summary>
    public List<T>? Take()
    {
        TaskCompletionSource? room;
        List<T> result;
        lock (_lock)
        {
            if (_incoming.Count == 0)
            {
                _running = false;
                return null;
            }

            (_incoming, _taken) = (_taken, _incoming);
            _incoming.Clear();
            (room, _room) = (_room, null);
            result = _taken;
        }

        room?.SetResult();
        return result;
    }

    /// <summary>Refuses everything from now on. What was accepted is still delivered.</summary>
    public void Close()
    {
        TaskCompletionSource? room;
        lock (_lock)
        {
            _closed = true;
            (room, _room) = (_room, null);
        }

        room?.SetResult();
    }

    /// <summary>For the reader, while it is that: no memory is kept for what may come.</summary>
    public void Trim()
    {
        lock (_lock)
        {
            _taken.Clear();
            _taken.TrimExcess();
            if (_incoming.Count == 0)
            {
                _incoming.TrimExcess();
            }
        }
    }

    private bool Append(ReadOnlySpan<T> items, out bool mustRun)
    {
        mustRun = false;
        if (_closed)
        {
            return false;
        }

        _incoming.AddRange(items);
        if (!_running && items.Length > 0)
        {
            _running = true;
            mustRun = true;
        }

        return true;
    }
}
