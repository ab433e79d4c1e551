using System.Net;
using System.Net.Sockets;

namespace Shoal.Engine;

/// <summary>Makes outgoing TCP connections.</summary>
/// <param name="egress">The way out.</param>
/// <param name="limits">How long each may take.</param>
/// <param name="time">The clock of the timeout.</param>
internal sealed class TcpConnector(IEgress egress, TcpLimits limits, TimeProvider time) : IPeerConnector
{
    public TransportKind Kind => TransportKind.Tcp;

    public async Task<ConnectOutcome> ConnectAsync(IPEndPoint remote, CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(limits.ConnectTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellation);
        Socket? socket = null;
        try
        {
            socket = await egress.ConnectAsync(remote, origin: null, either.Token).ConfigureAwait(false);
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
