using Shoal.Api;
using Shoal.Engine;

namespace Shoal.Daemon;

/// <summary>
/// All torrents of the daemon: what the user wants of each (<see cref="LibraryEntry"/>, kept on disk), and the engine that
/// does it. Safe to use from any thread.
/// </summary>
/// <remarks>
/// Calls change entries under one lock, wait until that is durable, and leave the rest to the torrent's own chain of work: no
/// call waits for the content's disk or for a peer. Once a second <see cref="Pass"/> compares what is with what was
/// published, and gives what changed a new revision.
/// </remarks>
internal sealed partial class TorrentLibrary : IAsyncDisposable
{
    private static readonly TimeSpan Recently = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, LibraryTorrent> _torrents = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _aliases = new(StringComparer.Ordinal);
    private readonly Queue<Tombstone> _tombstones = new();
    private readonly TorrentEngine _engine;
    private readonly LibraryJournal _journal;
    private readonly TorrentFiles _files;
    private readonly SettingsStore _settings;
    private readonly CategoryStore _categories;
    private readonly IMemberTorrents _members;
    private readonly LibraryLimits _limits;
    private readonly TimeProvider _time;
    private readonly long _epoch;
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<Task> _tasks = [];
    private readonly long _firstRevision;
    private List<LibraryTorrent> _order = [];

    // Places in the queue that were published are not what they are, since somebody left.
    private bool _hasGaps;
    private long _revision;
    private long _forgotten;
    private int _lastNumber;

    public TorrentLibrary(
        TorrentEngine engine,
        LibraryJournal journal,
        TorrentFiles files,
        SettingsStore settings,
        CategoryStore categories,
        IMemberTorrents members,
        LibraryLimits limits,
        TimeProvider time
    )
    {
        _engine = engine;
        _journal = journal;
        _files = files;
        _settings = settings;
        _categories = categories;
        _members = members;
        _limits = limits;
        _time = time;
        _epoch = time.GetTimestamp();
        Events = new EventFeed(time);
        // Revisions of a former run are smaller: who comes with one of those gets the whole list.
        _firstRevision = time.GetUtcNow().ToUnixTimeMilliseconds();
        _revision = _firstRevision;
        _forgotten = _firstRevision;
        engine.RestEnded = _stirred.Enqueue;
        foreach (var entry in journal.Entries.OrderBy(entry => entry.Order))
        {
            Enter(new LibraryTorrent(entry, ++_lastNumber));
        }

        journal.ForgetEntries();

        for (var i = 0; i < _order.Count; i++)
        {
            Publish(_order[i], i, _revision, null);
        }
    }

    public EventFeed Events { get; }

    /// <summary>All torrents that were here at the start have been opened.</summary>
    public bool IsLoaded { get; private set; }

    public string? StateProblem => _journal.Problem;

    public long Revision
    {
        get
        {
            lock (_lock)
            {
                return _revision;
            }
        }
    }

    /// <summary>Those that are not being removed, in the order of the queue.</summary>
    public IReadOnlyList<LibraryTorrent> All
    {
        get
        {
            lock (_lock)
            {
                return [.. _order];
            }
        }
    }

    /// <param name="id">An infohash, v1 or v2, or a beginning of the id of one torrent.</param>
    /// <exception cref="ApiException">There is none, or more than one.</exception>
    public LibraryTorrent Find(string id)
    {
        const int MinPrefix = 6;
        lock (_lock)
        {
            if (TryFind(id) is { } exact)
            {
                return exact;
            }

            var prefix = id.ToLowerInvariant();
            var found =
                prefix.Length >= MinPrefix && prefix.All(char.IsAsciiHexDigit)
                    ? _order
                        .Where(torrent => torrent.Entry.Id.StartsWith(prefix, StringComparison.Ordinal))
                        .Take(2)
                        .ToList()
                    : [];
            return found.Count switch
            {
                1 => found[0],
                0 => throw new ApiException(404, "no-such-torrent", $"there is no torrent '{Shorten(id)}'"),
                _ => throw new ApiException(409, "ambiguous-id", $"several torrents begin with '{Shorten(id)}'"),
            };
        }
    }

    /// <summary>By an infohash, v1 or v2, that also in its short form; null: there is none.</summary>
    public LibraryTorrent? TryFindExact(string hash)
    {
        lock (_lock)
        {
            return TryFind(hash);
        }
    }

    /// <summary>Those that moved something within the last minute.</summary>
    public IReadOnlyList<LibraryTorrent> RecentlyActive
    {
        get
        {
            lock (_lock)
            {
                return
                [
                    .. _order.Where(torrent =>
                        torrent.LastActive > Uptime - Recently
                        || torrent.Item?.State is TorrentPhase.Checking or TorrentPhase.Loading
                    ),
                ];
            }
        }
    }

    /// <summary>Numbers of those that were removed within the last minute.</summary>
    public IReadOnlyList<int> RecentlyRemoved
    {
        get
        {
            lock (_lock)
            {
                return [.. _tombstones.Where(gone => gone.At > Uptime - Recently).Select(gone => gone.Number)];
            }
        }
    }

    /// <summary>A part of the list.</summary>
    public TorrentPage Page(TorrentQuery query)
    {
        lock (_lock)
        {
            // A revision from the future is of another daemon, or of a clock that went back.
            var isFull = query.Since is not { } since || since < _forgotten || since > _revision;
            var matching = _order.Select(torrent => torrent.Item!).Where(query.Matches);
            var items = (isFull ? matching : matching.Where(item => item.Revision > query.Since)).ToList();
            query.Sort(items);
            return new TorrentPage
            {
                Revision = _revision,
                Full = isFull,
                Total = items.Count,
                Offset = query.Offset,
                Items = [.. items.Skip(query.Offset).Take(Math.Min(query.Limit ?? int.MaxValue, _limits.MaxPage))],
                Removed = isFull
                    ? []
                    : [.. _tombstones.Where(gone => gone.Revision > query.Since).Select(gone => gone.Id).Where(IsGone)],
            };
        }
    }

