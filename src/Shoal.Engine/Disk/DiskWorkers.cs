namespace Shoal.Engine;

internal sealed record DiskWorkersOptions
{
    /// <summary>Buffers for blocks on their way to peers.</summary>
    public required BlockPool UploadPool { get; init; }

    /// <summary>Memory of the pool that received blocks come in, in bytes; half of it may wait to be written.</summary>
    public long WriteCacheBytes { get; init; } = 32L * 1024 * 1024;

    /// <summary>Threads, from 1. Default: one a processor, at least 2, so that one slow file does not stop all.</summary>
    public int Workers { get; init; } = Math.Max(2, Environment.ProcessorCount);

    /// <summary>Most files open at once.</summary>
    public int MaxOpenFiles { get; init; } = 256;

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public IFileSystem FileSystem { get; init; } = new LocalFileSystem();

    /// <summary>Changes when the machine starts; empty if unknown.</summary>
    public Guid BootId { get; init; } = Machine.BootId;

    /// <summary>Time since the start of the machine.</summary>
    public Func<TimeSpan> Uptime { get; init; } = () => Machine.Uptime;

    /// <summary>False in tests: work is then done by <see cref="DiskWorkers.Pump"/> only.</summary>
    public bool UseThreads { get; init; } = true;
}

/// <summary>
/// The threads that hash, write and read for all torrents, and one that makes durable what they wrote. One of
/// these per engine; torrents join by <see cref="TorrentDisk.OpenAsync"/>.
/// </summary>
internal sealed class DiskWorkers : IDisposable
{
    private readonly DiskShard[] _shards;
    private readonly List<Thread> _threads = [];
    private readonly Lock _lock = new();
    private readonly HashSet<TorrentDisk> _torrents = [];
    private readonly object _checkpointGate = new();
    private int _lastNumber;
    private bool _isStopping;

    public DiskWorkers(DiskWorkersOptions options)
    {
        Options = options;
        Handles = new FileHandleCache(options.MaxOpenFiles);
        _shards = new DiskShard[options.Workers];
        for (var i = 0; i < _shards.Length; i++)
        {
            _shards[i] = new DiskShard(i, options, Times);
        }

        if (options.UseThreads)
        {
            foreach (var shard in _shards)
            {
                Start(shard.Run, "disk");
            }

            Start(RunCheckpoints, "disk checkpoint");
        }
    }

    public DiskWorkersOptions Options { get; }

    public FileHandleCache Handles { get; }

    public DiskTimes Times { get; } = new();

    public ReadOnlySpan<DiskShard> Shards => _shards;

    /// <summary>Without threads: does everything that is queued or due.</summary>
    public void Pump()
    {
        foreach (var shard in _shards)
        {
            shard.Process();
        }
    }

    /// <summary>Stops the threads. Torrents are disposed before.</summary>
    public void Dispose()
    {
        lock (_checkpointGate)
        {
            _isStopping = true;
            Monitor.PulseAll(_checkpointGate);
        }

        foreach (var shard in _shards)
        {
            shard.Stop();
        }

        foreach (var thread in _threads)
        {
            thread.Join();
        }

        Handles.Dispose();
    }

    internal int Join(TorrentDisk torrent)
    {
        lock (_lock)
        {
            _torrents.Add(torrent);
            return ++_lastNumber;
        }
    }

    internal void Leave(TorrentDisk torrent)
    {
        lock (_lock)
        {
            _torrents.Remove(torrent);
        }
    }

    private void Start(ThreadStart work, string name)
    {
        var thread = new Thread(work) { IsBackground = true, Name = name };
        _threads.Add(thread);
        thread.Start();
    }

    private void RunCheckpoints()
    {
        while (true)
        {
            lock (_checkpointGate)
            {
                if (!_isStopping)
                {
                    Monitor.Wait(_checkpointGate, DiskLimits.CheckpointInterval);
                }

                if (_isStopping)
                {
                    return;
                }
            }

            TorrentDisk[] torrents;
            lock (_lock)
            {
                torrents = [.. _torrents];
            }

            foreach (var torrent in torrents)
            {
                try
                {
                    torrent.Checkpoint();
                    torrent.SettleSoon();
                }
                catch (Exception bug)
                {
                    torrent.ReportBug(bug);
                }
            }
        }
    }
}
