namespace Shoal.Engine;

/// <summary>Moving to another folder: by renaming on one device, by copying between two.</summary>
internal sealed partial class FileStorage
{
    private const int CopyBuffer = 1024 * 1024;

    /// <summary>
    /// Copies every file to another root, as needed when it is on another device. The torrent stays in use:
    /// files that changed during or after their copy are copied again by <see cref="FinishMove"/>.
    /// </summary>
    /// <returns>The stamps that the originals had before they were copied.</returns>
    public Dictionary<int, FileStamp> CopyTo(string root, CancellationToken cancellation)
    {
        var copied = new Dictionary<int, FileStamp>();
        var target = new FileStorage(_files, _handles, _metainfo, root, renamed: _renamed);
        foreach (var file in AllPlaces())
        {
            cancellation.ThrowIfCancellationRequested();
            if (StampOf(file) is { } stamp)
            {
                CopyFile(file, target, cancellation);
                copied.Add(file, stamp);
            }
        }

        return copied;
    }

    /// <summary>
    /// Whether renaming to the new root works, found out by doing it with the first file that exists. Then all
    /// are moved, and the root is the new one.
    /// </summary>
    /// <returns>False, and nothing has happened: the new root is on another device.</returns>
    public bool TryMoveTo(string root)
    {
        var target = new FileStorage(_files, _handles, _metainfo, root, renamed: _renamed);
        CheckFree(target);
        _handles.CloseAll(this);
        var moved = new List<int>();
        foreach (var file in AllPlaces())
        {
            var from = PathOf(file);
            var to = target.PathOf(file);
            try
            {
                if (_files.KindOf(from) is PathKind.Missing or PathKind.Directory)
                {
                    continue;
                }

                target.MakeWay(to, isLink: true);
                if (!_files.TryMove(from, to))
                {
                    MoveBack(target, moved);
                    target.DeleteEmptyFolders();
                    return false;
                }

                moved.Add(file);
            }
            catch (Exception e) when (StorageException.IsExpected(e))
            {
                MoveBack(target, moved);
                throw StorageException.From(e, "cannot move to", to);
            }
        }

        DeleteEmptyFolders();
        Adopt(target);
        return true;
    }

    /// <summary>Copies what changed since <see cref="CopyTo"/>, makes the copies durable, deletes the originals.</summary>
    public void FinishMove(string root, Dictionary<int, FileStamp> copied, CancellationToken cancellation)
    {
        var target = new FileStorage(_files, _handles, _metainfo, root, renamed: _renamed);
        foreach (var file in AllPlaces())
        {
            if (StampOf(file) is { } stamp && (!copied.TryGetValue(file, out var was) || was != stamp))
            {
                CopyFile(file, target, cancellation);
            }
        }

        target.CreateEmpty(null);
        _handles.CloseAll(target);
        target.SyncFolders();
        DeleteFiles();
        Adopt(target);
    }

    /// <summary>Removes copies that an abandoned move left behind.</summary>
    public void DeleteCopies(string root) =>
        new FileStorage(_files, _handles, _metainfo, root, renamed: _renamed).DeleteFiles();

    private void CopyFile(int file, FileStorage target, CancellationToken cancellation)
    {
        var from = PathOf(file);
        var to = target.PathOf(file);
        try
        {
            if (_files.KindOf(from) is PathKind.Link or PathKind.Directory)
            {
                return;
            }

            target.MakeWay(to);
            using var source = _files.Open(from, writable: false, create: false);
            using var copy = target.OpenFile(file, writable: true);
            var buffer = new byte[CopyBuffer];
            long at = 0;
            int count;
            while ((count = source.Read(buffer, at)) > 0)
            {
                cancellation.ThrowIfCancellationRequested();
                // Holes stay holes.
                if (buffer.AsSpan(0, count).ContainsAnyExcept((byte)0))
                {
                    copy.Write(buffer.AsSpan(0, count), at);
                }

                at += count;
            }

            copy.SetLength(at);
            copy.Sync();
        }
        catch (Exception e) when (StorageException.IsExpected(e))
        {
            throw StorageException.From(e, "cannot copy to", to);
        }
    }

    private void CheckFree(FileStorage target)
    {
        foreach (var file in AllPlaces())
        {
            var path = target.PathOf(file);
            if (_files.KindOf(path) != PathKind.Missing && _files.KindOf(PathOf(file)) != PathKind.Missing)
            {
                throw new StorageException(DiskFailureKind.Denied, $"cannot move to '{path}': it exists");
            }
        }
    }

    private void MoveBack(FileStorage target, List<int> moved)
    {
        foreach (var file in moved)
        {
            _files.TryMove(target.PathOf(file), PathOf(file));
        }
    }

    private void Adopt(FileStorage target)
    {
        Root = target.Root;
        lock (_changedLock)
        {
            _changedFolders.Clear();
            _changedFolders.UnionWith(target._changedFolders);
        }
    }
}
