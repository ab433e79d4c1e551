using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;

namespace Shoal.Engine;

/// <summary>A stream to a server, or why there is none.</summary>
internal readonly record struct WebConnection(Stream? Stream, NetworkReach Reach, HostFailure Failure, string Message);

/// <summary>Connects to the host of a URL; <see cref="HostTarget.WhyNot"/> is asked about the address connected to.</summary>
internal delegate ValueTask<WebConnection> WebConnect(HostTarget target, CancellationToken cancellation);

/// <summary>A request of a web seed failed for a reason that the network or the server is to blame for.</summary>
internal sealed class WebSeedException(WebSeedFailure failure) : IOException(failure.Message)
{
    public WebSeedFailure Failure => failure;
}

/// <summary>The body of an answer, as far as it has been read.</summary>
/// <param name="File">Of the torrent.</param>
/// <param name="Response">Disposing of it ends the body; the connection is kept if the body was at its end.</param>
/// <param name="Stream">The body.</param>
internal sealed record WebSeedBody(int File, HttpResponseMessage Response, Stream Stream) : IDisposable
{
    /// <summary>Where in the file the next byte of the stream lies.</summary>
    public long Position { get; set; }

    /// <summary>The server sends the whole file, whatever was asked for.</summary>
    public bool IsWhole => Response.StatusCode == HttpStatusCode.OK;

    public void Dispose() => Response.Dispose();
}

