namespace Shoal.Engine;

/// <summary>
/// Takes the content of a torrent to another root: by renaming on one device, by copying between two, while the torrent stays in
/// use; or ends what was cut short. Of <see cref="TorrentDisk"/>, which calls one step after the other; what becomes of a file
/// <see cref="MoveRules"/> says.
/// </summary>
internal sealed class ContentMove
{
    private const int CopyBuffer = 1024 * 1024;

    private readonly IFileSystem _files;

    // In use: its root becomes the new one.
    private readonly FileStorage _storage;

    // Where it is and where it goes, whatever comes of the move.
    private readonly FileStorage _original;
    private readonly FileStorage _target;

    // The stamps that the originals had before they were copied.
    private readonly Dictionary<int, FileStamp> _copied = [];
    private readonly HashSet<int> _foreign;

    // Places at the new root that were free before we made something there: only that is overwritten, or deleted.
    private readonly HashSet<int> _made = [];

    /// <param name="storage">The content.</param>
    /// <param name="root">Where to.</param>
    /// <param name="foreign">Of a move that was cut short: see <see cref="Foreign"/>; null: not known.</param>
    public ContentMove(FileStorage storage, string root, IReadOnlySet<int>? foreign = null)
    {
        _files = storage.Files;
        _storage = storage;
        _original = storage.At(storage.Root);
        _target = storage.At(root);
        _foreign = [.. foreign ?? new HashSet<int>()];
    }

    /// <summary>
    /// Files in whose places others have something at the new root. None of them has an original (<see cref="CheckFree"/>), so what
    /// is there is no copy, whatever becomes of the move: it is neither written to nor deleted.
    /// </summary>
    public IReadOnlySet<int> Foreign => _foreign;

    public string OriginalRoot => _original.Root;

    /// <exception cref="StorageException">Something stands at the new root where a file of the torrent would come to lie.</exception>
    public void CheckFree()
    {
        foreach (var file in _original.AllPlaces())
        {
            var path = _target.PathOf(file);
            if (_files.KindOf(path) != PathKind.Missing && _files.KindOf(_original.PathOf(file)) != PathKind.Missing)
            {
                throw Occupied(path);
            }
        }
    }

    /// <summary>
    /// Whether renaming to the new root works, found out by doing it with the first file that exists. Then all
    /// are moved, and the root is the new one.
    /// </summary>
    /// <returns>False, and nothing has happened: the new root is on another device.</returns>
    public bool TryRename()
    {
        CheckFree();
        _storage.CloseHandles();
        var moved = new List<int>();
        foreach (var file in _original.AllPlaces())
        {
            var from = _original.PathOf(file);
            var to = _target.PathOf(file);
            try
            {
                if (_files.KindOf(from) is PathKind.Missing or PathKind.Directory)
                {
                    continue;
                }

                _target.MakeWay(to, isLink: true);
                if (!_files.TryMove(from, to))
                {
                    MoveBack(moved);
                    _target.DeleteEmptyFolders();
                    return false;
                }

                moved.Add(file);
            }
            catch (Exception e) when (StorageException.IsExpected(e))
            {
                MoveBack(moved);
                throw StorageException.From(e, "cannot move to", to);
            }
        }

        _target.NoteMoved(moved);
        _target.SyncFolders();
        _original.DeleteEmptyFolders();
        _storage.Adopt(_target);
        return true;
    }

    /// <summary>Finds out what others have at the new root before anything is copied there.</summary>
    /// <exception cref="StorageException">A file that is still to be fetched would come to lie on one of them.</exception>
    public void BeginCopy()
    {
        foreach (var file in _original.AllPlaces())
        {
            // Nobody but us makes a part file with this torrent's name.
            if (file == _original.PartFile || _files.KindOf(_target.PathOf(file)) == PathKind.Missing)
            {
                continue;
            }

            if (_storage.Map.Stored.Contains(file) && !_storage.IsKept(file))
            {
                throw Occupied(_target.PathOf(file));
            }

            _foreign.Add(file);
        }
    }

    /// <summary>
    /// Copies every file, as needed when the new root is on another device. The torrent stays in use: files that changed during or
    /// after their copy are copied again by <see cref="Finish"/>.
    /// </summary>
    public void Copy(CancellationToken cancellation)
    {
        foreach (var file in _original.AllPlaces().Where(file => !_foreign.Contains(file)))
        {
            cancellation.ThrowIfCancellationRequested();
            if (_original.StampOf(file) is { } stamp)
            {
                Copy(file, cancellation);
                _copied.Add(file, stamp);
            }
        }
    }

