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

/// <summary>What waits of one branch of a tree, which is a torrent, in order.</summary>
internal sealed class RateBranch
{
    internal LinkedList<RateTurn> Line { get; } = new();

    /// <summary>Bytes it got, not less than what others had when it came to wait.</summary>
    internal double Served { get; set; }

    /// <summary>Nothing of it can be granted now.</summary>
    internal bool IsStuck { get; set; }
}

/// <summary>
/// The lines in front of a tree of gates, one for each branch, and the timer that serves them. Idle while nobody waits.
/// </summary>
/// <remarks>
/// Next is the branch that got least, so torrents share the limit of all of them equally, however many peers each has.
/// Whoever waited is called by the timer only, never by another link that happens to come by: so there is no
/// recursion from link to link, and the order depends on nothing but the clock.
/// </remarks>
internal sealed class RateQueue(RateGate top, TimeProvider time)
{
    // Branches of which somebody waits.
    private readonly List<RateBranch> _branches = [];
    private List<RateTurn> _ready = [];
    private List<RateTurn>? _spare;
    private double _floor;
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
            if (gate.Branch.Line.Count == 0)
            {
                gate.Branch.Served = Math.Max(gate.Branch.Served, _floor);
                _branches.Add(gate.Branch);
            }

            gate.Branch.Line.AddLast(turn.Node);
            ServeLines(turn);
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

            Remove(turn);
            if (_branches.Count == 0 && _ready.Count == 0)
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
            ServeLines(caller: null);
        }
    }

    private void OnTimer()
    {
        List<RateTurn> called;
        lock (Lock)
        {
            var wait = GrantLines(caller: null);
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

    private void ServeLines(RateTurn? caller)
    {
        if (_branches.Count > 0)
        {
            SetTimerFor(GrantLines(caller));
        }
    }

    /// <summary>Grants what can be granted; returns the seconds until more can be.</summary>
    private double GrantLines(RateTurn? caller)
    {
        var now = time.GetTimestamp();
        var soonest = double.MaxValue;
        foreach (var branch in _branches)
        {
            branch.IsStuck = false;
        }

        while (PoorestBranch() is { } branch)
        {
            // What all of them share is used up: no need to ask each.
            if (top.IsEmpty(now, out var wait))
            {
                return wait;
            }

            if (GrantFirst(branch, now, ref soonest) is not { } turn)
            {
                branch.IsStuck = true;
            }
            else if (turn != caller)
            {
                _ready.Add(turn);
            }
        }

        return soonest;
    }

    private RateBranch? PoorestBranch()
    {
        RateBranch? poorest = null;
        foreach (var branch in _branches)
        {
            if (!branch.IsStuck && (poorest is null || branch.Served < poorest.Served))
            {
                poorest = branch;
            }
        }

        return poorest;
    }

    /// <summary>The first of the line whose own gates have something for it.</summary>
    private RateTurn? GrantFirst(RateBranch branch, long now, ref double soonest)
    {
        for (var node = branch.Line.First; node is not null; node = node.Next)
        {
            var turn = node.Value;
            turn.Granted = turn.Gate!.TryGrant(now, turn.Wanted, out var wait);
            if (turn.Granted > 0)
            {
                _floor = Math.Max(_floor, branch.Served);
                branch.Served += turn.Granted;
                Remove(turn);
                return turn;
            }

            soonest = Math.Min(soonest, wait);
        }

        return null;
    }

    private void Remove(RateTurn turn)
    {
        var branch = turn.Gate!.Branch;
        branch.Line.Remove(turn.Node);
        if (branch.Line.Count == 0)
        {
            _branches.Remove(branch);
        }
    }

    private void SetTimerFor(double wait)
    {
        if (_ready.Count > 0)
        {
            SetTimer(TimeSpan.Zero);
        }
        else if (_branches.Count > 0)
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
