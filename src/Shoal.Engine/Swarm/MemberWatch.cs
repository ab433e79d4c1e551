using Shoal.Membership;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>What a swarm of a publication is told of it at its birth.</summary>
/// <param name="Authority">Who signs lists.</param>
/// <param name="Ourselves">Whom we are there.</param>
/// <param name="Revocations">The newest list known; null: none.</param>
internal sealed record SwarmMembers(AuthorityCertificate Authority, MemberId Ourselves, RevocationList? Revocations);

/// <summary>
/// Invited swarms: who stays connected, and the lists of who must not, which members pass on to each other. Without a
/// publication it does nothing.
/// </summary>
internal sealed class MemberWatch(SwarmState state, ExtensionRegistry extensions)
{
    /// <summary>How long a peer may take to send the list that it has, before another is asked.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>What a list costs that nobody asked for, or that we had: as much as some hundred idle messages.</summary>
    private const int NoiseOfList = 200;

    private RevocationList? _list = state.Options.Members?.Revocations;
    private bool _isOver;
    private PeerHandle _asked;
    private long _askedFor;
    private TimeSpan _askAgainAt;

    public bool IsOn => state.Options.Members is not null;

    private long Version => _list?.Version ?? 0;

    /// <summary>Why the newcomer may not stay, or null.</summary>
    public DisconnectReason? Refuse(PeerState peer)
    {
        if (!IsOn || peer.IsWebSeed)
        {
            return null;
        }

        // Connections that prove nothing do not get here; should one, it learns nothing.
        return peer.Introduction.Member is not { } member ? DisconnectReason.NotAMember
            : IsRevoked(member) ? DisconnectReason.Revoked
            : null;
    }

    /// <summary>The peer's extension handshake came.</summary>
    public void OnHandshake(PeerState peer)
    {
        if (IsOn)
        {
            TellOf(peer);
        }
    }

    /// <summary>A list came from elsewhere: the hub, or another torrent of the publication.</summary>
    public void Take(RevocationList list)
    {
        if (!IsOn || list.Version <= Version)
        {
            return;
        }

        _list = list;
        foreach (var peer in state.Peers)
        {
            if (peer.Introduction.Member is { } member && IsRevoked(member))
            {
                state.Doom(peer, DisconnectReason.Revoked);
            }
            else
            {
                TellOf(peer);
            }
        }

        TellIfOver();
    }

    public void OnSecond()
    {
        if (!IsOn)
        {
            return;
        }

        TellIfOver();
        foreach (var peer in state.Peers)
        {
            if (peer.Introduction.Member is { } member && state.Now - peer.JoinedAt >= member.GoodFor)
            {
                state.Doom(peer, DisconnectReason.MembershipExpired);
            }
        }
    }

    public DisconnectReason? OnMessage(PeerState peer, byte[] payload)
    {
        if (!IsOn)
        {
            return null;
        }

        if (!ShoalRevoked.TryRead(payload, out var message))
        {
            return DisconnectReason.MalformedMessage;
        }

        if (!message.List.IsEmpty)
        {
            return OnList(peer, message.List.Span);
        }

        if (message.Wanted > 0)
        {
            Send(peer);
        }
        else if (message.Version > 0)
        {
            peer.RevocationsThere = Math.Max(peer.RevocationsThere, message.Version);
            AskFor(peer);
        }

        return null;
    }

    private DisconnectReason? OnList(PeerState peer, ReadOnlySpan<byte> encoded)
    {
        if (peer.Handle != _asked)
        {
            // It may be the answer to what we asked too long ago. Checking a signature is work.
            peer.Noise += NoiseOfList;
            return null;
        }

        _asked = default;
        if (!RevocationList.TryRead(encoded, state.Options.Members!.Authority, out var list, out _))
        {
            return DisconnectReason.MalformedMessage;
        }

        if (!RevocationList.Supersedes(_list, list, out _))
        {
            // It said that it had a newer one.
            return list.Version < _askedFor ? DisconnectReason.UnexpectedMessage : null;
        }

        peer.RevocationsTold = list.Version;
        Take(list);
        state.Tell(SwarmEffectKind.RevocationsHeard, payload: list);
        return null;
    }

    /// <summary>One peer at a time: everybody has the same list.</summary>
    private void AskFor(PeerState peer)
    {
        if (peer.RevocationsThere <= Version || (_asked != default && state.Now < _askAgainAt))
        {
            return;
        }

        var wish = new ShoalRevoked(Wanted: peer.RevocationsThere);
        if (extensions.TrySend(peer, ShoalRevoked.Name, wish.Write()))
        {
            _asked = peer.Handle;
            _askedFor = peer.RevocationsThere;
            _askAgainAt = state.Now + Patience;
        }
    }

    private void TellOf(PeerState peer)
    {
        if (Version > peer.RevocationsTold && Version > peer.RevocationsThere)
        {
            var have = new ShoalRevoked(Version);
            if (extensions.TrySend(peer, ShoalRevoked.Name, have.Write()))
            {
                peer.RevocationsTold = Version;
            }
        }
    }

    /// <summary>Once for each list and peer: a list is long, and asking for it is not.</summary>
    private void Send(PeerState peer)
    {
        if (_list is { } list && list.Version > peer.RevocationsSent)
        {
            peer.RevocationsSent = list.Version;
            extensions.TrySend(peer, ShoalRevoked.Name, new ShoalRevoked(List: list.Encoded).Write());
        }
        else
        {
            peer.Noise += NoiseOfList;
        }
    }

    private void TellIfOver()
    {
        if (!_isOver && _list is not null && _list.Covers(state.Options.Members!.Ourselves))
        {
            _isOver = true;
            state.Tell(SwarmEffectKind.MembershipEnded);
        }
    }

    private bool IsRevoked(ProvenMember member) => _list is not null && _list.Covers(member.Member, member.Serial);
}
