using System.Net;
using System.Net.Sockets;

namespace Shoal.Engine;

/// <summary>A connection, or else why there is none.</summary>
internal readonly record struct ConnectOutcome(ITransport? Transport, DisconnectReason Failure = default);

/// <summary>Makes outgoing TCP connections, not too many at a time, and only from the addresses it was given.</summary>
/// <param name="bind">Local addresses to leave by; empty: the system chooses.</param>
/// <param name="limits">How many at once, how long each.</param>
/// <param name="time">The clock of the timeout.</param>
internal sealed class TcpConnector(IReadOnlyList<IPAddress> bind, TcpLimits limits, TimeProvider time) : IDisposable
{
    private readonly SemaphoreSlim _places = new(limits.MaxConnecting);

    /// <summary>Never throws for what the network or the owner's stop does to it.</summary>
    public async Task<ConnectOutcome> ConnectAsync(IPEndPoint remote, CancellationToken cancellation)
    {
        var local = bind.FirstOrDefault(address => address.AddressFamily == remote.AddressFamily);
        if (bind.Count > 0 && local is null)
        {
            // Bound to other addresses: nothing leaves by one that was not named.
            return new ConnectOutcome(null, DisconnectReason.ConnectFailed);
        }

        try
        {
            await _places.WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return new ConnectOutcome(null, DisconnectReason.ShuttingDown);
        }

        try
        {
            return await ConnectNowAsync(local, remote, cancellation).ConfigureAwait(false);
        }
        finally
        {
            _places.Release();
        }
    }

    public void Dispose() => _places.Dispose();

    private async Task<ConnectOutcome> ConnectNowAsync(
        IPAddress? local,
        IPEndPoint remote,
        CancellationToken cancellation
    )
    {
        using var timeout = new CancellationTokenSource(limits.ConnectTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellation);
        Socket? socket = null;
        try
        {
            socket = new Socket(remote.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            if (local is not null)
            {
                socket.Bind(new IPEndPoint(local, 0));
            }

            await socket.ConnectAsync(remote, either.Token).ConfigureAwait(false);
            return new ConnectOutcome(new SocketTransport(socket));
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException)
        {
            socket?.Dispose();
            return new ConnectOutcome(
                null,
                cancellation.IsCancellationRequested ? DisconnectReason.ShuttingDown
                    : timeout.IsCancellationRequested ? DisconnectReason.ConnectTimeout
                    : DisconnectReason.ConnectFailed
            );
        }
    }
}
