using System.Collections.Frozen;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// The files of one torrent: reads and writes ranges of the torrent, splits them at files, keeps what belongs to
/// unwanted files in a part file. Its shards call it from several threads at once; what changes where files lie
/// (the other half of this class) happens only while the shards leave the torrent alone.
/// </summary>
internal sealed partial class FileStorage
{
    private readonly FileHandleCache _handles;
    private readonly Metainfo _metainfo;

    // Null: none ever was.
    private Dictionary<int, string>? _renamed;
    private readonly PartFileMap _parts;

    // Wanted files that are to have their space reserved when they are made.
    private bool _preallocate;

    public FileStorage(
        IFileSystem files,
        FileHandleCache handles,
        Metainfo metainfo,
        string root,
        bool preallocate = false,
        IReadOnlyDictionary<int, string>? renamed = null
    )
    {
        Files = files;
        _handles = handles;
        _metainfo = metainfo;
        _preallocate = preallocate;
        _renamed = renamed is null or { Count: 0 } ? null : new Dictionary<int, string>(renamed);
        Root = Normalize(root);
        Map = new FileMap(metainfo);
        _parts = new PartFileMap(metainfo, Map);
    }

    public IFileSystem Files { get; }

    /// <summary>The folder that holds the content.</summary>
    public string Root { get; private set; }

