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
        // Of a move before this one: what is found at the new place after a crash would be taken for copies.
        RequireJournal(_journal?.ForgetForeign(), target);
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
                isRenamed = move.TryRename();
                if (isRenamed)
                {
                    NoteMove(strange);
                }
                else
                {
                    move.BeginCopy();
                    RequireJournal(_journal?.SaveForeign(move.Foreign), target);
                }
            })
            .ConfigureAwait(false);
        if (isRenamed)
        {
            return null;
        }

        var isNoted = false;
        try
        {
            await Task.Run(() => move.Copy(cancellation), cancellation).ConfigureAwait(false);
            await Exclusively(() =>
                {
                    var strange = ChangedByOthers();
                    move.Finish(cancellation);
                    isNoted = NoteMove(strange);
                })
                .ConfigureAwait(false);
        }
        catch when (Storage.Root != target)
        {
            await Task.Run(move.DeleteCopies, CancellationToken.None).ConfigureAwait(false);
            _journal?.ForgetForeign();
            throw;
        }

        if (!isNoted)
        {
            // After a crash they would be looked for.
            return $"'{move.OriginalRoot}' keeps the files: the journal of the torrent cannot be written";
        }

        try
        {
            var stays = await Task.Run(move.DeleteOriginals, CancellationToken.None).ConfigureAwait(false);
            _journal?.ForgetForeign();
            return stays is null ? null : StaysBehindLink(stays);
        }
        catch (StorageException error)
        {
            return error.Message;
        }
    }

    /// <summary>What a move does must be known to the next run.</summary>
    private static void RequireJournal(bool? isDurable, string target)
    {
        if (isDurable == false)
        {
            throw new StorageException(
                DiskFailureKind.Other,
                $"cannot move to '{target}': the journal of the torrent cannot be written"
            );
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
        // Only for what it says of the move, and for the names that files were given.
        using var journal = OpenJournal(settings, metainfo, root, options);
        var storage = new FileStorage(
            settings.FileSystem,
            workers.Handles,
            metainfo,
            root,
            renamed: journal?.Image.Renamed
        );
        var target = FileStorage.Normalize(interrupted);
        var (image, stage) = (journal?.Image, MoveStage.Renaming);
        if (image is { SaveDirectory.Length: > 0 })
        {
            var last = FileStorage.Normalize(image.SaveDirectory);
            if (last == target && image.Foreign is null)
            {
                // All was renamed, or all originals are gone: what lies at the old place is not ours any more.
                return target;
            }

            stage =
                last == target ? MoveStage.Copied
                : last == root && image.Foreign is not null ? MoveStage.Copying
                : MoveStage.Renaming;
        }

        var claimed = image?.Stamps.Keys.ToHashSet() ?? [];
        return new ContentMove(storage, target, image?.Foreign).End(stage, claimed) ? target : root;
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

    /// <returns>Whether the next run knows of it.</returns>
    private bool NoteMove(HashSet<int> changedByOthers)
    {
        var stamps = new List<KeyValuePair<int, FileStamp>>();
        foreach (var file in Storage.Map.Stored.ToArray().Append(Storage.PartFile))
        {
            if (!changedByOthers.Contains(file) && Storage.StampOf(file) is { } stamp)
            {
                stamps.Add(new(file, stamp));
            }
        }

        return _journal?.SaveMove(Storage.Root, stamps) ?? true;
    }
}
