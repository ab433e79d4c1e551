using System.Net;
using System.Net.Sockets;

namespace Shoal.Engine;

/// <summary>
/// The only way out of this process for streams: whoever connects to anything asks here, so that what the user decided
/// about addresses to leave by holds for everything. Safe to use from any thread.
/// </summary>
internal interface IEgress
{
    /// <summary>The addresses of a name, in the order to try them; a literal address is its own.</summary>
    /// <exception cref="SocketException">Nobody knows the name.</exception>
    ValueTask<IPAddress[]> ResolveAsync(string host, CancellationToken cancellation);

    /// <summary>Connects; the socket is the caller's then.</summary>
    /// <param name="remote">Where to.</param>
    /// <param name="origin">The local address to leave by; null, or that of no particular interface: any allowed.</param>
    /// <param name="cancellation">Ends the attempt with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="SocketException">It could not be reached, or not by an address that is allowed.</exception>
    ValueTask<Socket> ConnectAsync(IPEndPoint remote, IPAddress? origin, CancellationToken cancellation);
}
