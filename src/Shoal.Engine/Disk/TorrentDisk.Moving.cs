using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>Moving the content to another folder, and ending a move that was cut short.</summary>
internal sealed partial class TorrentDisk
{
    /// <summary>
    /// Moves the content to another folder while it stays in use. On the same device that is renaming; otherwise
    /// files are copied while the torrent goes on, and only what changed meanwhile while it waits.
    /// </summary>
    /// <param name="begin">See <see cref="Torrent.MoveAsync"/>.</param>
    /// <exception cref="StorageException">It failed; the content is where it was.</exception>
    /// <returns>Why originals of copied files could not be deleted: they stay at the old place; null: none are left.</returns>
    public async Task<string?> MoveAsync(string directory, Func<Task>? begin, CancellationToken cancellation)
    {
        var target = Path.GetFullPath(directory);
        var root = Storage.Root;
        if (target == root)
        {
            return null;
        }

        if (begin is not null)
        {
            await Exclusively(() => Storage.CheckFree(target)).ConfigureAwait(false);
            await begin().ConfigureAwait(false);
        }

        var isMoved = false;
        await Exclusively(() =>
            {
                isMoved = Storage.TryMoveTo(target);
                if (isMoved)
                {
                    NoteMove();
                }
            })
            .ConfigureAwait(false);
        if (isMoved)
        {
            return null;
        }

        try
        {
            var copied = await Task.Run(() => Storage.CopyTo(target, cancellation), cancellation).ConfigureAwait(false);
            await Exclusively(() =>
                {
                    Storage.FinishMove(target, copied, cancellation);
                    NoteMove();
                })
                .ConfigureAwait(false);
        }
        catch when (Storage.Root != target)
        {
            await Task.Run(() => Storage.DeleteCopies(target), CancellationToken.None).ConfigureAwait(false);
            throw;
        }

        try
        {
            await Task.Run(() => Storage.DeleteCopies(root), CancellationToken.None).ConfigureAwait(false);
            return null;
        }
        catch (StorageException error)
        {
            return error.Message;
        }
    }

    /// <summary>Where the content lies, after a move that was cut short has been ended or undone.</summary>
    private static string RootOf(DiskWorkers workers, Metainfo metainfo, TorrentDiskOptions options)
    {
        var root = Path.GetFullPath(options.SaveDirectory);
        if (options.InterruptedMove is not { } interrupted || Path.GetFullPath(interrupted) == root)
        {
            return root;
        }

        var settings = workers.Options;
        // Only for the names that files were given.
        using var journal = OpenJournal(settings, metainfo, root, options);
        var storage = new FileStorage(
            settings.FileSystem,
            workers.Handles,
            metainfo,
            root,
            renamed: journal?.Image.Renamed
        );
        var target = Path.GetFullPath(interrupted);
        return storage.EndMove(target) ? target : root;
    }

    private void NoteMove()
    {
        var files = Storage.Map.Stored.ToArray().Append(Storage.PartFile);
        var stamps = new List<KeyValuePair<int, FileStamp>>();
        foreach (var file in files)
        {
            if (Storage.StampOf(file) is { } stamp)
            {
                stamps.Add(new(file, stamp));
            }
        }

        _journal?.SaveMove(Storage.Root, stamps);
    }
}
