using System.Collections.Concurrent;
using System.Net;
using System.Threading.Channels;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>The engine could not start, for a reason that the user can understand.</summary>
public sealed class EngineStartException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// Downloads and seeds torrents: one listening port, one set of limits, any number of torrents. Safe to use from
/// any thread. Disposing of it says goodbye to peers and trackers and leaves everything durable.
/// </summary>
public sealed partial class TorrentEngine : IAsyncDisposable
{
    /// <summary>Events kept for a reader that is late; the oldest are dropped beyond.</summary>
    private const int EventCapacity = 4096;

    /// <summary>One second.</summary>
    private const int TicksBetweenShares = 10;

    private readonly EngineServices _services;

    // Null: nobody can connect to us by TCP, since a proxy is between or it is off.
    private readonly TcpAcceptor? _acceptor;
    private readonly Channel<EngineEvent> _events;
    private readonly ConcurrentDictionary<Torrent, TorrentRunner> _runners = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _ticking;
    private bool _isDisposed;

    private TorrentEngine(EngineServices services, TcpAcceptor? acceptor, Channel<EngineEvent> events)
    {
        _services = services;
        _acceptor = acceptor;
        _events = events;
        services.Addresses.OnChange = TellAddress;
        _ticking = TickAsync();
    }

    /// <summary>The port we listen on, of TCP if that is on; 0 behind a proxy.</summary>
    public int Port => _services.Port;

    /// <summary>
    /// The TCP port at which the world reaches us by IPv4, as far as we know: another than <see cref="Port"/> where a router forwards
    /// one (<see cref="EngineEvent.PortMapped"/>).
    /// </summary>
    public int PublicPort => _services.PublicPort;

    public IReadOnlyList<IPEndPoint> ListenEndPoints => _acceptor?.EndPoints ?? _services.UtpEndPoints;

    /// <summary>Where the world sees us, as far as peers, trackers, the DHT and routers agree; one of each family at most.</summary>
    public IReadOnlyList<IPAddress> ExternalAddresses => _services.Addresses.Known;

    public IReadOnlyCollection<Torrent> Torrents => [.. _runners.Keys];

    /// <summary>What happens, for one reader. Bounded: a reader that never reads loses the oldest.</summary>
    public ChannelReader<EngineEvent> Events => _events.Reader;

    /// <summary>Limits of the whole engine, in bytes a second; 0: no limit.</summary>
    public void SetLimits(long download, long upload)
    {
        _services.DownloadGate.Limit = download;
        _services.UploadGate.Limit = upload;
    }

    /// <summary>Ranges of addresses that we have nothing to do with, after those that touch have become one.</summary>
    public int FilteredRanges => _services.Filter.Count;

    /// <summary>The same as they are.</summary>
    public IpFilter IpFilter => _services.Filter.Addresses;

    /// <summary>
    /// Reads the files of <see cref="EngineOptions.IpFilterFiles"/> again; who is connected and in there has to go. How it
    /// went is told as an event too.
    /// </summary>
    /// <exception cref="IpFilterException">A file cannot be read: everything stays as it was.</exception>
    public async Task ReloadIpFilterAsync(CancellationToken cancellation)
    {
        try
        {
            await Task.Run(() => _services.Filter.Load(cancellation), cancellation).ConfigureAwait(false);
        }
        catch (IpFilterException exception)
        {
            _events.Writer.TryWrite(
                new EngineEvent.Warning("ip-filter", $"{exception.Message}; the filter stays as it was")
            );
            throw;
        }

        foreach (var runner in _runners.Values)
        {
            runner.FilterChanged();
        }

        _events.Writer.TryWrite(new EngineEvent.IpFilterRead(FilteredRanges));
    }

