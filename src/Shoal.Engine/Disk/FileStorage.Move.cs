using System.Collections.Frozen;

namespace Shoal.Engine;

/// <summary>Moving to another folder: by renaming on one device, by copying between two. And other names for files.</summary>
internal sealed partial class FileStorage
{
    private const int CopyBuffer = 1024 * 1024;

    /// <summary>
    /// Finds out what others have at another root before anything is copied there. None of it has an original here
    /// (<see cref="CheckFree(string)"/>), so it is no copy, whatever becomes of the move: it is neither written to nor deleted.
    /// </summary>
    /// <exception cref="StorageException">A file that is still to be fetched would come to lie on one of them.</exception>
    public CopiedFiles BeginCopy(string root)
    {
        var target = new FileStorage(_files, _handles, _metainfo, root, renamed: _renamed);
        var copied = new CopiedFiles(root);
        foreach (var file in AllPlaces())
        {
            // Nobody but us makes a part file with this torrent's name.
            if (file == PartFile || _files.KindOf(target.PathOf(file)) == PathKind.Missing)
            {
                continue;
            }

            if (Map.Stored.Contains(file) && !_parts.IsKept(file))
            {
                throw Occupied(target.PathOf(file));
            }

            copied.Others.Add(file);
        }

        return copied;
    }

    /// <summary>
    /// Copies every file to another root, as needed when it is on another device. The torrent stays in use:
    /// files that changed during or after their copy are copied again by <see cref="FinishMove"/>.
    /// </summary>
    public void CopyTo(CopiedFiles copied, CancellationToken cancellation)
    {
        var target = new FileStorage(_files, _handles, _metainfo, copied.Root, renamed: _renamed);
        foreach (var file in AllPlaces().Where(file => !copied.Others.Contains(file)))
        {
            cancellation.ThrowIfCancellationRequested();
            if (StampOf(file) is { } stamp)
            {
                CopyFile(file, target, cancellation);
                copied.Stamps.Add(file, stamp);
            }
        }
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

        target.NoteMoved(moved);
        target.SyncFolders();
        DeleteEmptyFolders();
        Adopt(target);
        return true;
    }

    /// <summary>
    /// Copies what changed since <see cref="CopyTo"/>, and makes the copies durable: the root is the new one then, and the
    /// originals are for <see cref="DeleteOriginals"/>.
    /// </summary>
    /// <exception cref="StorageException">It failed, or a file was fetched meanwhile whose place is another's.</exception>
    public void FinishMove(CopiedFiles copied, CancellationToken cancellation)
    {
        var target = new FileStorage(_files, _handles, _metainfo, copied.Root, renamed: _renamed);
        foreach (var file in AllPlaces())
        {
            if (StampOf(file) is not { } stamp)
            {
                if (copied.Stamps.ContainsKey(file))
                {
                    // The part file that is not needed any more, or one that its owner took away.
                    _files.Delete(target.PathOf(file));
                }
            }
            else if (!copied.Stamps.TryGetValue(file, out var was) || was != stamp)
            {
                if (copied.Others.Contains(file))
                {
                    throw Occupied(target.PathOf(file));
                }

                CopyFile(file, target, cancellation);
            }
        }

        target.CreateEmpty(null);
        _handles.CloseAll(target);
        target.SyncFolders();
        _handles.CloseAll(this);
        Adopt(target);
    }

    /// <summary>
    /// After a crash in the middle of a move: ends it, if something lies at the new root only; else takes copies away that are
    /// perhaps not whole. Can itself be cut short and called again. No handle may be open.
    /// </summary>
    /// <remarks>
    /// Nothing lay at the new root where something lies at the old one when the move began. So what is at both is a copy, unless it
    /// is known to be foreign; and since originals are deleted only when all copies are durable, copies are whole as soon as one
    /// original is gone. They are compared all the same: an older version did not say what is foreign.
    /// </remarks>
    /// <param name="foreign">Files in whose places at the new root others had something before; null: not known.</param>
    /// <returns>Whether the content is at the new root.</returns>
    /// <exception cref="StorageException">The disk failed; it can be tried again.</exception>
    public bool EndMove(string root, IReadOnlySet<int>? foreign = null)
    {
        foreign ??= FrozenSet<int>.Empty;
        var target = new FileStorage(_files, _handles, _metainfo, root, renamed: _renamed);
        try
        {
            var here = AllPlaces().Where(file => IsThere(PathOf(file))).ToList();
            var both = here.FindAll(file => !foreign.Contains(file) && IsThere(target.PathOf(file)));
            if (!AllPlaces().Except(here).Any(file => !foreign.Contains(file) && IsThere(target.PathOf(file))))
            {
                both.ForEach(file => _files.Delete(target.PathOf(file)));
                target.DeleteEmptyFolders();
                return false;
            }

            // What came here where it is others' there stays here: a move that knew of it would not have ended.
            here.RemoveAll(foreign.Contains);
            foreach (var file in here)
            {
                var (from, to) = (PathOf(file), target.PathOf(file));
                if (both.Contains(file))
                {
                    if (AreSame(from, to))
                    {
                        continue;
                    }

                    _files.Delete(to);
                }

                target.MakeWay(to, isLink: true);
                if (!_files.TryMove(from, to))
                {
                    CopyFile(file, target, CancellationToken.None);
                }
            }

            target.CreateEmpty(null);
            _handles.CloseAll(target);
            target.NoteMoved(here);
            target.SyncFolders();
            DeleteFiles(foreign);
            return true;
        }
        catch (Exception e) when (StorageException.IsExpected(e))
        {
            throw StorageException.From(e, "cannot end the move to", root);
        }
    }

