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

    private readonly LocalBinding _local;
    private readonly AddressFilter _filter;
    private readonly DatagramCalls _best;

    // One a place; null: it is lost at the moment.
    private readonly DatagramSocket?[] _sockets;
    private readonly SemaphoreSlim[] _full;
    private readonly int[] _isFull;
    private readonly CancellationTokenSource _stop = new();
    private IDatagramProtocol[] _protocols = [];
    private Task[] _receiving = [];
    private Task[] _watching = [];
    private int _generation;
    private long _lost;

    private UdpPort(LocalBinding local, AddressFilter filter, DatagramCalls best, DatagramSocket[] sockets)
    {
        (_local, _filter, _best) = (local, filter, best);
        _generation = local.Generation;
        _sockets = [.. sockets];
        _full = [.. sockets.Select(_ => new SemaphoreSlim(0))];
        _isFull = new int[sockets.Length];
        LocalEndPoints = [.. sockets.Select(socket => socket.LocalEndPoint)];
    }

    public IReadOnlyList<IPEndPoint> LocalEndPoints { get; }

    public int Port => LocalEndPoints[0].Port;

    /// <summary>Datagrams that could not leave the machine: no route, a firewall, a place that is lost, the filter.</summary>
    public long SendsDropped => Interlocked.Read(ref _lost) + _sockets.Sum(socket => socket?.Lost ?? 0);

    /// <param name="local">A socket for each of its places.</param>
    /// <param name="port">The port wanted, usually that of TCP. Where it is taken, another serves as well.</param>
    /// <param name="filter">With whom we have nothing to do: their datagrams are not seen, and none is sent there.</param>
    /// <param name="best">Not to be exceeded, even if the system could.</param>
    /// <exception cref="SocketException">An address is not of this machine.</exception>
    public static UdpPort Open(
        LocalBinding local,
        int port,
        AddressFilter? filter = null,
        DatagramCalls best = DatagramCalls.Runs
    )
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return new UdpPort(
                    local,
                    filter ?? AddressFilter.None,
                    best,
                    Bind(local.Places, attempt == 1 ? port : 0, best)
                );
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
        _receiving = [.. _sockets.Select((socket, index) => Task.Run(() => ReceiveAsync(socket!, index)))];
        _watching = [.. _sockets.Select((_, index) => Task.Run(() => WatchRoomAsync(index)))];
    }

    /// <summary>
    /// Closes the sockets of places that the binding has lost, and opens those of places that are back, with the same
    /// port. After <see cref="Start"/>; one call at a time, and none when this is disposed of.
    /// </summary>
    /// <returns>False: not all are there yet; try again in a while.</returns>
    public async Task<bool> RefreshAsync()
    {
        var isNew = _generation != _local.Generation;
        _generation = _local.Generation;
        var isWhole = true;
        for (var i = 0; i < _sockets.Length && _local.IsRestricted; i++)
        {
            if (isNew && _sockets[i] is { } old)
            {
                Volatile.Write(ref _sockets[i], null);
                Interlocked.Add(ref _lost, old.Lost);
                old.Dispose();
                await _receiving[i].ConfigureAwait(false);
            }

            if (_sockets[i] is not null || !_local.IsUsable(i))
            {
                continue;
            }

            try
            {
                var socket = DatagramSocket.Open(_local.Places[i], Port, _best);
                Volatile.Write(ref _sockets[i], socket);
                var index = i;
                _receiving[i] = Task.Run(() => ReceiveAsync(socket, index));
            }
            catch (SocketException)
            {
                // The address takes a moment to be usable, above all in IPv6; or another has the port now.
                isWhole = false;
            }
        }

        return isWhole;
    }

    public int Send(int socket, IPEndPoint to, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        if (Volatile.Read(ref _sockets[socket]) is not { } open || _filter.IsBlocked(to.Address))
        {
            var count = (datagrams.Length + segmentSize - 1) / segmentSize;
            Interlocked.Add(ref _lost, count);
            return count;
        }

        var taken = open.Send(to, datagrams, segmentSize);
        if ((long)taken * segmentSize < datagrams.Length && Interlocked.Exchange(ref _isFull[socket], 1) == 0)
        {
            _full[socket].Release();
        }

        return taken;
    }

    public ProbeOutcome Probe(int socket, IPEndPoint to, ReadOnlySpan<byte> datagram) =>
        Volatile.Read(ref _sockets[socket]) is { } open && !_filter.IsBlocked(to.Address)
            ? open.Probe(to, datagram)
            : ProbeOutcome.NotSent;

    public int MaxDatagram(int socket, IPAddress to) => Volatile.Read(ref _sockets[socket])?.MaxDatagram(to) ?? 0;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll([.. _receiving, .. _watching]).ConfigureAwait(false);
        foreach (var socket in _sockets)
        {
            socket?.Dispose();
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

    private async Task ReceiveAsync(DatagramSocket socket, int index)
    {
        while (!_stop.IsCancellationRequested && Volatile.Read(ref _sockets[index]) == socket)
        {
            try
            {
                var batch = await socket.ReceiveAsync(_stop.Token).ConfigureAwait(false);
                Deliver(index, batch.Span);
            }
            catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException)
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
                } while (Volatile.Read(ref _sockets[index]) is { HasRoom: false });

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
        IPEndPoint? source = null;
        var isBlocked = false;
        IDatagramProtocol? owner = null;
        var start = 0;
        for (var i = 0; i < batch.Length; i++)
        {
            // Datagrams that came in together are usually of one sender.
            if (!ReferenceEquals(batch[i].Source, source))
            {
                source = batch[i].Source;
                isBlocked = _filter.IsBlocked(source.Address);
            }

            var whose = isBlocked ? null : WhoseIs(batch[i]);
            if (whose != owner)
            {
                owner?.Receive(socket, batch[start..i]);
                (owner, start) = (whose, i);
            }
        }

        owner?.Receive(socket, batch[start..]);
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
