using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>Who may hear of a torrent.</summary>
internal enum SourceScope
{
    /// <summary>Everybody, unless the torrent itself says that it is private.</summary>
    Everybody,

    /// <summary>Its trackers.</summary>
    Trackers,

    /// <summary>Nobody is told: peers are named to us, or call.</summary>
    Nobody,
}

/// <summary>
/// Where the peers of one torrent come from: its trackers and the DHT. Begun once it is known whether we are a seed
/// (trackers want to hear of a completion, but only of one), ended with a goodbye.
/// </summary>
/// <param name="services">What all torrents share.</param>
/// <param name="listener">Told what they say.</param>
/// <param name="sooner">Told when <see cref="NextWait"/> has become shorter. Any thread; quick.</param>
/// <param name="scope">Who may hear of it.</param>
internal sealed class TorrentSources(
    EngineServices services,
    AnnounceListener listener,
    Action sooner,
    SourceScope scope = SourceScope.Everybody
) : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private AnnounceLoop? _loop;
    private TorrentDht? _dht;
    private volatile bool _isComplete;
    private InfoHash[] _localNames = [];
    private InfoHash[] _toldLocally = [];
    private InfoHash[] _names = [];

    // Null: not begun.
    private Having? _started;
    private bool _isPaused;
    private bool _isStopped;

    public IReadOnlyList<TrackerStatus> Status => _loop?.Status ?? [];

    /// <summary>What the DHT said last of the size of the swarm; null: nothing.</summary>
    public ScrapeResult? DhtScrape => _dht?.Scrape;

    /// <summary>Begins to announce, unless it has begun already.</summary>
    /// <param name="tiers">URLs; those that are no tracker's are left out.</param>
    /// <param name="names">The torrent's names, as far as they are known.</param>
    /// <param name="metainfo">Null while it is unknown.</param>
    /// <param name="status">Now.</param>
    public void Start(
        IEnumerable<IReadOnlyList<string>> tiers,
        InfoHash[] names,
        Metainfo? metainfo,
        TorrentStatus status
    )
    {
        _isComplete |= status.State == TorrentState.Seeding;
        StartDht(names, metainfo);
        if (metainfo is not { IsPrivate: true })
        {
            AnnounceLocally(names);
        }

        var urls = tiers.Select(Parse).Where(tier => tier.Count > 0).ToList();
        lock (_lock)
        {
            _started = HavingOf(status);
            _names = Union(names);
            if (urls.Count > 0)
            {
                StartLoop(urls);
            }
        }
    }

    /// <summary>Other trackers instead of those there are; where announcing has not begun, <see cref="Start"/> names them.</summary>
    public void SetTrackers(IEnumerable<IReadOnlyList<string>> tiers)
    {
        var urls = tiers.Select(Parse).Where(tier => tier.Count > 0).ToList();
        lock (_lock)
        {
            if (_loop is { } loop)
            {
                loop.SetTiers(urls);
            }
            else if (_started is not null && urls.Count > 0)
            {
                StartLoop(urls);
                if (_isPaused)
                {
                    _loop?.Pause();
                }
            }
        }
    }

    /// <summary>Peers named trackers. A torrent that had none has some now.</summary>
    public void TrackersHeard(IReadOnlyList<HearsayTracker> trackers)
    {
        lock (_lock)
        {
            if (_started is not null && !_isPaused)
            {
                StartLoop([]);
                _loop?.AddHearsay(trackers);
            }
        }
    }

    // Once, under the lock.
    private void StartLoop(IReadOnlyList<IReadOnlyList<TrackerUrl>> tiers)
    {
        if (_isStopped || _loop is not null || scope == SourceScope.Nobody || !services.Options.UseTrackers)
        {
            return;
        }

        var options = new AnnounceScheduleOptions
        {
            Tiers = tiers,
            InfoHashes = _names,
            Origins = services.Egress.Origins,
            IsComplete = _isComplete && _started == Having.All,
            IsPartialSeed = _started == Having.Wanted,
            Seed = services.CreateRandom().Next(),
        };
        _loop = new AnnounceLoop(options, services.Trackers, listener, services.Time);
        _loop.Start();
    }

    /// <summary>The metadata came in: it may tell another name of the torrent, nodes, or that it is private.</summary>
    public void TakeMetadata(Metainfo metainfo)
    {
        var names = metainfo.InfoHashes.OnTheWire;
        if (metainfo.IsPrivate)
        {
            // BEP 27: "When generating a torrent with the private flag set, ... peers MUST only use the tracker": the link
            // did not tell, now we know.
            _dht?.Stop();
            AnnounceLocally([]);
        }
        else
        {
            _dht?.AddNames(names);
            AnnounceLocally(names);
            if (scope == SourceScope.Everybody)
            {
                services.Dht?.AddBootstrap(metainfo.Nodes);
            }
        }

        lock (_lock)
        {
            _names = Union(names);
            foreach (var name in names)
            {
                _loop?.AddInfoHash(name);
            }
        }
    }

    /// <summary>Everything wanted is here. Trackers hear of a completion only if that is everything.</summary>
    public void Completed(TorrentStatus status)
    {
        _isComplete = true;
        lock (_lock)
        {
            _started = HavingOf(status);
        }

        if (HavingOf(status) == Having.All)
        {
            _loop?.Completed();
        }
        else
        {
            _loop?.SetPartialSeed(true);
        }
    }

    /// <summary>More is wanted, all of it came, or the user paused or resumed the torrent.</summary>
    public void StateChanged(TorrentStatus status)
    {
        if (status.State == TorrentState.Checking)
        {
            // Paused torrents are checked too: what was stays so until that is done.
            return;
        }

        var isPaused = status.State == TorrentState.Paused;
        _dht?.SetPaused(isPaused);
        _isPaused = isPaused;
        AnnounceLocally(_localNames);
        if (isPaused)
        {
            _loop?.Pause();
            return;
        }

        _loop?.SetPartialSeed(HavingOf(status) == Having.Wanted);
        _loop?.Resume();
    }

    /// <summary>Peers reach us at another port than before: announce it as soon as the intervals allow.</summary>
    public void PortChanged()
    {
        _loop?.NeedPeers();
        _dht?.Changed();
    }

    public void NeedPeers()
    {
        _loop?.NeedPeers();
        _dht?.NeedPeers();
    }

    /// <summary>A peer told its port in the DHT (BEP 5, PORT message).</summary>
    public void NodeFound(IPEndPoint node)
    {
        if (scope == SourceScope.Everybody)
        {
            services.Dht?.AddNode(node);
        }
    }

    /// <summary>How long nothing is begun by <see cref="Tick"/>; null: until something happens. Trackers have a clock of their own.</summary>
    public TimeSpan? NextWait => _dht?.NextWait;

    /// <summary>Called a few times a second, or when <see cref="NextWait"/> is over.</summary>
    public void Tick() => _dht?.Tick();

    /// <summary>Says goodbye. Completes within some seconds.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            _isStopped = true;
        }

        AnnounceLocally([]);
        _dht?.Stop();
        if (_loop is { } loop)
        {
            await loop.StopAsync(services.Options.GoodbyeTime).ConfigureAwait(false);
            await loop.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Tells the local network of these names and no others; of none while paused, or once stopped.</summary>
    private void AnnounceLocally(InfoHash[] names)
    {
        lock (_lock)
        {
            _localNames = names;
            var told = _isStopped || _isPaused || scope != SourceScope.Everybody ? [] : names;
            if (services.LocalDiscovery is { } discovery && !told.AsSpan().SequenceEqual(_toldLocally))
            {
                discovery.Remove(_toldLocally.Except(told));
                discovery.Add(told, listener.Found);
                _toldLocally = told;
            }
        }
    }

    private void StartDht(InfoHash[] names, Metainfo? metainfo)
    {
        if (services.Dht is not { } dht || scope != SourceScope.Everybody || metainfo is { IsPrivate: true })
        {
            return;
        }

        lock (_lock)
        {
            if (_isStopped || _dht is not null)
            {
                return;
            }

            var found = new TorrentDht(
                dht,
                () => services.PublicPort,
                () => services.IsPortImplied,
                () => new DhtFacts(_isComplete, !_isComplete),
                listener.Found,
                sooner,
                services.CreateRandom().NextDouble,
                services.Time
            );
            dht.AddBootstrap(metainfo?.Nodes ?? []);
            _dht = found;
            found.AddNames(names);
        }
    }

    private InfoHash[] Union(InfoHash[] names) => names.All(_names.Contains) ? _names : [.. _names.Union(names)];

    private static Having HavingOf(TorrentStatus status) =>
        status.State != TorrentState.Seeding ? Having.Part
        : status.WantedBytes == status.TotalBytes ? Having.All
        : Having.Wanted;

    /// <summary>What we had when announcing began, or when all that is wanted had come.</summary>
    private enum Having
    {
        Part,

        /// <summary>BEP 21: "a peer that is incomplete without downloading anything more".</summary>
        Wanted,
        All,
    }

    private static IReadOnlyList<TrackerUrl> Parse(IReadOnlyList<string> tier) =>
        [.. tier.Select(text => TrackerUrl.TryParse(text, out var url) ? url : null).OfType<TrackerUrl>()];
}
