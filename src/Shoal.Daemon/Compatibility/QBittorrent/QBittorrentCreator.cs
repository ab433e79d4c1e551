using System.Security.Cryptography;
using Shoal.Api;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Daemon;

/// <summary>
/// Makes torrents of content that lies in allowed folders, one after the other, and keeps what was made until it is deleted
/// or the daemon ends.
/// </summary>
internal sealed class QBittorrentCreator(DaemonServices services)
{
    /// <summary>Tasks that are kept, done or not; beyond it none is taken. Default 50: each has a .torrent in memory.</summary>
    private const int MaxTasks = 50;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, CreationTask> _tasks = new(StringComparer.Ordinal);
    private Task _work = Task.CompletedTask;

    public static IReadOnlyDictionary<string, QBittorrentRoute> Routes { get; } =
        new Dictionary<string, QBittorrentRoute>
        {
            ["torrentcreator/addTask"] = new(AccessScope.Control, true, call => call.Own.Creator.AddAsync(call)),
            ["torrentcreator/status"] = new(AccessScope.Read, false, call => call.Own.Creator.StatusAsync(call)),
            ["torrentcreator/torrentFile"] = new(AccessScope.Read, false, call => call.Own.Creator.FileAsync(call)),
            ["torrentcreator/deleteTask"] = new(AccessScope.Control, true, call => call.Own.Creator.DeleteAsync(call)),
        };

    /// <summary>Completes when nothing is hashed any more; <see cref="DaemonServices.Ending"/> stops what is.</summary>
    public Task EndAsync()
    {
        lock (_lock)
        {
            return _work;
        }
    }

