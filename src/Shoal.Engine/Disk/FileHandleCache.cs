namespace Shoal.Engine;

/// <summary>
/// The open files of all torrents, the least recently used closed first beyond the limit. Files in use are never
/// closed under their user, so the limit may be passed by as many files as there are disk workers.
/// </summary>
internal sealed class FileHandleCache(int limit) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(FileStorage, int), Entry> _entries = [];

    // Least recently used first.
    private readonly LinkedList<Entry> _order = new();

    /// <summary>Files open now.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _entries.Count;
            }
        }
    }

    /// <summary>The file, opened if need be. The caller disposes the lease soon.</summary>
    /// <exception cref="StorageException">It could not be opened.</exception>
    public Lease Acquire(FileStorage storage, int file, bool writable)
    {
        Entry entry;
        Entry? evicted = null;
        lock (_lock)
        {
            if (_entries.TryGetValue((storage, file), out entry!) && (entry.Writable || !writable))
            {
                _order.Remove(entry.Node);
            }
            else
            {
                if (entry is not null)
                {
                    Drop(entry);
                    evicted = entry.Users == 0 ? entry : null;
                }

                entry = new Entry(storage, file, writable);
                _entries.Add((storage, file), entry);
            }

            entry.Users++;
            _order.AddLast(entry.Node);
        }

        evicted?.Close();
        CloseSurplus();
        try
        {
            // Opening may take long on a slow disk: others wait for this file only.
            return new Lease(this, entry, entry.Open());
        }
        catch
        {
            Discard(entry);
            throw;
        }
    }

    /// <summary>Closes the files of a torrent; those in use, when they are given back.</summary>
    public void CloseAll(FileStorage storage)
    {
        List<Entry> closing = [];
        lock (_lock)
        {
            for (var node = _order.First; node is not null; )
            {
                var entry = node.Value;
                node = node.Next;
                if (entry.Storage == storage)
                {
                    Drop(entry);
                    if (entry.Users == 0)
                    {
                        closing.Add(entry);
                    }
                }
            }
        }

        foreach (var entry in closing)
        {
            entry.Close();
        }
    }

    public void Dispose()
    {
        List<Entry> closing;
        lock (_lock)
        {
            closing = [.. _order];
            _entries.Clear();
            _order.Clear();
        }

        foreach (var entry in closing)
        {
            entry.Close();
        }
    }

    private void CloseSurplus()
    {
        while (true)
        {
            Entry? surplus = null;
            lock (_lock)
            {
                for (var node = _order.First; node is not null && _entries.Count > limit; node = node.Next)
                {
                    if (node.Value.Users == 0)
                    {
                        surplus = node.Value;
                        Drop(surplus);
                        break;
                    }
                }
            }

            if (surplus is null)
            {
                return;
            }

            surplus.Close();
        }
    }

    private void Drop(Entry entry)
    {
        _entries.Remove((entry.Storage, entry.File));
        _order.Remove(entry.Node);
        entry.IsDropped = true;
    }

    private void Discard(Entry entry)
    {
        lock (_lock)
        {
            if (!entry.IsDropped)
            {
                Drop(entry);
            }
        }

        Release(entry);
    }

    private void Release(Entry entry)
    {
        bool close;
        lock (_lock)
        {
            close = --entry.Users == 0 && entry.IsDropped;
        }

        if (close)
        {
            entry.Close();
        }
    }

    internal readonly struct Lease(FileHandleCache cache, Entry entry, IDataFile file) : IDisposable
    {
        public IDataFile File => file;

        public void Dispose() => cache.Release(entry);
    }

    internal sealed class Entry
    {
        private readonly Lock _opening = new();
        private IDataFile? _file;

        public Entry(FileStorage storage, int file, bool writable)
        {
            Storage = storage;
            File = file;
            Writable = writable;
            Node = new LinkedListNode<Entry>(this);
        }

        public FileStorage Storage { get; }
        public int File { get; }
        public bool Writable { get; }
        public LinkedListNode<Entry> Node { get; }
        public int Users { get; set; }
        public bool IsDropped { get; set; }

        public IDataFile Open()
        {
            lock (_opening)
            {
                return _file ??= Storage.OpenFile(File, Writable);
            }
        }

        public void Close()
        {
            lock (_opening)
            {
                _file?.Dispose();
                _file = null;
            }
        }
    }
}
