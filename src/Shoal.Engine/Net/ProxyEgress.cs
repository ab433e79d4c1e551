using System.Net;
using System.Net.Sockets;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// Out by a proxy and by nothing else: when the proxy fails, connections fail. Names are looked up by the proxy, since a
/// look-up here would tell this machine's network who is visited.
/// </summary>
/// <param name="proxy">Which one.</param>
/// <param name="direct">The way to the proxy itself.</param>
/// <param name="trouble">Told when the proxy fails, once until it has worked again.</param>
/// <param name="time">The clock of pauses.</param>
/// <param name="filter">Hosts of URLs that are not visited, as far as their addresses are known here.</param>
internal sealed class ProxyEgress(
    ProxyOptions proxy,
    DirectEgress direct,
    Action<string> trouble,
    TimeProvider time,
    AddressFilter? filter = null
) : IEgress
{
    private string? _told;

    public LocalBinding Local => direct.Local;

    public bool IsProxied => true;

    /// <summary>Which family the proxy leaves by is its business: trackers are asked once.</summary>
    public IReadOnlyList<IPAddress> Origins { get; } = [IPAddress.Any];

    public ValueTask<IPAddress[]> ResolveAsync(string host, CancellationToken cancellation) =>
        IPAddress.TryParse(host, out var literal) ? new([literal]) : throw new NamesAreTheProxysException();

    public async ValueTask<Socket> ConnectAsync(IPEndPoint remote, IPAddress? origin, CancellationToken cancellation)
    {
        var (socket, error) = await ConnectAsync(ProxyTarget.Of(remote), cancellation).ConfigureAwait(false);
        return socket ?? throw error!;
    }

    public async ValueTask<HostConnection> ConnectAsync(HostTarget target, CancellationToken cancellation)
    {
        var (host, failure, message) = Judge(target);
        if (failure != HostFailure.None)
        {
            return HostConnection.Failed(failure, message);
        }

        var (socket, error) = await ConnectAsync(host, cancellation).ConfigureAwait(false);
        return socket is null
            ? HostConnection.Failed(HostFailure.Unreachable, error!.Message)
            : new HostConnection(socket, NetworkReaches.OfName(target.Host), HostFailure.None, "");
    }

    public ValueTask<HostLocation> LocateAsync(HostTarget target, CancellationToken cancellation) =>
        new(
            ProxyRules.HasDatagrams(proxy)
                ? Judge(target)
                : new HostLocation(default, HostFailure.Forbidden, "there is no UDP through an HTTP proxy")
        );

    public ProxyDatagramPort? CreateRelay() => new(this, time);

    // What a name leads to, the proxy will not tell: so it is judged by how it looks. "This machine" would be the
    // proxy's, where nothing can be that was meant.
    private HostLocation Judge(HostTarget target)
    {
        if (!ProxyTarget.TryCreate(target.Host, target.Port, out var host))
        {
            return new HostLocation(default, HostFailure.UnknownHost, "the name is no host's");
        }

        if (IPAddress.TryParse(target.Host, out var address) && filter?.IsBlocked(address) == true)
        {
            return new HostLocation(default, HostFailure.Forbidden, $"{target.Host} is in the IP filter");
        }

        var reach = NetworkReaches.OfName(target.Host);
        var why = reach == NetworkReach.Loopback ? "the proxy is not asked to connect to itself" : target.WhyNot(reach);
        return why is null
            ? new HostLocation(host, HostFailure.None, "")
            : new HostLocation(default, HostFailure.Forbidden, why);
    }

    /// <summary>Asks for a relay of datagrams; the connection keeps it alive. The exception says why there is none.</summary>
    public async ValueTask<(Socket? Control, IPEndPoint? Relay, SocketException? Error)> AssociateAsync(
        CancellationToken cancellation
    )
    {
        // RFC 1928: "If the client is not in possesion of the information at the time of the UDP ASSOCIATE, the client
        // MUST use a port number and address of all zeros."
        var negotiation = new Socks5Negotiation(
            Socks5Command.UdpAssociate,
            ProxyTarget.Of(new IPEndPoint(IPAddress.Any, 0)),
            proxy.User,
            proxy.Password
        );
        var (socket, error) = await NegotiateAsync(negotiation, cancellation).ConfigureAwait(false);
        if (socket is null)
        {
            return (null, null, error);
        }

        var relay = negotiation.Bound;
        var server = (IPEndPoint)socket.RemoteEndPoint!;
        // Many name no address, or one that only they can see: then the relay is where the proxy is.
        if (relay is null || relay.Address.Equals(IPAddress.Any) || relay.Address.Equals(IPAddress.IPv6Any))
        {
            relay = new IPEndPoint(server.Address, relay?.Port ?? server.Port);
        }

        return (socket, relay, null);
    }

    private ValueTask<(Socket? Socket, SocketException? Error)> ConnectAsync(
        ProxyTarget target,
        CancellationToken cancellation
    ) =>
        NegotiateAsync(
            proxy.Kind == ProxyKind.Socks5
                ? new Socks5Negotiation(Socks5Command.Connect, target, proxy.User, proxy.Password)
                : new HttpConnectNegotiation(target, proxy.User, proxy.Password),
            cancellation
        );

    private async ValueTask<(Socket? Socket, SocketException? Error)> NegotiateAsync(
        ProxyNegotiation negotiation,
        CancellationToken cancellation
    )
    {
        // The user named the proxy, so it may be anywhere.
        var target = new HostTarget(proxy.Host, proxy.Port) { WhyNot = _ => null };
        var connection = await direct.ConnectAsync(target, cancellation).ConfigureAwait(false);
        if (connection.Socket is not { } socket)
        {
            return (null, Failed($"cannot be reached: {connection.Message}", isOfProxy: true));
        }

        var isOurs = true;
        try
        {
            socket.NoDelay = true;
            var fault = await NegotiateAsync(socket, negotiation, cancellation).ConfigureAwait(false);
            if (fault != ProxyFault.None)
            {
                return (null, Failed(fault.Describe(), fault.IsOfProxy()));
            }

            isOurs = false;
            Worked();
            return (socket, null);
        }
        catch (SocketException exception)
        {
            return (null, Failed($"broke the connection off: {exception.Message}", isOfProxy: false));
        }
        finally
        {
            if (isOurs)
            {
                socket.Dispose();
            }
        }
    }

    private static async Task<ProxyFault> NegotiateAsync(
        Socket socket,
        ProxyNegotiation negotiation,
        CancellationToken cancellation
    )
    {
        var buffer = new byte[1024];
        await SendAsync(socket, negotiation.ToSend, cancellation).ConfigureAwait(false);
        while (true)
        {
            // Looked at first: what follows the end of the negotiation is the target's, and stays in the socket.
            var seen = await socket.ReceiveAsync(buffer, SocketFlags.Peek, cancellation).ConfigureAwait(false);
            if (seen == 0)
            {
                return ProxyFault.Failed;
            }

            var step = negotiation.Take(buffer.AsSpan(0, seen), out var used);
            for (var taken = 0; taken < used; )
            {
                taken += await socket
                    .ReceiveAsync(buffer.AsMemory(taken, used - taken), SocketFlags.None, cancellation)
                    .ConfigureAwait(false);
            }

            switch (step)
            {
                case ProxyStep.Connected:
                    return ProxyFault.None;
                case ProxyStep.Failed:
                    return negotiation.Fault;
                case ProxyStep.Send:
                    await SendAsync(socket, negotiation.ToSend, cancellation).ConfigureAwait(false);
                    break;
            }
        }
    }

    private static async Task SendAsync(Socket socket, ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await socket.SendAsync(bytes, SocketFlags.None, cancellation).ConfigureAwait(false)..];
        }
    }

    private ProxyFailureException Failed(string why, bool isOfProxy)
    {
        var message = $"the proxy {proxy} {why}";
        if (isOfProxy && Interlocked.Exchange(ref _told, message) != message)
        {
            trouble(message);
        }

        return new ProxyFailureException(message);
    }

    // An outage is told again when it comes again; a rule of the proxy, which others pass, only once.
    private void Worked()
    {
        if (_told?.EndsWith(ProxyFault.NotAllowed.Describe(), StringComparison.Ordinal) == false)
        {
            _told = null;
        }
    }
}

/// <summary>The proxy did not connect us; the message says why.</summary>
internal sealed class ProxyFailureException(string message) : SocketException((int)SocketError.HostUnreachable)
{
    public override string Message { get; } = message;
}

/// <summary>A name would have been looked up around the proxy.</summary>
internal sealed class NamesAreTheProxysException() : SocketException((int)SocketError.HostNotFound)
{
    public override string Message => "with a proxy only the proxy looks up names, so an address is needed here";
}