    private Task AddAsync(QBittorrentCall call)
    {
        var source = PathJail.Check(call.Need("sourcePath"), call.AllowedFolders, "sourcePath");
        if (!File.Exists(source) && !Directory.Exists(source))
        {
            throw new ApiException(
                409,
                "no-such-folder",
                $"sourcePath: there is no '{QBittorrentCall.Shorten(source)}'"
            );
        }

        var file = call.Text("torrentFilePath") is { Length: > 0 } path
            ? PathJail.Check(path, call.AllowedFolders, "torrentFilePath")
            : null;
        if (
            file is not null
            && (Directory.Exists(file) || !file.EndsWith(".torrent", StringComparison.OrdinalIgnoreCase))
        )
        {
            throw ApiException.Bad("torrentFilePath", "torrentFilePath: a file with the ending .torrent is expected");
        }

        var task = new CreationTask
        {
            Id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)),
            Source = source,
            File = file,
            AddedAt = Now,
            StartSeeding = call.Flag("startSeeding") ?? file is null,
            Options = OptionsOf(call),
        };
        lock (_lock)
        {
            if (_tasks.Count >= MaxTasks)
            {
                throw new ApiException(409, "bad-value", "Too many active tasks");
            }

            _tasks.Add(task.Id, task);
            _work = RunAsync(task, _work);
        }

        return call.WriteJsonAsync(json => QBittorrentDetails.WriteObject(json, [("taskID", task.Id)]));
    }

    private static CreateOptions OptionsOf(QBittorrentCall call)
    {
        // A URL for each, escaped since '|' may stand in one; nothing between two begins a new tier.
        var trackers = (call.Text("trackers") ?? "")
            .Split("||", StringSplitOptions.RemoveEmptyEntries)
            .Select(tier => (IReadOnlyList<string>)[.. QBittorrentCall.Split(tier).Select(Uri.UnescapeDataString)])
            .Where(tier => tier.Count > 0)
            .ToList();
        if (trackers.SelectMany(tier => tier).FirstOrDefault(url => !TrackerUrl.TryParse(url, out _)) is { } wrong)
        {
            throw ApiException.Bad(
                "trackers",
                $"trackers: '{QBittorrentCall.Shorten(wrong)}' is not a URL of a tracker"
            );
        }

        var pieces = call.Whole("pieceSize") ?? 0;
        const int MaxPiece = 512 * 1024 * 1024;
        if (pieces > 0 && (pieces is < PieceLayout.BlockSize or > MaxPiece || !long.IsPow2(pieces)))
        {
            throw ApiException.Bad("pieceSize", "pieceSize: a power of two from 16 KiB to 512 MiB is expected");
        }

        return new CreateOptions
        {
            Format = call.Text("format")?.ToLowerInvariant() switch
            {
                "v1" => TorrentFormat.V1,
                "v2" => TorrentFormat.V2,
                _ => TorrentFormat.Hybrid,
            },
            PieceLength = pieces > 0 ? (int)pieces : null,
            IsPrivate = call.Flag("private") ?? false,
            Comment = call.Text("comment") is { Length: > 0 } comment ? comment : null,
            Source = call.Text("source") is { Length: > 0 } origin ? origin : null,
            Trackers = trackers,
            WebSeeds = [.. call.List("urlSeeds", '|').Select(Uri.UnescapeDataString)],
            CreationDate = call.Services.Time.GetUtcNow().ToUnixTimeSeconds(),
        };
    }

    private async Task RunAsync(CreationTask task, Task before)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        if (task.Stop.IsCancellationRequested)
        {
            return;
        }

        task.StartedAt = Now;
        try
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(task.Stop.Token, services.Ending);
            var made = task.File is { } file
                ? await TorrentCreator
                    .CreateFileAsync(task.Source, file, task.Options, task, stop.Token)
                    .ConfigureAwait(false)
                : await TorrentCreator.CreateAsync(task.Source, task.Options, task, stop.Token).ConfigureAwait(false);
            task.Made = made;
            if (task.StartSeeding)
            {
                await SeedAsync(task, made).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            task.Failure = "stopped";
        }
        catch (Exception error)
        {
            // Whatever it is: those behind it have their turn.
            task.Failure = error.Message;
        }

        task.FinishedAt = Now;
    }

    private async Task SeedAsync(CreationTask task, CreatedTorrent made)
    {
        var torrent = NewTorrent.OfFile(made.Bytes.ToArray());
        var folder = Path.GetDirectoryName(task.Source) ?? task.Source;
        await services
            .Library.AddAsync(new Addition(torrent, new AddTorrent { SkipCheck = true }, folder))
            .ConfigureAwait(false);
    }

    private Task StatusAsync(QBittorrentCall call)
    {
        List<CreationTask> tasks;
        if (call.Text("taskID") is { Length: > 0 })
        {
            tasks = [Find(call)];
        }
        else
        {
            lock (_lock)
            {
                tasks = [.. _tasks.Values];
            }
        }

        return call.WriteJsonAsync(json =>
        {
            json.WriteStartArray();
            foreach (var task in tasks)
            {
                QBittorrentDetails.WriteObject(json, task.Describe().ToArray());
            }

            json.WriteEndArray();
        });
    }

    private Task FileAsync(QBittorrentCall call)
    {
        var task = Find(call);
        if (task.Made is not { } made)
        {
            throw new ApiException(
                409,
                "bad-value",
                task.Failure is null ? "Torrent creation is still unfinished." : "Torrent creation failed."
            );
        }

        call.Context.Response.Headers.ContentDisposition = $"attachment; filename=\"{task.Id}.torrent\"";
        return call.WriteAsync(made.Bytes, "application/x-bittorrent");
    }

    private Task DeleteAsync(QBittorrentCall call)
    {
        var task = Find(call);
        task.Stop.Cancel();
        lock (_lock)
        {
            _tasks.Remove(task.Id);
        }

        return call.WriteTextAsync("");
    }

    private CreationTask Find(QBittorrentCall call)
    {
        lock (_lock)
        {
            return _tasks.GetValueOrDefault(call.Need("taskID"))
                ?? throw new ApiException(404, "bad-value", "Not Found");
        }
    }

    private long Now => services.Time.GetUtcNow().ToUnixTimeSeconds();

    /// <summary>One torrent to be made; written by who makes it, read by who asks.</summary>
    private sealed class CreationTask : IProgress<HashingProgress>
    {
        private double _progress;

        public required string Id { get; init; }
        public required string Source { get; init; }

        /// <summary>Where the .torrent is written; null: nowhere, it is fetched.</summary>
        public string? File { get; init; }
        public required CreateOptions Options { get; init; }
        public bool StartSeeding { get; init; }
        public long AddedAt { get; init; }
        public long? StartedAt { get; set; }
        public long? FinishedAt { get; set; }
        public CreatedTorrent? Made { get; set; }
        public string? Failure { get; set; }

        /// <summary>Never disposed: it has no timer and no handle.</summary>
        public CancellationTokenSource Stop { get; } = new();

        public void Report(HashingProgress value) =>
            Volatile.Write(ref _progress, value.BytesTotal > 0 ? 100d * value.BytesDone / value.BytesTotal : 0);

        public IEnumerable<(string Name, QBittorrentValue Value)> Describe()
        {
            yield return ("taskID", Id);
            yield return ("sourcePath", Source);
            yield return ("pieceSize", Made?.Metainfo.Layout.PieceLength ?? Options.PieceLength ?? 0);
            yield return ("private", Options.IsPrivate);
            yield return ("format", Options.Format.ToString().ToLowerInvariant());
            yield return ("timeAdded", AddedAt);
            yield return (
                "status",
                Failure is not null ? "Failed"
                : FinishedAt is not null ? "Finished"
                : StartedAt is not null ? "Running"
                : "Queued"
            );
            if (File is not null)
            {
                yield return ("torrentFilePath", File);
            }

            if (Options.Comment is not null)
            {
                yield return ("comment", Options.Comment);
            }

            if (Options.Source is not null)
            {
                yield return ("source", Options.Source);
            }

            if (StartedAt is { } started)
            {
                yield return ("timeStarted", started);
            }

            if (FinishedAt is { } finished)
            {
                yield return ("timeFinished", finished);
            }

            if (Failure is not null)
            {
                yield return ("errorMessage", Failure);
            }
            else if (FinishedAt is null && StartedAt is not null)
            {
                yield return ("progress", Math.Round(Volatile.Read(ref _progress), 1));
            }
        }
    }
}
