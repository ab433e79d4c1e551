using System.Net;
using System.Net.Sockets;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>Out by the machine's own interfaces.</summary>
/// <param name="local">What may be left by.</param>
/// <param name="filter">Hosts of URLs that are not visited; null: all are.</param>
/// <param name="names">Looks names up by what may be left by; null: the system does, by whatever way it likes.</param>
internal sealed class DirectEgress(LocalBinding local, AddressFilter? filter = null, NameResolver? names = null)
    : IEgress
{
    /// <summary>Addresses of one name that are tried.</summary>
    private const int MaxAddresses = 4;

    public LocalBinding Local => local;

    public bool IsProxied => false;

    public IReadOnlyList<IPAddress> Origins => local.Origins;

    public async ValueTask<IPAddress[]> ResolveAsync(string host, CancellationToken cancellation) =>
        IPAddress.TryParse(host, out var literal) ? [literal]
        : names is not null ? await names.ResolveAsync(host, cancellation).ConfigureAwait(false)
        : await Dns.GetHostAddressesAsync(host, cancellation).ConfigureAwait(false);

    public async ValueTask<Socket> ConnectAsync(IPEndPoint remote, IPAddress? origin, CancellationToken cancellation)
    {
        var socket = local.Open(remote.AddressFamily, SocketType.Stream, origin, remote.Address);
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
        var (addresses, refusal, message) = await FindAsync(target, cancellation).ConfigureAwait(false);
        if (refusal != HostFailure.None)
        {
            return HostConnection.Failed(refusal, message);
        }

        var failure = "";
        foreach (var address in addresses.Take(MaxAddresses))
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

    public async ValueTask<HostLocation> LocateAsync(HostTarget target, CancellationToken cancellation)
    {
        var (addresses, failure, message) = await FindAsync(target, cancellation).ConfigureAwait(false);
        return failure == HostFailure.None
            ? new HostLocation(ProxyTarget.Of(new IPEndPoint(addresses[0], target.Port)), failure, message)
            : new HostLocation(default, failure, message);
    }

    public ProxyDatagramPort? CreateRelay() => null;

    /// <summary>The addresses that may be connected to; at least one unless there is a failure.</summary>
    private async ValueTask<(IPAddress[] Addresses, HostFailure Failure, string Message)> FindAsync(
        HostTarget target,
        CancellationToken cancellation
    )
    {
        IPAddress[] all;
        try
        {
            all = await ResolveAsync(target.Host, cancellation).ConfigureAwait(false);
        }
        catch (SocketException exception)
        {
            return ([], HostFailure.UnknownHost, $"{target.Host}: {exception.Message}");
        }

        var ours = Array.FindAll(all, address => IsReachable(address, target.Origin));
        if (ours.Length == 0)
        {
            return ([], HostFailure.NoAddress, $"{target.Host} has no address of a family that we may use");
        }

        if (filter is not null && (ours = Array.FindAll(ours, address => !filter.IsBlocked(address))).Length == 0)
        {
            return ([], HostFailure.Forbidden, $"{target.Host} is in the IP filter");
        }

        // A name that leads to both an allowed and a forbidden address is not worth trust.
        return
            ours.Select(address => target.WhyNot(NetworkReaches.Of(address))).FirstOrDefault(why => why is not null)
                is { } why
            ? ([], HostFailure.Forbidden, why)
            : (ours, HostFailure.None, "");
    }

    private bool IsReachable(IPAddress address, IPAddress? origin) =>
        origin is not null
            ? origin.AddressFamily == address.AddressFamily
            : local.Places.Any(place => place.Address.AddressFamily == address.AddressFamily);
}
