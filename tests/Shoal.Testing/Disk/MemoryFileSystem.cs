using Shoal.Engine;

namespace Shoal.Testing;

internal enum FileOperation
{
    Open,
    Read,
    Write,
    Sync,
    Names,

    /// <summary>Asking an open file for its size and time.</summary>
    Stat,
}

/// <summary>
/// A file system in memory that can be told to fail, and that knows what a power cut would leave: what was synced,
/// and of the rest a random part, sector by sector; of names created and changed, a random prefix.
/// </summary>
internal sealed partial class MemoryFileSystem(TimeProvider time) : IFileSystem
{
    private const int Sector = 4096;

    private readonly Dictionary<string, Node> _nodes = new(StringComparer.Ordinal) { ["/"] = new Node(true) };

    // The names as they are on the platter, and the changes since.
    private Dictionary<string, Node> _durableNodes = new(StringComparer.Ordinal) { ["/"] = new Node(true) };
    private readonly List<Dictionary<string, Node>> _nameChanges = [];
    private readonly Lock _lock = new();

    /// <summary>Called before each operation with the path; throws what the operation shall fail with.</summary>
    public Action<FileOperation, string>? Before { get; set; }

    /// <summary>Bytes that files may hold in all; more is "disk full".</summary>
    public long Capacity { get; set; } = long.MaxValue;

    /// <summary>Operations so far that change something.</summary>
    public int Changes { get; private set; }

    /// <summary>
    /// At this number of changes the power fails: half of a write is done, the exception is not an I/O error, and nothing
    /// can be changed any more.
    /// </summary>
    public int? CutAt { get; set; }

    public int OpenFiles { get; private set; }

    public int MostOpenFiles { get; private set; }

    public IEnumerable<string> Paths => _nodes.Keys.Order(StringComparer.Ordinal);

    /// <summary>Makes moves between paths with this prefix and others impossible.</summary>
    public string? OtherDevice { get; set; }

    public byte[] ReadAll(string path)
    {
        lock (_lock)
        {
            return _nodes[path].Content[..(int)_nodes[path].Length];
        }
    }

    /// <summary>Changes a file as a stranger would.</summary>
    public void WriteAll(string path, ReadOnlySpan<byte> content)
    {
        lock (_lock)
        {
            MakeFolders(Path.GetDirectoryName(path)!);
            if (!_nodes.TryGetValue(path, out var node))
            {
                node = new Node(false);
                _nodes[path] = node;
            }

            node.Write(0, content, Now);
            node.Length = content.Length;
        }
    }

    /// <summary>What is there after the power came back. This instance is not to be used any more.</summary>
    public MemoryFileSystem AfterPowerCut(Random random)
    {
        var after = new MemoryFileSystem(time);
        after._nodes.Clear();
        var survivors = random.Next(_nameChanges.Count + 1);
        var names = survivors == 0 ? _durableNodes : _nameChanges[survivors - 1];
        foreach (var (path, node) in names)
        {
            after._nodes[path] = node.AfterPowerCut(random, Sector);
        }

        after._durableNodes = new(after._nodes);
        return after;
    }

    public IDataFile Open(string path, bool writable, bool create, long preallocate = 0)
    {
        lock (_lock)
        {
            Check(FileOperation.Open, path);
            if (!_nodes.TryGetValue(path, out var node))
            {
                if (!create)
                {
                    throw new FileNotFoundException("no such file", path);
                }

                if (!_nodes.TryGetValue(Path.GetDirectoryName(path)!, out var folder) || !folder.IsDirectory)
                {
                    throw new DirectoryNotFoundException(path);
                }

                Reserve(preallocate);
                node = new Node(false) { ModifiedTicks = Now, Reserved = preallocate };
                ChangeNames(() => _nodes[path] = node);
            }

            if (node.IsDirectory)
            {
                throw new UnauthorizedAccessException(path);
            }

            MostOpenFiles = Math.Max(MostOpenFiles, ++OpenFiles);
            return new OpenFile(this, node, path, writable);
        }
    }

    public PathKind KindOf(string path)
    {
        lock (_lock)
        {
            return !_nodes.TryGetValue(path, out var node) ? PathKind.Missing
                : node.IsDirectory ? PathKind.Directory
                : node.LinkTarget is not null ? PathKind.Link
                : PathKind.File;
        }
    }

    public FileStamp? StampOf(string path)
    {
        lock (_lock)
        {
            return _nodes.TryGetValue(path, out var node) && !node.IsDirectory && node.LinkTarget is null
                ? new FileStamp(node.Length, node.ModifiedTicks)
                : null;
        }
    }

    public void CreateDirectory(string path)
    {
        lock (_lock)
        {
            Check(FileOperation.Names, path);
            ChangeNames(() => MakeFolders(path));
        }
    }

    public void CreateLink(string path, string target)
    {
        lock (_lock)
        {
            Check(FileOperation.Names, path);
            ChangeNames(() => _nodes[path] = new Node(false) { LinkTarget = target });
        }
    }

    public void SetExecutable(string path) => _nodes[path].IsExecutable = true;

    public void Delete(string path)
    {
        lock (_lock)
        {
            Check(FileOperation.Names, path);
            ChangeNames(() => _nodes.Remove(path));
        }
    }

    public void DeleteDirectory(string path)
    {
        lock (_lock)
        {
            if (_nodes.ContainsKey(path) && !_nodes.Keys.Any(p => p.StartsWith(path + "/", StringComparison.Ordinal)))
            {
                ChangeNames(() => _nodes.Remove(path));
            }
        }
    }

    public bool TryMove(string from, string to)
    {
        lock (_lock)
        {
            Check(FileOperation.Names, from);
            if (
                OtherDevice is { } other
                && from.StartsWith(other, StringComparison.Ordinal) != to.StartsWith(other, StringComparison.Ordinal)
            )
            {
                return false;
            }

            ChangeNames(() =>
            {
                _nodes.Remove(from, out var node);
                _nodes[to] = node ?? throw new FileNotFoundException(from);
            });
            return true;
        }
    }

    public void SyncDirectory(string path)
    {
        lock (_lock)
        {
            Check(FileOperation.Sync, path);
            if (!_nodes.ContainsKey(path))
            {
                throw new DirectoryNotFoundException(path);
            }

            Step();
            _durableNodes = new(_nodes);
            _nameChanges.Clear();
        }
    }

    private long Now => time.GetUtcNow().Ticks;

    private void MakeFolders(string path)
    {
        for (
            var folder = path;
            folder is not null && !_nodes.ContainsKey(folder);
            folder = Path.GetDirectoryName(folder)
        )
        {
            _nodes[folder] = new Node(true);
        }
    }

    private void ChangeNames(Action change)
    {
        Step();
        change();
        _nameChanges.Add(new(_nodes));
    }

    private void Check(FileOperation operation, string path) => Before?.Invoke(operation, path);

    private void Reserve(long growth)
    {
        if (growth > 0 && _nodes.Values.Distinct().Sum(n => Math.Max(n.Length, n.Reserved)) + growth > Capacity)
        {
            throw new IOException("no space left", 28);
        }
    }

    private void Step()
    {
        if (++Changes >= CutAt)
        {
            throw new PowerCutException();
        }
    }
}

/// <summary>The machine died. Nobody may catch it but the test.</summary>
internal sealed class PowerCutException : Exception;
