using System.Net;

namespace Shoal.Engine;

/// <summary>A connection, or else why there is none.</summary>
internal readonly record struct ConnectOutcome(ITransport? Transport, DisconnectReason Failure = default);

/// <summary>Makes outgoing connections of one kind.</summary>
internal interface IPeerConnector
{
    TransportKind Kind { get; }

    /// <summary>
    /// Never throws for what the network or the owner's stop does to it. Completes promptly once cancelled, with
    /// ShuttingDown: whoever lost a race is waited for.
    /// </summary>
    Task<ConnectOutcome> ConnectAsync(IPEndPoint remote, CancellationToken cancellation);

    /// <summary>The same where the other end calls us at this moment, through routers that drop what comes first (BEP 55).</summary>
    Task<ConnectOutcome> PunchAsync(IPEndPoint remote, CancellationToken cancellation) =>
        ConnectAsync(remote, cancellation);
}
