using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>Creating, and what is wanted.</summary>
internal sealed partial class FileStorage
{
    private const int CopyBuffer = 1024 * 1024;

    // Folders that hold names created since the last time they were made durable.
    private HashSet<string>? _changedFolders;
    private readonly Lock _changedLock = new();

    /// <summary>
    /// Creates what has no pieces: empty files and symbolic links that are wanted. Existing ones stay as they are.
    /// </summary>
    /// <exception cref="StorageException">One could not be made.</exception>
    public void CreateEmpty(IReadOnlyList<FilePriority>? priorities)
    {
        for (var i = 0; i < _metainfo.Files.Count; i++)
        {
            var file = _metainfo.Files[i];
            if (file.IsPad || priorities?[i] == FilePriority.Skip || (file.Size > 0 && file.SymlinkTarget is null))
            {
                continue;
            }

            var path = PathOf(i);
            try
            {
                if (!MakeWay(path, isLink: file.SymlinkTarget is not null))
                {
                    continue;
                }

                if (file.SymlinkTarget is { } target)
                {
                    CreateLink(path, target);
                }
                else
                {
                    Files.Open(path, writable: true, create: true).Dispose();
                    NoteCreated(i, path);
                }
            }
            catch (Exception e) when (StorageException.IsExpected(e))
            {
                throw StorageException.From(e, "cannot create", path);
            }
        }
    }

    /// <summary>Makes the wanted files that are missing, with all the space they will need.</summary>
    /// <exception cref="StorageException">There is not enough of it; what was made here is gone again.</exception>
    public void Reserve(IReadOnlyList<FilePriority>? priorities)
    {
        var made = new List<string>();
        foreach (var file in Map.Stored)
        {
            var path = PathOf(file);
            if (priorities?[file] == FilePriority.Skip || Files.KindOf(path) != PathKind.Missing)
            {
                continue;
            }

            try
            {
                OpenFile(file, writable: true).Dispose();
                made.Add(path);
            }
            catch (StorageException exception)
            {
                made.ForEach(Files.Delete);
                throw new StorageException(
                    exception.Failure.Kind,
                    $"cannot reserve {_metainfo.Files[file].Size} bytes for '{path}': {Reason(exception)}",
                    exception
                );
            }
        }
    }

    private static string Reason(StorageException exception) =>
        exception.Failure.Kind == DiskFailureKind.Full ? "the disk is full" : exception.Message;

    /// <summary>
    /// Decides which files may not appear: unwanted ones that are not there yet. Of those that become wanted,
    /// what the part file holds moves over.
    /// </summary>
    /// <returns>The files that were written to.</returns>
    /// <exception cref="StorageException">Moving over failed; the file's bytes stay in the part file.</exception>
    public List<int> SetPriorities(IReadOnlyList<FilePriority> priorities)
    {
        var written = new List<int>();
        foreach (var file in Map.Stored)
        {
            var skip = priorities[file] == FilePriority.Skip;
            if (skip == _parts.IsKept(file))
            {
                continue;
            }

            if (skip)
            {
                if (Files.KindOf(PathOf(file)) == PathKind.Missing)
                {
                    _parts.Keep(file, true);
                }
            }
            else
            {
                try
                {
                    if (MoveOutOfParts(file))
                    {
                        written.Add(file);
                    }
                }
                catch (Exception e) when (StorageException.IsExpected(e))
                {
                    throw StorageException.From(e, "cannot write", PathOf(file));
                }

                _parts.Keep(file, false);
            }
        }

        return written;
    }

    /// <summary>As the journal says.</summary>
    public void RestoreKept(IEnumerable<int> files)
    {
        foreach (var file in files)
        {
            _parts.Keep(file, true);
        }
    }

    public bool IsKept(int file) => _parts.IsKept(file);

    /// <summary>Deletes the part file if nothing is kept in it any more.</summary>
    /// <exception cref="StorageException">It stays.</exception>
    public void DeleteUnusedParts()
    {
        var parts = PathOf(PartFile);
        try
        {
            if (!Map.Stored.ToArray().Any(_parts.IsKept) && Files.KindOf(parts) == PathKind.File)
            {
                _handles.CloseAll(this);
                Files.Delete(parts);
            }
        }
        catch (Exception e) when (StorageException.IsExpected(e))
        {
            throw StorageException.From(e, "cannot delete", parts);
        }
    }

    /// <summary>Makes the names of created files durable.</summary>
    /// <exception cref="StorageException">They are not.</exception>
    public void SyncFolders()
    {
        string[] folders;
        lock (_changedLock)
        {
            folders = [.. _changedFolders ?? []];
            _changedFolders = null;
        }

        for (var i = 0; i < folders.Length; i++)
        {
            try
            {
                // One that is gone since its last file is gone is a name that its parent lost.
                var folder = folders[i];
                while (Files.KindOf(folder) == PathKind.Missing && Path.GetDirectoryName(folder) is { } parent)
                {
                    folder = parent;
                }

                Files.SyncDirectory(folder);
            }
            catch (Exception e) when (StorageException.IsExpected(e))
            {
                lock (_changedLock)
                {
                    (_changedFolders ??= []).UnionWith(folders.Skip(i));
                }

                throw StorageException.From(e, "cannot make durable", folders[i]);
            }
        }
    }

