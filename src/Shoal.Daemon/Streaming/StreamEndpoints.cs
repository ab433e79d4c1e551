using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Shoal.Api;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Daemon;

/// <summary>Files of torrents for players: /stream/TORRENT/FILE, /stream/TORRENT.m3u, and the call that makes links to them.</summary>
internal static class StreamEndpoints
{
    public static IReadOnlyList<ApiRoute> Routes { get; } =
    [
        new(
            "POST",
            "/torrents/{id}/stream-links",
            AccessScope.Control,
            "Makes a link that plays a file of a torrent while it comes in, for some hours.",
            LinkAsync
        )
        {
            Body = ApiJson.Default.NewStreamLink,
            Answer = ApiJson.Default.StreamLink,
            Status = 201,
        },
    ];

    public static void Map(WebApplication web, DaemonServices services)
    {
        string[] methods = ["GET", "HEAD"];
        web.MapMethods(StreamLinks.Root + "/{id}.m3u", methods, context => PlaylistAsync(context, services));
        web.MapMethods(
            StreamLinks.Root + "/{id}/{file}/{**name}",
            methods,
            context =>
            {
                var (torrent, maker) = Find(context, services);
                var file = FileOf(torrent, FileNumber((string)context.Request.RouteValues["file"]!));
                return FileAnswer.SendAsync(context, services.StreamRoom, file, maker);
            }
        );
    }

    /// <summary>Where the caller reaches us; null: not at all over HTTP.</summary>
    public static string? Site(HttpContext context, DaemonServices services) =>
        DoorKeeper.IsOwner(context)
            ? DaemonHost.Site(services)
            : RequestSite.Url(context.Request, services.Settings.Current.PublicSite);

    private static async Task LinkAsync(ApiCall call)
    {
        var torrent = call.Torrent;
        var wish = await call.ReadAsync(ApiJson.Default.NewStreamLink).ConfigureAwait(false);
        var metainfo = MetainfoOf(torrent);
        var file =
            wish.File
            ?? StreamLinks.MainFile(metainfo)
            ?? throw new ApiException(404, "no-such-file", "there is nothing in the torrent");
        Check(metainfo, file);
        var key = call.Services.StreamKeys.Create(torrent.Entry.Id, call.Caller.TokenId);
        var link = StreamLinks.Create(
            metainfo,
            TorrentItems.RenamedFiles(torrent),
            torrent.Entry.Id,
            file,
            key,
            Site(call.Context, call.Services)
        );
        await call.WriteAsync(link, ApiJson.Default.StreamLink, StatusCodes.Status201Created).ConfigureAwait(false);
    }

    private static Task PlaylistAsync(HttpContext context, DaemonServices services)
    {
        var (torrent, _) = Find(context, services);
        var metainfo = MetainfoOf(torrent);
        if (StreamLinks.Media(metainfo).Count == 0)
        {
            throw new ApiException(404, "no-such-file", "there is nothing in the torrent that can be played");
        }

        var site =
            Site(context, services)
            ?? throw new ApiException(409, "no-http", "the daemon does not listen for HTTP: a player cannot reach it");
        // Who came with a link gets on with that.
        var key = KeyOf(context) ?? services.StreamKeys.Create(torrent.Entry.Id, TokenOf(context, services)).Key;
        var bytes = Encoding.UTF8.GetBytes(
            StreamLinks.Playlist(metainfo, TorrentItems.RenamedFiles(torrent), torrent.Entry.Id, key, site)
        );
        var response = context.Response;
        response.ContentType = "audio/x-mpegurl; charset=utf-8";
        response.Headers.ContentDisposition = FileAnswer.Disposition("attachment", torrent.Entry.Name + ".m3u");
        response.ContentLength = bytes.Length;
        return HttpMethods.IsHead(context.Request.Method)
            ? Task.CompletedTask
            : response.Body.WriteAsync(bytes, context.RequestAborted).AsTask();
    }

    /// <summary>The torrent in the path, for who has a key to it or may see all; and whose token that goes back to; null: the owner himself calls.</summary>
    /// <exception cref="ApiException">Neither, or there is none.</exception>
    private static (LibraryTorrent Torrent, string? Who) Find(HttpContext context, DaemonServices services)
    {
        var id = (string)context.Request.RouteValues["id"]!;
        if (KeyOf(context) is not { } key)
        {
            var caller = ApiRoutes.Admit(context, services, AccessScope.Control);
            return (services.Library.Find(id), caller.TokenId);
        }

        var address = context.Connection.RemoteIpAddress ?? System.Net.IPAddress.None;
        var verdict = services.StreamKeys.Check(key, id);
        if (verdict == StreamKeyVerdict.Good)
        {
            var maker = StreamKeys.MakerOf(key);
            // Whoever has a link may play, whatever its maker may.
            DoorKeeper.Keep(context, maker, AccessScope.Read);
            return (services.Library.Find(id), maker);
        }

        DoorKeeper.Admit(context, services.LinkThrottle, address);
        switch (verdict)
        {
            case StreamKeyVerdict.Wrong:
                services.LinkThrottle.Failed(address);
                throw new ApiException(
                    403,
                    "bad-stream-link",
                    "the link is not one of this daemon, or not of this torrent"
                );
            default:
                throw new ApiException(403, "stream-link-expired", "the link has expired: make a new one");
        }
    }

    private static string? KeyOf(HttpContext context) =>
        context.Request.Query.TryGetValue("key", out var key) ? key.ToString() : null;

    private static string? TokenOf(HttpContext context, DaemonServices services) =>
        DoorKeeper.Identify(context, services).TokenId;

    /// <summary>As it stands in a path; -1: it is none.</summary>
    internal static int FileNumber(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var file) ? file : -1;

    /// <exception cref="ApiException">There is no such file, or it is not known yet.</exception>
    private static StreamedFile FileOf(LibraryTorrent torrent, int file)
    {
        var metainfo = MetainfoOf(torrent);
        Check(metainfo, file);
        var isWanted = torrent.Entry.Priorities?.GetValueOrDefault(file, FileWish.Normal) != FileWish.Skip;
        return new StreamedFile(torrent.Engine!, metainfo, torrent.Entry.Id, file, isWanted);
    }

    /// <exception cref="ApiException">It is not known yet.</exception>
    private static Metainfo MetainfoOf(LibraryTorrent torrent) =>
        torrent.Engine?.Metainfo
        ?? throw new ApiException(
            409,
            "not-ready",
            torrent.Engine is null ? "the torrent is not open yet" : "the files of the torrent are not known yet"
        );

    /// <exception cref="ApiException">There is no such file.</exception>
    internal static void Check(Metainfo metainfo, int file)
    {
        if ((uint)file >= (uint)metainfo.Files.Count || !StreamLinks.IsServed(metainfo.Files[file]))
        {
            throw new ApiException(404, "no-such-file", "there is no such file in the torrent");
        }
    }
}
