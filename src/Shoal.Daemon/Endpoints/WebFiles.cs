using System.Collections.Frozen;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Shoal.Daemon;

/// <summary>The web page: files that are part of the program. They hold nothing secret; what they show comes by the API.</summary>
internal static class WebFiles
{
    private const string Folder = "wwwroot/";

    private static readonly FrozenDictionary<string, string> Types = new Dictionary<string, string>
    {
        [".html"] = "text/html; charset=utf-8",
        [".js"] = "text/javascript; charset=utf-8",
        [".mjs"] = "text/javascript; charset=utf-8",
        [".css"] = "text/css; charset=utf-8",
        [".svg"] = "image/svg+xml",
        [".png"] = "image/png",
        [".ico"] = "image/x-icon",
        [".woff2"] = "font/woff2",
        [".json"] = "application/json; charset=utf-8",
        [".webmanifest"] = "application/manifest+json; charset=utf-8",
        [".txt"] = "text/plain; charset=utf-8",
    }.ToFrozenDictionary();

    public static void Map(WebApplication web)
    {
        var assembly = typeof(WebFiles).Assembly;
        foreach (
            var name in assembly
                .GetManifestResourceNames()
                .Where(name => name.StartsWith(Folder, StringComparison.Ordinal))
        )
        {
            var path = name[Folder.Length..].Replace('\\', '/');
            var file = new Lazy<Served>(() => Load(assembly.GetManifestResourceStream(name)!, path));
            foreach (var route in path == "index.html" ? ["/", "/index.html"] : new[] { "/" + path })
            {
                web.MapMethods(route, ["GET", "HEAD"], context => ServeAsync(context, file.Value));
            }
        }
    }

    private static Served Load(Stream stream, string path)
    {
        using (stream)
        {
            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            var tag = $"\"{Convert.ToHexStringLower(SHA256.HashData(bytes).AsSpan(0, 8))}\"";
            return new Served(bytes, Types.GetValueOrDefault(Path.GetExtension(path), "application/octet-stream"), tag);
        }
    }

    private static Task ServeAsync(HttpContext context, Served file)
    {
        var response = context.Response;
        response.Headers.CacheControl = "no-cache";
        response.Headers.ETag = file.Tag;
        if (context.Request.Headers.IfNoneMatch.ToString() == file.Tag)
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }

        response.ContentType = file.Type;
        response.ContentLength = file.Bytes.Length;
        return HttpMethods.IsHead(context.Request.Method)
            ? Task.CompletedTask
            : response.Body.WriteAsync(file.Bytes, context.RequestAborted).AsTask();
    }

    private sealed record Served(byte[] Bytes, string Type, string Tag);
}
