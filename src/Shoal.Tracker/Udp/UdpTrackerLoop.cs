using System.Net;
using System.Net.Sockets;

namespace Shoal.Tracker;

/// <summary>Owns one UDP socket of a tracker and answers what arrives on it, a batch at a time.</summary>
internal sealed class UdpTrackerLoop : IAsyncDisposable
{
    // About 10,000 announces: a burst of clients that all come back at the same second.
    private const int BufferBytes = 4 * 1024 * 1024;

    private readonly Socket _socket;
    private readonly UdpTrackerHandler _handler;
    private readonly ShardedRegistry _registry;
    private readonly PeerAddress? _bound;
    private readonly Func<PeerAddress, PeerAddress?> _localAddress;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _run;

    private UdpTrackerLoop(Socket socket, ShardedRegistry registry, UdpTrackerHandler handler)
    {
        _socket = socket;
        _registry = registry;
        _handler = handler;
        EndPoint = (IPEndPoint)socket.LocalEndPoint!;
        var isWildcard = EndPoint.Address.Equals(IPAddress.Any) || EndPoint.Address.Equals(IPAddress.IPv6Any);
        _bound = isWildcard ? null : PeerAddress.From(EndPoint.Address);
        _localAddress = LocalAddress;
        _run = Task.Run(RunAsync);
    }

    public IPEndPoint EndPoint { get; }

    /// <exception cref="SocketException">The endpoint is taken or not of this machine.</exception>
    public static UdpTrackerLoop Start(
        IPEndPoint endPoint,
        bool dualMode,
        ShardedRegistry registry,
        UdpTrackerHandler handler
    )
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            if (endPoint.AddressFamily == AddressFamily.InterNetworkV6)
            {
                socket.DualMode = dualMode;
            }

            socket.ReceiveBufferSize = BufferBytes;
            socket.SendBufferSize = BufferBytes;
            socket.Bind(endPoint);
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        return new UdpTrackerLoop(socket, registry, handler);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _run.ConfigureAwait(false);
        _socket.Dispose();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        using var batch = DatagramBatch.Create(_socket);
        var probe = new byte[1];
        var from = new SocketAddress(_socket.AddressFamily);
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                // Peeking waits for a datagram and leaves it to the batch.
                await _socket.ReceiveFromAsync(probe, SocketFlags.Peek, from, _stop.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException)
            {
                // Windows: the datagram is longer than the probe, or an earlier reply found nobody.
            }

            do
            {
                Answer(batch, batch.Receive());
            } while (batch.IsFull && !_stop.IsCancellationRequested);
        }
    }

    private void Answer(DatagramBatch batch, int count)
    {
        var now = _registry.Now;
        for (var i = 0; i < count; i++)
        {
            var length = _handler.Handle(batch.Datagram(i), batch.From(i), batch.Reply(i), now, _localAddress);
            batch.SetReply(i, length);
        }

        batch.Send();
    }

    /// <summary>
    /// Our address on the way to the asker: the bound one, or what the system would choose, which connecting a
    /// datagram socket tells without sending anything.
    /// </summary>
    private PeerAddress? LocalAddress(PeerAddress asker)
    {
        if (_bound is not null)
        {
            return _bound;
        }

        try
        {
            using var socket = new Socket(asker.Family, SocketType.Dgram, ProtocolType.Udp);
            socket.Connect(asker.ToIPAddress(), 9);
            return PeerAddress.From(((IPEndPoint)socket.LocalEndPoint!).Address);
        }
        catch (SocketException)
        {
            return null;
        }
    }
}
