using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>Opening, closing, and everything that changes where files lie.</summary>
internal sealed partial class TorrentDisk
{
    // One administrative operation at a time.
    private static readonly IReadOnlyDictionary<int, string> NoNames = new Dictionary<int, string>();

    private readonly SemaphoreSlim _admin = new(1);
    private readonly Lock _placeLock = new();
    private bool _isClosed;
    private IReadOnlyDictionary<int, string> _renamed = NoNames;

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
        var settings = workers.Options;
        var root = RootOf(workers, metainfo, options);
        var journal = OpenJournal(settings, metainfo, root, options);
        var image = journal?.Image ?? new ResumeImage(metainfo.Layout, metainfo.Files.Count);
        var storage = new FileStorage(
            settings.FileSystem,
            workers.Handles,
            metainfo,
            root,
            options.Preallocate,
            image.Renamed
        );
        storage.RestoreKept(image.Kept);
        var disk = new TorrentDisk(workers, metainfo, storage, journal, options.StateDirectory, sink)
        {
            ResumedTotals = image.Totals,
            ResumedPriorities = image.Priorities,
            _contentChanged = options.ContentChanged,
        };
        disk._renamed = image.Renamed.Count == 0 ? NoNames : new Dictionary<int, string>(image.Renamed);
        var resume = disk.Judge(options, image);
        disk.PrepareFiles(options, image);
        if (options.Preallocate)
        {
            disk.Reserve(options.Priorities ?? image.Priorities);
        }

        return (disk, resume with { PieceLayers = disk.LoadPieceLayers() });
    }

    /// <summary>
    /// Says which files are wanted: unwanted ones that do not exist are not made; what the part file holds of
    /// files now wanted moves over.
    /// </summary>
    public Task SetFilePriorities(IReadOnlyList<FilePriority> priorities) =>
        Exclusively(() =>
        {
            ApplyPriorities(priorities);
            Storage.CreateEmpty(priorities);
        });

    /// <summary>Files that have another name than the torrent gives them. Safe from any thread: replaced whole.</summary>
    public IReadOnlyDictionary<int, string> RenamedFiles => Volatile.Read(ref _renamed);

    /// <summary>Gives files other paths below the save directory, one after the other.</summary>
    /// <param name="changes">With '/' between elements.</param>
    /// <exception cref="StorageException">One failed, and keeps its old name, as do those after it.</exception>
    public Task RenameFilesAsync(IReadOnlyDictionary<int, string> changes) =>
        Exclusively(() =>
        {
            if (FileNames.FaultOf(Metainfo, Storage.Renamed, changes) is { } fault)
            {
                throw new StorageException(DiskFailureKind.Denied, fault);
            }

            try
            {
                foreach (var (file, path) in changes)
                {
                    if (FileNames.PathOf(Metainfo, Storage.Renamed, file) != path)
                    {
                        Storage.Rename(file, path);
                        _journal?.SaveRename(file, path);
                    }
                }
            }
            finally
            {
                Volatile.Write(ref _renamed, new Dictionary<int, string>(Storage.Renamed));
            }
        });

    /// <summary>Keeps addresses for the next run.</summary>
    public void SavePeers(IReadOnlyCollection<IPEndPoint> peers) => _journal?.SavePeers(peers);

    /// <summary>Keeps bytes received and sent since the torrent was added.</summary>
    public void SaveTotals(long downloaded, long uploaded) => _journal?.SaveTotals(downloaded, uploaded);

    /// <summary>Ends this disk and deletes the torrent's files, but not what others put beside them.</summary>
    public async Task DeleteAsync()
    {
        await CloseAsync().ConfigureAwait(false);
        await Task.Run(() =>
            {
                _journal?.Delete();
                if (_stateDirectory is { } state)
                {
                    InfoStore.DeleteLayers(_workers.Options.FileSystem, state, Metainfo.InfoHashes);
                }

                Storage.DeleteFiles();
            })
            .ConfigureAwait(false);
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
            _journal?.Close();
            _journal?.Dispose();
            _workers.Leave(this);
            _workers.Handles.CloseAll(Storage);
        }
        finally
        {
            _admin.Release();
        }
    }

    /// <summary>What can be relied on, and what the shards need to know of it.</summary>
    private ResumeState Judge(TorrentDiskOptions options, ResumeImage image)
    {
        if (options.AssumeComplete)
        {
            image.ClaimAll(StampsOf(Storage.Map.Stored.ToArray()));
            _journal?.Save();
            return new ResumeState { Have = image.Durable.Clone(), Check = new Bitfield(Layout.PieceCount) };
        }

        if (options.Recheck)
        {
            image.Forget();
            _journal?.RewriteSoon();
        }

        var settings = _workers.Options;
        var bootedAt = settings.Time.GetUtcNow().UtcTicks - settings.Uptime().Ticks;
        var judge = new ResumeJudge(image, Storage, Metainfo, settings.BootId, bootedAt);
        var resume = judge.Judge();
        if (judge.NeedsRewrite)
        {
            _journal?.RewriteSoon();
        }

        foreach (var block in resume.Blocks)
        {
            var resumed = At(ShardOf(block.Piece)).Resumed;
            if (!resumed.TryGetValue(block.Piece.Value, out var bitmap))
            {
                bitmap = new ulong[(Layout.DataBlockCount(block.Piece) + 63) / 64];
                resumed.Add(block.Piece.Value, bitmap);
                AddFilesOf(block.Piece, _dirtyFiles ??= []);
            }

            bitmap[block.Block >> 6] |= 1UL << block.Block;
        }

        return resume;
    }

    private void PrepareFiles(TorrentDiskOptions options, ResumeImage image)
    {
        try
        {
            if (options.Priorities is { } priorities && !priorities.SequenceEqual(image.Priorities ?? []))
            {
                ApplyPriorities(priorities);
            }

            if (options.CreateEmptyFiles && !options.AssumeComplete)
            {
                Storage.CreateEmpty(options.Priorities ?? image.Priorities);
            }
        }
        catch (Exception e) when (StorageException.IsExpected(e))
        {
            var failure = StorageException.From(e, "cannot use", Storage.Root).Failure;
            _sink([new SwarmEvent(SwarmEventKind.DiskFailed, Payload: failure)]);
        }
    }

    /// <summary>While no shard touches the files.</summary>
    private void ApplyPriorities(IReadOnlyList<FilePriority> priorities)
    {
        var written = Storage.SetPriorities(priorities);
        if (written.Count > 0)
        {
            _journal?.End(_shards.Length, StampsOf(written), new RoundRecord());
        }

        // Until this is durable the part file stays, and the files' parts count as being there.
        _journal?.SavePriorities(priorities, Storage.IsKept);
        Storage.DeleteUnusedParts();
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
                await Task.Run(() =>
                    {
                        lock (_placeLock)
                        {
                            action();
                        }
                    })
                    .ConfigureAwait(false);
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

    /// <summary>Of the torrent where its content lies at <paramref name="root"/>; null: none is kept.</summary>
    private static ResumeJournal? OpenJournal(
        DiskWorkersOptions settings,
        Metainfo metainfo,
        string root,
        TorrentDiskOptions options
    ) =>
        options.StateDirectory is { } state
            ? ResumeJournal.Open(
                settings.FileSystem,
                state,
                metainfo,
                root,
                settings.Time,
                settings.BootId,
                options.JournalName
            )
            : null;
}
