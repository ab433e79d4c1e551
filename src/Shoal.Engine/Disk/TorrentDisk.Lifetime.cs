using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>Opening, closing, and everything that changes where files lie.</summary>
internal sealed partial class TorrentDisk
{
    // One administrative operation at a time.
    private readonly SemaphoreSlim _admin = new(1);
    private bool _isClosed;

    /// <summary>Joins the workers and finds out what is on disk.</summary>
    /// <param name="sink">See <see cref="DiskEventSink"/>.</param>
    /// <returns>The disk, and what can be relied on, for <see cref="SwarmEventKind.ResumeLoaded"/>.</returns>
    /// <exception cref="StorageException">The save or state directory cannot be used at all.</exception>
    public static Task<(TorrentDisk Disk, ResumeState Resume)> OpenAsync(
        DiskWorkers workers,
        Metainfo metainfo,
        TorrentDiskOptions options,
        DiskEventSink sink
    ) => Task.Run(() => Open(workers, metainfo, options, sink));

    /// <summary>As <see cref="OpenAsync"/>, on the caller's thread.</summary>
    public static (TorrentDisk Disk, ResumeState Resume) Open(
        DiskWorkers workers,
        Metainfo metainfo,
        TorrentDiskOptions options,
        DiskEventSink sink
    )
    {
        var storage = new FileStorage(
            workers.Options.FileSystem,
            workers.Handles,
            metainfo,
            options.SaveDirectory,
            options.Preallocate
        );
        var disk = new TorrentDisk(workers, metainfo, storage, sink);
        var resume = disk.LookAtFiles(options);
        disk.PrepareFiles(options);
        return (disk, resume);
    }

    /// <summary>
    /// Says which files are wanted: unwanted ones that do not exist are not made; what the part file holds of
    /// files now wanted moves over.
    /// </summary>
    public Task SetFilePriorities(IReadOnlyList<FilePriority> priorities) =>
        Exclusively(() =>
        {
            Storage.SetPriorities(priorities);
            Storage.CreateEmpty(priorities);
        });

    /// <summary>
    /// Moves the content to another folder while it stays in use. On the same device that is renaming; otherwise
    /// files are copied while the torrent goes on, and only what changed meanwhile while it waits.
    /// </summary>
    /// <exception cref="StorageException">It failed; the content is where it was.</exception>
    public async Task MoveAsync(string directory, CancellationToken cancellation)
    {
        var target = Path.GetFullPath(directory);
        if (target == Storage.Root)
        {
            return;
        }

        var isMoved = false;
        await Exclusively(() => isMoved = Storage.TryMoveTo(target)).ConfigureAwait(false);
        if (isMoved)
        {
            return;
        }

        try
        {
            var copied = await Task.Run(() => Storage.CopyTo(target, cancellation), cancellation).ConfigureAwait(false);
            await Exclusively(() => Storage.FinishMove(target, copied, cancellation)).ConfigureAwait(false);
        }
        catch when (Storage.Root != target)
        {
            await Task.Run(() => Storage.DeleteCopies(target), CancellationToken.None).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Gives a file another path below the save directory.</summary>
    /// <param name="path">With '/' between elements; made safe by the caller as metainfo paths are.</param>
    /// <exception cref="StorageException">It failed; the file has its old name.</exception>
    public Task RenameFileAsync(int file, string path) => Exclusively(() => Storage.Rename(file, path));

    /// <summary>Ends this disk and deletes the torrent's files, but not what others put beside them.</summary>
    public async Task DeleteAsync()
    {
        await CloseAsync().ConfigureAwait(false);
        await Task.Run(Storage.DeleteFiles).ConfigureAwait(false);
    }

    /// <summary>Writes what is held in memory and makes all of it durable.</summary>
    public async Task FlushAsync()
    {
        await OnEachShard(
                (shard, torrent) =>
                {
                    shard.Freeze(torrent);
                    shard.Thaw(torrent);
                }
            )
            .ConfigureAwait(false);
        await Task.Run(Checkpoint).ConfigureAwait(false);
    }

    /// <summary>Writes what is held, makes it durable, and leaves the workers.</summary>
    public async ValueTask DisposeAsync()
    {
        await CloseAsync().ConfigureAwait(false);
        _admin.Dispose();
    }

    /// <summary>Makes durable what was written since the last time. Blocks for as long as the disk takes.</summary>
    internal void Checkpoint() { }

    private async Task CloseAsync()
    {
        if (_isClosed)
        {
            return;
        }

        await _admin.WaitAsync().ConfigureAwait(false);
        try
        {
            _isClosed = true;
            await OnEachShard((shard, torrent) => shard.Close(torrent)).ConfigureAwait(false);
            await Task.Run(Checkpoint).ConfigureAwait(false);
            _workers.Leave(this);
            _workers.Handles.CloseAll(Storage);
        }
        finally
        {
            _admin.Release();
        }
    }

    /// <summary>Without a journal: whatever is there may be good.</summary>
    private ResumeState LookAtFiles(TorrentDiskOptions options)
    {
        var have = new Bitfield(Layout.PieceCount);
        var check = new Bitfield(Layout.PieceCount);
        if (options.AssumeComplete)
        {
            have.SetAll();
            return new ResumeState { Have = have, Check = check };
        }

        foreach (var file in Storage.Map.Stored)
        {
            if (Storage.StampOf(file) is { Size: > 0 } stamp)
            {
                var entry = Metainfo.Files[file];
                var last = Layout.PieceAt(entry.Offset + Math.Min(stamp.Size, entry.Size) - 1).Value;
                for (var piece = Layout.PieceAt(entry.Offset).Value; piece <= last; piece++)
                {
                    check.Set(piece);
                }
            }
        }

        return new ResumeState { Have = have, Check = check };
    }

    private void PrepareFiles(TorrentDiskOptions options)
    {
        try
        {
            if (options.Priorities is { } priorities)
            {
                Storage.SetPriorities(priorities);
            }

            if (options.CreateEmptyFiles && !options.AssumeComplete)
            {
                Storage.CreateEmpty(options.Priorities);
            }
        }
        catch (Exception e) when (StorageException.IsExpected(e))
        {
            var failure = StorageException.From(e, "cannot use", Storage.Root).Failure;
            _sink([new SwarmEvent(SwarmEventKind.DiskFailed, Payload: failure)]);
        }
    }

    /// <summary>Runs an action while no shard touches the torrent's files; requests wait meanwhile.</summary>
    private async Task Exclusively(Action action)
    {
        await _admin.WaitAsync().ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            await OnEachShard((shard, torrent) => shard.Freeze(torrent)).ConfigureAwait(false);
            try
            {
                await Task.Run(action).ConfigureAwait(false);
            }
            finally
            {
                await OnEachShard((shard, torrent) => shard.Thaw(torrent)).ConfigureAwait(false);
            }
        }
        finally
        {
            _admin.Release();
        }
    }

    private Task OnEachShard(Action<DiskShard, ShardTorrent> action)
    {
        var shards = _workers.Shards;
        var done = new Task[shards.Length];
        for (var i = 0; i < shards.Length; i++)
        {
            var shard = shards[i];
            var source = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            done[i] = source.Task;
            shard.Enqueue(
                this,
                torrent =>
                {
                    action(shard, torrent);
                    torrent.AfterRound.Add(source);
                }
            );
        }

        return Task.WhenAll(done);
    }
}
