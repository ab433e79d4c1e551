using System.Net;
using System.Net.Sockets;

namespace Shoal.Engine;

/// <summary>Who says at which address the world sees us.</summary>
internal enum AddressWitness
{
    /// <summary>A peer (BEP 10, <c>yourip</c>).</summary>
    Peer,

    /// <summary>A tracker (BEP 24).</summary>
    Tracker,

    /// <summary>A node of ours in the DHT, after the vote among those it asked (<see cref="ExternalAddressVote"/>).</summary>
    Dht,

    /// <summary>A router that forwards a port.</summary>
    Router,
}

/// <summary>
/// Which address of ours the world sees, of each family, by the word of all kinds of witnesses. No witness is to be
/// believed, so each network has one voice in its kind, and each kind has one weight however many there are: whoever
/// buys a thousand peers has bought one kind of four. What was decided stays until the other side has twice the weight.
/// </summary>
internal sealed class ExternalAddressJudge
{
    /// <summary>Voices kept of a kind and family. Beyond: the oldest goes.</summary>
    private const int MaxVoices = 64;

    /// <summary>The least weight that decides anything: four peers, a tracker.</summary>
    private const double LeastWeight = 0.5;

    /// <summary>What of all weight must be of one opinion.</summary>
    private const double Majority = 2.0 / 3;

    /// <summary>To replace what was decided.</summary>
    private const double Overwhelming = 2;

    /// <summary>A word not repeated for so long says nothing about now. Trackers and the DHT are asked every half an hour.</summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(2);

    private readonly Dictionary<AddressFamily, List<Voice>> _voices = new()
    {
        [AddressFamily.InterNetwork] = [],
        [AddressFamily.InterNetworkV6] = [],
    };

    private sealed record Voice(AddressWitness Kind, string Who, IPAddress Address, TimeSpan At);

    /// <summary>Null while it is not known.</summary>
    public IPAddress? IPv4 { get; private set; }

    /// <inheritdoc cref="IPv4"/>
    public IPAddress? IPv6 { get; private set; }

    /// <summary>
    /// Hears a witness; its last word counts. True when the outcome is another now. What only leads into a local network
    /// or to one host of it is not heard, and no peer in it: they see another address of ours than the world does.
    /// </summary>
    /// <param name="kind">Its kind.</param>
    /// <param name="who">The network of a peer (a /24, a /64); the host of a tracker; whatever tells several of another kind apart.</param>
    /// <param name="address">Where it sees us.</param>
    /// <param name="now">Never goes back.</param>
    public bool Hear(AddressWitness kind, string who, IPAddress address, TimeSpan now)
    {
        address = Protocol.CompactPeers.Unmap(address);
        if (NetworkReaches.Of(address) != NetworkReach.Global)
        {
            return false;
        }

        var voices = _voices[address.AddressFamily];
        voices.RemoveAll(voice => now - voice.At >= Lifetime || (voice.Kind == kind && voice.Who == who));
        if (voices.Count(voice => voice.Kind == kind) >= MaxVoices)
        {
            voices.RemoveAt(voices.FindIndex(voice => voice.Kind == kind));
        }

        voices.Add(new Voice(kind, who, address, now));
        var winner = address.AddressFamily == AddressFamily.InterNetwork ? IPv4 : IPv6;
        var decided = Decide(voices, winner);
        if (Equals(decided, winner))
        {
            return false;
        }

        if (address.AddressFamily == AddressFamily.InterNetwork)
        {
            IPv4 = decided;
        }
        else
        {
            IPv6 = decided;
        }

        return true;
    }

    /// <inheritdoc cref="Hear(AddressWitness, string, IPAddress, TimeSpan)"/>
    public bool Hear(AddressWitness kind, IPAddress who, IPAddress address, TimeSpan now) =>
        NetworkReaches.Of(who) == NetworkReach.Global
        && Hear(kind, $"{DhtAddress.Subnet(Protocol.CompactPeers.Unmap(who))}", address, now);

    private static IPAddress? Decide(List<Voice> voices, IPAddress? winner)
    {
        var weights = new Dictionary<IPAddress, double>();
        var all = 0.0;
        foreach (var kind in voices.GroupBy(voice => voice.Kind))
        {
            var count = kind.Count();
            var weight = Math.Min(1, (double)count / FullWeightAt(kind.Key));
            all += weight;
            foreach (var voice in kind)
            {
                weights[voice.Address] = weights.GetValueOrDefault(voice.Address) + weight / count;
            }
        }

        var (best, most) = weights.MaxBy(pair => pair.Value);
        var isClear = most >= LeastWeight && most >= all * Majority;
        return isClear && (winner is null || most >= weights.GetValueOrDefault(winner) * Overwhelming) ? best : winner;
    }

    /// <summary>So many of the kind weigh as much as a kind can.</summary>
    private static int FullWeightAt(AddressWitness kind) =>
        kind switch
        {
            AddressWitness.Peer => 8,
            AddressWitness.Tracker => 2,
            _ => 1,
        };
}
