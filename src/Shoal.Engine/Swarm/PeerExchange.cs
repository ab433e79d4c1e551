using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>BEP 11: tells peers who else is connected to us, and takes what they tell as candidates.</summary>
internal sealed class PeerExchange(SwarmState state, CandidatePool candidates, ExtensionRegistry extensions)
{
    /// <summary>BEP 11: "no more than 1 PEX message per minute".</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    /// <summary>After its handshake: whoever else just came can be in the first message.</summary>
    private static readonly TimeSpan FirstDelay = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Messages a peer may send at once, and how soon it earns the next: a connection that was stalled delivers the
    /// messages of some minutes together.
    /// </summary>
    private const int MessageBurst = 5;
    private static readonly TimeSpan EarnedEvery = TimeSpan.FromSeconds(45);

    /// <summary>Contacts of one peer that we remember, for hole punching. Beyond: not remembered.</summary>
    private const int MaxContacts = 200;

    /// <summary>What goes to and fro with one peer.</summary>
    internal sealed class Exchange
    {
        /// <summary>What the peer knows of by us.</summary>
        public List<IPEndPoint> Told { get; } = [];

        /// <summary>Whom it says it is connected to.</summary>
        public PexContacts Contacts { get; } = new();
        public TimeSpan NextAt { get; set; }
        public double Savings { get; set; } = MessageBurst;
        public TimeSpan SavedAt { get; set; }
    }

    /// <summary>Not for private torrents. For a magnet link it is used until the metadata says so.</summary>
    public bool IsOn => state.Options.UsePex && state.Content is not { Metainfo.IsPrivate: true };

    /// <summary>The peer's extension handshake came.</summary>
    public void OnHandshake(PeerState peer) =>
        peer.Pex ??= new Exchange { NextAt = state.Now + FirstDelay, SavedAt = state.Now };

    public void OnSecond()
    {
        if (!IsOn || state.IsPaused)
        {
            return;
        }

        foreach (var peer in state.Peers)
        {
            if (
                peer is { IsGone: false, Pex: { } exchange }
                && state.Now >= exchange.NextAt
                && extensions.Speaks(peer, UtPex.Name)
            )
            {
                Tell(peer, exchange);
            }
        }
    }

    public DisconnectReason? OnMessage(PeerState peer, byte[] payload)
    {
        if (!IsOn)
        {
            // It may have been under way when we took the offer back.
            return null;
        }

        var exchange = peer.Pex ??= new Exchange { SavedAt = state.Now };
        var earned = (state.Now - exchange.SavedAt) / EarnedEvery;
        exchange.Savings = Math.Min(MessageBurst, exchange.Savings + earned) - 1;
        exchange.SavedAt = state.Now;
        if (exchange.Savings < 0)
        {
            // BEP 11: "Clients may disconnect peers that egregiously violate these constraints."
            return DisconnectReason.Flood;
        }

        if (!UtPex.TryRead(payload, out var message))
        {
            return DisconnectReason.MalformedMessage;
        }

        foreach (var endPoint in message.Dropped)
        {
            exchange.Contacts.Remove(endPoint);
        }

        foreach (var contact in message.Added)
        {
            if (
                !Hearsay.IsWithinReach(contact.EndPoint, peer.Address)
                || candidates.Hearsay.IsOurs(contact.EndPoint, peer)
            )
            {
                continue;
            }

            candidates.AddHearsay(contact, peer);
            if (exchange.Contacts.Count < MaxContacts)
            {
                exchange.Contacts.Set(contact.EndPoint, contact.Flags);
            }
        }

        return null;
    }

    /// <summary>BEP 11: "which peers a client is currently connected to", as changes since the last message.</summary>
    private void Tell(PeerState peer, Exchange exchange)
    {
        var added = new List<PexPeer>();
        var current = new HashSet<IPEndPoint>();
        var told = new HashSet<IPEndPoint>(exchange.Told);
        foreach (var other in state.Peers)
        {
            if (CanTell(peer, other) && current.Add(other.EndPoint) && !told.Contains(other.EndPoint))
            {
                added.Add(new PexPeer(other.EndPoint, FlagsOf(other)));
            }
        }

        var dropped = exchange.Told.Where(endPoint => !current.Contains(endPoint)).Take(UtPex.MaxPeers).ToHashSet();
        if (added.Count == 0 && dropped.Count == 0)
        {
            return;
        }

        if (added.Count > UtPex.MaxPeers)
        {
            // Not the same fifty for everybody; the rest follows a minute later.
            state.Random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(added));
            added.RemoveRange(UtPex.MaxPeers, added.Count - UtPex.MaxPeers);
        }

        exchange.Told.RemoveAll(dropped.Contains);
        exchange.Told.AddRange(added.Select(contact => contact.EndPoint));
        exchange.NextAt = state.Now + Interval + TimeSpan.FromSeconds(state.Random.NextDouble() * 5);
        extensions.TrySend(peer, UtPex.Name, new UtPex { Added = added, Dropped = [.. dropped] }.Write());
    }

    /// <summary>
    /// BEP 11: "Only propagating verified peers reduces the opportunity for attackers": those we reached, and those who
    /// called and told where they listen.
    /// </summary>
    private static bool CanTell(PeerState peer, PeerState other) =>
        other != peer
        && other is { IsGone: false, IsWebSeed: false, IsReachableAgain: true }
        && !other.EndPoint.Equals(peer.EndPoint)
        && Hearsay.IsWithinReach(other.EndPoint, peer.Address);

    private PexFlags FlagsOf(PeerState peer) =>
        (peer.PrefersEncryption ? PexFlags.PrefersEncryption : 0)
        | (peer.IsSeed || peer.IsUploadOnly ? PexFlags.UploadOnly : 0)
        | (peer.Introduction.Transport == TransportKind.Utp ? PexFlags.SupportsUtp : 0)
        | (extensions.Speaks(peer, UtHolepunch.Name) ? PexFlags.SupportsHolepunch : 0)
        | (peer.Introduction.IsOutgoing ? PexFlags.Reachable : 0);
}
