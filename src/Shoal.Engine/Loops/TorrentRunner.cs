using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// The life of one torrent: owns its swarm's loop, its disk, its announces and the tasks of its connections, and
/// carries the swarm's wishes to the engine. The public face is <see cref="Torrent"/>.
/// </summary>
internal sealed partial class TorrentRunner : ISwarmOwner, ILinkHost, ITicked, IAsyncDisposable
{
    /// <summary>Half a minute: what is saved is worth no more.</summary>
    private const int TicksBetweenSaves = 300;

    private readonly EngineServices _services;
    private readonly TorrentOptions _options;
    private readonly Action<TorrentRunner> _onNamed;
    private readonly SwarmLoop _loop;
    private readonly BackgroundTasks _tasks;
    private readonly TorrentSources _sources;
    private readonly TaskCompletionSource<Metainfo> _metadataKnown = new(
        TaskCreationOptions.RunContinuationsAsynchronously
    );
    private readonly TaskCompletionSource _firstCompletion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TorrentDisk? _disk;
    private TorrentClaim? _claim;
    private TorrentWebSeeds? _webSeeds;
    private MagnetLink? _magnet;
    private HashSet<MetainfoFile>? _selected;
    private Dictionary<MetainfoFile, FilePriority>? _chosen;
    private int _ticks;
    private bool _isDisposed;
    private bool _hasFailed;
    private bool _hasChecked;

    /// <param name="services">What all torrents share.</param>
    /// <param name="infoHashes">At least one name.</param>
    /// <param name="metainfo">Null: peers will send it.</param>
    /// <param name="options">What the user decided.</param>
    /// <param name="onNamed">Called when the metadata told another name of the torrent.</param>
    public TorrentRunner(
        EngineServices services,
        InfoHashes infoHashes,
        Metainfo? metainfo,
        TorrentOptions options,
        Action<TorrentRunner> onNamed
    )
    {
        _services = services;
        _onNamed = onNamed;
        _options = options;
        InfoHashes = infoHashes;
        Metainfo = metainfo;
        Choose(metainfo);
        SetLimits(options.DownloadLimit, options.UploadLimit);
        _tasks = new BackgroundTasks(Fault);
        _security = CreateSecurity(metainfo);
        var swarm = new Swarm(
            new SwarmOptions
            {
                Random = services.CreateRandom(),
                PeerId = services.PeerId,
                ListenPort = services.PublicPort,
                DhtPort = DhtPort,
                UsePex = services.Options.UsePex,
                UseHolePunch = services.CanPunch,
                ExternalAddresses = services.Addresses.Known,
                UseTrackerExchange = _security is null && services.Options is { UsePex: true, UseTrackers: true },
                Members = Members,
                ClientVersion = EngineVersion.ClientName,
                SeedChoking = services.Options.SeedChoking,
                Sequential = options.Sequential,
                SuperSeeding = options.SuperSeeding,
                Paused = options.Paused,
                FilePriority = PriorityOf,
                Limits = services.SwarmLimits,
            },
            infoHashes,
            metainfo
        );
        _loop = new SwarmLoop(swarm, this, services.Time, services.Epoch);
        _sources = new TorrentSources(
            services,
            new AnnounceListener(
                () => services.FactsOf(Metainfo, _loop.Status),
                AddCandidates,
                (host, address) => services.Addresses.Hear(AddressWitness.Tracker, host, address),
                (url, message) => Tell(new EngineEvent.TrackerFailed(Torrent!, url, message)),
                TrackerAnswered
            ),
            () => services.Rota.Wake(this),
            Scope
        );
        Torrent = new Torrent(this);
        WatchMembership();
    }

    public Torrent Torrent { get; }
    public InfoHashes InfoHashes { get; private set; }
    public Metainfo? Metainfo { get; private set; }
    public PeerId PeerId => _services.PeerId;
    public HandshakeFeatures Features => EngineServices.FeaturesOf(DhtPort);
    public ISwarmMailbox Mailbox => _loop;
    public BlockPool ReceivePool => _services.ReceivePool;
    public string SaveDirectory => _disk?.Storage.Root ?? _options.SaveDirectory;
    private string StateDirectory => _services.Options.StateDirectory;
    public Task<Metainfo> MetadataKnown => _metadataKnown.Task;
    public Task FirstCompletion => _firstCompletion.Task;

