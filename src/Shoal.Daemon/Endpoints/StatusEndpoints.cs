using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Shoal.Api;
using Shoal.Engine;

namespace Shoal.Daemon;

/// <summary>How the daemon is, what happens, and its end.</summary>
internal static class StatusEndpoints
{
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);

    public static IReadOnlyList<ApiRoute> Routes { get; } =
    [
        ApiRoute.Read(
            "/status",
            "How the daemon is: counts, rates, addresses.",
            call => Status(call.Services),
            ApiJson.Default.DaemonStatus
        ),
        new(
            "GET",
            "/events",
            AccessScope.Read,
            "What happens, as server-sent events; Last-Event-ID or after= goes on where a reader was.",
            StreamAsync
        )
        {
            Query = [("after", "The id of the last event seen; new ones only where it is left out.")],
        },
        new("GET", "/free-space", AccessScope.Read, "Bytes free where a folder is.", FreeSpaceAsync)
        {
            Query = [("path", "A folder that the caller may name; the download folder where it is left out.")],
            Answer = ApiJson.Default.FreeSpace,
        },
        new("POST", "/stop", AccessScope.Admin, "Ends the daemon, with everything saved.", StopAsync) { Status = 204 },
    ];

    public static DaemonStatus Status(DaemonServices services)
    {
        var (engine, library) = (services.Engine, services.Library);
        var items = library.All.Select(torrent => torrent.Item).OfType<TorrentItem>().ToList();
        var running = library.All.Select(torrent => torrent.Engine?.Status).OfType<TorrentStatus>().ToList();
        var settings = services.Settings.Current;
        return new DaemonStatus
        {
            Version = EngineVersion.Number,
            StartedAt = services.StartedAt,
            Loaded = library.IsLoaded,
            Revision = library.Revision,
            LastEvent = library.Events.LastId,
            Torrents = items.Count,
            Downloading = items.Count(item => item.State is TorrentPhase.Downloading or TorrentPhase.Metadata),
            Seeding = items.Count(item => item.State == TorrentPhase.Seeding),
            Paused = items.Count(item => item.State == TorrentPhase.Paused),
            Failed = items.Count(item => item.State == TorrentPhase.Failed),
            DownloadRate = running.Sum(status => status.DownloadRate),
            UploadRate = running.Sum(status => status.UploadRate),
            Downloaded = running.Sum(status => status.Downloaded),
            Uploaded = running.Sum(status => status.Uploaded),
            AllTimeDownloaded = items.Sum(item => item.Downloaded),
            AllTimeUploaded = items.Sum(item => item.Uploaded),
            Peers = running.Sum(status => status.PeerCount),
            Port = engine.Port,
            Reachable = library.IsReachable,
            ListenAddresses = [.. engine.ListenEndPoints.Select(end => end.ToString())],
            ExternalAddresses = [.. engine.ExternalAddresses.Select(address => address.ToString())],
            Urls = services.Urls,
            DownloadLimit = settings.Limits.Download,
            UploadLimit = settings.Limits.Upload,
            AlternativeLimits = (bool)settings["alternative.enabled"],
            DownloadDirectory = settings.DownloadFolder,
            FreeSpace = library.DownloadFree,
            StateProblem = library.StateProblem,
        };
    }

    private static Task FreeSpaceAsync(ApiCall call)
    {
        var path = PathJail.Check(
            call.Query("path") ?? call.Services.Settings.Current.DownloadFolder,
            call.AllowedFolders,
            "path"
        );
        var space =
            DiskSpace.Of(path)
            ?? throw new ApiException(404, "no-such-folder", $"path: there is no file system at '{path}'")
            {
                Key = "path",
            };
        return call.WriteAsync(new FreeSpace(path, space.Free, space.Total), ApiJson.Default.FreeSpace);
    }

    private static async Task StopAsync(ApiCall call)
    {
        await call.WriteNothingAsync().ConfigureAwait(false);
        await call.Context.Response.CompleteAsync().ConfigureAwait(false);
        call.Services.Stop();
    }

    private static async Task StreamAsync(ApiCall call)
    {
        var feed = call.Library.Events;
        var (after, seen) = (feed.LastId, call.Library.Revision);
        var wanted = call.Context.Request.Headers["Last-Event-ID"].ToString();
        wanted = wanted.Length > 0 ? wanted : call.Query("after") ?? "";
        if (wanted.Length > 0)
        {
            after = long.TryParse(wanted, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
                ? id
                : throw ApiException.Bad("after", $"after: '{wanted}' is not an id of an event");
            seen = 0;
        }

        using var place = call.Services.EventReaders.Enter(call.Caller.TokenId);
        var response = call.Context.Response;
        response.ContentType = "text/event-stream; charset=utf-8";
        response.Headers["X-Accel-Buffering"] = "no";
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(call.Aborted, call.Services.Ending);
        try
        {
            await response.WriteAsync("retry: 2000\n\n", ends.Token).ConfigureAwait(false);
            await response.Body.FlushAsync(ends.Token).ConfigureAwait(false);
            while (call.Caller.TokenId is not { } token || call.Services.Access.Has(token))
            {
                (var events, after, seen) = await NextAsync(feed, after, seen, call.Services.Time, ends.Token)
                    .ConfigureAwait(false);
                foreach (var happening in events)
                {
                    var json = JsonSerializer.Serialize(happening, ApiJson.Default.DaemonEvent);
                    await response
                        .WriteAsync($"id: {happening.Id}\nevent: {happening.Kind}\ndata: {json}\n\n", ends.Token)
                        .ConfigureAwait(false);
                }

                if (events.Count == 0)
                {
                    // Keeps proxies from closing it, and finds out whether the reader is still there.
                    await response.WriteAsync(": \n\n", ends.Token).ConfigureAwait(false);
                }

                await response.Body.FlushAsync(ends.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The reader left, or the daemon stops.
        }
    }

    /// <summary>Nothing, when nothing happens for a while.</summary>
    private static async Task<(IReadOnlyList<DaemonEvent> Events, long After, long Seen)> NextAsync(
        EventFeed feed,
        long after,
        long seen,
        TimeProvider time,
        CancellationToken cancel
    )
    {
        using var alarm = new CancellationTokenSource(Heartbeat, time);
        using var wait = CancellationTokenSource.CreateLinkedTokenSource(cancel, alarm.Token);
        try
        {
            return await feed.ReadAsync(after, seen, wait.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return ([], after, seen);
        }
    }
}
