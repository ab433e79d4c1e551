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
        var cutShort = image.Renaming;
        var isRenamed = cutShort is { } begun && storage.TakeRenamed(begun.File, begun.Path);
        var disk = new TorrentDisk(workers, metainfo, storage, journal, options.StateDirectory, sink)
        {
            ResumedTotals = image.Totals,
            ResumedPriorities = image.Priorities,
            _contentChanged = options.ContentChanged,
        };
        disk._renamed = storage.Renamed.Count == 0 ? NoNames : new Dictionary<int, string>(storage.Renamed);
        var resume = disk.Judge(options, image);
        disk.PrepareFiles(options, image);
        if (cutShort is { } renaming)
        {
            // Not before the journal was judged: whatever is written to it begins a run of ours.
            disk.EndRenaming(renaming.File, renaming.Path, isRenamed);
        }

        if (options.InterruptedMove is not null)
        {
            // It is over.
            journal?.ForgetForeign();
        }

        if (options.Preallocate)
        {
            disk.Reserve(options.Priorities ?? image.Priorities);
        }

        return (disk, resume with { PieceLayers = disk.LoadPieceLayers() });
    }

    /// <summary>Files that have another name than the torrent gives them. Safe from any thread: replaced whole.</summary>
    public IReadOnlyDictionary<int, string> RenamedFiles => Volatile.Read(ref _renamed);

    /// <summary>Gives files other paths below the save directory, one after the other.</summary>
    /// <param name="changes">With '/' between elements.</param>
    /// <exception cref="StorageException">One failed, and keeps its old name, as do those after it.</exception>
    public async Task RenameFilesAsync(IReadOnlyDictionary<int, string> changes)
    {
        // Copies that are being made have the names of before.
        await Moving.WaitAsync().ConfigureAwait(false);
        try
        {
            await Exclusively(() => Rename(changes)).ConfigureAwait(false);
        }
        finally
        {
            Moving.Release();
        }
    }

    private void Rename(IReadOnlyDictionary<int, string> changes)
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
                    Rename(file, path);
                }
            }
        }
        finally
        {
            Volatile.Write(ref _renamed, new Dictionary<int, string>(Storage.Renamed));
        }
    }

    /// <summary>Said before it is done: who is killed in between must not look for the file where it was.</summary>
    private void Rename(int file, string path)
    {
        var hasBegun = false;
        var isRenamed = false;
        try
        {
            Storage.Rename(
                file,
                path,
                () =>
                {
                    hasBegun = true;
                    if (_journal?.SaveRenaming(file, path) == false)
                    {
                        throw new StorageException(
                            DiskFailureKind.Other,
                            $"cannot rename '{Storage.PathOf(file)}': the journal of the torrent cannot be written"
                        );
                    }
                }
            );
            isRenamed = true;
        }
        finally
        {
            if (hasBegun || isRenamed)
            {
                EndRenaming(file, path, isRenamed);
            }
        }
    }

    private void EndRenaming(int file, string path, bool isRenamed)
    {
        if (isRenamed)
        {
            SyncNames();
            _journal?.SaveRename(file, path);
        }
        else
        {
            _journal?.SaveRenaming(file, "");
        }
    }

    /// <summary>Else the journal could name a file, after a power cut, that still has its old name.</summary>
    private void SyncNames()
    {
        try
        {
            Storage.SyncFolders();
        }
        catch (StorageException)
        {
            // The next checkpoint tries it again, and tells.
        }
    }

    /// <summary>Keeps addresses for the next run.</summary>
    public void SavePeers(IReadOnlyCollection<IPEndPoint> peers) => _journal?.SavePeers(peers);

    /// <summary>Keeps bytes received and sent since the torrent was added.</summary>
    public void SaveTotals(long downloaded, long uploaded) => _journal?.SaveTotals(downloaded, uploaded);

    /// <summary>Which files are those of another torrent too: it has one of the same name in the same folder.</summary>
    public HashSet<int> SharedWith(IEnumerable<TorrentDisk> others)
    {
        var shared = new HashSet<int>();
        Dictionary<string, int>? own = null;
        foreach (var other in others.Where(MayShare))
        {
            own ??= Storage.Map.Stored.ToArray().ToDictionary(Storage.RelativePathOf, StringComparer.Ordinal);
            foreach (var file in other.Storage.Map.Stored)
            {
                // What it does not want, and never had, is not its.
                if (own.TryGetValue(other.Storage.RelativePathOf(file), out var ours) && !other.Storage.IsKept(file))
                {
                    shared.Add(ours);
                }
            }
        }

        return shared;
    }

    /// <summary>All paths of a torrent begin with its name, unless its user gave them others.</summary>
    private bool MayShare(TorrentDisk other) =>
        other.Storage.Root == Storage.Root
        && (other.Metainfo.Name == Metainfo.Name || other.Storage.Renamed.Count + Storage.Renamed.Count > 0);

    /// <summary>Ends this disk and deletes the torrent's files, but not what others put beside them.</summary>
    /// <param name="except">Files that stay, by number.</param>
    /// <exception cref="StorageException">A file could not be deleted, or lies behind a link; the others are gone.</exception>
    public async Task DeleteAsync(IReadOnlySet<int>? except = null)
    {
        await CloseAsync().ConfigureAwait(false);
        await Task.Run(() =>
            {
                _journal?.Delete();
                if (_stateDirectory is { } state)
                {
                    InfoStore.DeleteLayers(_workers.Options.FileSystem, state, Metainfo.InfoHashes);
                }

                if (Storage.DeleteFiles(except) is { } stays)
                {
                    throw new StorageException(DiskFailureKind.Denied, StaysBehindLink(stays));
                }
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
        await _settling.ConfigureAwait(false);
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

        if (options.Recheck)
        {
            // Who asked for it takes it as begun, whatever becomes of this run.
            _journal?.SuspectAll();
        }

        foreach (var block in resume.Blocks)
        {
            var resumed = At(ShardOf(block.Piece)).Resumed;
            if (!resumed.TryGetValue(block.Piece.Value, out var bitmap))
            {
                bitmap = new ulong[(Layout.DataBlockCount(block.Piece) + 63) / 64];
                resumed.Add(block.Piece.Value, bitmap);
                AddFilesOf(block.Piece, _provenFiles ??= []);
            }

            bitmap[block.Block >> 6] |= 1UL << block.Block;
        }

        return resume;
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
