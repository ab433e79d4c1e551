using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>Who may join, who must make room, and what a newcomer is told first.</summary>
internal sealed class Admission(SwarmState state, CandidatePool candidates)
{
    private static readonly TimeSpan NeedPeersInterval = TimeSpan.FromSeconds(30);

    private readonly HashSet<WebSeedUrl> _bannedWebSeeds = [];
    private TimeSpan _nextNeedPeers;

    public bool IsBlank => _bannedWebSeeds.Count == 0;

    /// <summary>Whether there are pieces that only we have.</summary>
    public Func<bool>? IsSpreading { get; set; }

    /// <summary>Why the newcomer may not stay, or null. May doom another for it.</summary>
    public DisconnectReason? Refuse(PeerState peer)
    {
        if (state.IsPaused)
        {
            return DisconnectReason.TorrentPaused;
        }

        if (peer.Introduction.WebSeed is { } webSeed)
        {
            return _bannedWebSeeds.Contains(webSeed) ? DisconnectReason.Banned : null;
        }

        if (peer.Introduction.PeerId == state.Options.PeerId)
        {
            return DisconnectReason.Self;
        }

        if (candidates.IsBanned(peer.Address))
        {
            return DisconnectReason.Banned;
        }

        return RefuseDuplicate(peer) ?? RefuseForRoom(peer);
    }

    /// <summary>What the newcomer is told, in the order the specifications ask for.</summary>
    public void Greet(PeerState peer)
    {
        var have = state.IsSuperSeeding ? null : state.Content?.Have;
        // BEP 6: "Exactly one of Have All, Have None, or Have Bitfield MUST appear and only immediately after the
        // handshake."
        if (have is null or { IsEmpty: true })
        {
            if (peer.IsFast)
            {
                state.Send(peer, MessageId.HaveNone);
            }
        }
        else if (have.IsFull && peer.IsFast)
        {
            state.Send(peer, MessageId.HaveAll);
        }
        else
        {
            state.Send(peer, MessageId.Bitfield, payload: have.Bytes.ToArray());
        }

        OfferAllowedFast(peer);
        // BEP 5: "Peer receiving a handshake indicating the remote peer supports the DHT should send a PORT message."
        if (state.Options.DhtPort != 0 && (peer.Introduction.Capabilities & PeerCapabilities.Dht) != 0)
        {
            state.Send(peer, MessageId.Port, (uint)state.Options.DhtPort);
        }
    }

    /// <summary>The peer has a node in the DHT.</summary>
    public DisconnectReason? OnPort(PeerState peer, uint port)
    {
        peer.Noise++;
        // BEP 5: "Peers that receive this message should attempt to ping the node on the received port and IP address of
        // the remote peer."
        if (port is > 0 and <= ushort.MaxValue && state.Options.DhtPort != 0)
        {
            var node = new IPEndPoint(peer.Introduction.EndPoint.Address, (int)port);
            state.Tell(SwarmEffectKind.NodeFound, payload: node);
        }

        return null;
    }

    /// <summary>When we have all we want, a peer that wants nothing either only takes up a place.</summary>
    public void DropUseless()
    {
        if (!state.IsSeeding)
        {
            return;
        }

        foreach (var peer in state.Peers)
        {
            if (state.IsOfNoUse(peer))
            {
                state.Doom(peer, DisconnectReason.NotUseful);
            }
        }
    }

    /// <summary>Another torrent needs a place more: the peer goes that gives and takes least, of these the youngest.</summary>
    public void GiveUpPeer()
    {
        PeerState? least = null;
        foreach (var peer in state.Peers)
        {
            if (least is null || WorthOf(peer).CompareTo(WorthOf(least)) < 0)
            {
                least = peer;
            }
        }

        if (least is not null)
        {
            state.Doom(least, DisconnectReason.Replaced);
        }

        (bool, double, TimeSpan) WorthOf(PeerState peer) =>
            (IsBusy(peer), peer.Down.Slow + peer.Up.Slow, -peer.JoinedAt);
    }

    /// <summary>Tries candidates as far as there is room.</summary>
    public void ConnectMore()
    {
        if (state.IsPaused || (state.Content is not null && !state.IsChecked))
        {
            return;
        }

        while (
            candidates.Connecting < state.Limits.MaxConnecting
            && state.PeerCount + candidates.Connecting < state.Limits.MaxPeers
        )
        {
            if (candidates.Next(out var hints) is not { } endPoint)
            {
                AskForPeers();
                return;
            }

            state.Tell(SwarmEffectKind.Connect, (uint)hints, endPoint);
        }
    }

    /// <summary>BEP 40 counts from our address.</summary>
    public void AddressChanged() => candidates.Rank();

    private void AskForPeers()
    {
        if (state.Now >= _nextNeedPeers && !state.IsSeeding && state.PeerCount < state.Limits.MaxPeers / 2)
        {
            _nextNeedPeers = state.Now + NeedPeersInterval;
            state.Tell(SwarmEffectKind.NeedPeers);
        }
    }