    public TorrentStatus Status
    {
        get
        {
            var status = _loop.Status;
            var (downloaded, uploaded) = _disk?.ResumedTotals ?? default;
            return status with
            {
                Trackers = _sources.Status,
                DhtSeeds = _sources.DhtScrape is { } scrape ? (int)Math.Round(scrape.Seeds) : null,
                DhtPeers = _sources.DhtScrape is { } others ? (int)Math.Round(others.Peers) : null,
                AllTimeDownloaded = downloaded + status.Downloaded,
                AllTimeUploaded = uploaded + status.Uploaded,
            };
        }
    }

    /// <summary>Opens the disk where the metadata is known, and starts to announce and to connect.</summary>
    /// <exception cref="IOException">The disk cannot be used; nothing was started.</exception>
    public async Task StartAsync(MagnetLink? magnet)
    {
        _magnet = magnet;
        if (Metainfo is { } metainfo)
        {
            var resume = await OpenDiskAsync(metainfo).ConfigureAwait(false);
            _metadataKnown.TrySetResult(metainfo);
            Tell(new EngineEvent.MetadataKnown(Torrent, metainfo));
            _loop.Post(resume);
            StartWebSeeds(metainfo);
        }
        else if (InfoStore.TryLoad(_services.Disk.Options.FileSystem, StateDirectory, InfoHashes) is { } info)
        {
            await TakeMetadataAsync(info).ConfigureAwait(false);
        }

        TryNamedPeers(magnet);
        if (Metainfo is null && !_options.Paused)
        {
            StartAnnouncing(_loop.Status);
        }
    }

    public TickWish Tick()
    {
        _loop.Tick();
        _sources.Tick();
        _webSeeds?.Tick(_loop.Status);
        if (++_ticks % TicksBetweenSaves == 0 && _isResting == 0)
        {
            SaveWhatIsKnown();
        }

        return NextTick();
    }

    public void Command(SwarmCommand command) => _loop.Post(new SwarmEvent(SwarmEventKind.Command, Payload: command));

    void ISwarmOwner.Ban(IPAddress address) => _services.Slots.Ban(address);

    void ISwarmOwner.BanWebSeed(WebSeedUrl url) => _webSeeds?.Ban(url);

    void ISwarmOwner.MetadataFetched(byte[] infoBytes) =>
        _tasks.TryRun(() =>
        {
            // It only spares the next run a question to peers; a state folder that fails shows in the journal.
            InfoStore.TrySave(_services.Disk.Options.FileSystem, StateDirectory, InfoHashes, infoBytes);
            return TakeMetadataAsync(infoBytes);
        });

    void ISwarmOwner.PieceLayersFetched(byte[] layers) => _tasks.TryRun(() => _disk!.SavePieceLayersAsync(layers));

    private void TrackerAnswered(TrackerUrl tracker)
    {
        Command(new SwarmCommand.TrackerWorks(tracker));
        Tell(new EngineEvent.TrackerAnswered(Torrent, tracker.ToString()));
    }

    void ISwarmOwner.PieceCompleted(int piece) => Tell(new EngineEvent.PieceCompleted(Torrent, piece));

    void ISwarmOwner.Completed()
    {
        _sources.Completed(_loop.Status);
        _firstCompletion.TrySetResult();
        Tell(new EngineEvent.Completed(Torrent));
    }

    void ISwarmOwner.PeerChanged(PeerStatus peer, DisconnectReason? left) =>
        Tell(left is { } why ? new EngineEvent.PeerGone(Torrent, peer, why) : new EngineEvent.PeerSeen(Torrent, peer));

    void ISwarmOwner.NeedPeers() => _sources.NeedPeers();

    void ISwarmOwner.AddressSeen(AddressSighting seen) =>
        _services.Addresses.Hear(AddressWitness.Peer, seen.By, seen.Ours);

    void ISwarmOwner.NodeFound(IPEndPoint node) => _sources.NodeFound(node);

    void ISwarmOwner.TrackersHeard(IReadOnlyList<HearsayTracker> trackers) => _sources.TrackersHeard(trackers);

