using Microsoft.AspNetCore.Http;
using Shoal.Api;

namespace Shoal.Daemon;

/// <summary>Adds torrents by uploaded files, links and URLs.</summary>
internal static class QBittorrentAdding
{
    /// <summary>Links and URLs in one call. Default 1,000.</summary>
    private const int MaxUrls = 1000;

    public static IReadOnlyDictionary<string, QBittorrentRoute> Routes { get; } =
        new Dictionary<string, QBittorrentRoute>
        {
            ["torrents/add"] = new(AccessScope.Control, true, AddAsync) { MaxBody = ApiLimits.MaxForm },
        };

    /// <summary>A folder that a caller named; what is no full path lies below the download folder.</summary>
    /// <exception cref="ApiException">The caller may not name it.</exception>
    public static string FolderOf(QBittorrentCall call, string name, string path)
    {
        path = path.Trim();
        return PathJail.Check(
            Path.IsPathFullyQualified(path) ? path : Path.Combine(call.Settings.DownloadFolder, path),
            call.AllowedFolders,
            name
        );
    }

    private static async Task AddAsync(QBittorrentCall call)
    {
        var category = call.Text("category") is { Length: > 0 } named ? named : null;
        // With "automatic management" the category decides.
        var wished =
            call.Text("savepath")?.Trim() is { Length: > 0 } path && call.Flag("autoTMM") != true
                ? FolderOf(call, "savepath", path)
                : null;
        var folder = call.Library.FolderFor(wished, category, call.AllowedFolders);
        var wish = WishOf(call, category);
        var sources = new List<Func<Task<NewTorrent>>>();
        // All files are read before anything is added: one that is none refuses the call.
        foreach (var file in call.Form.Files)
        {
            var torrent = await ReadAsync(file, call.Aborted).ConfigureAwait(false);
            sources.Add(() => Task.FromResult(torrent));
        }

        var urls = call.List("urls", '\n');
        if (urls.Count > MaxUrls)
        {
            throw ApiException.Bad("urls", $"urls: more than {MaxUrls}");
        }

        sources.AddRange(
            urls.Select(url =>
                (Func<Task<NewTorrent>>)(
                    () => NewTorrent.OfSourceAsync(url, call.Services.Network, call.Caller.IsOwner, call.Aborted)
                )
            )
        );
        var added = 0;
        foreach (var source in sources)
        {
            added += await TryAddAsync(call, source, wish, folder).ConfigureAwait(false) ? 1 : 0;
        }

        // The protocol has no more to say of it than this.
        await call.WriteTextAsync(added > 0 ? "Ok." : "Fails.").ConfigureAwait(false);
    }

    private static async Task<NewTorrent> ReadAsync(IFormFile file, CancellationToken cancel)
    {
        var bytes = new byte[file.Length];
        var content = file.OpenReadStream();
        await using (content.ConfigureAwait(false))
        {
            await content.ReadExactlyAsync(bytes, cancel).ConfigureAwait(false);
        }

        try
        {
            return NewTorrent.OfFile(bytes);
        }
        catch (ApiException error)
        {
            throw new ApiException(
                415,
                error.Code,
                $"Error: '{QBittorrentCall.Shorten(file.FileName)}' is not a valid torrent file: {error.Message}"
            );
        }
    }

    private static async Task<bool> TryAddAsync(
        QBittorrentCall call,
        Func<Task<NewTorrent>> source,
        AddTorrent wish,
        string folder
    )
    {
        try
        {
            var torrent = await source().ConfigureAwait(false);
            var item = await call.Library.AddAsync(new Addition(torrent, wish, folder)).ConfigureAwait(false);
            if (ChangeOf(call) is { } change)
            {
                await call.Library.ChangeAsync(call.Library.Find(item.Id), change).ConfigureAwait(false);
            }

            return true;
        }
        catch (ApiException error) when (error.Status is 400 or 409 or 502)
        {
            // Here already, no torrent, or not to be had: the others are added all the same.
            call.Library.Events.Add(
                new DaemonEvent
                {
                    Id = 0,
                    Kind = "warning",
                    Code = error.Code,
                    Message = $"not added: {error.Message}",
                }
            );
            return false;
        }
    }

    private static AddTorrent WishOf(QBittorrentCall call, string? category) =>
        new()
        {
            // "stopped" from version 5 on.
            Paused = call.Flag("stopped") ?? call.Flag("paused") ?? false,
            Sequential = call.Flag("sequentialDownload") ?? false,
            FirstLast = call.Flag("firstLastPiecePrio") ?? false,
            Name = call.Text("rename")?.ReplaceLineEndings(" ").Trim() is { Length: > 0 } name ? name : null,
            Category = category,
            Labels = call.List("tags", ','),
            DownloadLimit = Math.Max(0, call.Whole("dlLimit") ?? 0),
            UploadLimit = Math.Max(0, call.Whole("upLimit") ?? 0),
            RatioLimit = QBittorrentActions.RatioOf(call.Number("ratioLimit")) is >= 0 and var ratio ? ratio : null,
            SeedTimeLimit = QBittorrentActions.SeedTimeOf(call.Whole("seedingTimeLimit")) is >= 0 and var time
                ? time
                : null,
            SkipCheck = call.Flag("skip_checking") ?? call.Flag("seedMode") ?? false,
            Files = FilesOf(call),
        };

    /// <summary>What adding has no word for.</summary>
    private static TorrentChange? ChangeOf(QBittorrentCall call)
    {
        var isForced = call.Flag("forced") == true;
        var isFirst = call.Flag("addToTopOfQueue") == true;
        return isForced || isFirst
            ? new TorrentChange { Forced = isForced ? true : null, QueuePosition = isFirst ? 0 : null }
            : null;
    }

    private static List<FilePriorityWish>? FilesOf(QBittorrentCall call)
    {
        var wishes = call.List("filePriorities", ',')
            .Select((text, index) => new FilePriorityWish([index], QBittorrentActions.WishOf(text)))
            .Where(wish => wish.Priority != FileWish.Normal)
            .ToList();
        return wishes.Count > 0 ? wishes : null;
    }
}
