using System.Net;
using System.Net.Sockets;

namespace Shoal.Tracker;

/// <summary>Owns one UDP socket of a tracker and answers what arrives on it, a batch at a time.</summary>
internal sealed class UdpTrackerLoop : IDisposable
{
    // About 10,000 announces: a burst of clients that all come back at the same second.
    private const int BufferBytes = 4 * 1024 * 1024;
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(10);

    private readonly Socket _socket;
    private readonly UdpTrackerHandler _handler;
    private readonly ShardedRegistry _registry;
    private readonly PeerAddress? _bound;
    private readonly Func<PeerAddress, PeerAddress?> _localAddress;
    private readonly DatagramBatch _batch;
    private readonly Thread _thread;
    private volatile bool _isStopping;

    private UdpTrackerLoop(Socket socket, ShardedRegistry registry, UdpTrackerHandler handler)
    {
        _socket = socket;
        _registry = registry;
        _handler = handler;
        EndPoint = (IPEndPoint)socket.LocalEndPoint!;
        var isWildcard = EndPoint.Address.Equals(IPAddress.Any) || EndPoint.Address.Equals(IPAddress.IPv6Any);
        _bound = isWildcard ? null : PeerAddress.From(EndPoint.Address);
        _localAddress = LocalAddress;
        _batch = DatagramBatch.Create(socket);
        _thread = new Thread(Run) { IsBackground = true, Name = $"tracker {EndPoint}" };
        _thread.Start();
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

    public void Dispose()
    {
        _isStopping = true;
        _batch.Stop();
        _thread.Join();
        _batch.Dispose();
        _socket.Dispose();
    }

    /// <summary>
    /// Waits in the system call that takes the datagrams: asking first whether there are any would cost as much again
    /// as the answer.
    /// </summary>
    private void Run()
    {
        while (!_isStopping)
        {
            int count;
            try
            {
                count = _batch.Receive();
            }
            catch (ObjectDisposedException) when (_isStopping)
            {
                return;
            }

            if (_isStopping)
            {
                return;
            }

            if (count == 0)
            {
                // The system has no memory or no network for us: it is not asked again at once.
                Thread.Sleep(s_pause);
            }

            Answer(count);
        }
    }

    private void Answer(int count)
    {
        var now = _registry.Now;
        for (var i = 0; i < count; i++)
        {
            var length = _handler.Handle(_batch.Datagram(i), _batch.From(i), _batch.Reply(i), now, _localAddress);
            _batch.SetReply(i, length);
        }

        _batch.Send();
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
