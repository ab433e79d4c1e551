using Shoal.Api;
using Shoal.Engine;

namespace Shoal.Daemon;

// Names of files that users change.
internal sealed partial class TorrentLibrary
{
    /// <summary>Gives files other names. Durable when it completes; the disk follows, and an event tells of the end.</summary>
    /// <param name="roots">
    /// Where the new names must lie: content may lie outside of what the caller may name, or right above it. Null: anywhere.
    /// </param>
    /// <exception cref="ApiException">The files are not known yet, or cannot have these names.</exception>
    public async Task RenameFilesAsync(
        LibraryTorrent torrent,
        IReadOnlyList<FileRename>? wishes,
        IReadOnlyList<string>? roots
    )
    {
        if (wishes is not { Count: > 0 })
        {
            return;
        }

        if (wishes.Count > _limits.MaxRenames)
        {
            throw ApiException.Bad("renames", $"renames: more than {_limits.MaxRenames}");
        }

        CheckFolders(torrent.Entry, ApiException.Whole("renames", wishes), roots);
        Task saved;
        lock (_lock)
        {
            if (torrent.Engine is not { Metainfo: { } metainfo } engine)
            {
                throw new ApiException(409, "not-ready", "the files are not known yet");
            }

            var changes = new Dictionary<int, string>(torrent.Entry.Renames ?? new Dictionary<int, string>());
            foreach (var wish in wishes)
            {
                changes[wish.Index] = wish.Path;
            }

            if (FileNames.FaultOf(metainfo, engine.RenamedFiles, changes) is { } fault)
            {
                throw ApiException.Bad("renames", $"renames: {fault}");
            }

            saved = Keep(torrent, torrent.Entry with { Renames = changes });
            Do(torrent, () => RenameAsync(torrent));
        }

        await SavedAsync(saved).ConfigureAwait(false);
    }

    /// <summary>Follows links, so it is not for under the lock. Names that are no names at all are found out later.</summary>
    private static void CheckFolders(LibraryEntry entry, IReadOnlyList<FileRename> wishes, IReadOnlyList<string>? roots)
    {
        if (roots is null)
        {
            return;
        }

        foreach (var name in wishes.Select(wish => wish.Path).Where(FileNames.IsSafe))
        {
            PathJail.Check(Path.Combine(entry.SaveDirectory, name), roots, "renames");
            PathJail.Check(Path.Combine(entry.ContentDirectory, name), roots, "renames");
        }
    }

    /// <summary>Does what is left of the renaming. What fails is told, and given up: the torrent goes on with the old names.</summary>
    private async Task RenameAsync(LibraryTorrent torrent)
    {
        if (torrent.Entry.Renames is not { Count: > 0 } renames || torrent.Engine is not { Metainfo: not null } engine)
        {
            return;
        }

        string? fault = null;
        try
        {
            await engine.RenameFilesAsync(renames).ConfigureAwait(false);
        }
        catch (IOException error)
        {
            fault = error.Message;
        }

        lock (_lock)
        {
            if (torrent.Entry.Removal != RemovalStage.None)
            {
                return;
            }

            // What came meanwhile has its own turn.
            var left = (torrent.Entry.Renames ?? new Dictionary<int, string>())
                .Where(pair => !renames.TryGetValue(pair.Key, out var done) || done != pair.Value)
                .ToDictionary();
            Keep(torrent, torrent.Entry with { Renames = left.Count > 0 ? left : null });
            Events.Add(
                fault is null
                    ? Event("files-renamed", torrent)
                    : Event("warning", torrent) with
                    {
                        Code = "cannot-rename",
                        Message = $"{torrent.Entry.Name}: {fault}",
                    }
            );
        }
    }
}
