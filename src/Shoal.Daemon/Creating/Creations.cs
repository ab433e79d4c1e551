using Shoal.Api;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Daemon;

/// <summary>
/// Torrents that are made of what lies in a folder of the daemon: one after the other, since hashing takes all cores anyway.
/// The newest are remembered until the daemon ends.
/// </summary>
internal sealed class Creations(TorrentLibrary library, TimeProvider time) : IAsyncDisposable
{
    /// <summary>That are remembered, finished or not. Default 32.</summary>
    private const int MaxKept = 32;

    /// <summary>Bytes of .torrent files that are remembered; the oldest are let go first. Default 64 MB.</summary>
    private const long MaxBytes = 64_000_000;

    private readonly Lock _lock = new();
    private readonly List<Creation> _all = [];
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly CancellationTokenSource _ending = new();
    private Task _work = Task.CompletedTask;
    private int _lastId;

    /// <summary>Begins; <see cref="Find"/> tells how far it is.</summary>
    /// <param name="path">A file or folder that the caller may name.</param>
    /// <exception cref="ApiException">There is nothing, something of the wish is wrong, or there are too many already.</exception>
    public CreationItem Begin(NewCreation wish, string path)
    {
        var options = OptionsOf(wish);
        if (!Path.Exists(path))
        {
            throw new ApiException(404, "no-such-file", $"path: there is nothing at '{path}'") { Key = "path" };
        }

        lock (_lock)
        {
            while (_all.Count >= MaxKept)
            {
                var over = _all.FindIndex(one => one.IsOver);
                if (over < 0)
                {
                    throw new ApiException(429, "too-many-creations", $"{MaxKept} torrents are being made already");
                }

                _all.RemoveAt(over);
            }

            var creation = new Creation($"{++_lastId}", path, time.GetUtcNow().ToUnixTimeSeconds());
            _all.Add(creation);
            _work = Task.WhenAll(_work, Task.Run(() => MakeAsync(creation, options, wish)));
            return creation.Item;
        }
    }

    /// <summary>The oldest first.</summary>
    public CreationList List()
    {
        lock (_lock)
        {
            return new CreationList([.. _all.Select(one => one.Item)]);
        }
    }

    /// <exception cref="ApiException">There is none of that id.</exception>
    public Creation Find(string id)
    {
        lock (_lock)
        {
            return _all.Find(one => one.Item.Id == id)
                ?? throw new ApiException(
                    404,
                    "no-such-creation",
                    "no torrent of that id is made here, or it is long ago"
                );
        }
    }

    /// <summary>Gives up what is being made; forgets it.</summary>
    public void Remove(string id)
    {
        var creation = Find(id);
        creation.GiveUp();
        lock (_lock)
        {
            _all.Remove(creation);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync().ConfigureAwait(false);
        Task work;
        lock (_lock)
        {
            work = _work;
        }

        await work.ConfigureAwait(false);
        _all.ForEach(one => one.Dispose());
        _turn.Dispose();
        _ending.Dispose();
    }

    private async Task MakeAsync(Creation creation, CreateOptions options, NewCreation wish)
    {
        try
        {
            using var ends = CancellationTokenSource.CreateLinkedTokenSource(_ending.Token, creation.GivenUp);
            await _turn.WaitAsync(ends.Token).ConfigureAwait(false);
            try
            {
                creation.Change(item => item with { State = CreationState.Hashing });
                var made = await TorrentCreator
                    .CreateAsync(creation.Item.Path, options, creation, ends.Token)
                    .ConfigureAwait(false);
                var torrent =
                    wish.Seed != false ? await SeedAsync(creation.Item.Path, made, wish).ConfigureAwait(false) : null;
                creation.End(made.Bytes.ToArray(), made.Metainfo, torrent);
                LetGo();
            }
            finally
            {
                _turn.Release();
            }
        }
        catch (OperationCanceledException)
        {
            creation.Fail("it was given up");
        }
        catch (Exception error)
        {
            // Whatever it is, it must not stay half done for ever, nor be thrown when the daemon ends.
            creation.Fail(error.Message);
        }
    }

    private async Task<string?> SeedAsync(string path, CreatedTorrent made, NewCreation wish)
    {
        try
        {
            var torrent = NewTorrent.OfFile(made.Bytes.ToArray());
            // It was hashed this moment.
            var add = new AddTorrent
            {
                SkipCheck = true,
                Labels = wish.Labels,
                Category = wish.Category,
            };
            return (
                await library.AddAsync(new Addition(torrent, add, Path.GetDirectoryName(path)!)).ConfigureAwait(false)
            ).Id;
        }
        catch (ApiException error) when (error.Code == "torrent-exists")
        {
            return (made.Metainfo.InfoHashes.V1?.ToString() ?? made.Metainfo.InfoHashes.V2?.ToString())!;
        }
    }

    /// <summary>Keeps the files within what is remembered.</summary>
    private void LetGo()
    {
        lock (_lock)
        {
            long sum = 0;
            for (var i = _all.Count - 1; i >= 0; i--)
            {
                sum += _all[i].Bytes?.Length ?? 0;
                if (sum > MaxBytes && i < _all.Count - 1)
                {
                    _all[i].Forget();
                }
            }
        }
    }

    private static CreateOptions OptionsOf(NewCreation wish)
    {
        const int MaxUrls = 500;
        const int MaxText = 2048;
        var tiers = ApiException
            .Whole("trackers", wish.Trackers)
            .Select(tier => ApiException.Whole("trackers", tier))
            .ToList();
        if (tiers.Sum(tier => tier.Count) > MaxUrls)
        {
            throw ApiException.Bad("trackers", $"trackers: more than {MaxUrls}");
        }

        foreach (var url in tiers.SelectMany(tier => tier))
        {
            if (url.Length > MaxText || !TrackerUrl.TryParse(url, out _))
            {
                throw ApiException.Bad("trackers", "trackers: not all are http, https or udp URLs of trackers");
            }
        }

        var seeds = ApiException.Whole("webSeeds", wish.WebSeeds);
        if (
            seeds.Count > MaxUrls
            || seeds.Any(url =>
                url.Length > MaxText
                || !Uri.TryCreate(url, UriKind.Absolute, out var parsed)
                || parsed.Scheme is not ("http" or "https")
            )
        )
        {
            throw ApiException.Bad("webSeeds", $"webSeeds: at most {MaxUrls} http or https URLs");
        }

        foreach (var (key, text) in new[] { ("comment", wish.Comment), ("source", wish.Source), ("name", wish.Name) })
        {
            if (text?.Length > MaxText)
            {
                throw ApiException.Bad(key, $"{key}: more than {MaxText} characters");
            }
        }

        return new CreateOptions
        {
            Format = wish.Format switch
            {
                CreationFormat.V1 => TorrentFormat.V1,
                CreationFormat.V2 => TorrentFormat.V2,
                _ => TorrentFormat.Hybrid,
            },
            PieceLength = wish.PieceLength is { } length and > 0 ? length : null,
            Name = wish.Seed == false ? wish.Name : null,
            Trackers = [.. tiers.Where(tier => tier.Count > 0)],
            WebSeeds = seeds,
            IsPrivate = wish.Private,
            Comment = wish.Comment is { Length: > 0 } comment ? comment : null,
            Source = wish.Source is { Length: > 0 } source ? source : null,
            CreatedBy = "Shoal/" + EngineVersion.Number,
        };
    }
}
