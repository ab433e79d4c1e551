using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Shoal.Daemon;

/// <summary>One call of qBittorrent's protocol, its caller known and let in.</summary>
/// <param name="Form">The fields of the body; none: they stand in the query.</param>
internal sealed record QBittorrentCall(
    HttpContext Context,
    DaemonServices Services,
    Caller Caller,
    QBittorrentSession Session,
    QBittorrentServices Own,
    IFormCollection Form
)
{
    public TorrentLibrary Library => Services.Library;
    public DaemonSettings Settings => Services.Settings.Current;
    public CancellationToken Aborted => Context.RequestAborted;

    /// <summary>Folders that the caller may name; null: any.</summary>
    public IReadOnlyList<string>? AllowedFolders => Caller.IsOwner ? null : Settings.AllowedFolders;

    /// <summary>Null: not given.</summary>
    public string? Text(string name) =>
        Form.TryGetValue(name, out var field) ? One(field)
        : Context.Request.Query.TryGetValue(name, out var values) ? One(values)
        : null;

    /// <exception cref="ApiException">It is missing.</exception>
    public string Need(string name) =>
        Text(name) ?? throw ApiException.Bad(name, $"Missing required parameters: {name}");

    /// <summary>Null: not given, or neither yes nor no.</summary>
    public bool? Flag(string name) =>
        Text(name)?.Trim().ToLowerInvariant() switch
        {
            "true" or "1" => true,
            "false" or "0" => false,
            _ => null,
        };

    /// <summary>Null: not given, or empty.</summary>
    /// <exception cref="ApiException">It is no number.</exception>
    public double? Number(string name) =>
        Text(name) is not { Length: > 0 } text ? null
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
        && double.IsFinite(number)
            ? number
        : throw ApiException.Bad(name, $"{name}: '{Shorten(text)}' is not a number");

    /// <summary>Null: not given, or empty. Some apps send whole numbers with a fraction.</summary>
    public long? Whole(string name) =>
        Number(name) is not { } number ? null
        : number is >= -1e15 and <= 1e15 ? (long)number
        : throw ApiException.Bad(name, $"{name}: the number is too large");

    /// <summary>What stands between separators, without what is empty.</summary>
    public IReadOnlyList<string> List(string name, char separator) =>
        [
            .. (Text(name) ?? "").Split(
                separator,
                StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries
            ),
        ];

    /// <summary>The torrents that are named, each once; those that are not there are left out.</summary>
    public IReadOnlyList<LibraryTorrent> Torrents(string name = "hashes")
    {
        var hashes = Need(name);
        return hashes is "all" or "*"
            ? Library.All
            : [.. Split(hashes).Select(Library.TryFindExact).OfType<LibraryTorrent>().Distinct()];
    }

    /// <exception cref="ApiException">It is not there.</exception>
    public LibraryTorrent Torrent(string name = "hash") =>
        Library.TryFindExact(Need(name).Trim()) ?? throw new ApiException(404, "no-such-torrent", "Not Found");

    public static string[] Split(string hashes) =>
        hashes.Split('|', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>The same to each of the torrents; together, so that all of it is saved together.</summary>
    public async Task EachAsync(Func<LibraryTorrent, Task> action) =>
        await Task.WhenAll(Torrents().Select(action)).ConfigureAwait(false);

    public Task WriteTextAsync(string text, int status = StatusCodes.Status200OK)
    {
        Context.Response.StatusCode = status;
        return WriteAsync(Encoding.UTF8.GetBytes(text), "text/plain; charset=UTF-8");
    }

    public async Task WriteJsonAsync(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var json = new Utf8JsonWriter(buffer))
        {
            write(json);
        }

        await WriteAsync(buffer.WrittenMemory, "application/json").ConfigureAwait(false);
    }

    public Task WriteAsync(ReadOnlyMemory<byte> bytes, string type)
    {
        Context.Response.ContentType = type;
        Context.Response.ContentLength = bytes.Length;
        return Context.Response.Body.WriteAsync(bytes, Aborted).AsTask();
    }

    public static string Shorten(string text) => text.Length > 100 ? text[..100] + "..." : text;

    private static string One(StringValues values) => values.Count > 0 ? values[^1] ?? "" : "";
}
