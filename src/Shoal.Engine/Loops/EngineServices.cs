using System.Net;
using System.Threading.Channels;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>What the torrents of one engine share. Made and disposed of by <see cref="TorrentEngine"/>.</summary>
internal sealed class EngineServices : IAsyncDisposable
{
    public required EngineOptions Options { get; init; }
    public required PeerId PeerId { get; init; }
    public required TorrentTable Torrents { get; init; }

    /// <summary>Those that are not for everybody; <see cref="Torrents"/> does not know them.</summary>
    public required SecureTorrents Secure { get; init; }
    public required AddressFilter Filter { get; init; }
    public required ConnectionSlots Slots { get; init; }
    public required IEgress Egress { get; init; }
    public required PeerDialer Dialer { get; init; }
    public required Dialling Dialling { get; init; }
    public SharingLimits Sharing { get; } = SharingLimits.Default;
    public required PeerHandshake Handshake { get; init; }
    public required PeerLinkLimits LinkLimits { get; init; }
    public required DiskWorkers Disk { get; init; }

    /// <summary>What other processes with this state folder must not use.</summary>
    public required LockFolder Locks { get; init; }
    public SameContent SameContent { get; } = new();

    /// <summary>Where the world sees us, as far as it is agreed upon.</summary>
    public required ExternalAddresses Addresses { get; init; }
    public required TrackerClient Trackers { get; init; }
    public required WebSeedNetwork WebSeeds { get; init; }

    /// <summary>Buffers for blocks from peers; its size is <see cref="EngineOptions.WriteCacheBytes"/>.</summary>
    public required BlockPool ReceivePool { get; init; }

    public required RateGate DownloadGate { get; init; }
    public required RateGate UploadGate { get; init; }

    /// <summary>Which torrents are ticked when.</summary>
    public TickRota Rota { get; } = new();

    /// <summary>See <see cref="TorrentEngine.RestEnded"/>.</summary>
    public Action<Torrent>? RestEnded { get; set; }
    public required ChannelWriter<EngineEvent> Events { get; init; }

    /// <summary>Of each torrent's swarm.</summary>
    public required SwarmLimits SwarmLimits { get; init; }

    /// <summary>Used under a lock, only to seed others.</summary>
    public required Random Random { private get; init; }

    /// <summary>Port that we listen on.</summary>
    public required int Port { get; init; }

    /// <summary>Where the world reaches us, told to trackers, peers and the DHT; a router may give us another than ours.</summary>
    public int PublicPort => _ports?.PublicPort ?? Port;

    /// <summary>BEP 7's key: lets trackers know us again at another address.</summary>
    public required uint TrackerKey { get; init; }

    /// <summary>Timestamp that every swarm's clock counts from.</summary>
    public required long Epoch { get; init; }

    /// <summary>Null: local discovery is not used.</summary>
    public LocalDiscovery? LocalDiscovery { get; private set; }

    /// <summary>Null: the DHT is not used.</summary>
    public DhtLoop? Dht { get; private set; }

    /// <summary>Where peers may call us by uTP.</summary>
    public IReadOnlyList<IPEndPoint> UtpEndPoints => Utp is null || Egress.IsProxied ? [] : Utp.Port.LocalEndPoints;

    public TimeProvider Time => Options.Time;

    /// <summary>Null: uTP is not used.</summary>
    public required UtpSocket? Utp { get; init; }

    /// <summary>A router in between opens for our uTP calls: there is uTP, and no proxy whose port that would be.</summary>
    public bool CanPunch => Utp is not null && !Egress.IsProxied;

    /// <summary>
    /// Peers reach us where our datagrams come from, as far as we know: uTP and the DHT share the port, which is that of TCP
    /// too, and no router forwards another one. Behind a router that changes ports nobody else knows which it is.
    /// </summary>
    public bool IsPortImplied => CanPunch && PublicPort == Port && _udp?.Port == Port;

    // Null: nothing needs it.
    private IDatagramPort? _udp;
    private BindingWatch? _watch;
    private MappedPorts? _ports;

    private readonly Lock _randomLock = new();

