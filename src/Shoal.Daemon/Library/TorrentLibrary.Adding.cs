using System.Net;
using Shoal.Api;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Daemon;

// How torrents come in.
internal sealed partial class TorrentLibrary
{
    /// <summary>Adds a torrent: durable when this completes; the engine opens it afterwards.</summary>
    /// <exception cref="ApiException">It is here already, or something of the wish is wrong, or it could not be saved.</exception>
    public async Task<TorrentItem> AddAsync(Addition addition)
    {
        var outcome = (await AddAsync([addition]).ConfigureAwait(false))[0];
        return outcome.Item ?? throw outcome.Error!;
    }

    /// <summary>Adds torrents, which become durable together: one sync for all. Of those that cannot be added the others do not hear.</summary>
    /// <param name="additions">Any number.</param>
    /// <returns>What became of each, in their order.</returns>
    public async Task<IReadOnlyList<AdditionOutcome>> AddAsync(IReadOnlyList<Addition> additions)
    {
        await LeftAsync(additions).ConfigureAwait(false);
        var checks = additions.Select(Check).ToList();
        var refused = await SaveFilesAsync(checks).ConfigureAwait(false);
        var added = new LibraryTorrent?[checks.Count];
        Task saved;
        lock (_lock)
        {
            var records = new List<LibraryRecord>();
            for (var i = 0; i < checks.Count; i++)
            {
                if (refused[i] is null)
                {
                    refused[i] = Refused(() => RefuseTwice(checks[i].Addition.Source.InfoHashes));
                }

                if (refused[i] is null)
                {
                    added[i] = Take(checks[i]);
                    records.Add(new LibraryRecord { Put = added[i]!.Entry });
                }
            }

            saved = records.Count > 0 ? _journal.AppendAsync(records) : Task.CompletedTask;
            if (records.Count > 0)
            {
                Advance();
            }

            for (var i = 0; i < checks.Count; i++)
            {
                if (added[i] is { } torrent)
                {
                    Events.Add(Event("torrent-added", torrent));
                    var metainfo = checks[i].Addition.Source.Metainfo;
                    Do(torrent, () => OpenInTurnAsync(torrent, metainfo));
                    Try(torrent, checks[i].Peers);
                }
            }
        }

        var unsaved = await RefusedAsync(() => SavedAsync(saved)).ConfigureAwait(false);
        return
        [
            .. added.Select(
                (torrent, i) =>
                    torrent is null ? new AdditionOutcome(null, refused[i])
                    : unsaved is not null ? new AdditionOutcome(null, unsaved)
                    : new AdditionOutcome(Item(torrent), null)
            ),
        ];
    }

