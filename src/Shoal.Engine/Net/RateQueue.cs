namespace Shoal.Engine;

/// <summary>One link's place in the line of a <see cref="RateGate"/> tree, for one direction; reused.</summary>
/// <param name="onGranted">Called on the timer's thread with the bytes granted.</param>
internal sealed class RateTurn(Action<int> onGranted)
{
    internal readonly LinkedListNode<RateTurn> Node = new(null!);

    internal RateGate? Gate { get; set; }

    internal int Wanted { get; set; }

    internal int Granted { get; set; }

    internal void Call() => onGranted(Granted);
}

/// <summary>The line in front of a tree of gates, and the timer that serves it. Idle while nobody waits.</summary>
/// <remarks>
/// Whoever waited is called by the timer only, never by another link that happens to come by: so there is no
/// recursion from link to link, and the order depends on nothing but the clock.
/// </remarks>
internal sealed class RateQueue(TimeProvider time)
{
    private readonly LinkedList<RateTurn> _line = new();
    private List<RateTurn> _ready = [];
    private List<RateTurn>? _spare;
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
            ServeLine(turn);
            return turn.Granted;
        }
    }

    /// <summary>False if the turn is not in the line.</summary>
    public bool Leave(RateTurn turn)
    {
        lock (Lock)
        {
            if (turn.Node.List is null)
            {
                return false;
            }

            _line.Remove(turn.Node);
            if (_line.Count == 0 && _ready.Count == 0)
            {
                SetTimer(Timeout.InfiniteTimeSpan);
            }

            return true;
        }
    }

    /// <summary>Grants what can be granted, after something has changed.</summary>
    public void Serve()
    {
        lock (Lock)
        {
            ServeLine(caller: null);
        }
    }

    private void OnTimer()
    {
        List<RateTurn> called;
        lock (Lock)
        {
            var wait = GrantLine(caller: null);
            // Two lists take turns; if the timer fires again while one is being called, there is a third.
            called = _ready;
            _ready = _spare ?? [];
            _spare = null;
            SetTimerFor(wait);
        }

        foreach (var turn in called)
        {
            turn.Call();
        }

        called.Clear();
        lock (Lock)
        {
            _spare = called;
        }
    }

    private void ServeLine(RateTurn? caller)
    {
        if (_line.Count > 0)
        {
            SetTimerFor(GrantLine(caller));
        }
    }

    /// <summary>Grants what can be granted, in order; returns the seconds until more can be.</summary>
    private double GrantLine(RateTurn? caller)
    {
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
                if (turn != caller)
                {
                    _ready.Add(turn);
                }
            }
            else
            {
                soonest = Math.Min(soonest, wait);
            }

            node = next;
        }

        return soonest;
    }

    private void SetTimerFor(double wait)
    {
        if (_ready.Count > 0)
        {
            SetTimer(TimeSpan.Zero);
        }
        else if (_line.Count > 0)
        {
            // Rounded up, and a little more: the bucket is to hold something by then.
            SetTimer(TimeSpan.FromMilliseconds(Math.Ceiling(Math.Min(wait, 60) * 1000 + 0.5)));
        }
    }

    private void SetTimer(TimeSpan due)
    {
        _timer ??= time.CreateTimer(
            static queue => ((RateQueue)queue!).OnTimer(),
            this,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan
        );
        _timer.Change(due, Timeout.InfiniteTimeSpan);
    }
}