    /// <summary>
    /// Copies what changed since <see cref="Copy(CancellationToken)"/>, and makes the copies durable: the root is the new one then,
    /// and the originals are for <see cref="DeleteOriginals"/>.
    /// </summary>
    /// <exception cref="StorageException">It failed, or a file was fetched meanwhile whose place is another's.</exception>
    public void Finish(CancellationToken cancellation)
    {
        foreach (var file in _original.AllPlaces())
        {
            var copied = _copied.TryGetValue(file, out var stamp) ? stamp : (FileStamp?)null;
            switch (MoveRules.Next(_original.StampOf(file), copied, _foreign.Contains(file)))
            {
                case CopyStep.Copy:
                    Copy(file, cancellation);
                    break;
                case CopyStep.DeleteCopy:
                    _files.Delete(_target.PathOf(file));
                    _made.Remove(file);
                    break;
                case CopyStep.Refuse:
                    throw Occupied(_target.PathOf(file));
            }
        }

        _made.UnionWith(_target.AllPlaces().Where(file => _files.KindOf(_target.PathOf(file)) == PathKind.Missing));
        _target.CreateEmpty(null);
        _target.CloseHandles();
        _target.SyncFolders();
        _storage.CloseHandles();
        _storage.Adopt(_target);
    }

    /// <summary>
    /// After a crash in the middle of a move: ends or undoes it. Can itself be cut short and called again. No handle may be open.
    /// </summary>
    /// <param name="stage">How far it had come.</param>
    /// <param name="claimed">Files that were written to at the old place.</param>
    /// <returns>Whether the content is at the new root.</returns>
    /// <exception cref="StorageException">The disk failed or is not there; it can be tried again.</exception>
    public bool End(MoveStage stage, IReadOnlyCollection<int> claimed)
    {
        try
        {
            var ending =
                MoveRules.End(
                    stage,
                    _original
                        .AllPlaces()
                        .Select(file => new MovePlace(
                            file,
                            _original.IsThere(_original.PathOf(file)),
                            _target.IsThere(_target.PathOf(file)),
                            _foreign.Contains(file)
                        )
                        {
                            IsClaimed = claimed.Contains(file),
                            IsPartFile = file == _original.PartFile,
                        })
                ) ?? throw Lost(stage);
            // Where one cannot be renamed none ever was: it is another device.
            var goesOn = ending.GoesOn && ending.Left.All(TryBring);
            if (goesOn && stage == MoveStage.Renaming)
            {
                _target.CreateEmpty(null);
                _target.CloseHandles();
                _target.NoteMoved(_original.AllPlaces().Where(file => _target.IsThere(_target.PathOf(file))));
                _target.SyncFolders();
            }

            (goesOn ? _original : _target).DeleteFiles(_original.AllPlaces().Except(ending.Deleted).ToHashSet());
            return goesOn;
        }
        catch (Exception e) when (StorageException.IsExpected(e))
        {
            throw StorageException.From(e, "cannot end the move to", _target.Root);
        }
    }

    /// <summary>Removes the originals of a move that was carried out.</summary>
    /// <returns>Of those that stay since they lie behind a link the first; null: there are none.</returns>
    /// <exception cref="StorageException">One could not be deleted.</exception>
    public string? DeleteOriginals() => _original.DeleteFiles();

    /// <summary>Removes the copies of a move that was given up, and nothing of what others have there.</summary>
    public void DeleteCopies() => _target.DeleteFiles(_target.AllPlaces().Except(_made).ToHashSet());

    private void MoveBack(List<int> moved) =>
        moved.ForEach(file => _files.TryMove(_target.PathOf(file), _original.PathOf(file)));

    private bool TryBring(int file)
    {
        var to = _target.PathOf(file);
        _target.MakeWay(to, isLink: true);
        return _files.TryMove(_original.PathOf(file), to);
    }

    private void Copy(int file, CancellationToken cancellation)
    {
        var from = _original.PathOf(file);
        var to = _target.PathOf(file);
        try
        {
            switch (_files.KindOf(from))
            {
                case PathKind.Link when !_original.IsLink(file):
                    // Where it leads from another folder nobody knows, and without it the content would not be found.
                    throw FileStorage.Refuse($"'{from}' is a symbolic link, and those are not copied");
                case PathKind.Link or PathKind.Directory:
                    return;
            }

            // Copying takes hours, and something may have come there that was not when it began.
            if (!_target.MakeWay(to) && !_made.Contains(file) && file != _original.PartFile)
            {
                throw Occupied(to);
            }

            _made.Add(file);
            using var source = _files.Open(from, writable: false, create: false);
            using var copy = _target.OpenFile(file, writable: true);
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

    private StorageException Lost(MoveStage stage)
    {
        var root = (stage == MoveStage.Copied ? _target : _original).Root;
        return new StorageException(
            DiskFailureKind.Missing,
            $"'{root}' has nothing of the content, whose move from '{_original.Root}' to '{_target.Root}' was cut short: "
                + "is its disk mounted?"
        );
    }

    private static StorageException Occupied(string path) => FileStorage.Refuse($"cannot move to '{path}': it exists");
}