    /// <summary>One spelling for a folder: full, and without the separator at the end that shells like to add.</summary>
    public static string Normalize(string folder) => Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));

    public FileMap Map { get; }

    /// <summary>Number under which the part file appears beside the torrent's files.</summary>
    public int PartFile => _metainfo.Files.Count;

    /// <summary>Files that have another name than the torrent gives them, with '/' between elements.</summary>
    public IReadOnlyDictionary<int, string> Renamed =>
        _renamed ?? (IReadOnlyDictionary<int, string>)FrozenDictionary<int, string>.Empty;

    public string PathOf(int file) =>
        file == PartFile
            ? Path.Combine(Root, $".{_metainfo.InfoHashes.Primary}.parts")
            : Path.Combine(Root, RelativePathOf(file).Replace('/', Path.DirectorySeparatorChar));

    /// <summary>The torrent says that it is a symbolic link. Not where somebody put one in its place.</summary>
    public bool IsLink(int file) => file != PartFile && _metainfo.Files[file].SymlinkTarget is not null;

    public void CloseHandles() => _handles.CloseAll(this);

    public FileStamp? StampOf(int file) => Files.StampOf(PathOf(file));

    /// <summary>Where the span's bytes are: its file, or the part file.</summary>
    public (int File, long Offset) Place(in FileSpan span)
    {
        if (_parts.IsKept(span.File))
        {
            var at = _parts.OffsetOf(span.Offset);
            if (at >= 0)
            {
                return (PartFile, at);
            }
        }

        return (span.File, span.FileOffset);
    }

    /// <summary>Writes a range that lies within one piece; padding in it is left out.</summary>
    /// <param name="offset">In the torrent's range.</param>
    /// <param name="buffers">The bytes, in order.</param>
    /// <param name="length">Their sum.</param>
    /// <param name="scratch">Used for runs that cross files; its content is lost.</param>
    /// <exception cref="StorageException">Some of it may have been written.</exception>
    public void Write(long offset, List<ReadOnlyMemory<byte>> buffers, int length, List<ReadOnlyMemory<byte>> scratch)
    {
        foreach (var span in Map.Locate(offset, length))
        {
            if (span.File == FileMap.NoFile)
            {
                continue;
            }

            var (file, at) = Place(span);
            try
            {
                using var lease = _handles.Acquire(this, file, writable: true);
                if (span.Length == length)
                {
                    lease.File.Write(buffers, at);
                }
                else
                {
                    Slice(buffers, (int)(span.Offset - offset), span.Length, scratch);
                    lease.File.Write(scratch, at);
                }
            }
            catch (Exception e) when (StorageException.IsExpected(e))
            {
                throw StorageException.From(e, "cannot write", PathOf(file));
            }
        }
    }

    /// <summary>Fills the buffers from a range within one piece; padding reads as zeros.</summary>
    /// <returns>False when a file ends too early.</returns>
    /// <exception cref="StorageException">A file is missing or cannot be read.</exception>
    public bool Read(long offset, List<Memory<byte>> buffers, int length, List<Memory<byte>> scratch)
    {
        foreach (var span in Map.Locate(offset, length))
        {
            var part = buffers;
            if (span.Length != length)
            {
                Slice(buffers, (int)(span.Offset - offset), span.Length, scratch);
                part = scratch;
            }

            if (span.File == FileMap.NoFile)
            {
                foreach (var buffer in part)
                {
                    buffer.Span.Clear();
                }

                continue;
            }

            var (file, at) = Place(span);
            try
            {
                using var lease = _handles.Acquire(this, file, writable: false);
                if (lease.File.Read(part, at) < span.Length)
                {
                    return false;
                }
            }
            catch (Exception e) when (StorageException.IsExpected(e))
            {
                throw StorageException.From(e, "cannot read", PathOf(file));
            }
        }

        return true;
    }

    /// <summary>Sets to zero what is padding in the bytes of this range, whatever a peer sent there.</summary>
    public void ClearPadding(long offset, Span<byte> bytes)
    {
        foreach (var span in Map.Locate(offset, bytes.Length))
        {
            if (span.File == FileMap.NoFile)
            {
                bytes.Slice((int)(span.Offset - offset), span.Length).Clear();
            }
        }
    }

    /// <summary>Makes the file's content durable.</summary>
    /// <returns>Its stamp, null when it is gone.</returns>
    /// <exception cref="StorageException">It is not durable.</exception>
    public FileStamp? Sync(int file)
    {
        try
        {
            if (Files.StampOf(PathOf(file)) is null)
            {
                return null;
            }

            // Unix syncs through any handle, so files that may not be written can be synced too.
            using var lease = _handles.Acquire(this, file, writable: OperatingSystem.IsWindows());
            lease.File.Sync();
            return lease.File.Stamp;
        }
        catch (Exception e) when (StorageException.IsExpected(e))
        {
            throw StorageException.From(e, "cannot make durable", PathOf(file));
        }
    }

    /// <summary>Size and time of an existing file that we may have open.</summary>
    public FileStamp? OpenStampOf(int file)
    {
        try
        {
            using var lease = _handles.Acquire(this, file, writable: false);
            return lease.File.Stamp;
        }
        catch (Exception e) when (StorageException.IsExpected(e))
        {
            // Also where it is open: a server may have lost it.
            return null;
        }
    }

    /// <summary>For <see cref="FileHandleCache"/>.</summary>
    /// <exception cref="StorageException">It could not be opened, or something stands in its way.</exception>
    internal IDataFile OpenFile(int file, bool writable)
    {
        var path = PathOf(file);
        try
        {
            if (!writable)
            {
                return Files.Open(path, writable: false, create: false);
            }

            var isNew = MakeWay(path);
            var reserve = isNew && _preallocate && file != PartFile ? _metainfo.Files[file].Size : 0;
            var opened = Files.Open(path, writable: true, create: true, reserve);
            if (isNew)
            {
                NoteCreated(file, path);
            }

            return opened;
        }
        catch (Exception e) when (StorageException.IsExpected(e))
        {
            throw StorageException.From(e, writable ? "cannot write" : "cannot read", path);
        }
    }

    /// <summary>Below the root, with '/' between elements. Not for the part file.</summary>
    public string RelativePathOf(int file) =>
        _renamed is not null && _renamed.TryGetValue(file, out var name) ? name : _metainfo.Files[file].Path;

    private static void Slice(List<Memory<byte>> buffers, int skip, int length, List<Memory<byte>> into)
    {
        into.Clear();
        foreach (var buffer in buffers)
        {
            var take = Math.Min(buffer.Length - skip, length);
            if (take > 0)
            {
                into.Add(buffer.Slice(skip, take));
                length -= take;
            }

            skip = Math.Max(0, skip - buffer.Length);
        }
    }

    private static void Slice(List<ReadOnlyMemory<byte>> buffers, int skip, int length, List<ReadOnlyMemory<byte>> into)
    {
        into.Clear();
        foreach (var buffer in buffers)
        {
            var take = Math.Min(buffer.Length - skip, length);
            if (take > 0)
            {
                into.Add(buffer.Slice(skip, take));
                length -= take;
            }

            skip = Math.Max(0, skip - buffer.Length);
        }
    }
}
