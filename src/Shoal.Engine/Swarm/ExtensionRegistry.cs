using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// BEP 10: which extensions we speak, under which ids, and which the peer speaks. Parts of the swarm register what they
/// handle; later parts add their own.
/// </summary>
internal sealed class ExtensionRegistry(SwarmState state, CandidatePool candidates)
{
    /// <summary>Takes what follows the extended id of one message.</summary>
    public delegate DisconnectReason? Handler(PeerState peer, byte[] payload);

    /// <summary>At the default limits a peer can make us take in 120 MiB of long messages, then 3 MiB a second.</summary>
    private const int BytesPerNoise = 64 * 1024;

    private readonly Dictionary<string, byte> _ids = new(StringComparer.Ordinal);
    private readonly List<(string Name, Handler Handle, Func<bool> IsOffered)> _handlers = [];

    /// <summary>Raised when a peer's handshake was read.</summary>
    public Action<PeerState, ExtensionHandshake>? OnHandshake { get; set; }

    /// <param name="name">Its name in handshakes.</param>
    /// <param name="handler">Takes its messages, also those that come while it is not offered.</param>
    /// <param name="isOffered">Whether we want messages of it now; null: always.</param>
    public void Register(string name, Handler handler, Func<bool>? isOffered = null)
    {
        _handlers.Add((name, handler, isOffered ?? (static () => true)));
        _ids.Add(name, (byte)_handlers.Count);
    }

    /// <summary>BEP 10: "This message should be sent immediately after the standard bittorrent handshake".</summary>
    public void Greet(PeerState peer)
    {
        if (!peer.HasExtensions)
        {
            return;
        }

        var handshake = new ExtensionHandshake
        {
            Messages = Offers(peer),
            Client = state.Options.ClientVersion,
            Port = state.Own.Port is > 0 and <= ushort.MaxValue ? (ushort)state.Own.Port : null,
            RequestQueue = state.Limits.MaxRequestsIn,
            YourAddress = peer.Address,
            MetadataSize = state.Content is { Metainfo.InfoBytes.Length: > 0 and var size } ? size : null,
            IsUploadOnly = state.IsSeeding && !state.IsSuperSeeding ? true : null,
        };
        state.Send(peer, MessageId.Extended, ExtensionHandshake.Id, payload: handshake.Write());
        peer.WasGreeted = true;
    }

    public DisconnectReason? OnMessage(PeerState peer, uint id, byte[] payload)
    {
        // A long message costs what several short ones do.
        peer.Noise += 1 + payload.Length / BytesPerNoise;
        if (!peer.HasExtensions)
        {
            return DisconnectReason.UnexpectedMessage;
        }

        if (id == ExtensionHandshake.Id)
        {
            return OnHandshakeMessage(peer, payload);
        }

        // BEP 10: ids are those we gave; another one is a message of an extension we do not speak.
        return id <= _handlers.Count ? _handlers[(int)id - 1].Handle(peer, payload) : null;
    }

    /// <summary>Whether the peer wants messages of an extension that we speak.</summary>
    public bool Speaks(PeerState peer, string name) => IdAt(peer, name) != 0;

    /// <summary>Sends a message of the extension if the peer speaks it.</summary>
    public bool TrySend(PeerState peer, string name, byte[] payload)
    {
        if (IdAt(peer, name) is not (> 0 and var id))
        {
            return false;
        }

        state.Send(peer, MessageId.Extended, id, payload: payload);
        return true;
    }

    /// <summary>
    /// What is not offered is not named; or taken back. BEP 10: "Setting an extension number to zero means that the
    /// extension is not supported/disabled."
    /// </summary>
    private Dictionary<string, byte> Offers(PeerState peer)
    {
        var offers = new Dictionary<string, byte>(StringComparer.Ordinal);
        foreach (var (name, _, isOffered) in _handlers)
        {
            if (isOffered() || peer.WasGreeted)
            {
                offers[name] = isOffered() ? _ids[name] : (byte)0;
            }
        }

        return offers;
    }

    /// <summary>The id of the extension at the peer; 0: none.</summary>
    private byte IdAt(PeerState peer, string name) =>
        peer.ExtensionIds is { } ids && _ids.TryGetValue(name, out var ours) ? ids[ours - 1] : (byte)0;

    private DisconnectReason? OnHandshakeMessage(PeerState peer, byte[] payload)
    {
        if (!ExtensionHandshake.TryRead(payload, out var handshake))
        {
            return DisconnectReason.MalformedMessage;
        }

        foreach (var (name, id) in handshake.Messages)
        {
            // BEP 10: "the m dictionary is additive". Only names we could send are worth remembering.
            if (_ids.TryGetValue(name, out var ours))
            {
                peer.ExtensionIds ??= new byte[_handlers.Count];
                peer.ExtensionIds[ours - 1] = id;
            }
        }

        peer.Client = handshake.Client ?? peer.Client;
        peer.IsUploadOnly = handshake.IsUploadOnly ?? peer.IsUploadOnly;
        if (handshake.YourAddress is { } address)
        {
            if (peer.OurAddress is null)
            {
                state.Tell(SwarmEffectKind.AddressSeen, payload: new AddressSighting(peer.Address, address));
            }

            // All say the same, as a rule: one object for all.
            peer.OurAddress =
                state.Own.External(address.AddressFamily) is { } known && known.Equals(address) ? known : address;
        }

        peer.PrefersEncryption = handshake.PrefersEncryption ?? peer.PrefersEncryption;
        if (handshake.RequestQueue is { } limit)
        {
            // BEP 10: "the number of outstanding request messages this client supports without dropping any". We leave one out because
            // Transmission 3.00 says 512, keeps 511, and tells of the one that it refused up to ten seconds later.
            peer.PeerQueueLimit = Math.Clamp(limit - 1, 1, state.Limits.MaxRequestsOut);
            peer.QueueTarget = Math.Min(peer.QueueTarget, peer.PeerQueueLimit);
        }

        // Once: a peer that names a thousand ports would fill the places of a thousand addresses.
        if (handshake.Port is > 0 and var port && !peer.Introduction.IsOutgoing && !peer.SaidWhereItListens)
        {
            peer.SaidWhereItListens = true;
            candidates.Listens(peer, new IPEndPoint(peer.Address, port));
        }

        OnHandshake?.Invoke(peer, handshake);
        return null;
    }
}
