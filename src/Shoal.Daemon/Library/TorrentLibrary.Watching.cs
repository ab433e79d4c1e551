using Shoal.Api;
using Shoal.Engine;

namespace Shoal.Daemon;

// What the daemon sees by itself: progress, completion, limits that are reached, the queue.
internal sealed partial class TorrentLibrary
{
    private static readonly TimeSpan PassInterval = TimeSpan.FromSeconds(1);

    /// <summary>Passes between savings of numbers that may be lost in a crash: five minutes.</summary>
    private const int PassesBetweenSaves = 300;

    /// <summary>Bytes a second below which a torrent takes no place in the queue after <see cref="SlowSeconds"/>.</summary>
    private const long SlowRate = 2048;
    private const long SlowSeconds = 60;

    /// <summary>
    /// Passes between two looks at a torrent of which the engine says that nothing happens to it, but that time passes: half a
    /// minute.
    /// </summary>
    private const int PassesAtRest = 30;

    // Places in the order of those that this pass looked at.
    private readonly List<int> _looked = [];
    private bool _anyWaits;

    private int _passes;
    private int _pass;
    private long _lastPass;
    private volatile bool _wasCalled;
    private volatile bool _isMapped;

    /// <summary>Peers reach us, as far as we know: a router forwards our port, or somebody has called.</summary>
    public bool IsReachable => _isMapped || _wasCalled;

    /// <summary>Saves everything and lets go of the engine's torrents; the engine itself is the caller's.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_tasks).ConfigureAwait(false);
        Task[] work;
        lock (_lock)
        {
            work = [.. _torrents.Values.Select(torrent => torrent.Work)];
        }