    public static EngineServices Create(
        EngineOptions options,
        IEgress egress,
        AddressFilter filter,
        TcpLimits tcpLimits,
        int port,
        IDatagramPort? udp,
        Func<ITransport, IPEndPoint, CancellationToken, Task>? accept,
        ChannelWriter<EngineEvent> events
    )
    {
        var linkLimits = PeerLinkLimits.Default;
        var uploadPool = new BlockPool(BlocksIn(options.ReadCacheBytes));
        var connector = options.Transports.HasFlag(PeerTransports.Tcp)
            ? new TcpConnector(egress, tcpLimits, options.Time)
            : null;
        var utp =
            udp is not null && options.Transports.HasFlag(PeerTransports.Utp)
                ? new UtpSocket(
                    udp,
                    new UtpSocketOptions
                    {
                        HandshakeLimits = tcpLimits,
                        Accept = accept,
                        Time = options.Time,
                        OnFault = exception => events.TryWrite(new EngineEvent.EngineFaulted(exception)),
                    }
                )
                : null;
        // TCP first, because it costs less; the race gives uTP its chance.
        IPeerConnector?[] connectors = [connector, utp is null ? null : new UtpConnector(utp)];
        var torrents = new TorrentTable();
        var secure = new SecureTorrents(options.Time);
        var budget = new KeyExchangeBudget(MseLimits.Default, options.Time);
        var handshake = new PeerHandshake(
            linkLimits,
            options.Time,
            new MseExchange(options.Encryption, budget, torrents.FindAlias),
            new SecureListener(secure, budget)
        );
        var random = options.RandomSeed is { } seed ? new Random(seed) : new Random();
        var slots = new ConnectionSlots(options, SharingLimits.Default, options.Time, filter);
        return new EngineServices
        {
            Options = options,
            Port = port,
            Events = events,
            TrackerKey = (uint)random.NextInt64(),
            PeerId = EngineVersion.CreatePeerId(random),
            Epoch = options.Time.GetTimestamp(),
            Torrents = torrents,
            Secure = secure,
            Addresses = new ExternalAddresses(options.Time),
            Filter = filter,
            Slots = slots,
            Dialling = new Dialling(
                new DialQueue(options.MaxHalfOpen, SharingLimits.Default, slots.HasPlaceFor),
                options.Time
            ),
            Egress = egress,
            Utp = utp,
            _udp = udp,
            Dialer = new PeerDialer(
                [.. connectors.OfType<IPeerConnector>()],
                handshake,
                options.Encryption,
                DialLimits.Default,
                options.Time
            ),
            LinkLimits = linkLimits,
            Handshake = handshake,
            ReceivePool = new BlockPool(BlocksIn(options.WriteCacheBytes)),
            DownloadGate = new RateGate(options.Time, options.DownloadLimit),
            UploadGate = new RateGate(options.Time, options.UploadLimit),
            Trackers = new TrackerClient(new TrackerClientLimits(), egress, options.Time),
            WebSeeds = WebSeedNetwork.Of(egress, WebSeedLimits.Default),
            Locks = new LockFolder(Path.Combine(Path.GetFullPath(options.StateDirectory), "locks")),
            Disk = new DiskWorkers(
                new DiskWorkersOptions
                {
                    UploadPool = uploadPool,
                    WriteCacheBytes = options.WriteCacheBytes,
                    MaxOpenFiles = options.MaxOpenFiles,
                    Time = options.Time,
                }
            ),
            SwarmLimits = SwarmLimits.Default with { MaxPeers = options.MaxPeersPerTorrent },
            Random = random,
        };
    }

    /// <summary>The port to tell peers of a torrent; 0: it does not use the DHT.</summary>
    public int DhtPortOf(Metainfo? metainfo) => metainfo is { IsPrivate: true } ? 0 : Dht?.Port ?? 0;

    /// <summary>What handshakes for a torrent announce.</summary>
    /// <param name="dhtPort">See <see cref="DhtPortOf"/>.</param>
    public static HandshakeFeatures FeaturesOf(int dhtPort) =>
        HandshakeFeatures.Fast
        | HandshakeFeatures.Extensions
        | HandshakeFeatures.V2
        | (dhtPort == 0 ? 0 : HandshakeFeatures.Dht);

    /// <summary>What to tell trackers about a torrent now.</summary>
    public AnnounceFacts FactsOf(Metainfo? metainfo, TorrentStatus status)
    {
        // Unknown is not zero: who has nothing left is a seed. Files that are not wanted count as left (BEP 21).
        var left = metainfo is null ? PieceLayout.BlockSize : status.TotalBytes - status.DoneBytes;
        return new AnnounceFacts(PeerId, (ushort)PublicPort, status.Uploaded, status.Downloaded, left, TrackerKey);
    }

