using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Shoal.Api;

namespace Shoal.Daemon;

/// <summary>One call of the API, its caller known and let in.</summary>
internal sealed class ApiCall(HttpContext context, DaemonServices services, Caller caller)
{
    public HttpContext Context { get; } = context;
    public DaemonServices Services { get; } = services;
    public Caller Caller { get; } = caller;
    public TorrentLibrary Library => Services.Library;
    public CancellationToken Aborted => Context.RequestAborted;

    /// <summary>The torrent in the path.</summary>
    public LibraryTorrent Torrent => Library.Find((string)Context.Request.RouteValues["id"]!);

    /// <summary>Folders that the caller may name; null: any.</summary>
    public IReadOnlyList<string>? AllowedFolders => Caller.IsOwner ? null : Services.Settings.Current.AllowedFolders;

    /// <exception cref="ApiException">It is not JSON, or not of this form.</exception>
    public async Task<T> ReadAsync<T>(JsonTypeInfo<T> type)
    {
        var request = Context.Request;
        // Other types could come from a form on another site, without the browser asking us first.
        if (!request.HasJsonContentType())
        {
            throw new ApiException(415, "not-json", "the body must be application/json");
        }

        try
        {
            return await JsonSerializer.DeserializeAsync(request.Body, type, Aborted).ConfigureAwait(false)
                ?? throw new ApiException(400, "bad-json", "the body is null");
        }
        catch (JsonException error)
        {
            throw new ApiException(400, "bad-json", $"the body: {error.Message}") { Key = error.Path };
        }
    }

    public Task WriteAsync<T>(T answer, JsonTypeInfo<T> type, int status = StatusCodes.Status200OK)
    {
        Context.Response.StatusCode = status;
        Context.Response.ContentType = "application/json; charset=utf-8";
        return JsonSerializer.SerializeAsync(Context.Response.Body, answer, type, Aborted);
    }

    public Task WriteNothingAsync()
    {
        Context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    /// <summary>A parameter of the query; null: not given.</summary>
    public string? Query(string name) =>
        Context.Request.Query.TryGetValue(name, out var values) ? values.ToString() : null;

    public long? QueryNumber(string name, long min, long max)
    {
        if (Query(name) is not { } text)
        {
            return null;
        }

        return
            long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            && value >= min
            && value <= max
            ? value
            : throw ApiException.Bad(name, $"{name}: '{text}' is not a whole number from {min} to {max}");
    }

    public bool QueryFlag(string name) =>
        Query(name) switch
        {
            null or "false" => false,
            "" or "true" => true,
            var text => throw ApiException.Bad(name, $"{name}: '{text}' is neither true nor false"),
        };

    public T? QueryWord<T>(string name)
        where T : struct, Enum
    {
        if (Query(name) is not { } text)
        {
            return null;
        }

        foreach (var value in Enum.GetValues<T>())
        {
            if (JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString()) == text)
            {
                return value;
            }
        }

        throw ApiException.Bad(name, $"{name}: '{text}' is none of the words there are");
    }

    /// <summary>How long a body may be, in bytes; before it is read.</summary>
    public static void Limit(HttpContext context, long most)
    {
        if (context.Request.ContentLength > most)
        {
            throw new ApiException(413, "too-large", $"the body has more than {most} bytes");
        }

        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } feature)
        {
            feature.MaxRequestBodySize = most;
        }
    }
}
