namespace Shoal.Engine;

/// <summary>One link's place in the line of a <see cref="RateGate"/> tree, for one direction; reused.</summary>
/// <param name="onGranted">Called on a pool thread with the bytes granted.</param>
internal sealed class RateTurn(Action<int> onGranted) : IThreadPoolWorkItem
{
    internal readonly LinkedListNode<RateTurn> Node = new(null!);

    internal RateGate? Gate { get; set; }

    internal int Wanted { get; set; }

    internal int Granted { get; set; }

    void IThreadPoolWorkItem.Execute() => onGranted(Granted);
}

/// <summary>The line in front of a tree of gates, and the timer that serves it. Idle while nobody waits.</summary>
internal sealed class RateQueue(TimeProvider time)
{
    // A timer cannot be much finer, and earlier calls would find the buckets still empty.
    private static readonly TimeSpan MinWait = TimeSpan.FromMilliseconds(1);

    private readonly LinkedList<RateTurn> _line = new();
    private ITimer? _timer;

    public Lock Lock { get; } = new();

    public TimeProvider Time => time;

    public int Enter(RateTurn turn, RateGate gate, int wanted)
    {
        lock (Lock)
        {
            turn.Gate = gate;
            turn.Wanted = wanted;
            turn.Granted = 0;
            turn.Node.Value = turn;
            _line.AddLast(turn.Node);
            ServeLine(self: turn);
            return turn.Granted;
        }
    }

    public bool Leave(RateTurn turn)
    {
        lock (Lock)
        {
            if (turn.Node.List is null)
            {
                return false;
            }

            _line.Remove(turn.Node);
            return true;
        }
    }

    /// <summary>Grants what can be granted.</summary>
    public void Serve()
    {
        lock (Lock)
        {
            ServeLine(self: null);
        }
    }

    private void ServeLine(RateTurn? self)
    {
        if (_line.Count == 0)
        {
            return;
        }

        var now = time.GetTimestamp();
        var soonest = double.MaxValue;
        for (var node = _line.First; node is not null; )
        {
            var next = node.Next;
            var turn = node.Value;
            turn.Granted = turn.Gate!.TryGrant(now, turn.Wanted, out var wait);
            if (turn.Granted > 0)
            {
                _line.Remove(node);
                if (turn != self)
                {
                    ThreadPool.UnsafeQueueUserWorkItem(turn, preferLocal: false);
                }
            }
            else
            {
                soonest = Math.Min(soonest, wait);
            }

            node = next;
        }

        if (_line.Count > 0)
        {
            // Rounded up: the bucket is to hold something by then.
            var due = TimeSpan.FromMilliseconds(Math.Ceiling(Math.Min(soonest, 60) * 1000 + 0.5));
            _timer ??= time.CreateTimer(
                static queue => ((RateQueue)queue!).Serve(),
                this,
                Timeout.InfiniteTimeSpan,
                Timeout.InfiniteTimeSpan
            );
            _timer.Change(due < MinWait ? MinWait : due, Timeout.InfiniteTimeSpan);
        }
    }
}
