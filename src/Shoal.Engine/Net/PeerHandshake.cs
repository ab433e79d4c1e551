using System.Net;
using System.Net.Sockets;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>What came of a handshake: a torrent and a peer, or else why not.</summary>
internal readonly record struct HandshakeOutcome(
    ILinkHost? Host,
    PeerIntroduction? Peer,
    DisconnectReason Failure = default
)
{
    public bool IsOk => Peer is not null;
}

/// <summary>
/// Runs the handshake of BEP 3 on a fresh transport, reads not a byte beyond it, and closes the transport when it
/// fails.
/// </summary>
internal sealed class PeerHandshake(PeerLinkLimits limits, TimeProvider time)
{
    /// <summary>Our side called: says which torrent, and expects the same back.</summary>
    /// <param name="transport">Connected.</param>
    /// <param name="remote">Its other end.</param>
    /// <param name="host">The torrent.</param>
    /// <param name="name">Which of the torrent's names to use.</param>
    /// <param name="source">Where we knew the address from.</param>
    /// <param name="cancellation">The owner stops; the outcome is then ShuttingDown.</param>
    public Task<HandshakeOutcome> InitiateAsync(
        ITransport transport,
        IPEndPoint remote,
        ILinkHost host,
        InfoHash name,
        PeerSource source,
        CancellationToken cancellation
    ) =>
        GuardAsync(
            transport,
            async () =>
            {
                await SendAsync(transport, host, name).ConfigureAwait(false);
                var theirs = new byte[Handshake.Size];
                if (!await ReceiveAsync(transport, theirs, 0, Handshake.Size).ConfigureAwait(false))
                {
                    return new HandshakeOutcome(host, null, DisconnectReason.BadHandshake);
                }

                Handshake.Read(theirs, out var handshake);
                // BEP 52: "The remote peer may then respond with the new infohash to upgrade the connect to the new
                // format."
                var isUpgrade = IsHybridV1Name(host, name) && handshake.InfoHash == V2Name(host);
                return handshake.InfoHash == name || isUpgrade
                    ? Introduce(host, transport, remote, handshake, handshake.InfoHash, source, isOutgoing: true)
                    : new HandshakeOutcome(host, null, DisconnectReason.UnknownTorrent);
            },
            cancellation
        );

    /// <summary>The peer called: learns which torrent it wants, and answers if we have it.</summary>
    /// <param name="transport">Connected.</param>
    /// <param name="remote">Its other end.</param>
    /// <param name="find">The torrent of that name, or null. Called from any thread, at most once.</param>
    /// <param name="cancellation">The owner stops; the outcome is then ShuttingDown.</param>
    public Task<HandshakeOutcome> AcceptAsync(
        ITransport transport,
        IPEndPoint remote,
        Func<InfoHash, ILinkHost?> find,
        CancellationToken cancellation
    ) =>
        GuardAsync(
            transport,
            async () =>
            {
                var theirs = new byte[Handshake.Size];
                if (!await ReceiveAsync(transport, theirs, 0, Handshake.UpToInfoHash).ConfigureAwait(false))
                {
                    return new HandshakeOutcome(null, null, DisconnectReason.BadHandshake);
                }

                Handshake.Read(theirs.AsSpan(0, Handshake.UpToInfoHash), out var early);
                if (find(early.InfoHash) is not { } host)
                {
                    return new HandshakeOutcome(null, null, DisconnectReason.UnknownTorrent);
                }

                // BEP 52: "a peer can set the 4th most significant bit in the last byte of the reserved bitfield to
                // indicate that it also supports the new format." We upgrade whenever we can.
                var isUpgrade = early.Features.HasFlag(HandshakeFeatures.V2) && IsHybridV1Name(host, early.InfoHash);
                var name = isUpgrade ? V2Name(host) : early.InfoHash;
                await SendAsync(transport, host, name).ConfigureAwait(false);
                if (
                    !await ReceiveAsync(transport, theirs, Handshake.UpToInfoHash, Handshake.Size).ConfigureAwait(false)
                )
                {
                    return new HandshakeOutcome(host, null, DisconnectReason.BadHandshake);
                }

                Handshake.Read(theirs, out var handshake);
                return Introduce(host, transport, remote, handshake, name, PeerSource.Incoming, isOutgoing: false);
            },
            cancellation
        );

