using System.Net;
using System.Net.Sockets;

namespace Shoal.Engine;

/// <summary>
/// Listens for peers on IPv4 and IPv6, on one port for both, and hands each connection on for its handshake.
/// </summary>
internal sealed class TcpAcceptor : IAsyncDisposable
{
    /// <summary>How often we look for a port that is free in both families.</summary>
    private const int PortAttempts = 20;

    private readonly LocalBinding _local;

    // One a place; null: the family is missing, or the place is lost at the moment.
    private readonly Socket?[] _sockets;
    private readonly TcpLimits _limits;
    private readonly TimeProvider _time;
    private readonly Func<ITransport, IPEndPoint, CancellationToken, Task> _handshake;
    private readonly HandshakeSlots _slots;
    private readonly CancellationTokenSource _stopping = new();
    private readonly BackgroundTasks _tasks;
    private readonly Task[] _loops;
    private int _generation;

    private TcpAcceptor(
        LocalBinding local,
        Socket?[] sockets,
        TcpLimits limits,
        TimeProvider time,
        Func<ITransport, IPEndPoint, CancellationToken, Task> handshake,
        Action<Exception> onFault
    )
    {
        _local = local;
        _generation = local.Generation;
        _sockets = sockets;
        _limits = limits;
        _time = time;
        _handshake = handshake;
        _slots = new HandshakeSlots(limits);
        _tasks = new BackgroundTasks(onFault);
        EndPoints = [.. sockets.OfType<Socket>().Select(socket => (IPEndPoint)socket.LocalEndPoint!)];
        _loops =
        [
            .. sockets.Select((socket, place) => socket is null ? Task.CompletedTask : AcceptAsync(socket, place)),
        ];
    }

    /// <summary>Where we listen.</summary>
    public IReadOnlyList<IPEndPoint> EndPoints { get; }

    /// <summary>The port, the same for all addresses.</summary>
    public int Port => EndPoints[0].Port;

