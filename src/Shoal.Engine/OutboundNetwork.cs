using System.Net;
using System.Net.Sockets;

namespace Shoal.Engine;

/// <summary>
/// The way out that an engine with the same options takes, for what a program does besides: fetching a .torrent by its
/// URL, looking up the name of a peer. Safe to use from any thread.
/// </summary>
public sealed class OutboundNetwork : IDownloadNetwork
{
    private readonly IEgress _egress;

    private OutboundNetwork(IEgress egress) => _egress = egress;

    /// <summary>By whatever address and interface the system chooses.</summary>
    public static OutboundNetwork Direct { get; } = new(new DirectEgress(LocalBinding.Everywhere));

    /// <summary>Network interfaces of this machine, as they are called now.</summary>
    public static IReadOnlyList<string> InterfaceNames => [.. LocalInterface.ReadAll().Select(found => found.Name)];

    /// <summary>Addresses of this machine that the options allow, as they are now; empty: all.</summary>
    public IReadOnlyList<IPAddress> LocalAddresses => _egress.Local.Addresses;

    /// <exception cref="EngineStartException">What the options name is not there.</exception>
    public static OutboundNetwork Open(EngineOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        // Who asks hears of the failure as an exception.
        return new OutboundNetwork(EgressOf(options, _ => { }));
    }

    /// <summary>Whether an address leads to this machine or its own network.</summary>
    public static bool IsLocal(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        return NetworkReaches.Of(address) != NetworkReach.Global;
    }

    /// <summary>Whether a proxy connects for us, by whichever family it likes.</summary>
    public bool IsProxied => _egress.IsProxied;

    /// <exception cref="SocketException">Nobody knows the name, or looking it up would go around the proxy.</exception>
    public async Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellation) =>
        await _egress.ResolveAsync(host, cancellation).ConfigureAwait(false);

    /// <summary>Fetches a .torrent file.</summary>
    /// <param name="url">http or https.</param>
    /// <param name="mayBeLocal">Whether it may lie in this machine's own network; a redirect never leads from the world into that.</param>
    /// <param name="cancellation">Ends it; it ends by itself after a minute.</param>
    /// <exception cref="DownloadException">Anything that went wrong, with the URL.</exception>
    public Task<byte[]> FetchTorrentAsync(string url, bool mayBeLocal, CancellationToken cancellation) =>
        new TorrentDownload(this, mayBeLocal).FetchAsync(url, cancellation);

    /// <summary>Fetches anything else by http or https, by the same rules.</summary>
    /// <exception cref="DownloadException">Anything that went wrong, with the URL.</exception>
    public Task<FetchAnswer> FetchAsync(string url, FetchRequest request, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(request);
        return new TorrentDownload(this, request.MayBeLocal).FetchAsync(url, request, cancellation);
    }

    /// <summary>Connects to the host of a URL, and says whether that is in the local network.</summary>
    /// <param name="host">Name or address.</param>
    /// <param name="port">TCP.</param>
    /// <param name="whyNot">Told whether the host is local; why it must not be connected to, or null.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="IOException">No connection; the message says why.</exception>
    public Task<(Stream Stream, bool IsLocal)> ConnectAsync(
        string host,
        int port,
        Func<bool, string?> whyNot,
        CancellationToken cancellation
    ) => ConnectAsync(host, port, null, whyNot, cancellation);

    /// <inheritdoc cref="ConnectAsync(string, int, Func{bool, string?}, CancellationToken)"/>
    /// <param name="family">Only by addresses of this one; null: by any.</param>
    public async Task<(Stream Stream, bool IsLocal)> ConnectAsync(
        string host,
        int port,
        AddressFamily? family,
        Func<bool, string?> whyNot,
        CancellationToken cancellation
    )
    {
        var target = new HostTarget(host, port)
        {
            WhyNot = reach => whyNot(reach != NetworkReach.Global),
            Origin = family switch
            {
                AddressFamily.InterNetwork => IPAddress.Any,
                AddressFamily.InterNetworkV6 => IPAddress.IPv6Any,
                _ => null,
            },
        };
        var connection = await _egress.ConnectAsync(target, cancellation).ConfigureAwait(false);
        return connection.Socket is { } socket
            ? (new NetworkStream(socket, ownsSocket: true), connection.Reach != NetworkReach.Global)
            : throw new IOException(connection.Message);
    }

    /// <exception cref="EngineStartException">What the options name is not there.</exception>
    /// <param name="options">What was decided.</param>
    /// <param name="trouble">Told when the proxy fails.</param>
    /// <param name="filter">With whom we have nothing to do; null: what the user does himself is not filtered.</param>
    internal static IEgress EgressOf(EngineOptions options, Action<string> trouble, AddressFilter? filter = null)
    {
        try
        {
            var local = LocalBinding.Create(options.Bind, options.BindInterfaces, LocalInterface.ReadAll);
            // The system's resolver cannot be bound. Where its configuration is not in files we do not know whom to ask.
            var names =
                options.NameServers.Count > 0 || (local.IsRestricted && OperatingSystem.IsLinux())
                    ? new NameResolver(local, options.NameServers, new NameSystem(), options.Time)
                    : null;
            return options.Proxy is { } proxy
                ? new ProxyEgress(proxy, new DirectEgress(local, null, names), trouble, options.Time, filter)
                : new DirectEgress(local, filter, names);
        }
        catch (LocalBindingException exception)
        {
            throw new EngineStartException(exception.Message, exception);
        }
    }
}