    /// <summary>One torrent as it is this moment.</summary>
    public TorrentItem Item(LibraryTorrent torrent)
    {
        lock (_lock)
        {
            CountTime(torrent);
            Publish(torrent);
            return torrent.Item!;
        }
    }

    /// <summary>The one that the engine knows by this; null: it is not here any more.</summary>
    private LibraryTorrent? Find(Torrent engine)
    {
        var hashes = engine.InfoHashes;
        return TryFind(hashes.V1?.ToString() ?? $"{hashes.V2}") is { } torrent && torrent.Engine == engine
            ? torrent
            : null;
    }

    private LibraryTorrent? TryFind(string id)
    {
        id = id.ToLowerInvariant();
        return _torrents.TryGetValue(id, out var torrent) && torrent.Entry.Removal == RemovalStage.None ? torrent
            : _aliases.TryGetValue(id, out var alias) && alias != id ? TryFind(alias)
            : null;
    }

    private bool IsGone(string id) =>
        !_torrents.TryGetValue(id, out var torrent) || torrent.Entry.Removal != RemovalStage.None;

    private void Enter(LibraryTorrent torrent)
    {
        _torrents.Add(torrent.Entry.Id, torrent);
        Name(torrent);
        if (torrent.Entry.Removal == RemovalStage.None)
        {
            _order.Add(torrent);
            _rota.Join(torrent, torrent.Number);
            _downloadFolders = null;
        }
    }

    /// <summary>Makes it known by all its infohashes.</summary>
    private void Name(LibraryTorrent torrent)
    {
        foreach (var hash in NamesOf(torrent.Entry))
        {
            _aliases.TryAdd(hash, torrent.Entry.Id);
        }
    }

    private void Unname(LibraryTorrent torrent)
    {
        foreach (var hash in NamesOf(torrent.Entry))
        {
            if (_aliases.GetValueOrDefault(hash) == torrent.Entry.Id)
            {
                _aliases.Remove(hash);
            }
        }
    }

    private static IEnumerable<string> NamesOf(LibraryEntry entry)
    {
        var v2 = entry.InfoHashV2;
        // BEP 52: "truncated to 20 bytes" wherever there is no room for more.
        return new[] { entry.InfoHashV1, v2, v2?[..40] }.OfType<string>();
    }

    /// <summary>Takes it out of all lists; readers of changes hear of it.</summary>
    private void Bury(LibraryTorrent torrent)
    {
        if (!_order.Remove(torrent))
        {
            return;
        }

        _rota.Leave(torrent, torrent.Number);
        _hasGaps = true;
        _tombstones.Enqueue(new Tombstone(torrent.Entry.Id, torrent.Number, ++_revision, Uptime));
        if (_tombstones.Count > _limits.MaxTombstones)
        {
            _forgotten = _tombstones.Dequeue().Revision;
        }

        Events.Add(Event("torrent-removed", torrent));
        Events.SetRevision(_revision);
    }

    /// <summary>Publishes what is, if it is not what was.</summary>
    private bool Publish(LibraryTorrent torrent)
    {
        var position = torrent.Item?.QueuePosition ?? _order.IndexOf(torrent);
        return Publish(torrent, position, _revision + 1, torrent.Engine?.Status) && Advance();
    }

    private bool Publish(LibraryTorrent torrent, int position, long revision, TorrentStatus? status)
    {
        var item = TorrentItems.Create(torrent, status, position, torrent.Item?.Revision ?? 0);
        if (item == torrent.Item)
        {
            return false;
        }

        var before = torrent.Item?.State;
        torrent.Item = item with { Revision = revision };
        if (before is not null && before != item.State)
        {
            Events.Add(Event("torrent-state", torrent) with { State = item.State });
        }

        return true;
    }

    private bool Advance()
    {
        Events.SetRevision(++_revision);
        return true;
    }

    /// <summary>Replaces the entry and makes it durable.</summary>
    /// <returns>Completes when it is.</returns>
    private Task Keep(LibraryTorrent torrent, LibraryEntry entry)
    {
        lock (_lock)
        {
            torrent.Entry = entry;
            torrent.HasUnsaved = false;
            _downloadFolders = null;
            if (entry.Removal == RemovalStage.None)
            {
                HasNews(torrent);
                Publish(torrent);
            }

            return _journal.AppendAsync([new LibraryRecord { Put = entry }]);
        }
    }

    /// <summary>For what is kept: since 1970. How long something takes is told by <see cref="Uptime"/>, since clocks are set.</summary>
    private long NowSeconds => _time.GetUtcNow().ToUnixTimeSeconds();

    private TimeSpan Uptime => _time.GetElapsedTime(_epoch);

    private static DaemonEvent Event(string kind, LibraryTorrent torrent) =>
        new()
        {
            Id = 0,
            Kind = kind,
            Torrent = torrent.Entry.Id,
            Name = torrent.Entry.Title ?? torrent.Entry.Name,
        };

    private readonly record struct Tombstone(string Id, int Number, long Revision, TimeSpan At);

    private static string Shorten(string text) => text.Length > 80 ? text[..80] + "..." : text;
}
