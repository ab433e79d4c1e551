using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>Moving the content to another folder, and ending a move that was cut short.</summary>
internal sealed partial class TorrentDisk
{
    private SemaphoreSlim? _moving;

    /// <summary>Who has it changes where files lie, in more than one step.</summary>
    private SemaphoreSlim Moving => LazyInitializer.EnsureInitialized(ref _moving, () => new SemaphoreSlim(1));

    /// <summary>
    /// Moves the content to another folder while it stays in use. On the same device that is renaming; otherwise
    /// files are copied while the torrent goes on, and only what changed meanwhile while it waits.
    /// </summary>
    /// <param name="begin">See <see cref="Torrent.MoveAsync"/>.</param>
    /// <exception cref="StorageException">It failed; the content is where it was.</exception>
    /// <returns>Why originals of copied files could not be deleted: they stay at the old place; null: none are left.</returns>
    public async Task<string?> MoveAsync(string directory, Func<Task>? begin, CancellationToken cancellation)
    {
        // Between its steps a move leaves the torrent alone, and another must not come in there.
        await Moving.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            var target = FileStorage.Normalize(directory);
            return target == Storage.Root ? null : await MoveToAsync(target, begin, cancellation).ConfigureAwait(false);
        }
        finally
        {
            Moving.Release();
        }
    }

    private async Task<string?> MoveToAsync(string target, Func<Task>? begin, CancellationToken cancellation)
    {
        // Nobody renames files meanwhile.
        var move = new ContentMove(Storage, target);
        if (begin is not null)
        {
            await Exclusively(move.CheckFree).ConfigureAwait(false);
            await begin().ConfigureAwait(false);
        }

        // What this can take long about is not done while the torrent waits.
        await Task.Run(Checkpoint, CancellationToken.None).ConfigureAwait(false);
        var isRenamed = false;
        await Exclusively(() =>
            {
                var strange = ChangedByOthers();
                // Of a move before this one.
                _journal?.SaveForeign([]);
                isRenamed = move.TryRename();
                if (isRenamed)
                {
                    NoteMove(strange);
                }
                else
                {
                    move.BeginCopy();
                    _journal?.SaveForeign(move.Foreign);
                }
            })
            .ConfigureAwait(false);
        if (isRenamed)
        {
            return null;
        }

        try
        {
            await Task.Run(() => move.Copy(cancellation), cancellation).ConfigureAwait(false);
            await Exclusively(() =>
                {
                    var strange = ChangedByOthers();
                    move.Finish(cancellation);
                    NoteMove(strange);
                })
                .ConfigureAwait(false);
        }
        catch when (Storage.Root != target)
        {
            await Task.Run(move.DeleteCopies, CancellationToken.None).ConfigureAwait(false);
            throw;
        }

        try
        {
            var stays = await Task.Run(move.DeleteOriginals, CancellationToken.None).ConfigureAwait(false);
            return stays is null ? null : StaysBehindLink(stays);
        }
        catch (StorageException error)
        {
            return error.Message;
        }
    }

    private static string StaysBehindLink(string path) =>
        $"cannot delete '{path}': it lies behind a symbolic link, and those are not followed when deleting";

    /// <summary>Where the content lies, after a move that was cut short has been ended or undone.</summary>
    private static string RootOf(DiskWorkers workers, Metainfo metainfo, TorrentDiskOptions options)
    {
        var root = FileStorage.Normalize(options.SaveDirectory);
        if (options.InterruptedMove is not { } interrupted || FileStorage.Normalize(interrupted) == root)
        {
            return root;
        }

        var settings = workers.Options;
        // Only for the names that files were given, and for what is others' there.
        using var journal = OpenJournal(settings, metainfo, root, options);
        var storage = new FileStorage(
            settings.FileSystem,
            workers.Handles,
            metainfo,
            root,
            renamed: journal?.Image.Renamed
        );
        var target = FileStorage.Normalize(interrupted);
        return new ContentMove(storage, target, journal?.Image.Foreign).End() ? target : root;
    }

    /// <summary>
    /// Files that are not as we left them: what somebody else did there the move must not make ours. While no shard touches
    /// the files, and all that they did is in the journal.
    /// </summary>
    private HashSet<int> ChangedByOthers()
    {
        // Some file systems settle the time of a file only when it is synced.
        Checkpoint();
        var changed = new HashSet<int>();
        foreach (var file in Storage.Map.Stored)
        {
            if (_journal?.StampOf(file) is { } left && Storage.StampOf(file) is { } now && now != left)
            {
                changed.Add(file);
            }
        }

        return changed;
    }

    private void NoteMove(HashSet<int> changedByOthers)
    {
        var stamps = new List<KeyValuePair<int, FileStamp>>();
        foreach (var file in Storage.Map.Stored.ToArray().Append(Storage.PartFile))
        {
            if (!changedByOthers.Contains(file) && Storage.StampOf(file) is { } stamp)
            {
                stamps.Add(new(file, stamp));
            }
        }

        _journal?.SaveMove(Storage.Root, stamps);
    }
}
