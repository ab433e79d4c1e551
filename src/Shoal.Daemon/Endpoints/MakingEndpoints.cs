using System.Text;
using QRCoder;
using Shoal.Api;

namespace Shoal.Daemon;

/// <summary>Torrents before they are in the list, and how they are handed on: previews, making, QR codes.</summary>
internal static class MakingEndpoints
{
    /// <summary>Characters of a link in a QR code: more would need a code that no phone reads from a screen.</summary>
    private const int MaxCodeLength = 900;

    public static IReadOnlyList<ApiRoute> Routes { get; } =
    [
        new("POST", "/torrents/preview", AccessScope.Control, "What a torrent holds; nothing is added.", PreviewAsync)
        {
            Body = ApiJson.Default.AddTorrent,
            Answer = ApiJson.Default.TorrentPreview,
            MaxBody = ApiLimits.MaxUpload,
        },
        new(
            "GET",
            "/torrents/{id}/qr",
            AccessScope.Read,
            "The magnet link as a QR code (SVG), with as many trackers as a phone can read.",
            WriteCodeAsync
        ),
        ApiRoute.Read(
            "/creations",
            "Torrents that are being made, and that were.",
            call => call.Services.Creations.List(),
            ApiJson.Default.CreationList
        ),
        new(
            "POST",
            "/creations",
            AccessScope.Control,
            "Begins to make a torrent of a file or folder, and shares it then.",
            CreateAsync
        )
        {
            Body = ApiJson.Default.NewCreation,
            Answer = ApiJson.Default.CreationItem,
            Status = 202,
        },
        ApiRoute.Read("/creations/{id}", "How far one is.", call => Find(call).Item, ApiJson.Default.CreationItem),
        new(
            "DELETE",
            "/creations/{id}",
            AccessScope.Control,
            "Gives it up, or forgets it; a torrent that is shared already stays.",
            RemoveAsync
        )
        {
            Status = 204,
        },
        new(
            "GET",
            "/creations/{id}/metainfo",
            AccessScope.Read,
            "The .torrent file that was made.",
            WriteMetainfoAsync
        ),
    ];

    private static async Task PreviewAsync(ApiCall call)
    {
        var wish = await call.ReadAsync(ApiJson.Default.AddTorrent).ConfigureAwait(false);
        var torrent = await AddingEndpoints.SourceAsync(call, wish).ConfigureAwait(false);
        var (hashes, metainfo) = (torrent.InfoHashes, torrent.Metainfo);
        var names = new[] { hashes.V1?.ToString(), hashes.V2?.ToString() }.OfType<string>().ToList();
        await call.WriteAsync(
                new TorrentPreview
                {
                    Id = names[0],
                    Name = torrent.Name ?? names[0],
                    Size = metainfo?.Size ?? 0,
                    Files = metainfo is null ? [] : TorrentItems.Files(metainfo),
                    Private = metainfo?.IsPrivate ?? false,
                    Comment = metainfo?.Comment,
                    Present = names.Exists(name => call.Library.TryFindExact(name) is not null),
                },
                ApiJson.Default.TorrentPreview
            )
            .ConfigureAwait(false);
    }

    private static async Task CreateAsync(ApiCall call)
    {
        var wish = await call.ReadAsync(ApiJson.Default.NewCreation).ConfigureAwait(false);
        var path = PathJail.Check(wish.Path, call.AllowedFolders, "path");
        var item = call.Services.Creations.Begin(wish, path);
        call.Context.Response.Headers.Location = $"creations/{item.Id}";
        await call.WriteAsync(item, ApiJson.Default.CreationItem, 202).ConfigureAwait(false);
    }

    private static Task RemoveAsync(ApiCall call)
    {
        call.Services.Creations.Remove(Find(call).Item.Id);
        return call.WriteNothingAsync();
    }

    private static async Task WriteMetainfoAsync(ApiCall call)
    {
        var creation = Find(call);
        var bytes =
            creation.Bytes
            ?? throw new ApiException(404, "no-metainfo", "it is not made yet, or too much was made after it");
        var response = call.Context.Response;
        response.ContentType = "application/x-bittorrent";
        response.Headers.ContentDisposition =
            $"attachment; filename=\"{creation.Item.InfoHashV1 ?? creation.Item.InfoHashV2}.torrent\"";
        await response.Body.WriteAsync(bytes, call.Aborted).ConfigureAwait(false);
    }

    private static Task WriteCodeAsync(ApiCall call)
    {
        var link = DetailEndpoints.MagnetOf(call.Torrent, MaxCodeLength);
        if (link.Length == 0)
        {
            throw new ApiException(409, "members-only", "no link leads to a torrent that is for members only");
        }

        var response = call.Context.Response;
        response.ContentType = "image/svg+xml";
        var bytes = Encoding.UTF8.GetBytes(Svg(link));
        response.ContentLength = bytes.Length;
        return response.Body.WriteAsync(bytes, call.Aborted).AsTask();
    }

    /// <summary>Dark on light in whatever surroundings, with the quiet zone that scanners need.</summary>
    private static string Svg(string text)
    {
        using var generator = new QRCodeGenerator();
        using var code = generator.CreateQrCode(text, QRCodeGenerator.ECCLevel.L);
        var modules = code.ModuleMatrix;
        var path = new StringBuilder();
        for (var y = 0; y < modules.Count; y++)
        {
            for (var x = 0; x < modules.Count; x++)
            {
                if (modules[y][x])
                {
                    path.Append('M').Append(x).Append(' ').Append(y).Append("h1v1h-1z");
                }
            }
        }

        return $"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {modules.Count} {modules.Count}" shape-rendering="crispEdges">
            <rect width="100%" height="100%" fill="#fff"/><path fill="#000" d="{path}"/></svg>

            """;
    }

    private static Creation Find(ApiCall call) =>
        call.Services.Creations.Find((string)call.Context.Request.RouteValues["id"]!);
}