    /// <summary>
    /// Sees to it that a file can be made at the path: makes its folders, refuses whatever else stands there.
    /// Existing links below the root are never followed, so a torrent writes nowhere else.
    /// </summary>
    /// <returns>True if the place is free, false if the file exists.</returns>
    public bool MakeWay(string path, bool isLink = false)
    {
        var below = Path.GetRelativePath(Root, path).Split(Path.DirectorySeparatorChar);
        var folder = Root;
        EnsureRoot();
        for (var i = 0; i < below.Length - 1; i++)
        {
            var parent = folder;
            folder = Path.Combine(folder, below[i]);
            switch (Files.KindOf(folder))
            {
                case PathKind.Missing:
                    Files.CreateDirectory(folder);
                    NoteChanged(parent);
                    break;
                case PathKind.Link:
                    throw Refuse($"'{folder}' is a symbolic link, and those are not followed when writing");
                case PathKind.File:
                    throw Refuse($"'{folder}' is a file where the torrent needs a folder");
            }
        }

        switch (Files.KindOf(path))
        {
            case PathKind.Missing:
                return true;
            case PathKind.Link when !isLink:
                throw Refuse($"'{path}' is a symbolic link, and those are not followed when writing");
            case PathKind.Directory:
                throw Refuse($"'{path}' is a folder where the torrent needs a file");
            default:
                return false;
        }
    }

    public static StorageException Refuse(string message) => new(DiskFailureKind.Denied, message);

    private void EnsureRoot()
    {
        // The user chose the root: links on the way to it are fine.
        if (Files.KindOf(Root) == PathKind.Missing)
        {
            Files.CreateDirectory(Root);
            if (Path.GetDirectoryName(Root) is { } parent)
            {
                NoteChanged(parent);
            }
        }
    }

    private void NoteCreated(int file, string path)
    {
        if (file != PartFile && _metainfo.Files[file].IsExecutable)
        {
            Files.SetExecutable(path);
        }

        NoteChanged(Path.GetDirectoryName(path)!);
    }

    /// <summary>Files got here in another way than by <see cref="OpenFile"/>.</summary>
    public void NoteMoved(IEnumerable<int> files)
    {
        foreach (var file in files)
        {
            NoteChanged(Path.GetDirectoryName(PathOf(file))!);
        }
    }

    private void NoteChanged(string folder)
    {
        lock (_changedLock)
        {
            (_changedFolders ??= []).Add(folder);
        }
    }

    private void CreateLink(string path, string target)
    {
        // The target is a path within the torrent, checked when the metainfo was read.
        var absolute = Path.Combine(Root, target.Replace('/', Path.DirectorySeparatorChar));
        Files.CreateLink(path, Path.GetRelativePath(Path.GetDirectoryName(path)!, absolute));
        NoteChanged(Path.GetDirectoryName(path)!);
    }

    /// <summary>The torrent's files, and the part file.</summary>
    public IEnumerable<int> AllPlaces()
    {
        for (var i = 0; i < _metainfo.Files.Count; i++)
        {
            if (!_metainfo.Files[i].IsPad)
            {
                yield return i;
            }
        }

        yield return PartFile;
    }

    /// <returns>Whether anything was written.</returns>
    private bool MoveOutOfParts(int file)
    {
        if (Files.KindOf(PathOf(PartFile)) == PathKind.Missing)
        {
            return false;
        }

        var isNew = Files.KindOf(PathOf(file)) == PathKind.Missing;
        var buffer = new byte[Math.Min(CopyBuffer, _metainfo.Layout.PieceLength)];
        var isWritten = false;
        long end = 0;
        foreach (var (offset, length) in _parts.SharedRangesOf(file))
        {
            for (var done = 0; done < length; )
            {
                var chunk = buffer.AsSpan(0, Math.Min(buffer.Length, length - done));
                int count;
                using (var parts = _handles.Acquire(this, PartFile, writable: false))
                {
                    count = parts.File.Read(chunk, _parts.OffsetOf(offset + done));
                }

                if (count == 0)
                {
                    break;
                }

                var at = offset + done - _metainfo.Files[file].Offset;
                // Stretches that were never written read as zeros: leaving them out keeps a new file sparse.
                if (!isNew || chunk[..count].ContainsAnyExcept((byte)0))
                {
                    using var own = _handles.Acquire(this, file, writable: true);
                    own.File.Write(chunk[..count], at);
                    isWritten = true;
                }

                done += count;
                end = at + count;
            }
        }

        // Zeros that were fetched are content too: a file that ends with them is as long as one that does not.
        isWritten |= end > 0 && GrowTo(file, end);
        if (isWritten)
        {
            Sync(file);
        }

        return isWritten;
    }

    private bool GrowTo(int file, long length)
    {
        using var own = _handles.Acquire(this, file, writable: true);
        if (own.File.Stamp.Size >= length)
        {
            return false;
        }

        own.File.SetLength(length);
        return true;
    }
}
