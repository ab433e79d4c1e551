using System.Net;
using System.Net.Sockets;

namespace Shoal.Engine;

/// <summary>Out by the machine's own interfaces.</summary>
/// <param name="local">What may be left by.</param>
internal sealed class DirectEgress(LocalBinding local) : IEgress
{
    /// <summary>Addresses of one name that are tried.</summary>
    private const int MaxAddresses = 4;

    public LocalBinding Local => local;

    public bool IsProxied => false;

    public async ValueTask<IPAddress[]> ResolveAsync(string host, CancellationToken cancellation) =>
        IPAddress.TryParse(host, out var literal)
            ? [literal]
            : await Dns.GetHostAddressesAsync(host, cancellation).ConfigureAwait(false);

    public async ValueTask<Socket> ConnectAsync(IPEndPoint remote, IPAddress? origin, CancellationToken cancellation)
    {
        var socket = local.Open(remote.AddressFamily, SocketType.Stream, origin);
        try
        {
            await socket.ConnectAsync(remote, cancellation).ConfigureAwait(false);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public async ValueTask<HostConnection> ConnectAsync(HostTarget target, CancellationToken cancellation)
    {
        IPAddress[] all;
        try
        {
            all = await ResolveAsync(target.Host, cancellation).ConfigureAwait(false);
        }
        catch (SocketException exception)
        {
            return HostConnection.Failed(HostFailure.UnknownHost, $"{target.Host}: {exception.Message}");
        }

        var ours = Array.FindAll(all, address => IsReachable(address, target.Origin));
        if (ours.Length == 0)
        {
            return HostConnection.Failed(
                HostFailure.NoAddress,
                $"{target.Host} has no address of a family that we may use"
            );
        }

        // A name that leads to both an allowed and a forbidden address is not worth trust.
        if (
            ours.Select(address => target.WhyNot(NetworkReaches.Of(address))).FirstOrDefault(why => why is not null) is
            { } why
        )
        {
            return HostConnection.Failed(HostFailure.Forbidden, why);
        }

        var failure = "";
        foreach (var address in ours.Take(MaxAddresses))
        {
            try
            {
                var remote = new IPEndPoint(address, target.Port);
                var socket = await ConnectAsync(remote, target.Origin, cancellation).ConfigureAwait(false);
                return new HostConnection(socket, NetworkReaches.Of(address), HostFailure.None, "");
            }
            catch (SocketException exception)
            {
                failure = exception.Message;
            }
        }

        return HostConnection.Failed(HostFailure.Unreachable, failure);
    }

    private bool IsReachable(IPAddress address, IPAddress? origin) =>
        origin is not null
            ? origin.AddressFamily == address.AddressFamily
            : local.Places.Any(place => place.Address.AddressFamily == address.AddressFamily);
}
