using System.Net;
using System.Net.Sockets;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// The only way out of this process: whoever connects to anything asks here, so that what the user decided about
/// addresses to leave by and about a proxy holds for everything. Safe to use from any thread.
/// </summary>
internal interface IEgress
{
    /// <summary>Opens the sockets that do not go through a proxy, and says what is allowed here.</summary>
    LocalBinding Local { get; }

    /// <summary>Whether a proxy connects for us: then names are its to look up, and nothing can be listened on.</summary>
    bool IsProxied { get; }

    /// <summary>Local addresses to ask each tracker from.</summary>
    IReadOnlyList<IPAddress> Origins { get; }

    /// <summary>The addresses of a name, in the order to try them; a literal address is its own.</summary>
    /// <exception cref="SocketException">Nobody knows the name, or looking it up here would go around the proxy.</exception>
    ValueTask<IPAddress[]> ResolveAsync(string host, CancellationToken cancellation);

    /// <summary>Connects; the socket is the caller's then.</summary>
    /// <param name="remote">Where to.</param>
    /// <param name="origin">The local address to leave by; null, or that of no particular interface: any allowed.</param>
    /// <param name="cancellation">Ends the attempt with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="SocketException">It could not be reached, or not by an address that is allowed.</exception>
    ValueTask<Socket> ConnectAsync(IPEndPoint remote, IPAddress? origin, CancellationToken cancellation);

    /// <summary>
    /// Connects to the host of a URL, by name. Use this one wherever a name comes from a stranger: it checks the address
    /// that is really connected to, and a proxy looks the name up itself.
    /// </summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    ValueTask<HostConnection> ConnectAsync(HostTarget target, CancellationToken cancellation);

    /// <summary>Where datagrams to the host of a URL go; checked like a connection.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    ValueTask<HostLocation> LocateAsync(HostTarget target, CancellationToken cancellation);

    /// <summary>A relay for datagrams, not started yet; null: they leave by sockets of <see cref="Local"/>.</summary>
    ProxyDatagramPort? CreateRelay();
}

/// <summary>A host to connect to.</summary>
/// <param name="Host">Name or literal address, IPv6 with or without brackets.</param>
/// <param name="Port">TCP.</param>
internal sealed record HostTarget(string Host, int Port)
{
    /// <summary>
    /// The local address to leave by; an unspecified one means any of its family and only that; null: any.
    /// </summary>
    public IPAddress? Origin { get; init; }

    /// <summary>Why a host so far away must not be connected to; null: it may. Asked for each address.</summary>
    public Func<NetworkReach, string?> WhyNot { get; init; } =
        static reach => reach == NetworkReach.None ? "the address is no host's" : null;
}

internal enum HostFailure
{
    None,

    /// <summary>Nobody knows the name.</summary>
    UnknownHost,

    /// <summary>It has no address of a family that is asked for or allowed.</summary>
    NoAddress,

    /// <summary>It must not be connected to, or not in this way.</summary>
    Forbidden,

    /// <summary>Refused, no route, no answer.</summary>
    Unreachable,
}

/// <summary>A connection to a host, or why there is none.</summary>
/// <param name="Socket">The caller's; null on failure.</param>
/// <param name="Reach">How far away it is.</param>
/// <param name="Failure">None when connected.</param>
/// <param name="Message">For the user.</param>
internal readonly record struct HostConnection(Socket? Socket, NetworkReach Reach, HostFailure Failure, string Message)
{
    public static HostConnection Failed(HostFailure failure, string message) =>
        new(null, NetworkReach.None, failure, message);
}

/// <summary>Where a host is: an address, or a name that the proxy looks up; or why nothing can be sent there.</summary>
internal readonly record struct HostLocation(ProxyTarget Target, HostFailure Failure, string Message);
