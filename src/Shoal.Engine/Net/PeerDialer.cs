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
/// <param name="encryption">Whether to call plain, encrypted, or first one and then the other.</param>
internal sealed class PeerDialer(
    IReadOnlyList<IPeerConnector> connectors,
    PeerHandshake handshake,
    EncryptionPolicy encryption
)
{
    /// <summary>Never throws for what the network or the owner's stop does to it.</summary>
    /// <param name="remote">The peer.</param>
    /// <param name="host">
    /// The torrent. The name is that of v1 where there is one: a v2 peer of a hybrid torrent upgrades the connection.
    /// </param>
    /// <param name="cancellation">The owner stops; the outcome is then ShuttingDown.</param>
    public async Task<DialOutcome> DialAsync(IPEndPoint remote, ILinkHost host, CancellationToken cancellation)
    {
        var failure = default(DisconnectReason);
        foreach (var isEncrypted in encryption.EncryptedInOrder())
        {
            var connected = await connectors[0].ConnectAsync(remote, cancellation).ConfigureAwait(false);
            if (connected.Transport is not { } transport)
            {
                return new DialOutcome(null, null, connected.Failure);
            }

            // Where the address is from the swarm knows itself.
            var name = host.InfoHashes.Primary;
            var outcome = await handshake
                .InitiateAsync(transport, remote, host, name, PeerSource.None, cancellation, isEncrypted)
                .ConfigureAwait(false);
            if (outcome is { Peer: { } peer, Transport: { } stream })
            {
                return new DialOutcome(stream, peer);
            }

            failure = outcome.Failure;
            if (!MayBeForEncryption(failure))
            {
                break;
            }
        }

        return new DialOutcome(null, null, failure);
    }

    /// <summary>Who does not like the way we called says nothing, or nothing that we understand.</summary>
    private static bool MayBeForEncryption(DisconnectReason failure) =>
        failure
            is DisconnectReason.BadHandshake
                or DisconnectReason.ConnectionLost
                or DisconnectReason.HandshakeTimeout
                or DisconnectReason.EncryptionMismatch;
}
