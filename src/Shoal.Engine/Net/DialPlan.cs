using System.Net;

namespace Shoal.Engine;

/// <summary>One way to a peer: an address, what carries the bytes, and whether the other end calls too (BEP 55).</summary>
internal readonly record struct DialRoute(IPEndPoint Remote, TransportKind Transport, bool IsPunch = false);

/// <summary>The way that led to a peer.</summary>
internal readonly record struct DialMemory(TransportKind Transport, bool IsEncrypted);

/// <summary>
/// Which ways to a peer are tried, in which order, and what a failed handshake means for the next try. Only decides:
/// <see cref="PeerDialer"/> carries it out. docs/decisions/0008 says why.
/// </summary>
/// <remarks>
/// A try is a race of routes for a connection, and a handshake on the one that won. There are three at most: the
/// usual encryption, the other encryption on the same route, and, where the route stayed silent, the other transport.
/// </remarks>
internal sealed class DialPlan
{
    private readonly IReadOnlyList<DialRoute> _all;
    private readonly List<bool> _encryptions;
    private int _encryption;
    private bool _changedTransport;

    /// <param name="addresses">Of one peer, the best first; at least one, at most one of each family.</param>
    /// <param name="transports">Those there are, the preferred one first; at least one.</param>
    /// <param name="encryption">The user's wish.</param>
    /// <param name="hints">What the swarm knows.</param>
    /// <param name="memory">What worked the last time with the first address.</param>
    public DialPlan(
        IReadOnlyList<IPEndPoint> addresses,
        IReadOnlyList<TransportKind> transports,
        EncryptionPolicy encryption,
        DialHints hints,
        DialMemory? memory
    )
    {
        var isPunch = (hints & DialHints.Punch) != 0;
        var order = Order(transports, hints, memory);
        _all =
        [
            .. order.SelectMany(transport => addresses.Select(address => new DialRoute(address, transport, isPunch))),
        ];
        Routes = _all;
        _encryptions = [.. encryption.EncryptedInOrder()];
        if (memory is { } known && _encryptions.Remove(known.IsEncrypted))
        {
            _encryptions.Insert(0, known.IsEncrypted);
        }
    }

    /// <summary>To be raced now, the best first. Empty: nothing the user allows leads there.</summary>
    public IReadOnlyList<DialRoute> Routes { get; private set; }

    /// <summary>Whether the handshake is to be encrypted.</summary>
    public bool IsEncrypted => _encryptions[_encryption];

    /// <summary>The handshake on a route failed. Returns whether there is another try, which is the plan now.</summary>
    public bool TryNext(DialRoute route, DisconnectReason failure)
    {
        if (!_changedTransport && MayBeForEncryption(failure) && _encryption + 1 < _encryptions.Count)
        {
            _encryption++;
            Routes = [route];
            return true;
        }

        // Whoever hangs up is there and does not want us, whatever carries our call. Where nothing at all was heard,
        // something in between may have taken the call, or swallowed it.
        var others = _all.Where(other => other.Transport != route.Transport).ToArray();
        if (_changedTransport || failure != DisconnectReason.HandshakeTimeout || others.Length == 0)
        {
            return false;
        }

        _changedTransport = true;
        _encryption = 0;
        Routes = others;
        return true;
    }

    private static List<TransportKind> Order(
        IReadOnlyList<TransportKind> transports,
        DialHints hints,
        DialMemory? memory
    )
    {
        if ((hints & DialHints.UtpOnly) != 0)
        {
            return [.. transports.Where(transport => transport == TransportKind.Utp)];
        }

        TransportKind? first =
            memory?.Transport ?? ((hints & DialHints.UtpProven) != 0 ? TransportKind.Utp : (TransportKind?)null);
        // A stable sort: the preferred one of those that are equal stays first.
        return [.. transports.OrderBy(transport => transport == first ? 0 : 1)];
    }

    /// <summary>Who does not like the way we called says nothing, or nothing that we understand.</summary>
    private static bool MayBeForEncryption(DisconnectReason failure) =>
        failure
            is DisconnectReason.BadHandshake
                or DisconnectReason.ConnectionLost
                or DisconnectReason.HandshakeTimeout
                or DisconnectReason.EncryptionMismatch;
}
