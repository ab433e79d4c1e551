using System.Net;

namespace Shoal.Engine;

/// <summary>A connection whose handshake is done, or else why there is none.</summary>
internal readonly record struct DialOutcome(
    ITransport? Transport,
    PeerIntroduction? Peer,
    DisconnectReason Failure = default
);

/// <summary>Reaches a peer for a torrent by whichever way works: connects, then shakes hands.</summary>
/// <param name="connectors">The ways to connect, the preferred one first; at least one.</param>
/// <param name="handshake">What follows the connection.</param>
internal sealed class PeerDialer(IReadOnlyList<IPeerConnector> connectors, PeerHandshake handshake)
{
    /// <summary>Never throws for what the network or the owner's stop does to it.</summary>
    /// <param name="remote">The peer.</param>
    /// <param name="host">
    /// The torrent. The name is that of v1 where there is one: a v2 peer of a hybrid torrent upgrades the connection.
    /// </param>
    /// <param name="cancellation">The owner stops; the outcome is then ShuttingDown.</param>
    public async Task<DialOutcome> DialAsync(IPEndPoint remote, ILinkHost host, CancellationToken cancellation)
    {
        var connected = await connectors[0].ConnectAsync(remote, cancellation).ConfigureAwait(false);
        if (connected.Transport is not { } transport)
        {
            return new DialOutcome(null, null, connected.Failure);
        }

        // Where the address is from the swarm knows itself.
        var name = host.InfoHashes.Primary;
        var outcome = await handshake
            .InitiateAsync(transport, remote, host, name, PeerSource.None, cancellation)
            .ConfigureAwait(false);
        return outcome.Peer is { } peer
            ? new DialOutcome(transport, peer)
            : new DialOutcome(null, null, outcome.Failure);
    }
}