    /// <exception cref="EngineStartException">The port or an address cannot be had, or the state folder not be used.</exception>
    public static async Task<TorrentEngine> StartAsync(EngineOptions options, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(options);
        try
        {
            Directory.CreateDirectory(options.StateDirectory);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new EngineStartException(
                $"cannot use the state folder '{options.StateDirectory}': {exception.Message}",
                exception
            );
        }

        cancellation.ThrowIfCancellationRequested();
        // Who calls before the engine is whole waits for it.
        var ready = new TaskCompletionSource<TorrentEngine>(TaskCreationOptions.RunContinuationsAsynchronously);
        var limits = TcpLimits.Default;
        var events = Channel.CreateBounded<EngineEvent>(
            new BoundedChannelOptions(EventCapacity) { FullMode = BoundedChannelFullMode.DropOldest }
        );
        options = ProxyRules.Apply(options);
        var filter = await LoadFilterAsync(options, cancellation).ConfigureAwait(false);
        var egress = OutboundNetwork.EgressOf(
            options,
            message => events.Writer.TryWrite(new EngineEvent.Warning("proxy-failed", message)),
            filter
        );
        if (options.Transports == PeerTransports.None)
        {
            throw new EngineStartException(
                "nothing is left to reach peers by: a proxy that carries no UDP carries no uTP"
            );
        }

        var mayListen = !egress.IsProxied;
        var acceptor =
            mayListen && options.Transports.HasFlag(PeerTransports.Tcp)
                ? Listen(options, egress.Local, limits, ready.Task)
                : null;
        if (options.Proxy is { } proxy)
        {
            events.Writer.TryWrite(new EngineEvent.Warning("proxy", ProxyRules.Explain(proxy)));
        }

        var udp = await OpenUdpAsync(options, egress, filter, acceptor).ConfigureAwait(false);
        var services = EngineServices.Create(
            options,
            egress,
            filter,
            limits,
            acceptor?.Port ?? udp?.Port ?? 0,
            udp,
            mayListen ? GreetWhen(ready.Task) : null,
            events.Writer
        );
        services.StartDatagrams();

        if (options.UseLsd && !egress.IsProxied)
        {
            services.StartLocalDiscovery();
        }

        var engine = new TorrentEngine(services, acceptor, events);
        ready.SetResult(engine);
        services.StartBindingWatch(acceptor, engine.TellPort);
        if (options.UsePortMapping)
        {
            services.StartPortMapping(engine.TellPort);
        }

        return engine;
    }

    /// <exception cref="InvalidOperationException">The torrent is here already.</exception>
    /// <exception cref="IOException">The folder cannot be used.</exception>
    public Task<Torrent> AddAsync(Metainfo metainfo, TorrentOptions options, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(metainfo);
        return AddAsync(
            new TorrentRunner(_services, metainfo.InfoHashes, metainfo, options, ListMore),
            null,
            cancellation
        );
    }

    /// <summary>Adds a torrent whose metadata peers will send.</summary>
    /// <exception cref="ArgumentException">The link names no torrent by itself: <see cref="Follow"/> tells which.</exception>
    /// <exception cref="InvalidOperationException">The torrent is here already.</exception>
    /// <exception cref="IOException">The folder cannot be used.</exception>
    public Task<Torrent> AddAsync(MagnetLink magnet, TorrentOptions options, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(magnet);
        if (!magnet.HasInfoHash)
        {
            throw new ArgumentException("the link names no torrent by itself", nameof(magnet));
        }

        return AddAsync(new TorrentRunner(_services, magnet.InfoHashes, null, options, ListMore), magnet, cancellation);
    }