        await Task.WhenAll(work).ConfigureAwait(false);
        Pass();
        SaveNumbers();
        _stopping.Dispose();
    }

    private async Task WatchAsync()
    {
        using var timer = new PeriodicTimer(PassInterval, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token).ConfigureAwait(false))
            {
                Pass();
                if (++_passes % PassesBetweenSaves == 0)
                {
                    SaveNumbers();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The daemon stops.
        }
    }

    /// <summary>Brings the published list up to date.</summary>
    internal void Pass()
    {
        lock (_lock)
        {
            _pass++;
            _looked.Clear();
            for (var i = 0; i < _order.Count; i++)
            {
                var torrent = _order[i];
                var rest = torrent.Engine?.RestNumber ?? 0;
                if (rest != 0 && rest == torrent.RestLookedAt && !IsDue(torrent))
                {
                    continue;
                }

                Look(torrent);
                torrent.LookedAt = _pass;
                torrent.RestLookedAt = rest;
                _looked.Add(i);
            }

            if (_anyWaits || _settings.Current is not { ActiveDownloads: 0, ActiveSeeds: 0 })
            {
                Requeue();
            }

            PublishLookedAt();
            Volatile.Write(ref _lastPass, _time.GetTimestamp());
        }
    }

    /// <summary>Since the list was looked after last: normally a second.</summary>
    public TimeSpan SinceLastPass => _time.GetElapsedTime(Volatile.Read(ref _lastPass));

    /// <summary>Of those that were passed over there is no news.</summary>
    private void PublishLookedAt()
    {
        var changed = false;
        foreach (var i in _looked)
        {
            changed |= Publish(_order[i], i, _revision + 1);
        }

        if (changed)
        {
            Advance();
        }
    }

    // Not all of those that came together at once: each in a pass of its own.
    private bool IsDue(LibraryTorrent torrent) =>
        _pass - torrent.LookedAt >= PassesAtRest
        || (_pass + torrent.Number) % PassesAtRest == 0 && _pass - torrent.LookedAt > 1;

    private void PublishAll()
    {
        var changed = false;
        for (var i = 0; i < _order.Count; i++)
        {
            changed |= Publish(_order[i], i, _revision + 1);
        }

        if (changed)
        {
            Advance();
        }
    }

    private void Look(LibraryTorrent torrent)
    {
        if (torrent.Engine is not { } engine)
        {
            return;
        }

        var status = engine.Status;
        var entry = torrent.Entry;
        var seconds = Math.Min(_pass - torrent.LookedAt, PassesAtRest) * (long)PassInterval.TotalSeconds;
        TakeMetadata(torrent, engine);
        _wasCalled |= status.Peers.Any(peer => peer is { IsOutgoing: false, WebSeed: null });
        var moved = status.AllTimeDownloaded + status.AllTimeUploaded;
        var isActive = moved > torrent.BytesAtOpening;
        torrent.BytesAtOpening = Math.Max(moved, torrent.BytesAtOpening);
        var isSeeding = status.State == TorrentState.Seeding;
        torrent.SlowSince =
            status.DownloadRate + status.UploadRate >= SlowRate ? null : torrent.SlowSince ?? NowSeconds;
        entry = torrent.Entry with
        {
            WantedSize = status.WantedBytes > 0 ? status.WantedBytes : entry.WantedSize,
            // While it is checked nothing is known of what is there.
            Done = status.State == TorrentState.Checking ? entry.Done : status.DoneBytes,
            Downloaded = status.AllTimeDownloaded,
            Uploaded = status.AllTimeUploaded,
            ActiveAt = isActive ? NowSeconds : torrent.Entry.ActiveAt,
            SeedingSeconds = torrent.Entry.SeedingSeconds + (isSeeding ? seconds : 0),
            DownloadingSeconds =
                torrent.Entry.DownloadingSeconds + (status.State == TorrentState.Downloading ? seconds : 0),
        };
        if (entry != torrent.Entry)
        {
            torrent.Entry = entry;
            torrent.HasUnsaved = true;
        }

        // Paused in the moment in which the last piece came, it is complete all the same.
        var isWhole = isSeeding || (status.State == TorrentState.Paused && status.IsComplete);
        if (isWhole && status.WantedBytes > 0)
        {
            Completed(torrent);
            MoveWhenComplete(torrent);
            if (isSeeding)
            {
                PauseWhenEnough(torrent, status);
            }
        }
        else if (status.State == TorrentState.Downloading && entry.CompletedAt is not null)
        {
            // More is wanted, or something was lost.
            Keep(torrent, torrent.Entry with { CompletedAt = null });
        }
    }

    private void TakeMetadata(LibraryTorrent torrent, Torrent engine)
    {
        var cameByFile = torrent.Entry is { Magnet: null, Publication: null };
        if (engine.Metainfo is not { } metainfo || cameByFile || torrent.Entry.Size > 0)
        {
            return;
        }

        Keep(
            torrent,
            torrent.Entry with
            {
                Name = metainfo.Name,
                Size = metainfo.Size,
                Private = metainfo.IsPrivate,
                InfoHashV1 = metainfo.InfoHashes.V1?.ToString() ?? torrent.Entry.InfoHashV1,
                InfoHashV2 = metainfo.InfoHashes.V2?.ToString() ?? torrent.Entry.InfoHashV2,
            }
        );
        Name(torrent);
        TellFirstLast(torrent);
        if (torrent.Entry.PauseWhenKnown)
        {
            Keep(torrent, torrent.Entry with { PauseWhenKnown = false, Paused = true });
            engine.Pause();
            engine.SetFilePriorities(AllPriorities(metainfo, torrent.Entry.Priorities));
        }

        Events.Add(Event("torrent-metadata", torrent));
    }

    private void Completed(LibraryTorrent torrent)
    {
        if (torrent.Entry.CompletedAt is null)
        {
            Keep(torrent, torrent.Entry with { CompletedAt = NowSeconds });
            if (torrent.Entry.IncompleteDirectory is null)
            {
                Events.Add(Event("torrent-completed", torrent));
            }
        }
    }

    private void PauseWhenEnough(LibraryTorrent torrent, TorrentStatus status)
    {
        var entry = torrent.Entry;
        var by = status.AllTimeDownloaded > 0 ? status.AllTimeDownloaded : status.TotalBytes;
        var isEnough = SeedingLimitsOf(entry).AreReached(status.AllTimeUploaded, by, entry.SeedingSeconds);
        if (isEnough && !entry.Paused && !entry.Forced)
        {
            Keep(torrent, entry with { Paused = true });
            torrent.Engine!.Pause();
        }
    }

    /// <summary>Lets those wait whose turn it is not.</summary>
    private void Requeue()
    {
        var settings = _settings.Current;
        var now = NowSeconds;
        var candidates = _order.ConvertAll(torrent => new QueueCandidate(
            torrent.Entry.CompletedAt is not null,
            !torrent.Entry.Paused && torrent.Problem is null && torrent.HeldFor is null,
            torrent.Entry.Forced,
            torrent is { IsQueued: false, SlowSince: { } since } && now - since > SlowSeconds
        ));
        var waiting = QueueRule.Waiting(candidates, settings.ActiveDownloads, settings.ActiveSeeds);
        _anyWaits = false;
        for (var i = 0; i < waiting.Length; i++)
        {
            waiting[i] |= _order[i].HeldFor is not null;
            _anyWaits |= waiting[i];
            if (_order[i].IsQueued != waiting[i])
            {
                _order[i].IsQueued = waiting[i];
                _order[i].SlowSince = null;
                _looked.Add(i);
                if (_order[i].Engine is { } engine && !_order[i].Entry.Paused)
                {
                    Run(engine, !waiting[i]);
                }
            }
        }
    }

    /// <summary>Numbers that only grow: totals, times. Who counts them can bear to lose five minutes.</summary>
    private void SaveNumbers()
    {
        lock (_lock)
        {
            var unsaved = _order.FindAll(torrent => torrent.HasUnsaved);
            unsaved.ForEach(torrent => torrent.HasUnsaved = false);
            if (unsaved.Count > 0)
            {
                _journal.AppendAsync([.. unsaved.Select(torrent => new LibraryRecord { Put = torrent.Entry })]);
            }
        }
    }

    private async Task HearAsync()
    {
        try
        {
            await foreach (var happening in _engine.Events.ReadAllAsync(_stopping.Token).ConfigureAwait(false))
            {
                Hear(happening);
            }
        }
        catch (OperationCanceledException)
        {
            // The daemon stops.
        }
    }

    /// <summary>Told of everything the engine tells; must not wait.</summary>
    public Action<EngineEvent> Told { get; set; } = _ => { };

    private void Hear(EngineEvent happening)
    {
        Told(happening);
        switch (happening)
        {
            case EngineEvent.Failed(var torrent, var message):
                Warn(torrent, "torrent-failed", "torrent-failed", message);
                break;
            case EngineEvent.Faulted(var torrent, var fault):
                Warn(torrent, "torrent-failed", "internal-error", $"this is a bug in Shoal: {fault.Message}");
                break;
            case EngineEvent.TrackerFailed(var torrent, var url, var message):
                Warn(torrent, "warning", "tracker-failed", $"{url}: {message}");
                break;
            case EngineEvent.WebSeedFailed(var torrent, var url, var message):
                Warn(torrent, "warning", "web-seed-failed", $"{url}: {message}");
                break;
            case EngineEvent.MembershipEnded(var torrent):
                HearRevoked(torrent);
                break;
            case EngineEvent.PortMapped:
                _isMapped = true;
                break;
            case EngineEvent.PortUnmapped:
                _isMapped = false;
                break;
            case EngineEvent.EngineFaulted(var fault):
                Warn(null, "warning", "internal-error", $"this is a bug in Shoal: {fault.Message}");
                break;
            case EngineEvent.Warning(var code, var message):
                Warn(null, "warning", code, message);
                break;
        }
    }

    /// <summary>Tells of trouble that is no torrent's.</summary>
    /// <param name="code">Stable, kebab-case.</param>
    public void Warn(string code, string message) => Warn(null, "warning", code, message);

    private void Warn(Torrent? engine, string kind, string code, string message)
    {
        lock (_lock)
        {
            var torrent = engine is null ? null : _order.Find(torrent => torrent.Engine == engine);
            Events.Add(
                new DaemonEvent
                {
                    Id = 0,
                    Kind = kind,
                    Torrent = torrent?.Entry.Id,
                    Name = torrent?.Entry.Name,
                    Code = code,
                    Message = message,
                }
            );
        }
    }
}