    /// <summary>
    /// It sent bad data: it goes, with all from its address, and stays away. Where somebody else at that address has
    /// proven to be honest, several people share it: then the first time only the guilty goes, and whoever is proven
    /// stays in any case.
    /// </summary>
    public void Condemn(PeerState guilty)
    {
        if (guilty.Introduction.WebSeed is { } webSeed)
        {
            Condemn(webSeed);
            return;
        }

        state.Doom(guilty, DisconnectReason.SentBadData);
        if (candidates.IsBanned(guilty.Address))
        {
            return;
        }

        var others = state.Peers.Where(peer => peer != guilty && peer.Address.Equals(guilty.Address)).ToArray();
        if (Array.Exists(others, IsProven) && candidates.TryForgive(guilty))
        {
            return;
        }

        candidates.Ban(guilty.Address);
        state.Tell(SwarmEffectKind.Ban, payload: guilty.Address);
        foreach (var peer in others)
        {
            if (!IsProven(peer))
            {
                state.Doom(peer, DisconnectReason.Banned);
            }
        }
    }

    private bool IsProven(PeerState peer) => peer.ProvenBlocks >= state.Limits.BlocksThatProve;

    private void Condemn(WebSeedUrl guilty)
    {
        if (!_bannedWebSeeds.Add(guilty))
        {
            return;
        }

        state.Tell(SwarmEffectKind.BanWebSeed, payload: guilty);
        foreach (var peer in state.Peers)
        {
            if (guilty.Equals(peer.Introduction.WebSeed))
            {
                state.Doom(peer, DisconnectReason.SentBadData);
            }
        }
    }

    /// <summary>BEP 6: "A peer SHOULD send Allowed Fast messages to any starting peer".</summary>
    private void OfferAllowedFast(PeerState peer)
    {
        // Where we alone have pieces that nobody has begun, all newcomers at once would each begin some: many halves
        // instead of a few wholes.
        if (
            !peer.IsFast
            || state.IsSuperSeeding
            || IsSpreading?.Invoke() == true
            || state.Content is not { Have.IsEmpty: false } content
        )
        {
            return;
        }

        var set = AllowedFast.Generate(
            state.Limits.AllowedFastCount,
            content.Layout.PieceCount,
            state.InfoHashes.Primary,
            peer.Address
        );
        // In a small torrent the set would be most of it: nobody would need to be unchoked.
        if (set.Count * 2 > content.Layout.PieceCount)
        {
            return;
        }

        peer.AllowedToPeer = [.. set];
        foreach (var piece in set)
        {
            if (content.Have[piece])
            {
                state.Send(peer, MessageId.AllowedFast, (uint)piece);
            }
        }
    }

    private DisconnectReason? RefuseDuplicate(PeerState peer)
    {
        foreach (var other in state.Peers)
        {
            if (other.IsWebSeed || other.Introduction.PeerId != peer.Introduction.PeerId)
            {
                continue;
            }

            // A peer's id is known to all it has met: who names it from elsewhere must not push the owner out.
            var isElsewhere = !other.Address.Equals(peer.Address);
            if (isElsewhere || other.Introduction.IsOutgoing == peer.Introduction.IsOutgoing)
            {
                return DisconnectReason.Duplicate;
            }

            // Both ends called each other. Both must keep the same of the two: the call of the larger id.
            var ours = state.Options.PeerId > peer.Introduction.PeerId;
            if (peer.Introduction.IsOutgoing != ours)
            {
                return DisconnectReason.Duplicate;
            }

            state.Doom(other, DisconnectReason.Duplicate);
            return null;
        }

        return null;
    }

    private DisconnectReason? RefuseForRoom(PeerState peer)
    {
        if (state.PeerCount < state.Limits.MaxPeers)
        {
            return null;
        }

        // First who is of no use to us nor we to it, then BEP 40: both ends agree who is worth keeping.
        PeerState? worst = null;
        foreach (var other in state.Peers)
        {
            if (!other.IsWebSeed && !IsBusy(other) && (worst is null || PriorityOf(other) < PriorityOf(worst)))
            {
                worst = other;
            }
        }

        if (worst is null || (IsYoung(worst) && PriorityOf(worst) >= PriorityOf(peer)))
        {
            worst = FromCrowdedNetwork(peer);
        }

        if (worst is null)
        {
            return DisconnectReason.TooManyConnections;
        }

        state.Doom(worst, DisconnectReason.Replaced);
        return null;
    }

    /// <summary>
    /// Anybody can say that it is interested, and whoever has one address often has its neighbours: a network that
    /// holds more than a quarter of the places gives one up for a newcomer from a network that holds fewer.
    /// </summary>
    private PeerState? FromCrowdedNetwork(PeerState newcomer)
    {
        var crowded = state
            .Peers.Where(other => !other.IsWebSeed)
            .GroupBy(other => other.Neighbourhood)
            .OrderByDescending(group => group.Count())
            .First();
        var own = newcomer.Neighbourhood;
        var isCrowd =
            crowded.Count() * 4 > state.Limits.MaxPeers
            && crowded.Count() > state.Peers.Count(other => other.Neighbourhood == own) + 1;
        // Whoever has given us least, and of those the last to come.
        return isCrowd
            ? crowded.OrderBy(other => other.Down.Total).ThenByDescending(other => other.JoinedAt).First()
            : null;
    }

    private uint PriorityOf(PeerState peer) => candidates.PriorityOf(peer.EndPoint);

    private bool IsBusy(PeerState peer) => peer.AreWeInterested || peer.IsInterested;

    /// <summary>It has not had the time to become useful.</summary>
    private bool IsYoung(PeerState peer) => state.Now - peer.JoinedAt < TimeSpan.FromSeconds(30);
}
