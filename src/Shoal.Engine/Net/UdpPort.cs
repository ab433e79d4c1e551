using System.Net;
using System.Net.Sockets;

namespace Shoal.Engine;

/// <summary>
/// Our UDP sockets, one for each local address, all on one port, and who gets what comes in there: the DHT and uTP live
/// on the same port, and nothing leaves by an address that is not ours to use.
/// </summary>
internal sealed class UdpPort : IDatagramPort
{
    /// <summary>Datagrams handed over at once: bounds how long others wait and the memory, 64 KB a socket.</summary>
    private const int BatchSize = 32;

    /// <summary>Longer datagrams than any protocol here sends; more is cut off by the system, and then malformed.</summary>
    private const int MaxDatagram = 2048;

    /// <summary>How often we look for a port that is free on all addresses.</summary>
    private const int PortAttempts = 20;

    // Room for a burst while the process does something else; the system may give less.
    private const int SystemBuffer = 512 * 1024;

    private readonly Socket[] _sockets;
    private readonly CancellationTokenSource _stop = new();
    private IDatagramProtocol[] _protocols = [];
    private Task[] _loops = [];
    private long _dropped;

    private UdpPort(Socket[] sockets)
    {
        _sockets = sockets;
        LocalEndPoints = [.. sockets.Select(socket => (IPEndPoint)socket.LocalEndPoint!)];
    }

    public IReadOnlyList<IPEndPoint> LocalEndPoints { get; }

    public int Port => LocalEndPoints[0].Port;

    /// <summary>Datagrams that the system would not take from us.</summary>
    public long SendsDropped => Interlocked.Read(ref _dropped);

    /// <param name="local">A socket for each of its places.</param>
    /// <param name="port">The port wanted, usually that of TCP. Where it is taken, another serves as well.</param>
    /// <exception cref="SocketException">An address is not of this machine.</exception>
    public static UdpPort Open(LocalBinding local, int port)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return new UdpPort(Bind(local.Places, attempt == 1 ? port : 0));
            }
            catch (SocketException exception)
                when (exception.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied
                    && attempt < PortAttempts
                )
            {
                // Taken on one of the addresses: another try, with another port.
            }
        }
    }

    public void Start(params IDatagramProtocol[] protocols)
    {
        _protocols = protocols;
        _loops = [.. Enumerable.Range(0, _sockets.Length).Select(index => Task.Run(() => ReceiveAsync(index)))];
    }

    public bool TrySend(int socket, IPEndPoint to, ReadOnlySpan<byte> datagram)
    {
        try
        {
            return _sockets[socket].SendTo(datagram, SocketFlags.None, to) == datagram.Length;
        }
        catch (SocketException)
        {
            // No route, no room, a firewall: to the protocols above it is a lost datagram like any other.
            Interlocked.Increment(ref _dropped);
            return false;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_loops).ConfigureAwait(false);
        foreach (var socket in _sockets)
        {
            socket.Dispose();
        }

        _stop.Dispose();
    }

    private static Socket[] Bind(IReadOnlyList<LocalPlace> places, int port)
    {
        var sockets = new List<Socket>();
        try
        {
            foreach (var place in places)
            {
                var socket = LocalBinding.Open(place, SocketType.Dgram, port);
                sockets.Add(socket);
                socket.Blocking = false;
                socket.ReceiveBufferSize = SystemBuffer;
                socket.SendBufferSize = SystemBuffer;
                port = ((IPEndPoint)socket.LocalEndPoint!).Port;
            }

            return [.. sockets];
        }
        catch
        {
            sockets.ForEach(socket => socket.Dispose());
            throw;
        }
    }

    private async Task ReceiveAsync(int index)
    {
        var socket = _sockets[index];
        var memory = GC.AllocateUninitializedArray<byte>(BatchSize * MaxDatagram, pinned: true);
        var batch = new ReceivedDatagram[BatchSize];
        var any = new IPEndPoint(
            socket.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any,
            0
        );
        while (!_stop.IsCancellationRequested)
        {
            var count = 0;
            try
            {
                var first = await socket
                    .ReceiveFromAsync(memory.AsMemory(0, MaxDatagram), SocketFlags.None, any, _stop.Token)
                    .ConfigureAwait(false);
                Add((IPEndPoint)first.RemoteEndPoint, first.ReceivedBytes);
                // What else is here already comes along.
                while (count < BatchSize && socket.Available > 0)
                {
                    EndPoint from = any;
                    var length = socket.ReceiveFrom(
                        memory.AsSpan(count * MaxDatagram, MaxDatagram),
                        SocketFlags.None,
                        ref from
                    );
                    Add((IPEndPoint)from, length);
                }
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException)
            {
                // Windows tells here of datagrams that nobody took; another reader was faster; one was too long.
            }

            Deliver(index, batch.AsSpan(0, count));

            void Add(IPEndPoint source, int length) =>
                batch[count] = new ReceivedDatagram(source, memory.AsMemory(count++ * MaxDatagram, length));
        }
    }

    // Runs of datagrams for the same protocol go together.
    private void Deliver(int socket, ReadOnlySpan<ReceivedDatagram> batch)
    {
        while (!batch.IsEmpty)
        {
            var protocol = WhoseIs(batch[0]);
            var run = 1;
            while (run < batch.Length && WhoseIs(batch[run]) == protocol)
            {
                run++;
            }

            protocol?.Receive(socket, batch[..run]);
            batch = batch[run..];
        }
    }

    private IDatagramProtocol? WhoseIs(in ReceivedDatagram datagram)
    {
        foreach (var protocol in _protocols)
        {
            if (protocol.Claims(datagram.Bytes.Span))
            {
                return protocol;
            }
        }

        return null;
    }
}
