using System.Threading.Channels;
using Shoal.Engine;

namespace Shoal.Testing;

/// <summary>
/// Two ends of a connection without a network. Each direction holds so many bytes; then its sender waits. Never
/// completes a waiting call on the thread that made it possible, as a socket does not either.
/// </summary>
internal sealed class MemoryTransport : ITransport
{
    private readonly Pipe _incoming;
    private readonly Pipe _outgoing;

    private MemoryTransport(Pipe incoming, Pipe outgoing)
    {
        _incoming = incoming;
        _outgoing = outgoing;
    }

    public static (MemoryTransport One, MemoryTransport Other) CreatePair(int capacity = 256 * 1024)
    {
        var there = new Pipe(capacity);
        var back = new Pipe(capacity);
        return (new MemoryTransport(back, there), new MemoryTransport(there, back));
    }

    /// <summary>Bytes that wait to be received at this end.</summary>
    public int Pending => _incoming.Count;

    /// <summary>Whether the other end has hung up.</summary>
    public bool IsClosed => _incoming.IsClosed;

    public TransportKind Kind => TransportKind.Tcp;

    public StreamEncryption Encryption => StreamEncryption.None;

    public ValueTask<int> ReceiveAsync(Memory<byte> buffer) => _incoming.ReceiveAsync(buffer);

    public async ValueTask SendAsync(List<ArraySegment<byte>> segments)
    {
        foreach (var segment in segments)
        {
            await _outgoing.SendAsync(segment);
        }
    }

    public ValueTask SendAsync(ReadOnlyMemory<byte> bytes) => _outgoing.SendAsync(bytes);

    /// <summary>What was asked for last.</summary>
    public int MostUnsent { get; private set; }

    public void LimitUnsent(int bytes) => MostUnsent = bytes;

    /// <summary>All that was asked for, in order.</summary>
    public Channel<int> AwaitedBytes { get; } = Channel.CreateUnbounded<int>();

    public void AwaitAtLeast(int bytes) => AwaitedBytes.Writer.TryWrite(bytes);

    public void Close()
    {
        _outgoing.End(isFailure: false);
        _incoming.End(isFailure: true);
    }

    public void Dispose() => Close();

    private sealed class Pipe(int capacity)
    {
        private readonly Lock _lock = new();
        private readonly Queue<byte> _bytes = new();
        private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private bool _isEnded;
        private bool _isFailed;

        public int Count
        {
            get
            {
                lock (_lock)
                {
                    return _bytes.Count;
                }
            }
        }

        public bool IsClosed
        {
            get
            {
                lock (_lock)
                {
                    return _isEnded;
                }
            }
        }

        public async ValueTask<int> ReceiveAsync(Memory<byte> buffer)
        {
            while (true)
            {
                Task change;
                lock (_lock)
                {
                    if (_isFailed)
                    {
                        throw new IOException("closed on this side");
                    }

                    if (_bytes.Count > 0 || _isEnded)
                    {
                        var count = Math.Min(buffer.Length, _bytes.Count);
                        for (var i = 0; i < count; i++)
                        {
                            buffer.Span[i] = _bytes.Dequeue();
                        }

                        Change();
                        return count;
                    }

                    change = _changed.Task;
                }

                await change;
            }
        }

        public async ValueTask SendAsync(ReadOnlyMemory<byte> bytes)
        {
            while (true)
            {
                Task change;
                lock (_lock)
                {
                    if (_isEnded)
                    {
                        throw new IOException("closed");
                    }

                    var count = Math.Min(bytes.Length, capacity - _bytes.Count);
                    foreach (var b in bytes.Span[..count])
                    {
                        _bytes.Enqueue(b);
                    }

                    bytes = bytes[count..];
                    if (count > 0)
                    {
                        Change();
                    }

                    if (bytes.IsEmpty)
                    {
                        return;
                    }

                    change = _changed.Task;
                }

                await change;
            }
        }

        public void End(bool isFailure)
        {
            lock (_lock)
            {
                _isEnded = true;
                _isFailed |= isFailure;
                Change();
            }
        }

        private void Change()
        {
            var changed = _changed;
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            changed.SetResult();
        }
    }
}