    /// <summary>
    /// What was just removed may be added again at once. Where all its files are deleted that may take long, and whoever adds it is told.
    /// </summary>
    private async Task LeftAsync(IReadOnlyList<Addition> additions)
    {
        Task left;
        lock (_lock)
        {
            left = Task.WhenAll(
                additions
                    .SelectMany(addition => IdsOf(addition.Source.InfoHashes))
                    .Select(id => _torrents.GetValueOrDefault(id))
                    .Where(torrent => torrent?.Entry.Removal is not (null or RemovalStage.None))
                    .Select(torrent => torrent!.Work)
            );
        }

        await left.WaitAsync(_limits.RemovalPatience, _time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static IEnumerable<string> IdsOf(InfoHashes hashes) =>
        new[] { hashes.V1?.ToString(), hashes.V2?.ToString() }.OfType<string>();

    private Checked Check(Addition addition)
    {
        var peers = new List<IPEndPoint>();
        var fault = Refused(() =>
        {
            CheckWish(addition.Wish);
            peers = EndPointsOf(addition.Wish.Peers ?? []);
            PrioritiesOf(addition.Wish.Files, null, addition.Source.Metainfo);
            RefuseTwice(addition.Source.InfoHashes);
        });
        var hashes = addition.Source.InfoHashes;
        var id = hashes.V1?.ToString() ?? hashes.V2?.ToString();
        return new Checked(addition, id ?? throw new ArgumentException("no infohash", nameof(addition)), peers, fault);
    }

    /// <summary>Writes the .torrent files of those that have one.</summary>
    /// <returns>Of each why it cannot be added; null: it can.</returns>
    private async Task<ApiException?[]> SaveFilesAsync(IReadOnlyList<Checked> checks)
    {
        var refused = checks.Select(check => check.Fault).ToArray();
        var files = checks
            .Where(check => check.Fault is null && check.Addition.Source.Bytes is not null)
            .DistinctBy(check => check.Id)
            .Select(check => new TorrentFileToSave(check.Id, check.Addition.Source))
            .ToList();
        if (files.Count > 0 && await RefusedAsync(() => _files.SaveAsync(files)).ConfigureAwait(false) is { } fault)
        {
            for (var i = 0; i < refused.Length; i++)
            {
                refused[i] ??= checks[i].Addition.Source.Bytes is null ? null : fault;
            }
        }

        return refused;
    }

    private static ApiException? Refused(Action check)
    {
        try
        {
            check();
            return null;
        }
        catch (ApiException fault)
        {
            return fault;
        }
    }

    private static async Task<ApiException?> RefusedAsync(Func<Task> save)
    {
        try
        {
            await save().ConfigureAwait(false);
            return null;
        }
        catch (ApiException fault)
        {
            return fault;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return new ApiException(500, "state-not-saved", $"the state folder cannot be written: {error.Message}");
        }
    }

    /// <summary>Takes in what was found good. Under the lock.</summary>
    private LibraryTorrent Take(Checked check)
    {
        var (source, wish, saveDirectory) = check.Addition;
        var hashes = source.InfoHashes;
        var entry = new LibraryEntry
        {
            Id = check.Id,
            InfoHashV1 = hashes.V1?.ToString(),
            InfoHashV2 = hashes.V2?.ToString(),
            Name = source.Name ?? check.Id,
            Size = source.Metainfo?.Size ?? 0,
            WantedSize = source.Metainfo?.Size ?? 0,
            Private = source.Metainfo?.IsPrivate ?? false,
            // Members are asked by its names alone: a link could be taken for one to everybody.
            Magnet = source.Publication is null ? source.Magnet?.ToString() : null,
            Publication = source.Publication,
            SaveDirectory = saveDirectory,
            IncompleteDirectory = IncompleteFolderFor(saveDirectory, isThere: wish.SkipCheck),
            Paused = wish.Paused || (wish.PauseWhenKnown && source.Metainfo is not null),
            PauseWhenKnown = wish.PauseWhenKnown && source.Metainfo is null,
            Sequential = wish.Sequential,
            FirstLast = wish.FirstLast,
            Title = TitleOf(wish.Name),
            Category = wish.Category is { Length: > 0 } category ? category : null,
            Labels = Distinct(wish.Labels),
            DownloadLimit = wish.DownloadLimit,
            UploadLimit = wish.UploadLimit,
            RatioLimit = wish.RatioLimit,
            SeedTimeLimit = wish.SeedTimeLimit,
            Priorities = PrioritiesOf(wish.Files, null, source.Metainfo),
            Peers = Kept(null, check.Peers),
            AssumeComplete = wish.SkipCheck,
            AddedAt = NowSeconds,
            Order = _order.Count == 0 ? 0 : _order[^1].Entry.Order + 1024,
        };
        var torrent = new LibraryTorrent(entry, ++_lastNumber) { LastActive = Uptime };
        Enter(torrent);
        Publish(torrent, _order.Count - 1, _revision + 1, null);
        return torrent;
    }

    /// <summary>As at the start not all at once: what is read and hashed is work for processors, and holds threads.</summary>
    private async Task OpenInTurnAsync(LibraryTorrent torrent, Metainfo? metainfo)
    {
        await _opening.WaitAsync(_stopping.Token).ConfigureAwait(false);
        try
        {
            await OpenAsync(torrent, metainfo).ConfigureAwait(false);
        }
        finally
        {
            _opening.Release();
        }
    }

    private readonly record struct Checked(Addition Addition, string Id, List<IPEndPoint> Peers, ApiException? Fault);

    private void RefuseTwice(InfoHashes hashes)
    {
        lock (_lock)
        {
            if (_order.Count >= _limits.MaxTorrents)
            {
                throw new ApiException(507, "too-many-torrents", $"there are {_limits.MaxTorrents} torrents already");
            }

            foreach (var hash in IdsOf(hashes))
            {
                if (TryFind(hash) is { } present)
                {
                    throw new ApiException(
                        409,
                        "torrent-exists",
                        $"the torrent is here already: {present.Entry.Name} ({present.Entry.Id})"
                    );
                }

                if (_torrents.ContainsKey(hash))
                {
                    throw new ApiException(409, "torrent-is-leaving", "the torrent is just being removed; try again");
                }
            }
        }
    }

    /// <exception cref="ApiException">Something of it is wrong.</exception>
    public void CheckWish(AddTorrent wish)
    {
        CheckTitle(wish.Name);
        CheckLabels(wish.Labels, wish.Category);
        CheckNumbers(wish.DownloadLimit, wish.UploadLimit, wish.RatioLimit, wish.SeedTimeLimit, least: 0);
    }

    private void CheckTitle(string? name)
    {
        if (name is not null && (name.Length > _limits.MaxTitleLength || name.Any(char.IsControl)))
        {
            throw ApiException.Bad(
                "name",
                $"name: at most {_limits.MaxTitleLength} characters, none of them a control character"
            );
        }
    }

    private static string? TitleOf(string? name) => name is { Length: > 0 } ? name : null;

    private void CheckLabels(IReadOnlyList<string>? labels, string? category)
    {
        if (labels?.Count > _limits.MaxLabels)
        {
            throw ApiException.Bad("labels", $"labels: more than {_limits.MaxLabels}");
        }

        foreach (var label in ApiException.Whole("labels", labels))
        {
            if (label.Length == 0 || label.Length > _limits.MaxLabelLength || label.Any(char.IsControl))
            {
                throw ApiException.Bad(
                    "labels",
                    $"labels: each has 1 to {_limits.MaxLabelLength} characters, none of them a control character"
                );
            }
        }

        if (category is not null && (category.Length > _limits.MaxLabelLength || category.Any(char.IsControl)))
        {
            throw ApiException.Bad(
                "category",
                $"category: at most {_limits.MaxLabelLength} characters, none of them a control character"
            );
        }
    }

    private static void CheckNumbers(long? download, long? upload, double? ratio, long? seconds, int least)
    {
        if (download < 0 || upload < 0)
        {
            throw ApiException.Bad(
                download < 0 ? "downloadLimit" : "uploadLimit",
                "a limit is 0 (none) or more, in bytes a second"
            );
        }

        if (ratio is { } wanted && !(wanted >= least && wanted <= 1_000_000 && (wanted >= 0 || wanted == -1)))
        {
            throw ApiException.Bad("ratioLimit", "ratioLimit: must be from 0 to 1000000");
        }

        if (seconds < least || seconds > 10_000_000_000)
        {
            throw ApiException.Bad("seedTimeLimit", "seedTimeLimit: must be from 0 to 10000000000 seconds");
        }
    }

    private static IReadOnlyList<string> Distinct(IReadOnlyList<string>? labels) =>
        [.. (labels ?? []).Distinct(StringComparer.Ordinal)];

    /// <summary>Priorities after a change.</summary>
    /// <param name="wishes">In order; null: none.</param>
    /// <param name="before">Null: all normal.</param>
    /// <param name="metainfo">Null: how many files there are is not known yet.</param>
    private static Dictionary<int, FileWish>? PrioritiesOf(
        IReadOnlyList<FilePriorityWish>? wishes,
        IReadOnlyDictionary<int, FileWish>? before,
        Metainfo? metainfo
    )
    {
        const int MostUnknown = 1_000_000;
        var priorities = new Dictionary<int, FileWish>(before ?? new Dictionary<int, FileWish>());
        var count = metainfo?.Files.Count ?? MostUnknown;
        foreach (var wish in ApiException.Whole("files", wishes))
        {
            foreach (var index in wish.Indices)
            {
                if (index < 0 || index >= count)
                {
                    throw ApiException.Bad("indices", $"indices: there is no file {index}; there are {count}, from 0");
                }

                if (wish.Priority == FileWish.Normal)
                {
                    priorities.Remove(index);
                }
                else
                {
                    priorities[index] = wish.Priority;
                }
            }
        }

        return priorities.Count > 0 ? priorities : null;
    }
}
