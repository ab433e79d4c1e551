using Shoal.Api;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Daemon;

// How torrents come in.
internal sealed partial class TorrentLibrary
{
    /// <summary>Adds a torrent: durable when this completes; the engine opens it afterwards.</summary>
    /// <param name="source">What it is.</param>
    /// <param name="wish">What is wanted of it; its folder is checked already.</param>
    /// <exception cref="ApiException">It is here already, or something of the wish is wrong.</exception>
    /// <exception cref="IOException">It could not be saved.</exception>
    public async Task<TorrentItem> AddAsync(NewTorrent source, AddTorrent wish, string saveDirectory)
    {
        CheckWish(wish);
        var peers = EndPointsOf(wish.Peers ?? []);
        var hashes = source.InfoHashes;
        var id =
            hashes.V1?.ToString()
            ?? hashes.V2?.ToString()
            ?? throw new ArgumentException("no infohash", nameof(source));
        RefuseTwice(hashes);
        if (source.Bytes is { } bytes)
        {
            await _files.SaveAsync(id, source.Publication is not null, bytes).ConfigureAwait(false);
        }

        var entry = new LibraryEntry
        {
            Id = id,
            InfoHashV1 = hashes.V1?.ToString(),
            InfoHashV2 = hashes.V2?.ToString(),
            Name = source.Name ?? id,
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
            AssumeComplete = wish.SkipCheck,
            AddedAt = NowSeconds,
        };
        LibraryTorrent torrent;
        Task saved;
        lock (_lock)
        {
            RefuseTwice(hashes);
            entry = entry with { Order = _order.Count == 0 ? 0 : _order[^1].Entry.Order + 1024 };
            torrent = new LibraryTorrent(entry, ++_lastNumber);
            Enter(torrent);
            Publish(torrent, _order.Count - 1, _revision + 1);
            Advance();
            saved = _journal.AppendAsync([new LibraryRecord { Put = entry }]);
            Events.Add(Event("torrent-added", torrent));
            Do(torrent, () => OpenAsync(torrent, source.Metainfo));
        }

        AddPeers(torrent, peers);

        await SavedAsync(saved).ConfigureAwait(false);
        return Item(torrent);
    }

    private void RefuseTwice(InfoHashes hashes)
    {
        lock (_lock)
        {
            if (_order.Count >= _limits.MaxTorrents)
            {
                throw new ApiException(507, "too-many-torrents", $"there are {_limits.MaxTorrents} torrents already");
            }

            foreach (var hash in new[] { hashes.V1?.ToString(), hashes.V2?.ToString() }.OfType<string>())
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
