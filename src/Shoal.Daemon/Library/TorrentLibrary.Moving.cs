using Shoal.Engine;

namespace Shoal.Daemon;

// Where content lies, and how it gets elsewhere. What was begun is kept, so that it is ended after a crash.
internal sealed partial class TorrentLibrary
{
    /// <summary>Until a complete torrent that could not be moved out of the incomplete folder is tried again.</summary>
    private static readonly TimeSpan MoveAgainAfter = TimeSpan.FromMinutes(10);

    /// <summary>
    /// Moves the content, or says that it lies elsewhere. Durable when it completes, and begun only: events and the list tell of
    /// the end. Of what is not complete only the folder changes to which it moves then.
    /// </summary>
    /// <param name="folder">Checked.</param>
    /// <param name="keepFiles">Nothing is moved: it is there, and is hashed.</param>
    public async Task MoveAsync(LibraryTorrent torrent, string folder, bool keepFiles)
    {
        Task saved;
        lock (_lock)
        {
            var entry = torrent.Entry;
            if (entry.MoveTarget is { } other)
            {
                throw new ApiException(409, "moving-already", $"{entry.Name} is being moved to {other} already");
            }

            if (entry.SaveDirectory == folder && !(keepFiles && entry.IncompleteDirectory is not null))
            {
                return;
            }

            if (keepFiles)
            {
                saved = Keep(
                    torrent,
                    entry with
                    {
                        SaveDirectory = folder,
                        IncompleteDirectory = null,
                        Recheck = true,
                    }
                );
                Do(
                    torrent,
                    async () =>
                    {
                        await ReopenAsync(torrent, torrent.Entry).ConfigureAwait(false);
                        TellMoved(torrent);
                    }
                );
            }
            else if (entry.IncompleteDirectory is not null)
            {
                torrent.NextMoveAt = TimeSpan.Zero;
                saved = Keep(torrent, entry with { SaveDirectory = folder });
                TellMoved(torrent);
            }
            else
            {
                saved = BeginMove(torrent, folder);
            }
        }

        await SavedAsync(saved).ConfigureAwait(false);
    }

    /// <summary>Where the content of a new torrent lies at first; null: where it is to be in the end.</summary>
    private string? IncompleteFolderFor(string saveDirectory, bool isThere) =>
        _settings.Current.IncompleteFolder is { Length: > 0 } folder && !isThere && folder != saveDirectory
            ? folder
            : null;

    /// <summary>What lies at its last place already when nothing was fetched yet is not fetched again elsewhere. May wait for the disk.</summary>
    private void SettlePlace(LibraryTorrent torrent)
    {
        var entry = torrent.Entry;
        if (
            entry is { IncompleteDirectory: { } folder, Done: 0, MoveTarget: null }
            && !Path.Exists(Path.Combine(folder, entry.Name))
            && Path.Exists(Path.Combine(entry.SaveDirectory, entry.Name))
        )
        {
            Keep(torrent, entry with { IncompleteDirectory = null });
        }
    }

    /// <summary>Everything that is wanted is there: it goes where it belongs.</summary>
    private void MoveWhenComplete(LibraryTorrent torrent)
    {
        if (torrent.Entry is not { IncompleteDirectory: not null, MoveTarget: null })
        {
            return;
        }

        if (Uptime >= torrent.NextMoveAt)
        {
            BeginMove(torrent, torrent.Entry.SaveDirectory);
        }
        else
        {
            torrent.IsDueSoon = true;
        }
    }

    private Task BeginMove(LibraryTorrent torrent, string folder)
    {
        var saved = Keep(torrent, torrent.Entry with { MoveTarget = folder });
        if (torrent.Engine is not null || torrent.Problem is not null)
        {
            Do(torrent, () => MoveFilesAsync(torrent, folder));
        }

        return saved;
    }

    private async Task MoveFilesAsync(LibraryTorrent torrent, string folder)
    {
        if (torrent.Entry.MoveTarget != folder)
        {
            // Done by another, or given up.
            return;
        }

        // Who waits for the end of a torrent wants to find it where it stays.
        var completes = torrent.Entry is { IncompleteDirectory: not null, CompletedAt: not null };
        var engine =
            torrent.Engine ?? throw new IOException(torrent.Problem ?? "it could not be opened, so it cannot be moved");
        if (engine.Metainfo is null)
        {
            // Nothing is there yet: it is opened where it is to be.
            await ReopenAsync(torrent, Arrived(torrent.Entry, folder)).ConfigureAwait(false);
        }
        else
        {
            var left = await engine
                .MoveAsync(folder, () => Keep(torrent, torrent.Entry with { HasMoveBegun = true }), _stopping.Token)
                .ConfigureAwait(false);
            if (left is not null)
            {
                Events.Add(
                    Event("warning", torrent) with
                    {
                        Code = "cannot-delete",
                        Message =
                            $"{torrent.Entry.Name}: moved, but not all files could be deleted where they were: {left}",
                    }
                );
            }

            await Keep(torrent, Arrived(torrent.Entry, folder)).ConfigureAwait(false);
        }

        TellMoved(torrent);
        if (completes)
        {
            Events.Add(Event("torrent-completed", torrent));
        }
    }

    private static LibraryEntry Arrived(LibraryEntry entry, string folder) =>
        entry with
        {
            SaveDirectory = folder,
            IncompleteDirectory = null,
            MoveTarget = null,
            HasMoveBegun = false,
        };

    private void TellMoved(LibraryTorrent torrent)
    {
        lock (_lock)
        {
            torrent.Problem = null;
            Publish(torrent);
            Events.Add(Event("torrent-moved", torrent) with { Message = torrent.Entry.SaveDirectory });
        }
    }
}
