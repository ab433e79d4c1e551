namespace Shoal.Engine;

/// <summary>
/// One of the engine's disk workers. A piece always comes to the same shard, so what is known of a piece has one
/// thread, while several pieces are hashed on several cores. This part: the queue and the round.
/// </summary>
/// <remarks>
/// Work is done in rounds: some requests are taken from the queue, carried out, then what is due is written, then
/// answers are posted, one batch a torrent. Blocks wait in memory at most <see cref="DiskLimits.FlushDelay"/>
/// for their neighbours, so that a kill loses next to nothing.
/// </remarks>
internal sealed partial class DiskShard
{
    private readonly bool _hasThread;
    private readonly int _number;
    private readonly DiskWorkersOptions _options;
    private readonly TimeProvider _time;
    private readonly DiskTimes _times;
    private readonly object _gate = new();
    private readonly HashSet<ShardTorrent> _touched = [];
    private readonly HashSet<ShardTorrent> _failed = [];
    private List<Item> _incoming = [];
    private List<Item> _working = [];
    private bool _isStopping;
    private bool _isAsleep;
    private bool _isWoken;

    public DiskShard(int number, DiskWorkersOptions options, DiskTimes times)
    {
        _times = times;
        _hasThread = options.UseThreads;
        _number = number;
        _options = options;
        _time = options.Time;
        _heldBudget = Math.Max(
            DiskLimits.MinHeldPerShard,
            (int)(options.WriteCacheBytes / BlockBuffer.Capacity / (2 * options.Workers))
        );
    }

    /// <summary>Takes one request; never waits for the disk.</summary>
    public void Enqueue(TorrentDisk torrent, ReadOnlySpan<DiskRequest> requests)
    {
        lock (_gate)
        {
            foreach (ref readonly var request in requests)
            {
                _incoming.Add(new Item(torrent, request, null));
            }

            Signal();
        }
    }

    /// <summary>Runs an action on the shard's thread, after everything that was enqueued before.</summary>
    public void Enqueue(TorrentDisk torrent, Action<ShardTorrent> action)
    {
        lock (_gate)
        {
            _incoming.Add(new Item(torrent, default, action));
            Signal();
        }
    }

    /// <summary>Looks at the queue again though nothing was added: buffers came back.</summary>
    public void Wake()
    {
        lock (_gate)
        {
            _isWoken = true;
            Signal();
        }
    }

    public void Stop()
    {
        lock (_gate)
        {
            _isStopping = true;
            Signal();
        }
    }

    /// <summary>The life of the shard's thread: ends after <see cref="Stop"/> when nothing is queued.</summary>
    public void Run()
    {
        while (true)
        {
            lock (_gate)
            {
                while (_incoming.Count == 0 && !_isWoken)
                {
                    if (_isStopping)
                    {
                        return;
                    }

                    var wait = UntilDue();
                    if (wait == TimeSpan.Zero)
                    {
                        break;
                    }

                    _isAsleep = true;
                    Monitor.Wait(_gate, wait);
                    _isAsleep = false;
                }
            }

            Process();
        }
    }

    /// <summary>Does all that is queued or due now. Called by <see cref="Run"/>, or by tests without threads.</summary>
    public void Process()
    {
        lock (_gate)
        {
            (_incoming, _working) = (_working, _incoming);
            _isWoken = false;
        }

        var items = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_working);
        do
        {
            var round = items[..Math.Min(items.Length, DiskLimits.RequestsPerRound)];
            items = items[round.Length..];
            foreach (ref readonly var item in round)
            {
                try
                {
                    Take(item);
                }
                catch (Exception bug) when (_hasThread)
                {
                    // A bug stops the torrent it met, not the thread that serves them all. Who pumps by hand sees it.
                    item.Torrent.ReportBug(bug);
                }
            }

            ServeReads();
            FlushDue();
            RetryFailed();
            FinishRound();
        } while (!items.IsEmpty);

