using System.Net;
using System.Net.Sockets;

namespace Shoal.Engine;

/// <summary>What an engine opens at its start.</summary>
public sealed partial class TorrentEngine
{
    private static async Task<AddressFilter> LoadFilterAsync(EngineOptions options, CancellationToken cancellation)
    {
        var filter = new AddressFilter(options);
        try
        {
            await Task.Run(() => filter.Load(cancellation), cancellation).ConfigureAwait(false);
            return filter;
        }
        catch (IpFilterException exception)
        {
            throw new EngineStartException(exception.Message, exception);
        }
    }

    private static TcpAcceptor Listen(
        EngineOptions options,
        LocalBinding local,
        TcpLimits limits,
        Task<TorrentEngine> ready
    )
    {
        try
        {
            return TcpAcceptor.Start(
                local,
                options.Port,
                limits,
                options.Time,
                GreetWhen(ready),
                exception => ready.Result.Fault(exception)
            );
        }
        catch (SocketException exception)
        {
            var where = local.IsRestricted ? $" on {string.Join(", ", local.Places)}" : "";
            throw new EngineStartException(
                $"cannot listen on port {options.Port}{where}: {exception.Message}",
                exception
            );
        }
    }

    private static Func<ITransport, IPEndPoint, CancellationToken, Task> GreetWhen(Task<TorrentEngine> ready) =>
        async (transport, remote, stop) =>
            await (await ready.ConfigureAwait(false)).GreetAsync(transport, remote, stop).ConfigureAwait(false);

    /// <summary>The port of the DHT and of uTP; null: neither is used.</summary>
    private static async Task<IDatagramPort?> OpenUdpAsync(
        EngineOptions options,
        IEgress egress,
        AddressFilter filter,
        TcpAcceptor? acceptor
    )
    {
        var needsUtp = options.Transports.HasFlag(PeerTransports.Utp);
        if (!options.UseDht && !needsUtp)
        {
            return null;
        }

        var relay = egress.CreateRelay();
        if (relay is not null)
        {
            return relay;
        }

        try
        {
            var port = UdpPort.Open(egress.Local, acceptor?.Port ?? options.Port, filter);
            if (acceptor is not null || options.Port == 0 || port.Port == options.Port)
            {
                return port;
            }

            await port.DisposeAsync().ConfigureAwait(false);
            throw new SocketException((int)SocketError.AddressAlreadyInUse);
        }
        catch (SocketException exception)
        {
            throw new EngineStartException(
                $"cannot use UDP port {acceptor?.Port ?? options.Port}: {exception.Message}",
                exception
            );
        }
    }
}
