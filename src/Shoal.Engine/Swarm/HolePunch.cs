using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// BEP 55: two peers whose routers let nobody in are introduced by a third that both are connected to, and call each
/// other at the same moment. We ask for it (initiator), are called for it (target), and do it for others (relay).
/// </summary>
/// <remarks>
/// What a relay says is hearsay: it cannot send us nearer than it is itself, nor often, nor to many ports of one host,
/// and what we send there first are a few empty datagrams. As a relay we send to nobody but peers of this swarm.
/// Private torrents do without: their trackers alone say who belongs to them.
/// </remarks>
internal sealed class HolePunch(SwarmState state, CandidatePool candidates, ExtensionRegistry extensions)
{
    private readonly HolePunchLimits _limits = state.Limits.HolePunch;
    private readonly Dictionary<IPEndPoint, Attempt> _attempts = [];

    // Until when the address is not to be asked for again.
    private readonly Dictionary<IPEndPoint, TimeSpan> _asked = [];

    // Networks that we were sent to, until when not again.
    private readonly Dictionary<IPAddress, TimeSpan> _victims = [];

    // Where our datagrams have just opened the router: who calls from there was called.
    private readonly Dictionary<IPEndPoint, TimeSpan> _opened = [];

    // By network: another connection is no new credit.
    private readonly Dictionary<IPAddress, Account> _accounts = [];
    private readonly Account _total = new(state.Limits.HolePunch, isTotal: true);

    /// <summary>A question that waits for its answer.</summary>
    private sealed class Attempt(PeerState relay, TimeSpan until)
    {
        public PeerState Relay { get; set; } = relay;
        public TimeSpan Until { get; set; } = until;
        public List<PeerState> Asked { get; } = [relay];
    }

    /// <summary>What one network, or all together, may still ask of us.</summary>
    private sealed class Account(HolePunchLimits limits, bool isTotal = false)
    {
        public TimeSpan UsedAt { get; set; }

        public TokenBucket Introductions { get; } =
            isTotal
                ? new TokenBucket(limits.RelaysPerMinute / 60.0, limits.RelayBurst)
                : new TokenBucket(limits.RelaysPerMinuteOfPeer / 60.0, limits.RelayBurstOfPeer);

        public TokenBucket Calls { get; } =
            isTotal
                ? new TokenBucket(limits.ConnectsPerMinute / 60.0, limits.ConnectBurst)
                : new TokenBucket(limits.ConnectsPerMinuteOfPeer / 60.0, limits.ConnectBurstOfPeer);
    }

    /// <summary>Nobody has asked us for anything lately, nor we anybody.</summary>
    public bool IsBlank =>
        _attempts.Count == 0 && _asked.Count == 0 && _victims.Count == 0 && _opened.Count == 0 && _accounts.Count == 0;

    public bool IsOn => state.Options.UseHolePunch && state.Content is not { Metainfo.IsPrivate: true };

    /// <summary>
    /// A call has got no answer for a while, or has failed. Asks a peer that is connected to the address, if there is one,
    /// to introduce us; the call goes on meanwhile.
    /// </summary>
    public void CallIsHard(IPEndPoint target)
    {
        if (
            !IsOn
            || state.IsPaused
            || _attempts.ContainsKey(target)
            || _attempts.Count >= _limits.MaxAttempts
            || _asked.ContainsKey(target)
            || IsConnected(target)
            || FindRelay(target, []) is not { } relay
        )
        {
            return;
        }

        _asked[target] = state.Now + _limits.AskAgainAfter;
        _attempts[target] = new Attempt(relay, state.Now + _limits.AnswerTimeout);
        Send(relay, new UtHolepunch(HolepunchKind.Rendezvous, target));
    }

    /// <summary>
    /// A connection by uTP, perhaps because both of us were told to call. The target is told first: its call can be here
    /// before our own answer is, through the router that our unanswered call has opened.
    /// </summary>
    public void Joined(PeerState peer)
    {
        var (endPoint, isOutgoing) = (peer.Introduction.EndPoint, peer.Introduction.IsOutgoing);
        if (
            peer.Introduction.Transport == TransportKind.Utp
            && (
                _opened.ContainsKey(endPoint)
                || (!isOutgoing && _attempts.Keys.Any(target => target.Address.Equals(endPoint.Address)))
            )
        )
        {
            peer.Source |= PeerSource.HolePunch;
        }
    }