        _working.Clear();
    }

    private void Take(in Item item)
    {
        var torrent = item.Torrent.At(_number);
        _touched.Add(torrent);
        if (item.Action is { } action)
        {
            Guard(torrent, action);
            return;
        }

        if (torrent.IsClosed)
        {
            item.Request.Buffer?.Release();
            return;
        }

        if (torrent.IsFrozen)
        {
            torrent.Deferred.Add(item.Request);
            return;
        }

        Carry(torrent, item.Request);
    }

    private void Carry(ShardTorrent torrent, in DiskRequest request)
    {
        switch (request.Kind)
        {
            case DiskRequestKind.WriteBlock:
                WriteBlock(torrent, request);
                break;
            case DiskRequestKind.ReadBlock:
                _reads.Add((torrent, request));
                break;
            case DiskRequestKind.HashPiece:
                HashPiece(torrent, request.Piece, withLeaves: request.Length == 1);
                break;
            case DiskRequestKind.CopyPiece:
                CopyPiece(torrent, request);
                break;
            case DiskRequestKind.WatchPiece:
                Watch(torrent, request.Piece);
                break;
            case DiskRequestKind.DiscardBlock:
                DiscardBlock(torrent, request.Piece, request.Begin);
                break;
            case DiskRequestKind.CommitPiece:
                Commit(torrent, request.Piece);
                break;
            case DiskRequestKind.DiscardPiece:
                Discard(torrent, request.Piece);
                break;
        }
    }

    private static void Guard(ShardTorrent torrent, Action<ShardTorrent> action)
    {
        try
        {
            action(torrent);
        }
        catch (Exception e) when (StorageException.IsExpected(e))
        {
            torrent.Fail(StorageException.From(e, "cannot use", torrent.Disk.Storage.Root).Failure);
        }
    }

    /// <summary>Writes what is held and leaves the torrent's files alone from now on. On the shard's thread.</summary>
    public void Freeze(ShardTorrent torrent)
    {
        foreach (var piece in torrent.Pieces.Values)
        {
            Flush(torrent, piece, releaseAll: false);
        }

        torrent.IsFrozen = true;
    }

    /// <summary>Carries out what came while the torrent was frozen. On the shard's thread.</summary>
    public void Thaw(ShardTorrent torrent)
    {
        torrent.IsFrozen = false;
        foreach (var piece in torrent.Pieces.Values)
        {
            Queue(torrent, piece);
        }

        foreach (var request in torrent.Deferred)
        {
            Carry(torrent, request);
        }

        torrent.Deferred.Clear();
    }

    /// <summary>Writes what can be written, gives all memory back and takes nothing more. On the shard's thread.</summary>
    public void Close(ShardTorrent torrent)
    {
        torrent.IsFrozen = false;
        foreach (var request in torrent.Deferred)
        {
            request.Buffer?.Release();
        }

        torrent.Deferred.Clear();
        torrent.StuckCopies.Clear();
        _reads.RemoveAll(read => read.Torrent == torrent);
        foreach (var piece in torrent.Pieces.Values.ToArray())
        {
            Flush(torrent, piece, releaseAll: true);
            var isWritten = torrent.Record.Blocks.ContainsKey(piece.Index.Value);
            Close(torrent, piece);
            if (isWritten)
            {
                torrent.Record.Blocks[piece.Index.Value] = piece;
            }
        }

        _failed.Remove(torrent);
        torrent.IsClosed = true;
    }

    private void FinishRound()
    {
        foreach (var torrent in _touched)
        {
            try
            {
                torrent.Disk.FinishRound(torrent);
            }
            catch (Exception bug) when (_hasThread)
            {
                torrent.Disk.ReportBug(bug);
            }
        }

        if (_reads.Count == 0 && _dirty.Count == 0 && _active.Count == 0 && _failed.Count == 0)
        {
            // Nothing here names any of them any more.
            foreach (var torrent in _touched)
            {
                if (torrent.IsBlank)
                {
                    torrent.Disk.Forget(torrent);
                }
            }
        }

        _touched.Clear();
    }

    // Under the gate.
    private void Signal()
    {
        if (_isAsleep)
        {
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Time until something must be done though no request comes; zero: now.</summary>
    private TimeSpan UntilDue()
    {
        var wait = Timeout.InfiniteTimeSpan;
        if (_dirty.TryPeek(out var dirty))
        {
            wait = Left(dirty.Piece.DirtySince, DiskLimits.FlushDelay);
        }

        foreach (var torrent in _failed)
        {
            if (torrent.IsFrozen)
            {
                continue; // Its thaw is a request of its own.
            }

            var left = Left(torrent.FailedAt, DiskLimits.RetryDelay);
            wait = wait == Timeout.InfiniteTimeSpan || left < wait ? left : wait;
        }

        return wait;
    }

    private TimeSpan Left(long since, TimeSpan delay)
    {
        var left = delay - _time.GetElapsedTime(since);
        return left <= TimeSpan.Zero ? TimeSpan.Zero
            // Monitor waits in whole milliseconds: never round down to a busy loop.
            : left < TimeSpan.FromMilliseconds(1) ? TimeSpan.FromMilliseconds(1)
            : left;
    }

    private readonly record struct Item(TorrentDisk Torrent, DiskRequest Request, Action<ShardTorrent>? Action);
}
