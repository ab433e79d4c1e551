using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Threading.Tasks.Sources;

namespace Shoal.Engine;

/// <summary>TCP. Sends many segments with one system call and without allocating for it.</summary>
internal sealed class SocketTransport : ITransport
{
    private readonly Socket _socket;
    private readonly GatherSend _send = new();
    private int _closed;

    /// <param name="socket">Connected; owned from now on.</param>
    public SocketTransport(Socket socket)
    {
        _socket = socket;
        // Small messages are gathered by the link itself; what it sends must leave at once.
        socket.NoDelay = true;
    }

    public TransportKind Kind => TransportKind.Tcp;

    public StreamEncryption Encryption => StreamEncryption.None;

    public ValueTask<int> ReceiveAsync(Memory<byte> buffer) => _socket.ReceiveAsync(buffer, SocketFlags.None);

    public ValueTask SendAsync(List<ArraySegment<byte>> segments) => _send.SendAsync(_socket, segments);

    // tcp(7), TCP_NOTSENT_LOWAT: the socket takes more only while less than this is not yet sent.
    public void LimitUnsent(int bytes) => SetOption(level: 6, name: 25, bytes);

    // socket(7), SO_RCVLOWAT: "the minimum number of bytes in the buffer until the socket layer will pass the data to [...] the user on
    // receiving"; a receive that does not wait still takes less.
    public void AwaitAtLeast(int bytes) => SetOption(level: 1, name: 18, bytes);

    /// <summary>The numbers are Linux's.</summary>
    private void SetOption(int level, int name, int value)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        try
        {
            _socket.SetRawSocketOption(level, name, MemoryMarshal.AsBytes(new ReadOnlySpan<int>(in value)));
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The connection has ended, or is no TCP to the kernel: it only costs more.
        }
    }

    public void Close()
    {
        if (Interlocked.Exchange(ref _closed, 1) != 0)
        {
            return;
        }

        try
        {
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (SocketException)
        {
            // The peer was faster; there is nothing to shut down.
        }

        _socket.Dispose();
    }

    /// <summary>To be called when no send waits any more.</summary>
    public void Dispose()
    {
        Close();
        _send.Dispose();
    }

    /// <summary>
    /// One vectored send at a time, as a reusable value task. Does not carry the execution context along (true).
    /// </summary>
    private sealed class GatherSend() : SocketAsyncEventArgs(true), IValueTaskSource
    {
        private ManualResetValueTaskSourceCore<bool> _done;

        public ValueTask SendAsync(Socket socket, List<ArraySegment<byte>> segments)
        {
            if (segments.Count == 1)
            {
                BufferList = null;
                SetBuffer(segments[0].Array, segments[0].Offset, segments[0].Count);
            }
            else
            {
                if (Buffer is not null)
                {
                    SetBuffer(null, 0, 0);
                }

                BufferList = segments;
            }

            _done.Reset();
            if (socket.SendAsync(this))
            {
                return new ValueTask(this, _done.Version);
            }

            return SocketError == SocketError.Success
                ? default
                : ValueTask.FromException(new SocketException((int)SocketError));
        }

        protected override void OnCompleted(SocketAsyncEventArgs e)
        {
            if (SocketError == SocketError.Success)
            {
                _done.SetResult(true);
            }
            else
            {
                _done.SetException(new SocketException((int)SocketError));
            }
        }

        void IValueTaskSource.GetResult(short token) => _done.GetResult(token);

        ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _done.GetStatus(token);

        void IValueTaskSource.OnCompleted(
            Action<object?> continuation,
            object? state,
            short token,
            ValueTaskSourceOnCompletedFlags flags
        ) => _done.OnCompleted(continuation, state, token, flags);
    }
}