    /// <summary>A peer has left: who waits for its answer asks another.</summary>
    public void Leave(PeerState peer)
    {
        foreach (var (target, attempt) in _attempts.ToArray())
        {
            if (attempt.Relay == peer)
            {
                AskNext(target, attempt);
            }
        }
    }

    public void OnSecond()
    {
        if (!IsOn || state.IsPaused)
        {
            _attempts.Clear();
            return;
        }

        foreach (var (target, attempt) in _attempts.ToArray())
        {
            if (state.Now >= attempt.Until)
            {
                AskNext(target, attempt);
            }
        }

        Forget(_asked);
        Forget(_victims);
        Forget(_opened);
        foreach (var (network, account) in _accounts.ToArray())
        {
            if (state.Now - account.UsedAt >= _limits.AccountLifetime)
            {
                _accounts.Remove(network);
            }
        }

        foreach (var target in candidates.Waiting(_limits.CallIsHardAfter))
        {
            CallIsHard(target);
        }
    }

    public DisconnectReason? OnMessage(PeerState peer, byte[] payload)
    {
        if (!UtHolepunch.TryRead(payload, out var message))
        {
            return DisconnectReason.MalformedMessage;
        }

        // BEP 55: "If the initiating peer does not indicate support for the ut_holepunch extension in the extension
        // protocol handshake, the relaying peer MUST ignore any incoming ut_holepunch messages silently."
        if (!IsOn || state.IsPaused || !Speaks(peer))
        {
            return null;
        }

        switch (message!.Kind)
        {
            case HolepunchKind.Rendezvous:
                Introduce(peer, message.EndPoint);
                break;
            case HolepunchKind.Connect:
                Call(peer, message.EndPoint);
                break;
            case HolepunchKind.Error when FindAttempt(peer, message.EndPoint.Address) is { Target: { } target } found:
                // Never answered, so that two can never go on answering each other.
                AskNext(target, found.Attempt);
                break;
        }

        return null;
    }

    /// <summary>We are the relay.</summary>
    private void Introduce(PeerState from, IPEndPoint target)
    {
        // Beyond its share it gets no answer; its own time-out makes it patient.
        if (!AccountOf(from).Introductions.TryTake(1, state.Now) || !_total.Introductions.TryTake(1, state.Now))
        {
            return;
        }

        if (Refuse(from, target, out var other) is { } error)
        {
            // BEP 55: "The addr_type, addr and port fields in the error message MUST be the same as in the rendezvous
            // message."
            Send(from, new UtHolepunch(HolepunchKind.Error, target, error));
            return;
        }

        // BEP 55: "the relaying peer sends a connect message to both the initiating peer and the target peer, each
        // containing the endpoint of the other."
        Send(other!, new UtHolepunch(HolepunchKind.Connect, OutsideOf(from)!));
        Send(from, new UtHolepunch(HolepunchKind.Connect, OutsideOf(other!)!));
    }

    private HolepunchError? Refuse(PeerState from, IPEndPoint target, out PeerState? other)
    {
        other = null;
        if (candidates.Hearsay.IsOurs(target, from))
        {
            return HolepunchError.NoSelf;
        }

        if (!Hearsay.IsWithinReach(target, from.Address) || IsAt(from, target))
        {
            return HolepunchError.NoSuchPeer;
        }

        other = state.Peers.Find(peer => !peer.IsGone && IsAt(peer, target));
        if (other is null)
        {
            return HolepunchError.NotConnected;
        }

        if (!Speaks(other))
        {
            return HolepunchError.NoSupport;
        }

        // To each we name only what is no nearer to it than we are told it is; and only where somebody listens.
        return
            OutsideOf(from) is { } one
            && OutsideOf(other) is { } two
            && Hearsay.IsWithinReach(one, other.Address)
            && Hearsay.IsWithinReach(two, from.Address)
            ? null
            : HolepunchError.NoSuchPeer;
    }

    /// <summary>We are told to call: as the initiator that asked for it, or as the target.</summary>
    private void Call(PeerState relay, IPEndPoint endPoint)
    {
        var asked = FindAttempt(relay, endPoint.Address);
        if (asked is { Target: { } target })
        {
            _attempts.Remove(target);
        }

        // BEP 55: "If the target peer does not wish to connect to the initiating peer, it SHOULD ignore the connect message
        // silently" and "If the target peer is already connected to the initiating peer, both of them MUST ignore the
        // connect message silently."
        if (
            !Hearsay.IsWithinReach(endPoint, relay.Address)
            || candidates.Hearsay.IsOurs(endPoint, relay)
            || IsConnected(endPoint)
            || state.PeerCount >= state.Limits.MaxPeers
            || (asked is null && !MaySendUsTo(relay, endPoint))
            || !candidates.TryPunch(endPoint, relay, asked?.Target)
        )
        {
            return;
        }

        // Who was introduced to us does not have to be asked for.
        _asked[endPoint] = state.Now + _limits.AskAgainAfter;
        _opened[endPoint] = state.Now + _limits.OpenFor;
        state.Tell(SwarmEffectKind.Connect, (uint)(DialHints.UtpOnly | DialHints.Punch), endPoint);
    }

