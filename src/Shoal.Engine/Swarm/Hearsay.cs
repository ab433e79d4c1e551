using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// What peers say of other addresses (BEP 11, BEP 55): which of it may be used at all, and how much of it one of them
/// may fill our list of candidates with.
/// </summary>
/// <remarks>
/// BEP 11: "Data exchanged via PEX messages should be considered untrusted and potentially malicious." An address
/// known only this way is hearsay until somebody else names it or it answers.
/// </remarks>
internal sealed class Hearsay(SwarmState state)
{
    /// <summary>Who answers for addresses: the network of a peer, so that a new connection is no new credit.</summary>
    internal sealed class Sponsor(IPAddress network)
    {
        public IPAddress Network => network;

        /// <summary>Addresses in our list that only this one named.</summary>
        public int Held { get; set; }

        /// <summary>Of its addresses: that did not answer, and that did.</summary>
        public int Missed { get; set; }
        public int Reached { get; set; }

        /// <summary>So many did not answer, and hardly any did, that the next will not be listened to.</summary>
        public bool IsPoisonous(SwarmLimits limits) =>
            Missed >= limits.MaxHearsayMisses && Reached * limits.MaxHearsayMisses < Missed;
    }

    private readonly Dictionary<IPAddress, Sponsor> _sponsors = [];
    private readonly HashSet<IPAddress> _networks = [];

    public bool IsBlank => _sponsors.Count == 0;

    /// <summary>Addresses in our list that are hearsay.</summary>
    public int Held { get; private set; }

    /// <summary>
    /// Whether an address that a peer named may be contacted, and whether one may be named to it. A host speaks of its
    /// own surroundings and of what is farther away, never of what is nearer to us than itself: a peer in the internet
    /// names addresses of the internet, one in our network those of our network too, one on this machine also this
    /// machine's.
    /// </summary>
    public static bool IsWithinReach(IPEndPoint named, IPAddress by)
    {
        var reach = NetworkReaches.Of(named.Address);
        // A link-local address means nothing without the interface, and no message has room for that.
        return reach != NetworkReach.None
            && !named.Address.IsIPv6LinkLocal
            && !named.Address.IsIPv6Multicast
            && named.Port != 0
            && reach <= NetworkReaches.Of(by);
    }

    /// <summary>It is us, as far as we know where others see us.</summary>
    public bool IsOurs(IPEndPoint named, PeerState by) =>
        state.Own.Contains(named) || (named.Port == state.Own.Port && named.Address.Equals(by.OurAddress));

    /// <summary>
    /// Takes a place for an address, or says no: too many already, by this peer or by all; or another port of an
    /// address of the internet that is there already.
    /// </summary>
    public bool TryHold(IPEndPoint endPoint, PeerState by, out Sponsor sponsor)
    {
        var limits = state.Limits;
        var network = PeerNetwork.Of(by.Address);
        sponsor = _sponsors.GetValueOrDefault(network) ?? new Sponsor(network);
        if (Held >= limits.MaxHearsay || sponsor.Held >= limits.MaxHearsayPerPeer || sponsor.IsPoisonous(limits))
        {
            return false;
        }

        // BEP 11: "Duplicate IP addresses (e.g. with different ports) should be ignored." In our own network they
        // are several programs on one machine.
        var isGlobal = NetworkReaches.Of(endPoint.Address) == NetworkReach.Global;
        if (isGlobal && !_networks.Add(PeerNetwork.Of(endPoint.Address)))
        {
            return false;
        }

        _sponsors[network] = sponsor;
        sponsor.Held++;
        Held++;
        return true;
    }

    /// <summary>The address is no hearsay any more: known from elsewhere, connected, or forgotten.</summary>
    public void Release(IPEndPoint endPoint, Sponsor sponsor)
    {
        sponsor.Held--;
        Held--;
        _networks.Remove(PeerNetwork.Of(endPoint.Address));
        if (sponsor is { Held: 0, Missed: 0, Reached: 0 })
        {
            _sponsors.Remove(sponsor.Network);
        }
    }

    /// <summary>A peer has left. What its addresses were worth is remembered while there are some, or it was poison.</summary>
    public void Leave(PeerState peer)
    {
        if (
            _sponsors.TryGetValue(PeerNetwork.Of(peer.Address), out var sponsor)
            && sponsor.Held == 0
            && (!sponsor.IsPoisonous(state.Limits) || _sponsors.Count > state.Limits.MaxHearsay)
        )
        {
            _sponsors.Remove(sponsor.Network);
        }
    }
}
