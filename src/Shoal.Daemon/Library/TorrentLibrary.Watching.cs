using System.Collections.Concurrent;
using Shoal.Api;
using Shoal.Engine;

namespace Shoal.Daemon;

// What the daemon sees by itself: progress, completion, limits that are reached, the queue.
internal sealed partial class TorrentLibrary
{
    private static readonly TimeSpan PassInterval = TimeSpan.FromSeconds(1);

    /// <summary>Passes between savings of numbers that may be lost in a crash: five minutes.</summary>
    private const int PassesBetweenSaves = 300;

    /// <summary>Bytes a second below which a torrent takes no place in the queue after <see cref="SlowTime"/>.</summary>
    private const long SlowRate = 2048;
    private static readonly TimeSpan SlowTime = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Passes between two looks at a torrent of which the engine says that nothing happens to it, but that time passes: as many as
    /// between two savings of that.
    /// </summary>
    private const int PassesAtRest = PassesBetweenSaves;

    // Of the engine: their rest has ended.
    private readonly ConcurrentQueue<Torrent> _stirred = new();
    private readonly LookRota<LibraryTorrent> _rota = new(PassesAtRest);

    // In this pass.
    private readonly List<LibraryTorrent> _looks = [];
    private readonly List<(LibraryTorrent Torrent, TorrentStatus? Status)> _looked = [];
    private bool _anyWaits;

    // What the last pass went by: where they are others, torrents have to be looked at that did nothing.
    private DaemonSettings? _seenSettings;
    private CategoryBook? _seenBook;

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
        lock (_lock)
        {
            _rota.AllHaveNews();
        }

        Pass();
        SaveNumbers();
        _stopping.Dispose();
        _opening.Dispose();
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
            TakeNews();
            _rota.Next(_looks);
            foreach (var torrent in _looks)
            {
                // Before its status: what happens from here on is told as the end of this rest.
                var isAtRest = torrent.Engine is null or { IsAtRest: true };
                _rota.Rests(torrent);
                _looked.Add((torrent, Look(torrent)));
                if (!isAtRest || torrent.IsDueSoon)
                {
                    _rota.HasNews(torrent);
                }
            }

            LookCount += _looks.Count;
            if (_anyWaits || _settings.Current is not { ActiveDownloads: 0, ActiveSeeds: 0 })
            {
                Requeue();
            }

