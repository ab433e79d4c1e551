using Shoal.Membership;

namespace Shoal.Engine;

/// <summary>Words for what is known of a peer, as scripts read them.</summary>
public static class PeerText
{
    // Where several sources named an address, the one that says most comes first.
    private static readonly (PeerSource Source, string Word)[] Sources =
    [
        (PeerSource.User, "user"),
        (PeerSource.Tracker, "tracker"),
        (PeerSource.LocalDiscovery, "lsd"),
        (PeerSource.HolePunch, "holepunch"),
        (PeerSource.Pex, "pex"),
        (PeerSource.Dht, "dht"),
        (PeerSource.Resume, "resume"),
        (PeerSource.Incoming, "incoming"),
        (PeerSource.WebSeed, "webseed"),
    ];

    /// <summary>A web seed has its URL in the place of an address.</summary>
    public static string Address(PeerStatus peer)
    {
        ArgumentNullException.ThrowIfNull(peer);
        return peer.WebSeed ?? peer.EndPoint.ToString();
    }

    /// <summary>All sources.</summary>
    public static IReadOnlyList<string> AllSources(PeerSource source) =>
        [.. Sources.Where(one => (source & one.Source) != 0).OrderBy(one => one.Source).Select(one => one.Word)];

    /// <summary>The one that says most.</summary>
    public static string Source(PeerSource source)
    {
        foreach (var (one, word) in Sources)
        {
            if ((source & one) != 0)
            {
                return word;
            }
        }

        return Word(source);
    }

    public static string Transport(TransportKind transport) => Word(transport);

    public static string Encryption(StreamEncryption encryption) => Word(encryption);

    public static string Role(MemberRole role) => Word(role);

    /// <summary>ClosedByPeer becomes closed-by-peer.</summary>
    public static string Reason(DisconnectReason reason) =>
        string.Concat(
            reason
                .ToString()
                .Select(
                    (c, at) =>
                        at > 0 && char.IsUpper(c) ? $"-{char.ToLowerInvariant(c)}" : $"{char.ToLowerInvariant(c)}"
                )
        );

    private static string Word<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();
}
