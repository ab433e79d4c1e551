using System.Net;
using System.Net.Sockets;

namespace Shoal.Engine;

/// <summary>
/// Our UDP sockets, one for each local address, all on one port, and who gets what comes in there: the DHT and uTP live
/// on the same port, and nothing leaves by an address that is not ours to use.
/// </summary>
internal sealed class UdpPort : IDatagramPort
{
    /// <summary>How often we look for a port that is free on all addresses.</summary>
    private const int PortAttempts = 20;

    /// <summary>
    /// How often we ask a full socket for room. Its buffer lasts several times as long at 1 Gbit/s, so the line stays
    /// busy.
    /// </summary>
    private static readonly TimeSpan RoomInterval = TimeSpan.FromMilliseconds(1);

    private readonly DatagramSocket[] _sockets;
    private readonly SemaphoreSlim[] _full;
    private readonly int[] _isFull;
    private readonly CancellationTokenSource _stop = new();
    private IDatagramProtocol[] _protocols = [];
    private Task[] _loops = [];

    private UdpPort(DatagramSocket[] sockets)
    {
        _sockets = sockets;
        _full = [.. sockets.Select(_ => new SemaphoreSlim(0))];
        _isFull = new int[sockets.Length];
        LocalEndPoints = [.. sockets.Select(socket => socket.LocalEndPoint)];
    }

    public IReadOnlyList<IPEndPoint> LocalEndPoints { get; }

    public int Port => LocalEndPoints[0].Port;

    /// <summary>Datagrams that could not leave the machine: no route, a firewall.</summary>
    public long SendsDropped => _sockets.Sum(socket => socket.Lost);

    /// <param name="local">A socket for each of its places.</param>
    /// <param name="port">The port wanted, usually that of TCP. Where it is taken, another serves as well.</param>
    /// <param name="best">Not to be exceeded, even if the system could.</param>
    /// <exception cref="SocketException">An address is not of this machine.</exception>
    public static UdpPort Open(LocalBinding local, int port, DatagramCalls best = DatagramCalls.Runs)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return new UdpPort(Bind(local.Places, attempt == 1 ? port : 0, best));
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
        _loops =
        [
            .. Enumerable.Range(0, _sockets.Length).Select(index => Task.Run(() => ReceiveAsync(index))),
            .. Enumerable.Range(0, _sockets.Length).Select(index => Task.Run(() => WatchRoomAsync(index))),
        ];
    }

    public int Send(int socket, IPEndPoint to, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        var taken = _sockets[socket].Send(to, datagrams, segmentSize);
        if ((long)taken * segmentSize < datagrams.Length && Interlocked.Exchange(ref _isFull[socket], 1) == 0)
        {
            _full[socket].Release();
        }

        return taken;
    }

    public ProbeOutcome Probe(int socket, IPEndPoint to, ReadOnlySpan<byte> datagram) =>
        _sockets[socket].Probe(to, datagram);

    public int MaxDatagram(int socket, IPAddress to) => _sockets[socket].MaxDatagram(to);

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

    private static DatagramSocket[] Bind(IReadOnlyList<LocalPlace> places, int port, DatagramCalls best)
    {
        var sockets = new List<DatagramSocket>();
        try
        {
            foreach (var place in places)
            {
                sockets.Add(DatagramSocket.Open(place, port, best));
                port = sockets[^1].LocalEndPoint.Port;
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
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var batch = await _sockets[index].ReceiveAsync(_stop.Token).ConfigureAwait(false);
                Deliver(index, batch.Span);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException)
            {
                // Windows tells here of datagrams that nobody took; Linux of an interface that went away.
            }
        }
    }

    private async Task WatchRoomAsync(int index)
    {
        try
        {
            while (true)
            {
                await _full[index].WaitAsync(_stop.Token).ConfigureAwait(false);
                do
                {
                    await Task.Delay(RoomInterval, _stop.Token).ConfigureAwait(false);
                } while (!_sockets[index].HasRoom);

                // First, so that who finds it full again is told again.
                Volatile.Write(ref _isFull[index], 0);
                foreach (var protocol in _protocols)
                {
                    protocol.HasRoom(index);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The owner stops.
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