    void ISwarmOwner.StateChanged(TorrentStatus status)
    {
        if (!_hasChecked && status.State is TorrentState.Downloading or TorrentState.Seeding)
        {
            _hasChecked = true;
            StartAnnouncing(status);
            Tell(new EngineEvent.CheckingDone(Torrent));
        }
        else if (status.State == TorrentState.FetchingMetadata)
        {
            // A link that was added paused, resumed.
            StartAnnouncing(status);
        }

        _sources.StateChanged(status);
        TellConnections(status.State);
        NudgeReaders();
        // What is paused, or stops because of the failure, does not work again by that.
        var hasFailed = status.State == TorrentState.Failed || (_hasFailed && status.Error is not null);
        if (hasFailed != _hasFailed)
        {
            _hasFailed = hasFailed;
            Tell(
                hasFailed
                    ? new EngineEvent.Failed(Torrent, status.Error ?? "the disk failed")
                    : new EngineEvent.Recovered(Torrent)
            );
        }
    }

    void ISwarmOwner.Faulted(Exception exception) => Fault(exception);

    /// <summary>Says goodbye to peers and trackers, and leaves everything durable.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }

        lock (_making)
        {
            _isDisposed = true;
        }

        EndReaders();
        UnwatchMembership();
        SaveWhatIsKnown();
        var farewell = _sources.DisposeAsync().AsTask();
        Command(new SwarmCommand.Pause());
        await _tasks.EndAsync().ConfigureAwait(false);
        if (_connections is { } connections)
        {
            await connections.DisposeAsync().ConfigureAwait(false);
        }

        if (_webSeeds is { } webSeeds)
        {
            await webSeeds.DisposeAsync().ConfigureAwait(false);
        }

        if (_disk is { } disk)
        {
            _services.SameContent.Leave(disk);
            await disk.DisposeAsync().ConfigureAwait(false);
        }

        _claim?.Dispose();
        _loop.Close();
        await farewell.ConfigureAwait(false);
        _metadataKnown.TrySetCanceled();
        _firstCompletion.TrySetCanceled();
    }

    /// <returns>What the swarm is to hear of what is on this machine.</returns>
    private async Task<SwarmEvent[]> OpenDiskAsync(Metainfo metainfo)
    {
        _claim ??= TorrentClaim.Take(_services.Locks, StateDirectory, InfoHashes.Primary, _options.SaveDirectory);
        var (disk, resume) = await TorrentDisk
            .OpenAsync(
                _services.Disk,
                metainfo,
                new TorrentDiskOptions
                {
                    SaveDirectory = _options.SaveDirectory,
                    InterruptedMove = _options.InterruptedMove,
                    StateDirectory = StateDirectory,
                    JournalName = _claim.JournalName,
                    Recheck = _options.Recheck,
                    AssumeComplete = _options.AssumeComplete,
                    Preallocate = _options.Preallocate,
                    Priorities =
                        _options.FilePriority is null && _selected is null && _chosen is null
                            ? null
                            : [.. metainfo.Files.Select(PriorityOf)],
                    CreateEmptyFiles = !_options.IsSeedOnly,
                    ContentChanged = TellChanged,
                },
                _loop.Post
            )
            .ConfigureAwait(false);
        _disk = disk;
        if (disk.Storage.Root != FileStorage.Normalize(_options.SaveDirectory))
        {
            _claim.Moved(_claim.TakeAlso(disk.Storage.Root));
        }

        _loop.Attach(disk);
        var elsewhere = _services.SameContent.Join(disk, () => _loop.Status.Pieces, _options.IsSeedOnly);
        return [.. elsewhere, new SwarmEvent(SwarmEventKind.ResumeLoaded, Payload: resume)];
    }

    private void Tell(EngineEvent e) => _services.Events.TryWrite(e);

    /// <summary>The torrent cannot go on, for a reason that the user can understand.</summary>
    private void Fail(string message)
    {
        Tell(new EngineEvent.Failed(Torrent, message));
        _metadataKnown.TrySetException(new IOException(message));
        _firstCompletion.TrySetException(new IOException(message));
    }

    /// <summary>A bug of ours: this torrent ends, loudly; the others go on.</summary>
    private void Fault(Exception exception)
    {
        Tell(new EngineEvent.Faulted(Torrent, exception));
        _metadataKnown.TrySetException(exception);
        _firstCompletion.TrySetException(exception);
    }
}