    /// <summary>Starts what runs on the UDP port: uTP, and the DHT if it is wanted. Once, before any torrent.</summary>
    public void StartDatagrams()
    {
        if (Options.UseDht)
        {
            CreateDht(_udp!);
        }

        IDatagramProtocol?[] protocols = [Dht, Utp];
        _udp?.Start([.. protocols.OfType<IDatagramProtocol>()]);
        Dht?.Start();
    }

    private void CreateDht(IDatagramPort udp)
    {
        _ = Ed25519.TryLoad(out var ed25519, out _);
        Dht = new DhtLoop(
            new DhtLoopOptions
            {
                StateDirectory = Options.StateDirectory,
                // Our ids are made of our address (BEP 42): behind a proxy nobody shall know us again by them.
                StateFile = Egress.IsProxied ? "dht.proxy.state" : "dht.state",
                Bootstrap = Options.DhtBootstrap,
                Ed25519 = ed25519,
                IsReadOnly = Options.DhtReadOnly,
                Egress = Egress,
                Time = Time,
                OnJoined = Rota.WakeAll,
                OnAddress = (socket, address) => Addresses.Hear(AddressWitness.Dht, $"{socket}", address),
                OnFault = exception => Events.TryWrite(new EngineEvent.EngineFaulted(exception)),
            },
            udp
        );
    }

    /// <summary>Begins to watch what we are bound to. Once, when everything is open.</summary>
    /// <param name="acceptor">Its sockets come and go with their places; null: there is none.</param>
    /// <param name="back">Told when a place is back; quick.</param>
    public void StartBindingWatch(TcpAcceptor? acceptor, Action back)
    {
        if (!Egress.Local.IsRestricted)
        {
            return;
        }

        _watch = new BindingWatch(
            Egress.Local,
            async () =>
                (acceptor is null || await acceptor.RefreshAsync().ConfigureAwait(false))
                & (_udp is not UdpPort udp || await udp.RefreshAsync().ConfigureAwait(false)),
            back,
            Events,
            Time
        );
        _watch.Start();
    }

    /// <summary>Before what it watches is closed.</summary>
    public ValueTask StopBindingWatchAsync() => _watch?.DisposeAsync() ?? ValueTask.CompletedTask;

    /// <summary>Begins to ask routers for our ports. Once, after <see cref="StartDatagrams"/>.</summary>
    /// <param name="portChanged">Told when <see cref="PublicPort"/> is another; quick.</param>
    public void StartPortMapping(Action portChanged)
    {
        if (Egress.IsProxied)
        {
            // Nobody calls us here, and routers are not to hear of us.
            return;
        }

        _ports = new MappedPorts(Egress.Local, Time, Port, _udp?.Port, Events, portChanged, Addresses);
        _ports.Start();
    }

    /// <summary>Takes our ports back from routers. Takes two seconds at most.</summary>
    public ValueTask StopPortMappingAsync() => _ports?.DisposeAsync() ?? ValueTask.CompletedTask;

    /// <summary>Begins to listen to the local network. Once, before any torrent.</summary>
    public void StartLocalDiscovery() =>
        LocalDiscovery = new LocalDiscovery(
            new LocalMulticast(Egress.Local),
            Port,
            CreateRandom(),
            Time,
            exception => Events.TryWrite(new EngineEvent.EngineFaulted(exception))
        );

    public async ValueTask DisposeAsync()
    {
        await StopPortMappingAsync().ConfigureAwait(false);
        if (LocalDiscovery is { } discovery)
        {
            await discovery.DisposeAsync().ConfigureAwait(false);
        }

        if (Dht is { } dht)
        {
            await dht.DisposeAsync().ConfigureAwait(false);
        }

        if (Utp is { } utp)
        {
            await utp.DisposeAsync().ConfigureAwait(false);
        }

        if (_udp is { } udp)
        {
            await udp.DisposeAsync().ConfigureAwait(false);
        }

        await Trackers.DisposeAsync().ConfigureAwait(false);
        Disk.Dispose();
        Locks.Dispose();
    }

    private static int BlocksIn(long bytes) =>
        (int)
            Math.Clamp(
                bytes / BlockBuffer.Capacity,
                1024 * 1024 / BlockBuffer.Capacity,
                int.MaxValue / BlockBuffer.Capacity
            );

    /// <summary>A source of randomness of its own for each torrent, so that torrents do not depend on each other.</summary>
    public Random CreateRandom()
    {
        lock (_randomLock)
        {
            return new SmallRandom(Random.NextInt64());
        }
    }
}