    private static HandshakeOutcome Introduce(
        ILinkHost host,
        ITransport transport,
        IPEndPoint remote,
        in Handshake handshake,
        InfoHash name,
        PeerSource source,
        bool isOutgoing
    )
    {
        if (handshake.PeerId == host.PeerId)
        {
            return new HandshakeOutcome(host, null, DisconnectReason.Self);
        }

        var capabilities = (PeerCapabilities)(handshake.Features & ~HandshakeFeatures.V2);
        var isV2 = host.InfoHashes.V2 is not null;
        if (isV2 && (handshake.Features.HasFlag(HandshakeFeatures.V2) || name == V2Name(host)))
        {
            capabilities |= PeerCapabilities.V2;
        }

        return new HandshakeOutcome(
            host,
            new PeerIntroduction
            {
                EndPoint = remote,
                PeerId = handshake.PeerId,
                Capabilities = capabilities,
                IsOutgoing = isOutgoing,
                InfoHash = name,
                Source = source,
                Transport = transport.Kind,
                Encryption = transport.Encryption,
            }
        );
    }

    private static ValueTask SendAsync(ITransport transport, ILinkHost host, InfoHash name)
    {
        // Others hang up on the v2 bit where the torrent is v1 only.
        var features = host.InfoHashes.V2 is not null ? host.Features : host.Features & ~HandshakeFeatures.V2;
        var bytes = new byte[Handshake.Size];
        new Handshake(features, name, host.PeerId).Write(bytes);
        return transport.SendAsync([new ArraySegment<byte>(bytes)]);
    }

    /// <summary>Fills the buffer from one offset to another; false as soon as it cannot be a handshake.</summary>
    private static async ValueTask<bool> ReceiveAsync(ITransport transport, byte[] buffer, int from, int to)
    {
        while (from < to)
        {
            var received = await transport.ReceiveAsync(buffer.AsMemory(from, to - from)).ConfigureAwait(false);
            from += received;
            if (received == 0 || Handshake.Read(buffer.AsSpan(0, from), out _) == ReadStatus.Malformed)
            {
                return false;
            }
        }

        return true;
    }

    private async Task<HandshakeOutcome> GuardAsync(
        ITransport transport,
        Func<Task<HandshakeOutcome>> exchange,
        CancellationToken cancellation
    )
    {
        using var deadline = new CancellationTokenSource(limits.HandshakeTimeout, time);
        await using var onDeadline = deadline.Token.UnsafeRegister(static t => ((ITransport)t!).Close(), transport);
        await using var onStop = cancellation.UnsafeRegister(static t => ((ITransport)t!).Close(), transport);
        HandshakeOutcome outcome;
        try
        {
            outcome = await exchange().ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is SocketException or IOException or ObjectDisposedException)
        {
            outcome = new HandshakeOutcome(null, null, DisconnectReason.ConnectionLost);
        }

        if (cancellation.IsCancellationRequested)
        {
            outcome = new HandshakeOutcome(outcome.Host, null, DisconnectReason.ShuttingDown);
        }
        else if (deadline.IsCancellationRequested)
        {
            outcome = new HandshakeOutcome(outcome.Host, null, DisconnectReason.HandshakeTimeout);
        }

        if (!outcome.IsOk)
        {
            transport.Dispose();
        }

        return outcome;
    }

    private static bool IsHybridV1Name(ILinkHost host, InfoHash name) =>
        host.InfoHashes is { IsHybrid: true, V1: { } v1 } && name == InfoHash.From(v1);

    private static InfoHash V2Name(ILinkHost host) => host.InfoHashes.V2 is { } v2 ? InfoHash.From(v2) : default;
}