            PublishLookedAt();
            Volatile.Write(ref _lastPass, _time.GetTimestamp());
        }
    }

    /// <summary>Looks at torrents since the start: at rest each is looked at once in five minutes.</summary>
    internal long LookCount { get; private set; }

    /// <summary>The next pass looks at it.</summary>
    private void HasNews(LibraryTorrent torrent)
    {
        if (torrent.Entry.Removal == RemovalStage.None)
        {
            _rota.HasNews(torrent);
        }
    }

    private void TakeNews()
    {
        while (_stirred.TryDequeue(out var engine))
        {
            if (Find(engine) is { } torrent)
            {
                HasNews(torrent);
            }
        }

        var (settings, book) = (_settings.Current, Book);
        if (!ReferenceEquals(settings, _seenSettings) || !ReferenceEquals(book, _seenBook))
        {
            (_seenSettings, _seenBook) = (settings, book);
            _rota.AllHaveNews();
        }
    }

    /// <summary>Since the list was looked after last: normally a second.</summary>
    public TimeSpan SinceLastPass => _time.GetElapsedTime(Volatile.Read(ref _lastPass));

    /// <summary>Of those that were passed over there is no news, but that others before them may be gone.</summary>
    private void PublishLookedAt()
    {
        var changed = _hasGaps && Renumber();
        foreach (var (torrent, status) in _looked)
        {
            changed |= Publish(torrent, torrent.Item?.QueuePosition ?? 0, _revision + 1, status);
        }

        _looked.Clear();
        if (changed)
        {
            Advance();
        }
    }

    private bool Renumber()
    {
        var changed = false;
        for (var i = 0; i < _order.Count; i++)
        {
            if (_order[i].Item is { } item && item.QueuePosition != i)
            {
                _order[i].Item = item with { QueuePosition = i, Revision = _revision + 1 };
                changed = true;
            }
        }

        _hasGaps = false;
        return changed;
    }

    private void PublishAll()
    {
        var changed = false;
        for (var i = 0; i < _order.Count; i++)
        {
            changed |= Publish(_order[i], i, _revision + 1, _order[i].Engine?.Status);
        }

        _hasGaps = false;
        if (changed)
        {
            Advance();
        }
    }

    /// <summary>Seconds since it was looked at last, by what it did all that time: whoever does something else has news.</summary>
    private (long Seeding, long Downloading) TakeTime(LibraryTorrent torrent)
    {
        var seconds = Math.Min(_pass - torrent.LookedAt, PassesAtRest) * (long)PassInterval.TotalSeconds;
        torrent.LookedAt = _pass;
        return torrent.LookedState switch
        {
            TorrentState.Seeding => (seconds, 0),
            TorrentState.Downloading => (0, seconds),
            _ => (0, 0),
        };
    }

    /// <summary>Brings up to date what would be at its turn, for who asks in between.</summary>
    private void CountTime(LibraryTorrent torrent)
    {
        var (seeding, downloading) = TakeTime(torrent);
        if (seeding + downloading > 0)
        {
            torrent.Entry = torrent.Entry with
            {
                SeedingSeconds = torrent.Entry.SeedingSeconds + seeding,
                DownloadingSeconds = torrent.Entry.DownloadingSeconds + downloading,
            };
            torrent.HasUnsaved = true;
        }
    }

    private TorrentStatus? Look(LibraryTorrent torrent)
    {
        var (seeding, downloading) = TakeTime(torrent);
        torrent.IsDueSoon = false;
        if (torrent.Engine is not { } engine)
        {
            torrent.LookedState = null;
            return null;
        }

        var status = engine.Status;
        var entry = torrent.Entry;
        torrent.LookedState = status.State;
        TakeMetadata(torrent, engine);
        _wasCalled |= status.Peers.Any(peer => peer is { IsOutgoing: false, WebSeed: null });
        var moved = status.AllTimeDownloaded + status.AllTimeUploaded;
        var isActive = moved > torrent.BytesAtOpening;
        torrent.BytesAtOpening = Math.Max(moved, torrent.BytesAtOpening);
        torrent.LastActive = isActive ? Uptime : torrent.LastActive;
        var isSeeding = status.State == TorrentState.Seeding;
        torrent.SlowSince = status.DownloadRate + status.UploadRate >= SlowRate ? null : torrent.SlowSince ?? Uptime;
        entry = torrent.Entry with
        {
            WantedSize = status.WantedBytes > 0 ? status.WantedBytes : entry.WantedSize,
            // While it is checked nothing is known of what is there.
            Done = status.State == TorrentState.Checking ? entry.Done : status.DoneBytes,
            Downloaded = status.AllTimeDownloaded,
            Uploaded = status.AllTimeUploaded,
            ActiveAt = isActive ? NowSeconds : torrent.Entry.ActiveAt,
            SeedingSeconds = torrent.Entry.SeedingSeconds + seeding,
            DownloadingSeconds = torrent.Entry.DownloadingSeconds + downloading,
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

        return status;
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
            Keep(torrent, torrent.Entry with { CompletedAt = NowSeconds, Peers = null });
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
        var limits = SeedingLimitsOf(entry);
        if (entry.Paused || entry.Forced)
        {
            return;
        }

        if (limits.AreReached(status.AllTimeUploaded, by, entry.SeedingSeconds))
        {
            Keep(torrent, entry with { Paused = true });
            torrent.Engine!.Pause();
        }
        else
        {
            torrent.IsDueSoon |= limits.Seconds > 0 && limits.Seconds - entry.SeedingSeconds <= PassesAtRest;
        }
    }

    /// <summary>Lets those wait whose turn it is not.</summary>
    private void Requeue()
    {
        var settings = _settings.Current;
        var now = Uptime;
        var candidates = _order.ConvertAll(torrent => new QueueCandidate(
            torrent.Entry.CompletedAt is not null,
            !torrent.Entry.Paused && torrent.Problem is null && torrent.HeldFor is null,
            torrent.Entry.Forced,
            torrent is { IsQueued: false, SlowSince: { } since } && now - since > SlowTime
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
                _looked.Add((_order[i], _order[i].Engine?.Status));
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
}
