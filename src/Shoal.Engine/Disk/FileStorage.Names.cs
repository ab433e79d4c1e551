namespace Shoal.Engine;

/// <summary>Other names for files, and another root for all of them.</summary>
internal sealed partial class FileStorage
{
    /// <summary>The same files, called alike, at another root.</summary>
    public FileStorage At(string root) => new(Files, _handles, _metainfo, root, renamed: _renamed);

    /// <summary>The content lies where another of the same files is.</summary>
    public void Adopt(FileStorage target)
    {
        Root = target.Root;
        lock (_changedLock)
        {
            _changedFolders = target._changedFolders is { } changed ? [.. changed] : null;
        }
    }

    /// <summary>Gives a file another path below the root.</summary>
    /// <param name="path">Safe elements with '/' between them; checked by the caller.</param>
    /// <param name="begin">Called when nothing stands in the way of a file that is there, just before it is renamed.</param>
    public void Rename(int file, string path, Action? begin = null)
    {
        var from = PathOf(file);
        var to = Path.Combine(Root, path.Replace('/', Path.DirectorySeparatorChar));
        try
        {
            if (Files.KindOf(to) != PathKind.Missing)
            {
                throw new StorageException(DiskFailureKind.Denied, $"cannot rename '{from}': '{to}' exists");
            }

            _handles.CloseAll(this);
            MakeWay(to);
            if (Files.KindOf(from) != PathKind.Missing)
            {
                begin?.Invoke();
                if (!Files.TryMove(from, to))
                {
                    throw new StorageException(
                        DiskFailureKind.Denied,
                        $"cannot rename '{from}': '{to}' lies on another device"
                    );
                }

                NoteChanged(Path.GetDirectoryName(from)!);
                NoteChanged(Path.GetDirectoryName(to)!);
                DeleteFoldersAbove(from);
            }

            (_renamed ??= [])[file] = path;
        }
        catch (Exception e) when (StorageException.IsExpected(e))
        {
            throw StorageException.From(e, "cannot rename", from);
        }
    }

    /// <summary>
    /// After a crash while a file was renamed: it has the new path if something is there and nothing at the old one. Before it was
    /// renamed it was the other way round.
    /// </summary>
    /// <returns>Whether it has it.</returns>
    public bool TakeRenamed(int file, string path)
    {
        var to = Path.Combine(Root, path.Replace('/', Path.DirectorySeparatorChar));
        if (IsThere(PathOf(file)) || !IsThere(to))
        {
            return false;
        }

        NoteChanged(Path.GetDirectoryName(PathOf(file))!);
        NoteChanged(Path.GetDirectoryName(to)!);
        (_renamed ??= [])[file] = path;
        return true;
    }

    public bool IsThere(string path) => Files.KindOf(path) is PathKind.File or PathKind.Link;
}