    /// <summary>Stops a torrent; its state is kept unless its data is deleted, but for files that another has in the same place.</summary>
    /// <exception cref="IOException">A file could not be deleted.</exception>
    public async Task RemoveAsync(Torrent torrent, bool deleteData)
    {
        ArgumentNullException.ThrowIfNull(torrent);
        if (_runners.TryRemove(torrent, out var runner))
        {
            _services.Rota.Remove(runner);
            Unlist(runner);
            await runner.DisposeAsync().ConfigureAwait(false);
            // Metadata may have told another name meanwhile.
            Unlist(runner);
            if (deleteData)
            {
                await runner.DeleteDataAsync(_runners.Values).ConfigureAwait(false);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        await _services.StopBindingWatchAsync().ConfigureAwait(false);
        var unmapping = _services.StopPortMappingAsync().AsTask();
        await _stopping.CancelAsync().ConfigureAwait(false);
        if (_acceptor is not null)
        {
            await _acceptor.DisposeAsync().ConfigureAwait(false);
        }

        if (_services.Utp is { } utp)
        {
            await utp.StopAcceptingAsync().ConfigureAwait(false);
        }

        await _ticking.ConfigureAwait(false);
        await Task.WhenAll(_runners.Values.Select(runner => runner.DisposeAsync().AsTask())).ConfigureAwait(false);
        await unmapping.ConfigureAwait(false);
        await _services.DisposeAsync().ConfigureAwait(false);
        _events.Writer.TryComplete();
        _stopping.Dispose();
    }

    private async Task<Torrent> AddAsync(TorrentRunner runner, MagnetLink? magnet, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        List(runner);
        try
        {
            await runner.StartAsync(magnet).ConfigureAwait(false);
        }
        catch
        {
            Unlist(runner);
            await runner.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        _runners[runner.Torrent] = runner;
        _services.Rota.Add(runner);
        foreach (var address in _services.Addresses.Known)
        {
            runner.AddressChanged(address);
        }

        if (_services.PublicPort != _services.Port)
        {
            // It may have become another while the torrent was made.
            runner.PortChanged();
        }

        return runner.Torrent;
    }

    private void List(TorrentRunner runner)
    {
        foreach (var name in runner.InfoHashes.OnTheWire)
        {
            if (!TryList(name, runner))
            {
                Unlist(runner);
                throw new InvalidOperationException($"the torrent {name} is here already");
            }
        }
    }

    /// <summary>A link named one half of a hybrid torrent, and now the other is known too.</summary>
    private void ListMore(TorrentRunner runner)
    {
        foreach (var name in runner.InfoHashes.OnTheWire)
        {
            // Where the other half is here already as a torrent of its own, that one keeps its name.
            TryList(name, runner);
        }
    }

    /// <summary>Where it can be found by who names it: by everybody, or by those alone who have proven that they may.</summary>
    private bool TryList(InfoHash name, TorrentRunner runner) =>
        runner.Security switch
        {
            MemberSecurity members => members.TryAdd(name, runner),
            SslTorrentSecurity ssl => _services.Secure.TryAdd(name, ssl),
            _ => _services.Torrents.TryAdd(name, runner),
        };

    private void Unlist(TorrentRunner runner)
    {
        foreach (var name in runner.InfoHashes.OnTheWire)
        {
            _services.Torrents.Remove(name, runner);
            (runner.Security as MemberSecurity)?.Remove(name, runner);
            if (runner.Security is SslTorrentSecurity ssl)
            {
                _services.Secure.Remove(name, ssl);
            }
        }
    }

    /// <summary>The handshake with a peer that called. Completes when it is over.</summary>
    private async Task GreetAsync(ITransport transport, IPEndPoint remote, CancellationToken stop)
    {
        if (_services.Slots.IsBanned(remote.Address))
        {
            transport.Dispose();
            return;
        }

        var outcome = await _services
            .Handshake.AcceptAsync(transport, remote, _services.Torrents.Find, stop)
            .ConfigureAwait(false);
        if (outcome is { Host: TorrentRunner runner, Peer: { } introduction, Transport: { } stream })
        {
            runner.Accept(stream, introduction);
        }
    }

    private async Task TickAsync()
    {
        var ticks = 0;
        using var timer = new PeriodicTimer(SwarmEvent.TickInterval, _services.Time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token).ConfigureAwait(false))
            {
                _services.Rota.Tick(_services.Time.GetElapsedTime(_services.Epoch));
                _services.Dialling.Pump();
                if (++ticks % TicksBetweenShares == 0)
                {
                    ShareUploads();
                }

                _services.LocalDiscovery?.Tick();
            }
        }
        catch (OperationCanceledException)
        {
            // The engine stops.
        }
    }

    private void ShareUploads()
    {
        // Nobody wants anything of those that rest.
        var runners = _services.Rota.Awake.Cast<TorrentRunner>().ToArray();
        var wanted = Array.ConvertAll(runners, runner => runner.Interested);
        var shares = UploadShares.Divide(wanted, SwarmLimits.Default.UploadSlots, _services.Sharing);
        for (var i = 0; i < runners.Length; i++)
        {
            runners[i].SetUploadSlots(shares[i]);
        }
    }

    private void TellPort()
    {
        foreach (var runner in _runners.Values)
        {
            runner.PortChanged();
        }
    }

    private void TellAddress(IPAddress address)
    {
        _events.Writer.TryWrite(new EngineEvent.ExternalAddressKnown(address));
        _services.Dht?.TakeExternalAddress(address);
        foreach (var runner in _runners.Values)
        {
            runner.AddressChanged(address);
        }
    }

    private void Fault(Exception exception) => _events.Writer.TryWrite(new EngineEvent.EngineFaulted(exception));
}