    /// <summary>
    /// Anybody can say that somebody else wants to be called. So a relay gets few calls out of us, all of them together
    /// hardly more, and one network at most one a minute; ports that routers give to nobody get none.
    /// </summary>
    private bool MaySendUsTo(PeerState relay, IPEndPoint endPoint)
    {
        var network = PeerNetwork.Of(endPoint.Address);
        if (
            endPoint.Port < _limits.LowestPort
            || _victims.ContainsKey(network)
            || !AccountOf(relay).Calls.TryTake(1, state.Now)
            || !_total.Calls.TryTake(1, state.Now)
        )
        {
            return false;
        }

        if (NetworkReaches.Of(endPoint.Address) == NetworkReach.Global)
        {
            _victims[network] = state.Now + _limits.NetworkAgainAfter;
        }

        return true;
    }

    private Account AccountOf(PeerState peer)
    {
        var network = PeerNetwork.Of(peer.Address);
        if (!_accounts.TryGetValue(network, out var account))
        {
            _accounts.Add(network, account = new Account(_limits));
        }

        account.UsedAt = state.Now;
        return account;
    }

    private void AskNext(IPEndPoint target, Attempt attempt)
    {
        if (attempt.Asked.Count >= _limits.MaxRelays || FindRelay(target, attempt.Asked) is not { } relay)
        {
            _attempts.Remove(target);
            return;
        }

        attempt.Relay = relay;
        attempt.Until = state.Now + _limits.AnswerTimeout;
        attempt.Asked.Add(relay);
        Send(relay, new UtHolepunch(HolepunchKind.Rendezvous, target));
    }

    /// <summary>Somebody who says that it is connected to the target; rather one who says that the target speaks this.</summary>
    private PeerState? FindRelay(IPEndPoint target, List<PeerState> asked)
    {
        PeerState? any = null;
        foreach (var peer in state.Peers)
        {
            if (
                !peer.IsGone
                && Speaks(peer)
                && !asked.Contains(peer)
                && peer.Pex is { } exchange
                && exchange.Contacts.TryGet(target, out var flags)
            )
            {
                if ((flags & PexFlags.SupportsHolepunch) != 0)
                {
                    return peer;
                }

                any ??= peer;
            }
        }

        return any;
    }

    /// <summary>
    /// What we have asked this relay about the address. The port may be another: the relay knows from where the target's
    /// datagrams come.
    /// </summary>
    private (IPEndPoint Target, Attempt Attempt)? FindAttempt(PeerState relay, IPAddress address)
    {
        foreach (var (target, attempt) in _attempts)
        {
            if (attempt.Relay == relay && target.Address.Equals(address))
            {
                return (target, attempt);
            }
        }

        return null;
    }

    private bool IsConnected(IPEndPoint endPoint) => state.Peers.Exists(peer => !peer.IsGone && IsAt(peer, endPoint));

    private static bool IsAt(PeerState peer, IPEndPoint endPoint) =>
        peer.EndPoint.Equals(endPoint) || peer.Introduction.EndPoint.Equals(endPoint);

    private bool Speaks(PeerState peer) => extensions.Speaks(peer, UtHolepunch.Name);

    /// <summary>Where the peer's UDP port is seen from outside; null: not known.</summary>
    private static IPEndPoint? OutsideOf(PeerState peer) =>
        peer.Introduction.Transport == TransportKind.Utp ? peer.Introduction.EndPoint
        : peer.IsReachableAgain ? peer.EndPoint
        : null;

    private void Forget<T>(Dictionary<T, TimeSpan> until)
        where T : notnull
    {
        foreach (var (key, _) in until.Where(one => one.Value <= state.Now).ToArray())
        {
            until.Remove(key);
        }
    }

    private void Send(PeerState peer, UtHolepunch message) =>
        extensions.TrySend(peer, UtHolepunch.Name, message.Write());
}
