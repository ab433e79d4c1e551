using Shoal.Api;

namespace Shoal.Daemon;

/// <summary>
/// What happened lately, for any number of readers, each at its own place. A reader that is too slow misses nothing but is
/// told to read everything anew; writers never wait.
/// </summary>
internal sealed class EventFeed
{
    /// <summary>Events kept for readers that come back. Default 4,096: some hours of a quiet daemon.</summary>
    private const int Capacity = 4096;

    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly Queue<DaemonEvent> _events = new();
    private long _lastId;
    private long _revision;
    private TaskCompletionSource _news = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public EventFeed(TimeProvider time)
    {
        _time = time;
        // Grows over restarts, so that a reader of a former run is not taken for one of this.
        FirstId = time.GetUtcNow().ToUnixTimeMilliseconds();
        _lastId = FirstId;
    }

    /// <summary>Told of each event as it is added, within the lock: must not wait.</summary>
    public Action<DaemonEvent> Heard { get; set; } = _ => { };

    /// <summary>Ids of this run come after it.</summary>
    public long FirstId { get; }

    public long LastId
    {
        get
        {
            lock (_lock)
            {
                return _lastId;
            }
        }
    }

    /// <summary>What is still known of what happened, the oldest first.</summary>
    public IReadOnlyList<DaemonEvent> Kept()
    {
        lock (_lock)
        {
            return [.. _events];
        }
    }

    /// <summary>Id and date are filled in.</summary>
    public void Add(DaemonEvent happening)
    {
        lock (_lock)
        {
            var stamped = Stamp(happening);
            _events.Enqueue(stamped);
            Heard(stamped);
            if (_events.Count > Capacity)
            {
                _events.Dequeue();
            }

            Wake();
        }
    }

    /// <summary>The list of torrents is another one. Only the latest counts, so none is kept.</summary>
    public void SetRevision(long revision)
    {
        lock (_lock)
        {
            _revision = revision;
            Wake();
        }
    }

    /// <summary>What comes after an event; waits until there is something.</summary>
    /// <param name="after">Where the reader is; moved on.</param>
    /// <param name="seen">The revision that the reader knows of; moved on.</param>
    /// <param name="cancel">Ends the wait.</param>
    public async Task<(IReadOnlyList<DaemonEvent> Events, long After, long Seen)> ReadAsync(
        long after,
        long seen,
        CancellationToken cancel
    )
    {
        while (true)
        {
            Task news;
            lock (_lock)
            {
                var found = Since(ref after, ref seen);
                if (found.Count > 0)
                {
                    return (found, after, seen);
                }

                news = _news.Task;
            }

            await news.WaitAsync(cancel).ConfigureAwait(false);
        }
    }

    private List<DaemonEvent> Since(ref long after, ref long seen)
    {
        var found = new List<DaemonEvent>();
        var first = _events.TryPeek(out var oldest) ? oldest.Id : _lastId + 1;
        if (after > _lastId || after < first - 1)
        {
            // Of another run, or so long ago that something is missing.
            found.Add(Stamp(new DaemonEvent { Id = 0, Kind = "reset" }, isNew: false));
        }
        else if (after < _lastId)
        {
            var from = after;
            found.AddRange(_events.Where(happening => happening.Id > from));
        }

        if (_revision > seen)
        {
            found.Add(Stamp(new DaemonEvent { Id = 0, Kind = "changed" }, isNew: false));
        }

        after = _lastId;
        seen = _revision;
        return found;
    }

    private DaemonEvent Stamp(DaemonEvent happening, bool isNew = true) =>
        happening with
        {
            Id = isNew ? ++_lastId : _lastId,
            At = _time.GetUtcNow().ToUnixTimeSeconds(),
            Revision = _revision,
        };

    private void Wake()
    {
        _news.TrySetResult();
        _news = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