    /// <param name="local">Where to listen: at each of its places.</param>
    /// <param name="port">0: any that is free on all of these addresses.</param>
    /// <param name="limits">How many may be in their handshake at once.</param>
    /// <param name="time">The clock of pauses.</param>
    /// <param name="handshake">
    /// Called for each connection, several at once; owns the transport; completes when the handshake is over, one
    /// way or the other: the connection counts as half-open until then.
    /// </param>
    /// <param name="onFault">Told of exceptions of <paramref name="handshake"/>, which are bugs.</param>
    /// <exception cref="SocketException">An address or the port cannot be had.</exception>
    public static TcpAcceptor Start(
        LocalBinding local,
        int port,
        TcpLimits limits,
        TimeProvider time,
        Func<ITransport, IPEndPoint, CancellationToken, Task> handshake,
        Action<Exception> onFault
    )
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return new TcpAcceptor(local, Listen(local, port, limits.Backlog), limits, time, handshake, onFault);
            }
            catch (SocketException exception)
                when (exception.SocketErrorCode == SocketError.AddressAlreadyInUse
                    && port == 0
                    && attempt < PortAttempts
                )
            {
                // The port that was free in one family is taken in the other: another try gets another.
            }
        }
    }

    /// <summary>
    /// Listens no more where the binding has lost a place, and again where it is back or has become another. One call at
    /// a time, and none when this is disposed of.
    /// </summary>
    /// <returns>False: not everywhere yet; try again in a while.</returns>
    public async Task<bool> RefreshAsync()
    {
        var isNew = _generation != _local.Generation;
        _generation = _local.Generation;
        var isWhole = true;
        for (var i = 0; i < _sockets.Length && _local.IsRestricted; i++)
        {
            if (isNew && _sockets[i] is { } old)
            {
                _sockets[i] = null;
                old.Dispose();
                await _loops[i].ConfigureAwait(false);
            }

            if (_sockets[i] is not null || !_local.IsUsable(i))
            {
                continue;
            }

            try
            {
                _sockets[i] = TryListen(_local.Places[i], Port, _limits.Backlog, mayBeMissing: false);
                _loops[i] = AcceptAsync(_sockets[i]!, i);
            }
            catch (SocketException)
            {
                // The address takes a moment to be usable, above all in IPv6.
                isWhole = false;
            }
        }

        return isWhole;
    }

    /// <summary>Stops listening, and waits for the handshakes that are under way.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stopping.IsCancellationRequested)
        {
            return;
        }

        await _stopping.CancelAsync().ConfigureAwait(false);
        Array.ForEach(_sockets, socket => socket?.Dispose());
        await Task.WhenAll(_loops).ConfigureAwait(false);
        await _tasks.EndAsync().ConfigureAwait(false);
        _stopping.Dispose();
    }

    private static Socket?[] Listen(LocalBinding local, int port, int backlog)
    {
        var sockets = new Socket?[local.Places.Count];
        try
        {
            for (var i = 0; i < sockets.Length; i++)
            {
                sockets[i] = TryListen(local.Places[i], port, backlog, mayBeMissing: !local.IsRestricted);
                port = (sockets[i]?.LocalEndPoint as IPEndPoint)?.Port ?? port;
            }

            return Array.Exists(sockets, socket => socket is not null)
                ? sockets
                : throw new SocketException((int)SocketError.AddressNotAvailable);
        }
        catch (SocketException)
        {
            Array.ForEach(sockets, socket => socket?.Dispose());
            throw;
        }
    }

    private static Socket? TryListen(LocalPlace place, int port, int backlog, bool mayBeMissing)
    {
        Socket? socket = null;
        try
        {
            socket = LocalBinding.Open(place, SocketType.Stream, port);
            socket.Listen(backlog);
            return socket;
        }
        catch (SocketException exception)
        {
            socket?.Dispose();
            var isMissing =
                exception.SocketErrorCode
                is SocketError.AddressFamilyNotSupported
                    or SocketError.AddressNotAvailable
                    or SocketError.ProtocolNotSupported;
            if (mayBeMissing && isMissing)
            {
                return null;
            }

            throw;
        }
    }

    private async Task AcceptAsync(Socket listener, int place)
    {
        while (!_stopping.IsCancellationRequested && !listener.SafeHandle.IsClosed)
        {
            Socket socket;
            try
            {
                socket = await listener.AcceptAsync(_stopping.Token).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException) when (listener.SafeHandle.IsClosed)
            {
                return;
            }
            catch (SocketException exception)
            {
                await PauseAfterAsync(exception.SocketErrorCode).ConfigureAwait(false);
                continue;
            }

            Take(socket, place);
        }
    }

    private async Task PauseAfterAsync(SocketError error)
    {
        // A caller that has gone away again is none of our business. Anything else (no descriptors, no memory) will
        // not be better at once.
        if (error is SocketError.ConnectionAborted or SocketError.ConnectionReset)
        {
            return;
        }

        await Task.Delay(_limits.AcceptPause, _time, _stopping.Token)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private void Take(Socket socket, int at)
    {
        IPEndPoint remote;
        SocketTransport transport;
        try
        {
            remote = (IPEndPoint)socket.RemoteEndPoint!;
            transport = new SocketTransport(socket);
        }
        catch (SocketException)
        {
            // It is gone already.
            socket.Dispose();
            return;
        }

        if (
            !_local.TryAdopt(socket, at, remote.Address)
            || _slots.TryTake(remote.Address, transport.Close) is not { } place
        )
        {
            transport.Dispose();
            return;
        }

        var isRunning = _tasks.TryRun(async () =>
        {
            try
            {
                await _handshake(transport, remote, _stopping.Token).ConfigureAwait(false);
            }
            finally
            {
                _slots.Return(place);
            }
        });
        if (!isRunning)
        {
            transport.Dispose();
            _slots.Return(place);
        }
    }
}
