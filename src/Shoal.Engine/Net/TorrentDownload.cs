using System.Net;
using System.Net.Http.Headers;
using System.Security.Authentication;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// Fetches a .torrent file by its URL: http and https only, certificates checked, few redirects, none of them from
/// the world into this machine's own network, and never more bytes than a torrent may have.
/// </summary>
/// <param name="network">Names and connections.</param>
/// <param name="mayBeLocal">Whether it may lie in this machine's own network.</param>
internal sealed class TorrentDownload(IDownloadNetwork network, bool mayBeLocal = true)
{
    private const int MaxRedirects = 5;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);

    // Set by the first connection: a link that the user typed may lead to a server at home, a redirect may not.
    private bool? _startedLocally;

    /// <exception cref="DownloadException">Anything that went wrong, with the URL.</exception>
    public async Task<byte[]> FetchAsync(string source, CancellationToken cancel)
    {
        var request = new FetchRequest { MaxBytes = MetainfoLimits.Default.MaxBytes };
        var answer = await FetchAsync(source, request, cancel).ConfigureAwait(false);
        return answer.Body ?? throw new DownloadException("download-failed", $"{source}: not modified since never");
    }

    /// <exception cref="DownloadException">Anything that went wrong, with the URL.</exception>
    public async Task<FetchAnswer> FetchAsync(string source, FetchRequest request, CancellationToken cancel)
    {
        if (!Uri.TryCreate(source, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
        {
            throw new DownloadException("bad-url", $"{source}: this is not a URL of http or https");
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(Timeout);
        try
        {
            using var handler = new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                AutomaticDecompression = DecompressionMethods.GZip | DecompressionMethods.Deflate,
                ConnectCallback = ConnectAsync,
                MaxResponseHeadersLength = 64,
                UseCookies = false,
                UseProxy = false,
            };
            using var client = new HttpClient(handler);
            client.DefaultRequestHeaders.UserAgent.ParseAdd(EngineVersion.ClientName);
            for (var hop = 0; hop <= MaxRedirects; hop++)
            {
                using var question = QuestionOf(url, request);
                using var response = await client.SendAsync(
                    question,
                    HttpCompletionOption.ResponseHeadersRead,
                    limit.Token
                );
                if (response.Headers.Location is not { } target || (int)response.StatusCode is < 300 or > 399)
                {
                    var answer = await ReadAsync(source, response, request, limit.Token);
                    return answer with { IsLocal = _startedLocally == true };
                }

                if (!Uri.TryCreate(url, target, out var next))
                {
                    throw new DownloadException("bad-redirect", $"{source}: redirects to what is no URL");
                }

                url = next;
                if (url.Scheme is not ("http" or "https"))
                {
                    throw new DownloadException(
                        "bad-redirect",
                        $"{source}: redirects to {url.Scheme}, not to http or https"
                    );
                }
            }

            throw new DownloadException("bad-redirect", $"{source}: more than {MaxRedirects} redirects");
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new DownloadException("timeout", $"{source}: no answer within {Timeout.TotalSeconds:0} seconds");
        }
        catch (Exception error)
            when (error is HttpRequestException or IOException or AuthenticationException or InvalidDataException)
        {
            // The outer message says "an error occurred"; the inner one says which.
            throw new DownloadException("download-failed", $"{source}: {error.GetBaseException().Message}");
        }
    }

    private static HttpRequestMessage QuestionOf(Uri url, FetchRequest request)
    {
        var question = new HttpRequestMessage(HttpMethod.Get, url);
        // As the server wrote them, whatever that is.
        if (request.ETag is { } tag)
        {
            question.Headers.TryAddWithoutValidation("If-None-Match", tag);
        }

        if (request.LastModified is { } date)
        {
            question.Headers.TryAddWithoutValidation("If-Modified-Since", date);
        }

        return question;
    }

    private static async Task<FetchAnswer> ReadAsync(
        string source,
        HttpResponseMessage response,
        FetchRequest request,
        CancellationToken cancel
    )
    {
        if (response.StatusCode == HttpStatusCode.NotModified && (request.ETag ?? request.LastModified) is not null)
        {
            return new FetchAnswer(null, request.ETag, request.LastModified);
        }

        if (!response.IsSuccessStatusCode)
        {
            throw new DownloadException(
                "download-failed",
                $"{source}: the server answered {(int)response.StatusCode} {response.ReasonPhrase}"
            );
        }

        await using var body = await response.Content.ReadAsStreamAsync(cancel);
        var bytes =
            await BoundedRead.AllAsync(body, request.MaxBytes, cancel)
            ?? throw new DownloadException("too-large", $"{source}: larger than it may be ({request.MaxBytes} bytes)");
        return new FetchAnswer(
            bytes,
            First(response.Headers, "ETag"),
            First(response.Content.Headers, "Last-Modified")
        );
    }

    private static string? First(HttpHeaders headers, string name) =>
        headers.TryGetValues(name, out var values) && values.First() is { Length: < 1024 } value ? value : null;

    // Asked about the address that is really connected to, so a name that resolves differently the second time gains
    // nothing.
    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancel)
    {
        var (stream, isLocal) = await network.ConnectAsync(
            context.DnsEndPoint.Host,
            context.DnsEndPoint.Port,
            isLocal =>
                !isLocal ? null
                : !mayBeLocal ? "refused: it is in the local network"
                : _startedLocally == false ? "refused: it redirects into the local network"
                : null,
            cancel
        );
        _startedLocally ??= isLocal;
        return stream;
    }
}
