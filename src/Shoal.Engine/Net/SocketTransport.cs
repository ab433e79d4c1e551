using System.Net.Sockets;
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

    public void LimitUnsent(int bytes)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        try
        {
            // tcp(7), TCP_NOTSENT_LOWAT: the socket takes more only while less than this is not yet sent.
            _socket.SetRawSocketOption(6, 25, BitConverter.GetBytes(bytes));
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The connection has ended, or is no TCP to the kernel: it is only slower to change its mind.
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
