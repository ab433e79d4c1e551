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

    private readonly List<Socket> _sockets;
    private readonly TcpLimits _limits;
    private readonly TimeProvider _time;
    private readonly Func<ITransport, IPEndPoint, CancellationToken, Task> _handshake;
    private readonly HandshakeSlots _slots;
    private readonly CancellationTokenSource _stopping = new();
    private readonly BackgroundTasks _tasks;
    private readonly List<Task> _loops;

    private TcpAcceptor(
        List<Socket> sockets,
        TcpLimits limits,
        TimeProvider time,
        Func<ITransport, IPEndPoint, CancellationToken, Task> handshake,
        Action<Exception> onFault
    )
    {
        _sockets = sockets;
        _limits = limits;
        _time = time;
        _handshake = handshake;
        _slots = new HandshakeSlots(limits);
        _tasks = new BackgroundTasks(onFault);
        EndPoints = [.. sockets.Select(socket => (IPEndPoint)socket.LocalEndPoint!)];
        _loops = [.. sockets.Select(AcceptAsync)];
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
                return new TcpAcceptor(Listen(local, port, limits.Backlog), limits, time, handshake, onFault);
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

    /// <summary>Stops listening, and waits for the handshakes that are under way.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stopping.IsCancellationRequested)
        {
            return;
        }

        await _stopping.CancelAsync().ConfigureAwait(false);
        _sockets.ForEach(socket => socket.Dispose());
        await Task.WhenAll(_loops).ConfigureAwait(false);
        await _tasks.EndAsync().ConfigureAwait(false);
        _stopping.Dispose();
    }

    private static List<Socket> Listen(LocalBinding local, int port, int backlog)
    {
        var sockets = new List<Socket>();
        try
        {
            foreach (var place in local.Places)
            {
                if (TryListen(place, port, backlog, mayBeMissing: !local.IsRestricted) is { } socket)
                {
                    sockets.Add(socket);
                    port = ((IPEndPoint)socket.LocalEndPoint!).Port;
                }
            }

            return sockets.Count > 0 ? sockets : throw new SocketException((int)SocketError.AddressNotAvailable);
        }
        catch (SocketException)
        {
            sockets.ForEach(socket => socket.Dispose());
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

    private async Task AcceptAsync(Socket listener)
    {
        while (!_stopping.IsCancellationRequested)
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
            catch (SocketException exception)
            {
                await PauseAfterAsync(exception.SocketErrorCode).ConfigureAwait(false);
                continue;
            }

            Take(socket);
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

    private void Take(Socket socket)
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

        if (_slots.TryTake(remote.Address, transport.Close) is not { } place)
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
