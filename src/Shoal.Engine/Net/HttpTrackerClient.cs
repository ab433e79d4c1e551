using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>Announces and scrapes over HTTP and HTTPS.</summary>
/// <remarks>
/// Every request has a connection of its own: trackers are asked twice an hour, and a kept connection would carry a
/// request that <see cref="TrackerAccess"/> has not looked at. Certificates are validated as the system does.
/// </remarks>
internal sealed class HttpTrackerClient(TrackerClientLimits limits, IEgress egress, TimeProvider time)
    : ITrackerClient,
        IDisposable
{
    private static readonly UriCreationOptions Verbatim = new() { DangerousDisablePathAndQueryCanonicalization = true };

    private readonly SemaphoreSlim _places = new(limits.MaxHttpExchanges);
    private readonly SilentHosts _silent = new(time);

    public void Dispose() => _places.Dispose();

    public async Task<TrackerReply> AskAsync(AnnounceJob job, AnnounceRequest request, CancellationToken cancellation)
    {
        await _places.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            // Others may have found out while we waited for a place.
            var place = $"{job.Url.Host}:{job.Url.Port}";
            if (!_silent.MayAsk(place))
            {
                return TrackerReply.Failed(TrackerFailure.Timeout, "the tracker did not answer a moment ago either");
            }

            var began = time.GetTimestamp();
            var reply = await AskNowAsync(job, request, cancellation).ConfigureAwait(false);
            // Whether it has an address of ours says nothing of it.
            if (reply.Failure is not (TrackerFailure.NoAddress or TrackerFailure.Forbidden))
            {
                var isThere = reply.Failure is not (TrackerFailure.Timeout or TrackerFailure.Unreachable);
                _silent.Asked(place, isThere, began);
            }

            return reply;
        }
        finally
        {
            _places.Release();
        }
    }

    private async Task<TrackerReply> AskNowAsync(
        AnnounceJob job,
        AnnounceRequest request,
        CancellationToken cancellation
    )
    {
        using var timeout = new CancellationTokenSource(limits.HttpTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellation);
        try
        {
            return await ExchangeAsync(job, request, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return TrackerReply.Failed(TrackerFailure.Timeout, "the tracker does not answer");
        }
    }

    private async Task<TrackerReply> ExchangeAsync(
        AnnounceJob job,
        AnnounceRequest request,
        CancellationToken cancellation
    )
    {
        var isScrape = job.Kind == AnnounceJobKind.Scrape;
        var scrape = isScrape ? job.Url.Scrape : null;
        if (isScrape && scrape is null)
        {
            return TrackerReply.Failed(TrackerFailure.Forbidden, "the tracker cannot be scraped");
        }

        var url = scrape is null
            ? AnnounceQuery.Build(job.Url, request, job.TrackerId.Span)
            : AnnounceQuery.BuildScrape(scrape, [job.InfoHash]);
        // The query is part of the URL as it is: canonical form would change percent-encoded bytes.
        var first = new Uri(url, Verbatim);
        var visit = new Visit(job, first, isScrape);
        for (var redirects = 0; ; redirects++)
        {
            using var handler = CreateHandler(job.Origin, visit);
            using var invoker = new HttpMessageInvoker(handler);
            using var message = CreateMessage(job.Url, visit);
            HttpResponseMessage response;
            try
            {
                response = await invoker.SendAsync(message, cancellation).ConfigureAwait(false);
            }
            catch (Exception exception)
                when (exception is HttpRequestException or IOException or SocketException or AuthenticationException)
            {
                return visit.Failure is { } known
                    ? known
                    : TrackerReply.Failed(TrackerFailure.Unreachable, Describe(exception));
            }

            using (response)
            {
                if (!IsRedirect(response.StatusCode) || response.Headers.Location is not { } location)
                {
                    return await ReadAsync(response, job, cancellation).ConfigureAwait(false);
                }

                if (redirects == limits.MaxRedirects)
                {
                    return TrackerReply.Failed(TrackerFailure.BadAnswer, "too many redirects");
                }

                if (!visit.TryFollow(location))
                {
                    return TrackerReply.Failed(TrackerFailure.Forbidden, "a redirect to something else than HTTP(S)");
                }
            }
        }
    }

    private static HttpRequestMessage CreateMessage(TrackerUrl tracker, Visit visit)
    {
        var message = new HttpRequestMessage(HttpMethod.Get, visit.Uri)
        {
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        message.Headers.ConnectionClose = true;
        message.Headers.UserAgent.ParseAdd("Shoal/0.1");
        if (tracker.Uri.UserInfo.Length > 0 && visit.IsAtFirstOrigin)
        {
            // Never to where a redirect leads.
            var credentials = Encoding.UTF8.GetBytes(Uri.UnescapeDataString(tracker.Uri.UserInfo));
            message.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(credentials));
        }

        return message;
    }

    private SocketsHttpHandler CreateHandler(IPAddress origin, Visit visit) =>
        new()
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            AutomaticDecompression = DecompressionMethods.GZip | DecompressionMethods.Deflate,
            MaxResponseHeadersLength = 16,
            SslOptions = CertificateCheck.Options,
            ConnectCallback = async (context, cancellation) =>
                await ConnectAsync(context.DnsEndPoint, origin, visit, cancellation).ConfigureAwait(false),
        };

    private async Task<Stream> ConnectAsync(
        DnsEndPoint host,
        IPAddress origin,
        Visit visit,
        CancellationToken cancellation
    )
    {
        var target = new HostTarget(host.Host, host.Port) { Origin = origin, WhyNot = visit.WhyNot };
        var connection = await egress.ConnectAsync(target, cancellation).ConfigureAwait(false);
        if (connection.Socket is not { } socket)
        {
            visit.Fail(TrackerReply.FailureOf(connection.Failure), connection.Message);
            throw new SocketException((int)SocketError.HostUnreachable);
        }

        visit.Reached(connection.Reach);
        var stream = new NetworkStream(socket, ownsSocket: true);
        socket.NoDelay = true;
        return stream;
    }

    private async Task<TrackerReply> ReadAsync(
        HttpResponseMessage response,
        AnnounceJob job,
        CancellationToken cancellation
    )
    {
        byte[]? body;
        try
        {
            body = await ReadBodyAsync(response, cancellation).ConfigureAwait(false);
        }
        catch (Exception exception)
            when (exception is HttpRequestException or IOException or SocketException or InvalidDataException)
        {
            return TrackerReply.Failed(TrackerFailure.BadAnswer, Describe(exception));
        }

        if (body is null)
        {
            return TrackerReply.Failed(TrackerFailure.BadAnswer, "the answer is too long");
        }

        // A refusal may come with any status (BEP 31 is about exactly that); peers only with a good one.
        if (job.Kind == AnnounceJobKind.Announce)
        {
            if (
                HttpTrackerAnswer.TryReadAnnounce(body, limits.Announce, out var answer)
                && (response.IsSuccessStatusCode || answer.Failure is not null)
            )
            {
                return TrackerReply.From(answer);
            }
        }
        else if (
            response.IsSuccessStatusCode
            && HttpTrackerAnswer.TryReadScrape(body, limits.Announce, out var counts, out var refusal)
        )
        {
            return counts.TryGetValue(job.InfoHash, out var count)
                ? TrackerReply.From(count)
                : TrackerReply.Failed(TrackerFailure.BadAnswer, refusal ?? "the tracker does not know the torrent");
        }

        var what = response.IsSuccessStatusCode ? "no tracker's answer" : $"HTTP status {(int)response.StatusCode}";
        return TrackerReply.Failed(TrackerFailure.BadAnswer, what);
    }

    /// <summary>The body after decompression; null if it is longer than allowed.</summary>
    private async Task<byte[]?> ReadBodyAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        using var stream = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        using var body = new MemoryStream();
        var buffer = new byte[8192];
        int read;
        while ((read = await stream.ReadAsync(buffer, cancellation).ConfigureAwait(false)) > 0)
        {
            if (body.Length + read > limits.Announce.MaxAnswerBytes)
            {
                return null;
            }

            body.Write(buffer, 0, read);
        }

        return body.ToArray();
    }

    private static bool IsRedirect(HttpStatusCode status) => (int)status is 301 or 302 or 303 or 307 or 308;

    private static string Describe(Exception exception) =>
        exception is HttpRequestException { InnerException: { } inner } ? inner.Message : exception.Message;

    /// <summary>Where one exchange has got to, redirect by redirect.</summary>
    private sealed class Visit(AnnounceJob job, Uri start, bool isScrape)
    {
        private readonly Uri _first = start;
        private NetworkReach? _cameFrom;
        private NetworkReach? _reached;

        public Uri Uri { get; private set; } = start;

        public TrackerReply? Failure { get; private set; }

        public bool IsAtFirstOrigin =>
            Uri.Scheme == _first.Scheme && Uri.Port == _first.Port && Uri.IdnHost == _first.IdnHost;

        /// <summary>Goes where a redirect points; false if nobody may.</summary>
        public bool TryFollow(Uri location)
        {
            if (!System.Uri.TryCreate(Uri, location, out var next) || next.Scheme is not ("http" or "https"))
            {
                return false;
            }

            // What was asked in secret is not repeated in the open.
            if (Uri.Scheme == "https" && next.Scheme == "http")
            {
                return false;
            }

            _cameFrom = _reached;
            Uri = next;
            return true;
        }

        public string? WhyNot(NetworkReach reach)
        {
            var path = Uri.AbsolutePath;
            path = isScrape && path == "/scrape" ? TrackerAccess.AnnouncePath : path;
            var hasQuery = job.Url.HasQuery || Uri.Query != _first.Query;
            return TrackerAccess.WhyNot(reach, path, hasQuery, _cameFrom, job.NamedBy);
        }

        public void Reached(NetworkReach reach) => _reached = reach;

        public void Fail(TrackerFailure failure, string why) => Failure = TrackerReply.Failed(failure, why);
    }
}
