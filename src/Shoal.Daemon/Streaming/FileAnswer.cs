using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Daemon;

/// <summary>What a request wants, and may have.</summary>
/// <param name="Id">Of the torrent: what tells its files from those of others.</param>
/// <param name="Index">In <see cref="Metainfo.Files"/>; there is such a file, and it is served.</param>
/// <param name="IsWanted">It is being fetched.</param>
internal sealed record StreamedFile(Torrent Torrent, Metainfo Metainfo, string Id, int Index, bool IsWanted)
{
    public MetainfoFile File => Metainfo.Files[Index];
}

/// <summary>What all streams of a program share.</summary>
/// <param name="Ending">The program ends: who waits gives up.</param>
internal sealed record StreamRoom(LongCalls Places, TimeProvider Time, CancellationToken Ending);

/// <summary>One file of a torrent as the answer to one request (RFC 9110), sent as fast as it comes in and is taken.</summary>
internal static class FileAnswer
{
    // A file in a torrent is a stranger's: whatever a browser makes of it may do nothing here.
    private const string ContentSecurityPolicy =
        "default-src 'none'; media-src 'self'; img-src 'self'; style-src 'unsafe-inline'; sandbox";

    /// <param name="who">Whose share of what is sent at once it takes; null: nobody's.</param>
    /// <exception cref="ApiException">It cannot be had, or not this part of it.</exception>
    public static async Task SendAsync(HttpContext context, StreamRoom room, StreamedFile file, string? who = null)
    {
        var chosen = file.File;
        var isConverted = IsToConvert(context.Request, chosen.Path);
        // What a torrent says never changes, so neither does this.
        var tag = $"\"{file.Id}-{file.Index}{(isConverted ? "-vtt" : "")}\"";
        var headers = context.Response.Headers;
        headers.ETag = tag;
        headers.CacheControl = "private, max-age=3600";
        headers.ContentSecurityPolicy = ContentSecurityPolicy;
        if (context.Request.Headers.IfNoneMatch.ToString() is { Length: > 0 } known && Names(known, tag))
        {
            context.Response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        if (isConverted)
        {
            await SendConvertedAsync(context, room, file, who).ConfigureAwait(false);
            return;
        }

        headers.AcceptRanges = "bytes";
        var type = MediaTypes.Of(chosen.Path);
        var range = ByteRange.Read(RangeOf(context.Request, tag), chosen.Size);
        if (range is not { } part)
        {
            headers.ContentRange = $"bytes */{chosen.Size}";
            throw new ApiException(416, "no-such-range", $"the file has {chosen.Size} bytes");
        }

        void Describe()
        {
            var response = context.Response;
            response.StatusCode = part.IsPart ? StatusCodes.Status206PartialContent : StatusCodes.Status200OK;
            response.ContentType = type;
            response.ContentLength = part.To - part.From;
            headers.ContentDisposition = Disposition(
                type == MediaTypes.Unknown ? "attachment" : "inline",
                StreamLinks.NameOf(FileNames.PathOf(file.Metainfo, file.Torrent.RenamedFiles, file.Index))
            );
            if (part.IsPart)
            {
                headers.ContentRange = string.Create(
                    CultureInfo.InvariantCulture,
                    $"bytes {part.From}-{part.To - 1}/{chosen.Size}"
                );
            }
        }

        if (HttpMethods.IsHead(context.Request.Method) || part.From == part.To)
        {
            Describe();
            return;
        }

        CheckComing(file);
        using var place = room.Places.Enter(who);
        using var reader = Open(file, part.From, part.To);
        await PumpAsync(context, room, reader, Describe).ConfigureAwait(false);
    }

    /// <summary>A header with a file's name: whatever is in it, it cannot end the header or the quotes.</summary>
    public static string Disposition(string kind, string name)
    {
        var ascii = new string([.. name.Select(c => c is >= ' ' and < '\x7f' and not '"' and not '\\' ? c : '_')]);
        return $"{kind}; filename=\"{ascii}\"; filename*=UTF-8''{Uri.EscapeDataString(name)}";
    }

    private static async Task PumpAsync(HttpContext context, StreamRoom room, TorrentReader reader, Action describe)
    {
        using var patience = new CancellationTokenSource(StreamLimits.MaxWait, room.Time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(
            patience.Token,
            context.RequestAborted,
            room.Ending
        );
        // A paused player takes nothing for long: MaxPause is its limit.
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = null;
        }

        try
        {
            while (true)
            {
                patience.CancelAfter(StreamLimits.MaxWait);
                var bytes = await reader.ReadAsync(end.Token).ConfigureAwait(false);
                if (bytes.IsEmpty)
                {
                    return;
                }

                if (!context.Response.HasStarted)
                {
                    describe();
                }

                patience.CancelAfter(StreamLimits.MaxPause);
                await context.Response.Body.WriteAsync(bytes, end.Token).ConfigureAwait(false);
            }
        }
        catch (IOException error) when (!context.Response.HasStarted)
        {
            throw new ApiException(409, "not-coming", error.Message);
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested && !context.Response.HasStarted)
        {
            throw new ApiException(504, "not-coming", "no peer has brought what is needed");
        }
        catch (Exception error) when (error is IOException or OperationCanceledException)
        {
            // Headers are out: only the broken connection can say it.
            context.Abort();
        }
    }

    private static async Task SendConvertedAsync(HttpContext context, StreamRoom room, StreamedFile file, string? who)
    {
        var size = file.File.Size;
        if (size > StreamLimits.MaxSubtitles)
        {
            throw new ApiException(413, "too-large", "these are no subtitles: too long");
        }

        CheckComing(file);
        using var place = room.Places.Enter(who);
        using var reader = Open(file, 0, size);
        using var patience = new CancellationTokenSource(StreamLimits.MaxWait, room.Time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(
            patience.Token,
            context.RequestAborted,
            room.Ending
        );
        var text = new MemoryStream((int)size);
        try
        {
            while (await reader.ReadAsync(end.Token).ConfigureAwait(false) is { IsEmpty: false } bytes)
            {
                text.Write(bytes.Span);
            }
        }
        catch (IOException error)
        {
            throw new ApiException(409, "not-coming", error.Message);
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested)
        {
            throw new ApiException(504, "not-coming", "no peer has brought what is needed");
        }

        var converted = Encoding.UTF8.GetBytes(WebVtt.Of(file.File.Path, text.GetBuffer().AsSpan(0, (int)text.Length)));
        context.Response.ContentType = MediaTypes.WebVtt;
        context.Response.ContentLength = converted.Length;
        context.Response.Headers.AcceptRanges = "none";
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await context.Response.Body.WriteAsync(converted, context.RequestAborted).ConfigureAwait(false);
        }
    }

    /// <exception cref="ApiException">Too many read it.</exception>
    private static TorrentReader Open(StreamedFile file, long from, long to) =>
        file.Torrent.OpenReader(file.Index, from, to) ?? throw StreamLimits.TooMany();

    /// <exception cref="ApiException">Nothing of it comes, and it is not all here.</exception>
    private static void CheckComing(StreamedFile file)
    {
        if (
            !file.IsWanted
            && TorrentItems.DoneOf(file.Metainfo, file.File, file.Torrent.Status.Pieces) < file.File.Size
        )
        {
            throw new ApiException(409, "file-not-wanted", "the file is not to be fetched: choose it first");
        }
    }

    private static bool IsToConvert(HttpRequest request, string path) =>
        WebVtt.CanBeMadeOf(path)
        && (
            request.Query["format"] == "vtt"
            || request.Headers.Accept.ToString().Contains("text/vtt", StringComparison.OrdinalIgnoreCase)
        );

    /// <summary>
    /// The range, unless If-Range names something else: a tag that is not ours or any date, since we tell none. "If the
    /// validator does not match, the server SHOULD ignore the Range header field".
    /// </summary>
    private static string? RangeOf(HttpRequest request, string tag)
    {
        var condition = request.Headers.IfRange.ToString();
        return condition.Length > 0 && condition != tag ? null : request.Headers.Range.ToString();
    }

    private static bool Names(string list, string tag) =>
        list.Split(',', StringSplitOptions.TrimEntries).Any(one => one == "*" || one == tag || one == "W/" + tag);
}