    /// <summary>Removes the originals of a move that was carried out.</summary>
    /// <returns>Of those that stay since they lie behind a link the first; null: there are none.</returns>
    /// <exception cref="StorageException">One could not be deleted.</exception>
    public string? DeleteOriginals(string root) =>
        new FileStorage(_files, _handles, _metainfo, root, renamed: _renamed).DeleteFiles();

    /// <summary>Removes the copies of a move that was given up, and nothing of what others have there.</summary>
    public void DeleteCopies(CopiedFiles copied) =>
        new FileStorage(_files, _handles, _metainfo, copied.Root, renamed: _renamed).DeleteFiles(copied.Others);

    /// <summary>Gives a file another path below the root.</summary>
    /// <param name="path">Safe elements with '/' between them; checked by the caller.</param>
    /// <param name="begin">Called when nothing stands in the way of a file that is there, just before it is renamed.</param>
    public void Rename(int file, string path, Action? begin = null)
    {
        var from = PathOf(file);
        var to = Path.Combine(Root, path.Replace('/', Path.DirectorySeparatorChar));
        try
        {
            if (_files.KindOf(to) != PathKind.Missing)
            {
                throw new StorageException(DiskFailureKind.Denied, $"cannot rename '{from}': '{to}' exists");
            }

            _handles.CloseAll(this);
            MakeWay(to);
            if (_files.KindOf(from) != PathKind.Missing)
            {
                begin?.Invoke();
                if (!_files.TryMove(from, to))
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

        (_renamed ??= [])[file] = path;
        return true;
    }

    private void CopyFile(int file, FileStorage target, CancellationToken cancellation)
    {
        var from = PathOf(file);
        var to = target.PathOf(file);
        try
        {
            switch (_files.KindOf(from))
            {
                case PathKind.Link when file != PartFile && _metainfo.Files[file].SymlinkTarget is null:
                    // Where it leads from another folder nobody knows, and without it the content would not be found.
                    throw Refuse($"'{from}' is a symbolic link, and those are not copied");
                case PathKind.Link or PathKind.Directory:
                    return;
            }

            target.MakeWay(to);
            using var source = _files.Open(from, writable: false, create: false);
            using var copy = target.OpenFile(file, writable: true);
            // Of an earlier copy nothing may shine through the holes of this one.
            copy.SetLength(0);
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

    private void NoteMoved(List<int> files) => files.ForEach(file => NoteChanged(Path.GetDirectoryName(PathOf(file))!));

    private bool IsThere(string path) => _files.KindOf(path) is PathKind.File or PathKind.Link;

    private bool AreSame(string one, string other)
    {
        if (_files.KindOf(one) != PathKind.File || _files.KindOf(other) != PathKind.File)
        {
            return _files.KindOf(one) == _files.KindOf(other);
        }

        using var left = _files.Open(one, writable: false, create: false);
        using var right = _files.Open(other, writable: false, create: false);
        if (left.Stamp.Size != right.Stamp.Size)
        {
            return false;
        }

        var (leftBuffer, rightBuffer) = (new byte[CopyBuffer], new byte[CopyBuffer]);
        for (long at = 0; ; )
        {
            var count = left.Read(leftBuffer, at);
            if (
                right.Read(rightBuffer, at) != count
                || !leftBuffer.AsSpan(0, count).SequenceEqual(rightBuffer.AsSpan(0, count))
            )
            {
                return false;
            }

            if (count == 0)
            {
                return true;
            }

            at += count;
        }
    }

    /// <exception cref="StorageException">Something stands at the new root where a file of the torrent would come to lie.</exception>
    public void CheckFree(string root) =>
        CheckFree(new FileStorage(_files, _handles, _metainfo, root, renamed: _renamed));

    private void CheckFree(FileStorage target)
    {
        foreach (var file in AllPlaces())
        {
            var path = target.PathOf(file);
            if (_files.KindOf(path) != PathKind.Missing && _files.KindOf(PathOf(file)) != PathKind.Missing)
            {
                throw Occupied(path);
            }
        }
    }

    private static StorageException Occupied(string path) => Refuse($"cannot move to '{path}': it exists");

    private void MoveBack(FileStorage target, List<int> moved)
    {
        foreach (var file in moved)
        {
            _files.TryMove(target.PathOf(file), PathOf(file));
        }
    }

    /// <summary>A move by copying, on its way.</summary>
    /// <param name="root">Where to.</param>
    internal sealed class CopiedFiles(string root)
    {
        public string Root => root;

        /// <summary>The stamps that the originals had before they were copied.</summary>
        public Dictionary<int, FileStamp> Stamps { get; } = [];

        /// <summary>Places of the torrent's files where others' lay before.</summary>
        public HashSet<int> Others { get; } = [];
    }

    private void Adopt(FileStorage target)
    {
        Root = target.Root;
        lock (_changedLock)
        {
            _changedFolders = target._changedFolders is { } changed ? [.. changed] : null;
        }
    }
}
