using System.Net;

namespace Shoal.Engine;

/// <summary>Makes outgoing uTP connections.</summary>
internal sealed class UtpConnector(UtpSocket socket) : IPeerConnector
{
    public TransportKind Kind => TransportKind.Utp;

    public Task<ConnectOutcome> ConnectAsync(IPEndPoint remote, CancellationToken cancellation) =>
        socket.ConnectAsync(remote, isPunch: false, cancellation);

    public Task<ConnectOutcome> PunchAsync(IPEndPoint remote, CancellationToken cancellation) =>
        socket.ConnectAsync(remote, isPunch: true, cancellation);
}
