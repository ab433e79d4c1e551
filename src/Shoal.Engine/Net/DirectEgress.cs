using System.Net;
using System.Net.Sockets;

namespace Shoal.Engine;

/// <summary>Out by the machine's own interfaces.</summary>
/// <param name="bind">Local addresses to leave by; empty: the system chooses.</param>
internal sealed class DirectEgress(IReadOnlyList<IPAddress> bind) : IEgress
{
    public async ValueTask<IPAddress[]> ResolveAsync(string host, CancellationToken cancellation) =>
        IPAddress.TryParse(host, out var literal)
            ? [literal]
            : await Dns.GetHostAddressesAsync(host, cancellation).ConfigureAwait(false);

    public async ValueTask<Socket> ConnectAsync(IPEndPoint remote, IPAddress? origin, CancellationToken cancellation)
    {
        var local = LocalFor(remote.AddressFamily, origin);
        var socket = new Socket(remote.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (local is not null)
            {
                socket.Bind(new IPEndPoint(local, 0));
            }

            await socket.ConnectAsync(remote, cancellation).ConfigureAwait(false);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private IPAddress? LocalFor(AddressFamily family, IPAddress? origin)
    {
        if (origin is not null && !origin.Equals(IPAddress.Any) && !origin.Equals(IPAddress.IPv6Any))
        {
            return origin;
        }

        var local = bind.FirstOrDefault(address => address.AddressFamily == family);
        return local is null && bind.Count > 0
            // Bound to addresses of another family: nothing leaves by one that was not named.
            ? throw new SocketException((int)SocketError.AddressFamilyNotSupported)
            : local;
    }
}
