using System.Net;
using System.Security.Cryptography;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>What came of an encrypted handshake: the connection to go on with, or else why not.</summary>
/// <param name="Transport">Null: it failed.</param>
/// <param name="Name">The torrent that was asked for.</param>
/// <param name="Failure">Why.</param>
internal readonly record struct MseOutcome(ITransport? Transport, InfoHash Name, DisconnectReason Failure = default);

/// <summary>Carries encrypted handshakes over transports. Leaves the transport open when it fails.</summary>
/// <param name="policy">What we offer and accept.</param>
/// <param name="budget">How much of it others may make us do.</param>
/// <param name="find">The torrent of ours that has this alias (<see cref="MseAnswerer.Alias"/>), or null. Any thread.</param>
internal sealed class MseExchange(EncryptionPolicy policy, KeyExchangeBudget budget, Func<Sha1Digest, InfoHash?> find)
{
    public EncryptionPolicy Policy => policy;

    /// <summary>Our side called.</summary>
    /// <param name="transport">Connected, and nothing sent yet.</param>
    /// <param name="name">Which torrent.</param>
    /// <param name="payload">What is to be said first; it leaves with the handshake.</param>
    public Task<MseOutcome> CallAsync(ITransport transport, InfoHash name, byte[] payload) =>
        RunAsync(transport, new MseCaller(name, policy.Offer(), payload, Draw()), name);

    /// <summary>The peer called, and what it said is not a plain handshake.</summary>
    /// <param name="transport">Connected.</param>
    /// <param name="remote">Who calls.</param>
    /// <param name="early">What was received so far: less than a public key.</param>
    public async Task<MseOutcome> AnswerAsync(ITransport transport, IPEndPoint remote, ReadOnlyMemory<byte> early)
    {
        // The whole key first: who sends less makes us compute nothing.
        var key = new byte[DiffieHellman.KeySize];
        early.CopyTo(key);
        for (var length = early.Length; length < key.Length; )
        {
            var received = await transport.ReceiveAsync(key.AsMemory(length)).ConfigureAwait(false);
            if (received == 0)
            {
                return new MseOutcome(null, default, DisconnectReason.BadHandshake);
            }

            length += received;
        }

        if (!budget.TryTake(remote.Address))
        {
            return new MseOutcome(null, default, DisconnectReason.TooManyKeyExchanges);
        }

        var answerer = new MseAnswerer(find, offered => policy.Choose(offered), Draw());
        key.CopyTo(answerer.Room);
        answerer.Received(key.Length);
        var outcome = await RunAsync(transport, answerer, default).ConfigureAwait(false);
        return outcome with { Name = answerer.Name };
    }

    private static async Task<MseOutcome> RunAsync(ITransport transport, MseHandshake handshake, InfoHash name)
    {
        while (true)
        {
            if (handshake.TakeOutput() is { Length: > 0 } output)
            {
                await transport.SendAsync([new ArraySegment<byte>(output)]).ConfigureAwait(false);
            }

            if (handshake.Fault != MseFault.None)
            {
                return new MseOutcome(null, name, ReasonOf(handshake.Fault));
            }

            if (handshake.IsDone)
            {
                return new MseOutcome(new EncryptedTransport(transport, handshake), name);
            }

            var received = await transport.ReceiveAsync(handshake.Room).ConfigureAwait(false);
            if (received == 0)
            {
                return new MseOutcome(null, name, DisconnectReason.BadHandshake);
            }

            handshake.Received(received);
        }
    }

    private static MseSecrets Draw()
    {
        Span<byte> random = stackalloc byte[MseSecrets.RandomSize];
        RandomNumberGenerator.Fill(random);
        return MseSecrets.From(random);
    }

    private static DisconnectReason ReasonOf(MseFault fault) =>
        fault switch
        {
            MseFault.UnknownTorrent => DisconnectReason.UnknownTorrent,
            MseFault.NoCommonMethod => DisconnectReason.EncryptionMismatch,
            _ => DisconnectReason.BadHandshake,
        };
}