/// <summary>
/// Asks one web seed for parts of files: keeps connections, follows redirects, and goes nowhere that
/// <see cref="WebSeedAccess"/> forbids. Used by several requests at once.
/// </summary>
internal sealed class WebSeedClient(WebSeedUrl url, WebSeedLimits limits, WebConnect connect, TimeProvider time)
    : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Origin> _origins = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<int, Uri> _moved = [];

    /// <summary>Begins to fetch; the body holds what was asked for, or the whole file.</summary>
    /// <param name="file">Index in the torrent.</param>
    /// <param name="path">Where it is below the web seed's URL.</param>
    /// <param name="question">What is wanted of it.</param>
    /// <param name="cancellation">Ends the request, and what is read of the body later on.</param>
    /// <exception cref="WebSeedException">There is no such body.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task<WebSeedBody> OpenAsync(
        int file,
        string path,
        RangeQuestion question,
        CancellationToken cancellation
    )
    {
        var first = url.Of(path);
        Uri? moved;
        lock (_lock)
        {
            _moved.TryGetValue(file, out moved);
        }

        if (moved is not null)
        {
            try
            {
                // From where it was once sent on; the server that did so is as far away as it was then.
                return await FollowAsync(file, moved, OriginOf(first).Reach, question, cancellation)
                    .ConfigureAwait(false);
            }
            catch (WebSeedException exception) when (exception.Failure.Fault != WebSeedFault.Forbidden)
            {
                // Links to storage expire: once more from the beginning.
                lock (_lock)
                {
                    _moved.Remove(file);
                }
            }
        }

        return await FollowAsync(file, first, cameFrom: null, question, cancellation).ConfigureAwait(false);
    }

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var origin in _origins.Values)
            {
                origin.Dispose();
            }
        }
    }

    private async Task<WebSeedBody> FollowAsync(
        int file,
        Uri uri,
        NetworkReach? cameFrom,
        RangeQuestion question,
        CancellationToken cancellation
    )
    {
        for (var redirects = 0; ; redirects++)
        {
            var origin = OriginOf(uri);
            var response = await SendAsync(origin, uri, cameFrom, question, cancellation).ConfigureAwait(false);
            if (!IsRedirect(response.StatusCode) || response.Headers.Location is not { } location)
            {
                if (redirects > 0)
                {
                    Remember(file, uri);
                }

                return await BodyOfAsync(file, response, question, cancellation).ConfigureAwait(false);
            }

            response.Dispose();
            if (redirects == limits.MaxRedirects)
            {
                throw Fail(WebSeedFault.BadAnswer, "too many redirects");
            }

            cameFrom = origin.Reach;
            uri = Next(uri, location);
        }
    }

    private async Task<HttpResponseMessage> SendAsync(
        Origin origin,
        Uri uri,
        NetworkReach? cameFrom,
        RangeQuestion question,
        CancellationToken cancellation
    )
    {
        // A connection that is kept was made for another URL, and is as far away as it is.
        var hasQuery = uri.Query.Length > 0;
        if (origin.Reach is { } reached && WebSeedAccess.WhyNot(reached, hasQuery, cameFrom) is { } why)
        {
            throw Fail(WebSeedFault.Forbidden, why);
        }

        using var message = new HttpRequestMessage(HttpMethod.Get, uri)
        {
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        message.Options.Set(Origin.WhyNotKey, reach => WebSeedAccess.WhyNot(reach, hasQuery, cameFrom));
        message.Headers.UserAgent.ParseAdd("Shoal/0.1");
        message.Headers.TryAddWithoutValidation("Range", question.Header);
        message.Headers.TryAddWithoutValidation("Accept-Encoding", "identity");
        if (url.Credentials is { } credentials && IsSameOrigin(uri, url.Of("")))
        {
            // Never to where a redirect leads.
            message.Headers.Authorization = new AuthenticationHeaderValue(
                "Basic",
                Convert.ToBase64String(Encoding.UTF8.GetBytes(credentials))
            );
        }

        try
        {
            return await origin.Invoker.SendAsync(message, cancellation).ConfigureAwait(false);
        }
        catch (HttpRequestException exception)
        {
            throw exception.InnerException is WebSeedException known
                ? known
                : Fail(FaultOf(exception), exception.GetBaseException().Message);
        }
    }

    private async Task<WebSeedBody> BodyOfAsync(
        int file,
        HttpResponseMessage response,
        RangeQuestion question,
        CancellationToken cancellation
    )
    {
        try
        {
            var headers = response.Content.Headers;
            var head = new RangeHead
            {
                Status = (int)response.StatusCode,
                ContentLength = headers.ContentLength,
                ContentRange = Text(headers, "Content-Range"),
                ContentEncoding = Text(headers, "Content-Encoding"),
                RetryAfter = RetryAfter(response),
            };
            if (RangeAnswer.Judge(question, head, out var start) is { } failure)
            {
                throw new WebSeedException(failure);
            }

            var stream = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
            return new WebSeedBody(file, response, stream) { Position = start };
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    private Uri Next(Uri uri, Uri location)
    {
        if (!Uri.TryCreate(uri, location, out var next) || next.Scheme is not ("http" or "https"))
        {
            throw Fail(WebSeedFault.Forbidden, "a redirect to something else than HTTP(S)");
        }

        // What was asked in secret is not repeated in the open.
        return uri.Scheme == "https" && next.Scheme == "http"
            ? throw Fail(WebSeedFault.Forbidden, "a redirect from HTTPS to HTTP")
            : next;
    }

    private void Remember(int file, Uri uri)
    {
        lock (_lock)
        {
            if (_moved.Count < limits.MaxRememberedRedirects)
            {
                _moved[file] = uri;
            }
        }
    }

    private Origin OriginOf(Uri uri)
    {
        var key = string.Create(CultureInfo.InvariantCulture, $"{uri.Scheme}://{uri.IdnHost}:{uri.Port}");
        lock (_lock)
        {
            if (!_origins.TryGetValue(key, out var origin))
            {
                if (_origins.Count == limits.MaxOrigins)
                {
                    throw Fail(WebSeedFault.BadAnswer, "redirects to too many servers");
                }

                _origins[key] = origin = new Origin(limits, connect, time);
            }

            return origin;
        }
    }

    private static bool IsSameOrigin(Uri a, Uri b) =>
        a.Scheme == b.Scheme && a.Port == b.Port && a.IdnHost == b.IdnHost;

    private static bool IsRedirect(HttpStatusCode status) => (int)status is 301 or 302 or 303 or 307 or 308;

    private TimeSpan? RetryAfter(HttpResponseMessage response)
    {
        var wait =
            response.Headers.RetryAfter?.Delta
            ?? (response.Headers.RetryAfter?.Date is { } date ? date - time.GetUtcNow() : null);
        return wait > TimeSpan.Zero ? wait : null;
    }

    private static string? Text(HttpContentHeaders headers, string name) =>
        headers.NonValidated.TryGetValues(name, out var values) ? string.Join(',', values) : null;

    private static WebSeedFault FaultOf(HttpRequestException exception) =>
        exception.HttpRequestError switch
        {
            HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError => WebSeedFault.Unreachable,
            // A certificate that does not hold is no accident of the network.
            HttpRequestError.SecureConnectionError when exception.InnerException is AuthenticationException =>
                WebSeedFault.BadAnswer,
            HttpRequestError.ConfigurationLimitExceeded or HttpRequestError.InvalidResponse => WebSeedFault.BadAnswer,
            _ => WebSeedFault.Broken,
        };

    private static WebSeedException Fail(WebSeedFault fault, string message) => new(new WebSeedFailure(fault, message));

    /// <summary>One scheme, host and port: its connections, and how far away they lead.</summary>
    private sealed class Origin : IDisposable
    {
        public static readonly HttpRequestOptionsKey<Func<NetworkReach, string?>> WhyNotKey = new("Shoal.WhyNot");

        private readonly SocketsHttpHandler _handler;

        public Origin(WebSeedLimits limits, WebConnect connect, TimeProvider time)
        {
            _handler = new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                UseCookies = false,
                UseProxy = false,
                AutomaticDecompression = DecompressionMethods.None,
                MaxResponseHeadersLength = limits.MaxHeaderKilobytes,
                SslOptions = CertificateCheck.Options,
                MaxConnectionsPerServer = limits.MaxRequests,
                MaxResponseDrainSize = 64 * 1024,
                PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
                ConnectTimeout = Timeout.InfiniteTimeSpan,
                ConnectCallback = async (context, cancellation) =>
                {
                    context.InitialRequestMessage.Options.TryGetValue(WhyNotKey, out var whyNot);
                    var target = new HostTarget(context.DnsEndPoint.Host, context.DnsEndPoint.Port)
                    {
                        WhyNot = whyNot!,
                    };
                    using var timeout = new CancellationTokenSource(limits.ConnectTimeout, time);
                    using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellation);
                    return await ConnectAsync(target, connect, either.Token, timeout.Token).ConfigureAwait(false);
                },
            };
            Invoker = new HttpMessageInvoker(_handler);
        }

        public HttpMessageInvoker Invoker { get; }

        /// <summary>Of the latest connection; null before the first.</summary>
        public NetworkReach? Reach { get; private set; }

        public void Dispose() => Invoker.Dispose();

        private async Task<Stream> ConnectAsync(
            HostTarget target,
            WebConnect connect,
            CancellationToken cancellation,
            CancellationToken timeout
        )
        {
            try
            {
                var connection = await connect(target, cancellation).ConfigureAwait(false);
                if (connection.Stream is { } stream)
                {
                    Reach = connection.Reach;
                    return stream;
                }

                var fault =
                    connection.Failure == HostFailure.Forbidden ? WebSeedFault.Forbidden : WebSeedFault.Unreachable;
                throw Fail(fault, connection.Message);
            }
            catch (OperationCanceledException) when (timeout.IsCancellationRequested)
            {
                throw Fail(WebSeedFault.ConnectTimeout, "the server does not answer");
            }
            catch (SocketException exception)
            {
                throw Fail(WebSeedFault.Unreachable, exception.Message);
            }
        }
    }
}
