using System.Net;
using System.Net.Sockets;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>What came of a handshake: a torrent, a peer and the way to go on with it, or else why not.</summary>
internal readonly record struct HandshakeOutcome(
    ILinkHost? Host,
    PeerIntroduction? Peer,
    DisconnectReason Failure = default,
    ITransport? Transport = null
)
{
    public bool IsOk => Peer is not null;
}

/// <summary>
/// Runs the handshake of BEP 3 on a fresh transport, plain or within an encrypted one, loses not a byte beyond it, and
/// closes the transport when it fails.
/// </summary>
/// <param name="limits">How long it may take.</param>
/// <param name="time">The clock of that.</param>
/// <param name="encryption">Null: plain only.</param>
/// <param name="secure">Torrents that are not for everybody; null: there are none.</param>
internal sealed class PeerHandshake(
    PeerLinkLimits limits,
    TimeProvider time,
    MseExchange? encryption = null,
    SecureListener? secure = null
)
{
    /// <summary>Our side called: says which torrent, and expects the same back.</summary>
    /// <param name="transport">Connected.</param>
    /// <param name="remote">Its other end.</param>
    /// <param name="host">The torrent.</param>
    /// <param name="name">Which of the torrent's names to use.</param>
    /// <param name="source">Where we knew the address from.</param>
    /// <param name="cancellation">The owner stops; the outcome is then ShuttingDown.</param>
    /// <param name="isEncrypted">Whether to hide it.</param>
    public Task<HandshakeOutcome> InitiateAsync(
        ITransport transport,
        IPEndPoint remote,
        ILinkHost host,
        InfoHash name,
        PeerSource source,
        CancellationToken cancellation,
        bool isEncrypted = false
    ) =>
        GuardAsync(
            transport,
            async () =>
            {
                var stream = transport;
                ProvenMember? member = null;
                var ours = Greeting(host, name);
                if (host.Security is { } security)
                {
                    var proven = await security.CallAsync(transport).ConfigureAwait(false);
                    if (proven.Transport is null)
                    {
                        return new HandshakeOutcome(host, null, proven.Failure);
                    }

                    (stream, member) = (proven.Transport, proven.Member);
                    await stream.SendAsync([new ArraySegment<byte>(ours)]).ConfigureAwait(false);
                }
                else if (isEncrypted && encryption is not null)
                {
                    var hidden = await encryption.CallAsync(transport, name, ours).ConfigureAwait(false);
                    if (hidden.Transport is null)
                    {
                        return new HandshakeOutcome(host, null, hidden.Failure);
                    }

                    stream = hidden.Transport;
                }
                else
                {
                    await transport.SendAsync([new ArraySegment<byte>(ours)]).ConfigureAwait(false);
                }

                var theirs = new byte[Handshake.Size];
                var length = await ReceiveAsync(stream, theirs, 0, Handshake.Size).ConfigureAwait(false);
                if (length < Handshake.Size || Handshake.Read(theirs, out var handshake) == ReadStatus.Malformed)
                {
                    return new HandshakeOutcome(host, null, DisconnectReason.BadHandshake, stream);
                }

                // BEP 52: "The remote peer may then respond with the new infohash to upgrade the connect to the new
                // format."
                var isUpgrade = IsHybridV1Name(host, name) && handshake.InfoHash == V2Name(host);
                return handshake.InfoHash == name || isUpgrade
                    ? Introduce(host, stream, remote, handshake, handshake.InfoHash, source, member, isOutgoing: true)
                    : new HandshakeOutcome(host, null, DisconnectReason.UnknownTorrent, stream);
            },
            cancellation
        );

    /// <summary>The peer called: learns which torrent it wants, and answers if we have it.</summary>
    /// <param name="transport">Connected.</param>
    /// <param name="remote">Its other end.</param>
    /// <param name="find">The torrent of that name, or null. Called from any thread.</param>
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
                var stream = transport;
                var length = await ReceiveAsync(stream, theirs, 0, Handshake.UpToInfoHash).ConfigureAwait(false);
                if (secure is not null && length > 0)
                {
                    var early = theirs.AsMemory(0, length);
                    (var meant, stream) = await secure.LookAsync(transport, remote, early).ConfigureAwait(false);
                    if (meant is not null)
                    {
                        return await AnswerSecurelyAsync(meant, stream, remote).ConfigureAwait(false);
                    }

                    if (stream != transport)
                    {
                        // It looked like TLS: from here on it is as if nobody had looked.
                        length = await ReceiveAsync(stream, theirs, 0, Handshake.UpToInfoHash).ConfigureAwait(false);
                    }
                }

                var isPlain = Handshake.Read(theirs.AsSpan(0, length), out _) != ReadStatus.Malformed;
                if (isPlain)
                {
                    return encryption is null || encryption.Policy.AcceptsPlain()
                        ? await AnswerAsync(stream, remote, theirs, length, find).ConfigureAwait(false)
                        : new HandshakeOutcome(null, null, DisconnectReason.EncryptionMismatch);
                }

                // Not a byte of a plain handshake is like one of an encrypted one but by chance: the first that is
                // wrong tells them apart.
                if (encryption is null || !encryption.Policy.AcceptsEncrypted())
                {
                    return new HandshakeOutcome(null, null, DisconnectReason.BadHandshake);
                }

                var hidden = await encryption
                    .AnswerAsync(stream, remote, theirs.AsMemory(0, length))
                    .ConfigureAwait(false);
                return hidden.Transport is { } inside
                    ? await AnswerAsync(inside, remote, theirs, 0, find, hidden.Name).ConfigureAwait(false)
                    : new HandshakeOutcome(null, null, hidden.Failure);
            },
            cancellation
        );

    /// <summary>The caller has named what is not for everybody: it proves that it may, and then is answered as any other.</summary>
    private static async Task<HandshakeOutcome> AnswerSecurelyAsync(
        ILinkSecurity security,
        ITransport transport,
        IPEndPoint remote
    )
    {
        var proven = await security.AnswerAsync(transport).ConfigureAwait(false);
        if (proven.Transport is not { } stream)
        {
            return new HandshakeOutcome(null, null, proven.Failure);
        }

        var theirs = new byte[Handshake.Size];
        var outcome = await AnswerAsync(stream, remote, theirs, 0, security.Find, member: proven.Member)
            .ConfigureAwait(false);
        return outcome with { Transport = stream };
    }

    /// <summary>The rest of the answering side.</summary>
    /// <param name="stream">Plain or encrypted.</param>
    /// <param name="remote">Its other end.</param>
    /// <param name="theirs">Room for the peer's handshake.</param>
    /// <param name="length">How much of it is there.</param>
    /// <param name="find">The torrent of a name, or null.</param>
    /// <param name="hiddenName">The name that the encrypted handshake told; both must mean the same torrent.</param>
    /// <param name="member">Who the peer has proven to be.</param>
    private static async Task<HandshakeOutcome> AnswerAsync(
        ITransport stream,
        IPEndPoint remote,
        byte[] theirs,
        int length,
        Func<InfoHash, ILinkHost?> find,
        InfoHash? hiddenName = null,
        ProvenMember? member = null
    )
    {
        length = await ReceiveAsync(stream, theirs, length, Handshake.UpToInfoHash).ConfigureAwait(false);
        if (Handshake.Read(theirs.AsSpan(0, length), out var early) != ReadStatus.Ok)
        {
            return new HandshakeOutcome(null, null, DisconnectReason.BadHandshake);
        }

        if (find(early.InfoHash) is not { } host || (hiddenName is { } hidden && find(hidden) != host))
        {
            return new HandshakeOutcome(null, null, DisconnectReason.UnknownTorrent);
        }

        // BEP 52: "a peer can set the 4th most significant bit in the last byte of the reserved bitfield to
        // indicate that it also supports the new format." We upgrade whenever we can.
        var isUpgrade = early.Features.HasFlag(HandshakeFeatures.V2) && IsHybridV1Name(host, early.InfoHash);
        var name = isUpgrade ? V2Name(host) : early.InfoHash;
        await stream.SendAsync([new ArraySegment<byte>(Greeting(host, name))]).ConfigureAwait(false);
        length = await ReceiveAsync(stream, theirs, Handshake.UpToInfoHash, Handshake.Size).ConfigureAwait(false);
        if (length < Handshake.Size)
        {
            return new HandshakeOutcome(host, null, DisconnectReason.BadHandshake);
        }

        Handshake.Read(theirs, out var handshake);
        return Introduce(host, stream, remote, handshake, name, PeerSource.Incoming, member, isOutgoing: false);
    }

    private static HandshakeOutcome Introduce(
        ILinkHost host,
        ITransport transport,
        IPEndPoint remote,
        in Handshake handshake,
        InfoHash name,
        PeerSource source,
        ProvenMember? member,
        bool isOutgoing
    )
    {
        if (handshake.PeerId == host.PeerId)
        {
            return new HandshakeOutcome(host, null, DisconnectReason.Self);
        }

        var capabilities = (PeerCapabilities)(handshake.Features & ~HandshakeFeatures.V2);
        // The name that both ended with says which format the connection has. The bit only offers to change it: a peer
        // that set it and stayed with the v1 name (libtorrent 2.0, called encrypted) takes v2 messages for invalid.
        if (host.InfoHashes.V2 is not null && name == V2Name(host))
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
                Member = member,
            },
            Transport: transport
        );
    }

    private static byte[] Greeting(ILinkHost host, InfoHash name)
    {
        // Others hang up on the v2 bit where the torrent is v1 only.
        var features = host.InfoHashes.V2 is not null ? host.Features : host.Features & ~HandshakeFeatures.V2;
        var bytes = new byte[Handshake.Size];
        new Handshake(features, name, host.PeerId).Write(bytes);
        return bytes;
    }

    /// <summary>
    /// Fills the buffer from one offset to another, or until the peer ends, or until what came cannot be a plain
    /// handshake; returns how much is there.
    /// </summary>
    private static async ValueTask<int> ReceiveAsync(ITransport stream, byte[] buffer, int from, int to)
    {
        while (from < to && Handshake.Read(buffer.AsSpan(0, from), out _) != ReadStatus.Malformed)
        {
            var received = await stream.ReceiveAsync(buffer.AsMemory(from, to - from)).ConfigureAwait(false);
            from += received;
            if (received == 0)
            {
                break;
            }
        }

        return from;
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
            outcome = outcome with { Peer = null, Failure = DisconnectReason.ShuttingDown };
        }
        else if (deadline.IsCancellationRequested)
        {
            outcome = outcome with { Peer = null, Failure = DisconnectReason.HandshakeTimeout };
        }

        if (!outcome.IsOk)
        {
            (outcome.Transport ?? transport).Dispose();
            return outcome with { Transport = null };
        }

        return outcome;
    }

    private static bool IsHybridV1Name(ILinkHost host, InfoHash name) =>
        host.InfoHashes is { IsHybrid: true, V1: { } v1 } && name == InfoHash.From(v1);

    private static InfoHash V2Name(ILinkHost host) => host.InfoHashes.V2 is { } v2 ? InfoHash.From(v2) : default;
}
