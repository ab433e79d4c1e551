using Shoal.Engine;

namespace Shoal.Testing;

internal enum FileOperation
{
    Open,
    Read,
    Write,
    Sync,
    Names,
}

/// <summary>
/// A file system in memory that can be told to fail, and that knows what a power cut would leave: what was synced,
/// and of the rest a random part, sector by sector; of names created and changed, a random prefix.
/// </summary>
internal sealed class MemoryFileSystem(TimeProvider time) : IFileSystem
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

    /// <summary>At this number of changes the power fails: half of a write is done, and the exception is not an I/O error.</summary>
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
                node = new Node(false) { ModifiedTicks = Now };
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
        if (growth > 0 && _nodes.Values.Distinct().Sum(n => n.Length) + growth > Capacity)
        {
            throw new IOException("no space left", 28);
        }
    }

    private void Step()
    {
        if (++Changes == CutAt)
        {
            throw new PowerCutException();
        }
    }

    private sealed class Node(bool isDirectory)
    {
        private readonly List<(long Offset, int Length)> _unsynced = [];
        private byte[] _durable = [];
        private long _durableTicks;

        public bool IsDirectory => isDirectory;
        public string? LinkTarget { get; init; }
        public bool IsExecutable { get; set; }
        public byte[] Content { get; private set; } = [];
        public long Length { get; set; }
        public long ModifiedTicks { get; set; }

        public void Write(long offset, ReadOnlySpan<byte> bytes, long now)
        {
            var end = offset + bytes.Length;
            if (end > Content.Length)
            {
                var grown = Content;
                Array.Resize(ref grown, (int)Math.Max(end, Content.Length * 2L));
                Content = grown;
            }

            bytes.CopyTo(Content.AsSpan((int)offset));
            Length = Math.Max(Length, end);
            ModifiedTicks = now;
            _unsynced.Add((offset, bytes.Length));
        }

        public void Sync()
        {
            _durable = Content[..(int)Length];
            _durableTicks = ModifiedTicks;
            _unsynced.Clear();
        }

        public Node AfterPowerCut(Random random, int sector)
        {
            var content = new byte[Math.Max(Length, _durable.Length)];
            _durable.CopyTo(content, 0);
            long length = _durable.Length;
            var isTouched = false;
            foreach (var (offset, count) in _unsynced)
            {
                for (var at = offset; at < offset + count; )
                {
                    var end = Math.Min(offset + count, (at / sector + 1) * sector);
                    if (random.Next(2) == 0)
                    {
                        Content.AsSpan((int)at, (int)(end - at)).CopyTo(content.AsSpan((int)at));
                        length = Math.Max(length, end);
                        isTouched = true;
                    }

                    at = end;
                }
            }

            var after = new Node(isDirectory) { LinkTarget = LinkTarget, IsExecutable = IsExecutable };
            if (!isDirectory)
            {
                after.Content = content;
                after.Length = length;
                after.ModifiedTicks = isTouched || random.Next(2) == 0 ? ModifiedTicks : _durableTicks;
                after._durable = content[..(int)length];
                after._durableTicks = after.ModifiedTicks;
            }

            return after;
        }
    }

    private sealed class OpenFile(MemoryFileSystem owner, Node node, string path, bool writable) : IDataFile
    {
        private bool _isClosed;

        public FileStamp Stamp
        {
            get
            {
                lock (owner._lock)
                {
                    return new FileStamp(node.Length, node.ModifiedTicks);
                }
            }
        }

        public int Read(Span<byte> buffer, long offset)
        {
            lock (owner._lock)
            {
                ObjectDisposedException.ThrowIf(_isClosed, this);
                owner.Check(FileOperation.Read, path);
                var count = (int)Math.Clamp(node.Length - offset, 0, buffer.Length);
                node.Content.AsSpan((int)Math.Min(offset, node.Length), count).CopyTo(buffer);
                return count;
            }
        }

        public long Read(IReadOnlyList<Memory<byte>> buffers, long offset)
        {
            long total = 0;
            foreach (var buffer in buffers)
            {
                var count = Read(buffer.Span, offset + total);
                total += count;
                if (count < buffer.Length)
                {
                    break;
                }
            }

            return total;
        }

        public void Write(ReadOnlySpan<byte> bytes, long offset)
        {
            lock (owner._lock)
            {
                ObjectDisposedException.ThrowIf(_isClosed, this);
                if (!writable)
                {
                    throw new UnauthorizedAccessException(path);
                }

                owner.Check(FileOperation.Write, path);
                owner.Reserve(offset + bytes.Length - node.Length);
                try
                {
                    owner.Step();
                }
                catch (PowerCutException)
                {
                    node.Write(offset, bytes[..(bytes.Length / 2)], owner.Now);
                    throw;
                }

                node.Write(offset, bytes, owner.Now);
            }
        }

        public void Write(IReadOnlyList<ReadOnlyMemory<byte>> buffers, long offset)
        {
            foreach (var buffer in buffers)
            {
                Write(buffer.Span, offset);
                offset += buffer.Length;
            }
        }

        public void SetLength(long length)
        {
            lock (owner._lock)
            {
                owner.Step();
                if (length > node.Length)
                {
                    node.Write(length, [], owner.Now);
                }

                node.Length = length;
                node.ModifiedTicks = owner.Now;
            }
        }

        public void Sync()
        {
            lock (owner._lock)
            {
                owner.Check(FileOperation.Sync, path);
                owner.Step();
                node.Sync();
            }
        }

        public void Dispose()
        {
            lock (owner._lock)
            {
                if (!_isClosed)
                {
                    _isClosed = true;
                    owner.OpenFiles--;
                }
            }
        }
    }
}

/// <summary>The machine died. Nobody may catch it but the test.</summary>
internal sealed class PowerCutException : Exception;
