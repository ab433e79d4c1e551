using System.Net;

namespace Shoal.Engine;

/// <summary>A connection whose handshake is done, or else why there is none.</summary>
internal readonly record struct DialOutcome(
    ITransport? Transport,
    PeerIntroduction? Peer,
    DisconnectReason Failure = default
);

/// <summary>Reaches a peer for a torrent by whichever way works: connects, then shakes hands.</summary>
internal sealed class PeerDialer
{
    private readonly TransportKind[] _transports;
    private readonly PeerHandshake _handshake;
    private readonly EncryptionPolicy _encryption;
    private readonly ConnectRace _race;
    private readonly RouteMemory _memory;

    /// <param name="connectors">The ways to connect, the preferred one first; at least one, no two of a kind.</param>
    /// <param name="handshake">What follows the connection.</param>
    /// <param name="encryption">Whether to call plain, encrypted, or first one and then the other.</param>
    /// <param name="limits">Of one peer.</param>
    /// <param name="time">The clock of head starts.</param>
    public PeerDialer(
        IReadOnlyList<IPeerConnector> connectors,
        PeerHandshake handshake,
        EncryptionPolicy encryption,
        DialLimits limits,
        TimeProvider time
    )
    {
        _transports = [.. connectors.Select(connector => connector.Kind)];
        _handshake = handshake;
        _encryption = encryption;
        _race = new ConnectRace(connectors.ToDictionary(connector => connector.Kind), limits.HeadStart, time);
        var usual = new DialMemory(_transports[0], encryption.EncryptedInOrder()[0]);
        _memory = new RouteMemory(usual, limits.MaxRemembered);
    }

    /// <summary>Never throws for what the network or the owner's stop does to it.</summary>
    /// <param name="addresses">All of one peer, the best first; at least one. What is remembered is so for the first.</param>
    /// <param name="host">
    /// The torrent. The name is that of v1 where there is one: a v2 peer of a hybrid torrent upgrades the connection.
    /// </param>
    /// <param name="hints">What the swarm knows of the way.</param>
    /// <param name="cancellation">The owner stops; the outcome is then ShuttingDown.</param>
    public async Task<DialOutcome> DialAsync(
        IReadOnlyList<IPEndPoint> addresses,
        ILinkHost host,
        DialHints hints,
        CancellationToken cancellation
    )
    {
        var known = _memory.Recall(addresses[0]);
        // Where both ends prove who they are there is nothing to hide the proof in, nor another way to call.
        var encryption = host.Security is null ? _encryption : EncryptionPolicy.Off;
        var plan = new DialPlan(addresses, _transports, encryption, hints, known);
        if (plan.Routes.Count == 0)
        {
            return new DialOutcome(null, null, DisconnectReason.ConnectFailed);
        }

        while (true)
        {
            var isEncrypted = plan.IsEncrypted;
            var won = await _race.RunAsync(plan.Routes, cancellation).ConfigureAwait(false);
            if (won.Transport is not { } transport)
            {
                return GiveUp(addresses[0], won.Failure);
            }

            // Where the address is from the swarm knows itself.
            var name = host.InfoHashes.Primary;
            var outcome = await _handshake
                .InitiateAsync(transport, won.Route.Remote, host, name, PeerSource.None, cancellation, isEncrypted)
                .ConfigureAwait(false);
            if (outcome is { Peer: { } peer, Transport: { } stream })
            {
                _memory.Worked(addresses[0], new DialMemory(won.Route.Transport, isEncrypted));
                return new DialOutcome(stream, peer with { DialledAs = addresses[0] });
            }

            if (!plan.TryNext(won.Route, outcome.Failure))
            {
                return GiveUp(addresses[0], outcome.Failure);
            }
        }
    }

    private DialOutcome GiveUp(IPEndPoint peer, DisconnectReason failure)
    {
        if (failure != DisconnectReason.ShuttingDown)
        {
            _memory.Failed(peer);
        }

        return new DialOutcome(null, null, failure);
    }
}
