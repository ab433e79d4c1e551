using Shoal.Engine;

namespace Shoal.Testing;

/// <summary>Files and what a power cut leaves of them.</summary>
internal sealed partial class MemoryFileSystem
{
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

        /// <summary>Bytes set aside for it when it was made.</summary>
        public long Reserved { get; init; }
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

        public void SetLength(long length, long now)
        {
            if (length > Length)
            {
                Write(length, [], now);
            }
            else
            {
                // What is cut off is gone: who writes beyond the end later finds zeros between.
                Content.AsSpan((int)length, (int)(Length - length)).Clear();
            }

            Length = length;
            ModifiedTicks = now;
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
                    owner.Check(FileOperation.Stat, path);
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
                owner.Reserve(offset + bytes.Length - Math.Max(node.Length, node.Reserved));
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
                node.SetLength(length, owner.Now);
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
