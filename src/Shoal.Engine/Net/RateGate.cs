namespace Shoal.Engine;

/// <summary>
/// A limit on bytes per second, within the limits of its parents: link within torrent within everything. One tree
/// for each direction; counts payload only.
/// </summary>
/// <remarks>
/// Each limited gate has a bucket that fills at its rate. A turn is granted when every bucket on its way up holds
/// something, and then takes its bytes from all of them, below zero if need be: so a block goes out in one
/// piece, and the debt delays the next. Whoever must wait queues in the line of its torrent, in which those
/// whose own buckets are empty are passed over: that makes it fair between the links of a torrent; the torrent that got
/// least is served next. Where nothing is limited, <see cref="IsLimited"/> is all it costs.
/// </remarks>
internal sealed class RateGate
{
    /// <summary>
    /// What a bucket holds at most, in seconds of its rate: bridges late timers, and is the burst after a pause.
    /// </summary>
    private const double BucketSeconds = 0.1;

    // A turn takes at most 20 ms worth, but a block at least, and not more than fills a receive buffer.
    private const double TurnSeconds = 0.02;
    private const int MinTurnBytes = 16 * 1024;
    private const int MaxTurnBytes = 256 * 1024;

    private readonly RateGate? _parent;
    private readonly RateQueue _queue;
    private long _limit;
    private double _tokens;
    private long _filledAt;

    /// <summary>The top of a tree.</summary>
    public RateGate(TimeProvider time, long limit = 0)
    {
        _queue = new RateQueue(this, time);
        Branch = new RateBranch();
        Limit = limit;
    }

    private RateGate(RateGate parent)
    {
        _parent = parent;
        _queue = parent._queue;
        Branch = parent._parent is null ? new RateBranch() : parent.Branch;
    }

    /// <summary>Bytes a second; 0: no limit of its own. May be changed at any time.</summary>
    public long Limit
    {
        get => Volatile.Read(ref _limit);
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            lock (_queue.Lock)
            {
                if (_limit == 0)
                {
                    _filledAt = _queue.Time.GetTimestamp();
                    _tokens = 0;
                }
                else
                {
                    // What has been earned so far was earned at the old rate. A debt stays what it is, but takes no
                    // longer to pay than before.
                    Fill(_queue.Time.GetTimestamp());
                    _tokens =
                        _tokens < 0
                            ? Math.Max(_tokens, _tokens / _limit * value)
                            : Math.Min(_tokens, value * BucketSeconds);
                }

                Volatile.Write(ref _limit, value);
            }

            _queue.Serve();
        }
    }

    /// <summary>Whether this gate or one above it has a limit.</summary>
    public bool IsLimited
    {
        get
        {
            for (var gate = this; gate is not null; gate = gate._parent)
            {
                if (Volatile.Read(ref gate._limit) != 0)
                {
                    return true;
                }
            }

            return false;
        }
    }

    public RateGate CreateChild() => new(this);

    /// <summary>
    /// Asks for bytes. Returns how many are granted now, from 1 to <paramref name="wanted"/>; or 0, and then the
    /// turn's callback is called once, later, by the timer, with that number.
    /// </summary>
    public int Take(RateTurn turn, int wanted)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(wanted, 1);
        return _queue.Enter(turn, this, wanted);
    }

    /// <summary>
    /// Corrects what was taken: gives back bytes that were not used, or (negative) takes what was used beyond.
    /// </summary>
    public void Return(int bytes)
    {
        if (bytes == 0)
        {
            return;
        }

        lock (_queue.Lock)
        {
            Add(bytes);
        }

        if (bytes > 0)
        {
            _queue.Serve();
        }
    }

    /// <summary>Takes the turn out of the line; false if it is not in it, and its callback may be running already.</summary>
    public bool Cancel(RateTurn turn) => _queue.Leave(turn);

    /// <summary>The part of the tree it belongs to: that of a child of the top.</summary>
    internal RateBranch Branch { get; }

    /// <summary>Under the lock: whether this gate alone grants nothing now, and how long it will be so.</summary>
    internal bool IsEmpty(long now, out double waitSeconds)
    {
        waitSeconds = 0;
        if (_limit == 0)
        {
            return false;
        }

        Fill(now);
        waitSeconds = Math.Max(0, -_tokens / _limit);
        return _tokens <= 0;
    }

    /// <summary>Under the lock: grants what is wanted in part or in whole, or says how long to wait at least.</summary>
    internal int TryGrant(long now, int wanted, out double waitSeconds)
    {
        waitSeconds = 0;
        var most = (double)MaxTurnBytes;
        for (var gate = this; gate is not null; gate = gate._parent)
        {
            if (gate._limit == 0)
            {
                continue;
            }

            gate.Fill(now);
            if (gate._tokens <= 0)
            {
                waitSeconds = Math.Max(waitSeconds, -gate._tokens / gate._limit);
                most = 0;
            }

            most = Math.Min(most, Math.Max(MinTurnBytes, gate._limit * TurnSeconds));
        }

        var granted = (int)Math.Min(wanted, most);
        if (granted > 0)
        {
            Add(-granted);
        }

        return granted;
    }

    private void Add(int bytes)
    {
        for (var gate = this; gate is not null; gate = gate._parent)
        {
            if (gate._limit != 0)
            {
                gate._tokens += bytes;
            }
        }
    }

    private void Fill(long now)
    {
        var elapsed = _queue.Time.GetElapsedTime(_filledAt, now).TotalSeconds;
        _filledAt = now;
        if (elapsed > 0)
        {
            _tokens = Math.Min(_tokens + elapsed * _limit, _limit * BucketSeconds);
        }
    }
}
