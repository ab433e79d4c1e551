using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Shoal.Engine;

namespace Shoal.Daemon;

/// <summary>
/// Tells a collector of the daemon's numbers, and of its log if wanted, by OTLP over HTTP. What cannot be told is no trouble of
/// the daemon's: numbers are told anew the next time, lines of the log wait, and are dropped when they are too many.
/// </summary>
internal sealed class OtlpExporter : IAsyncDisposable
{
    /// <summary>Lines that wait for the collector; the oldest go first. Default 2,048.</summary>
    private const int MaxLines = 2048;

    /// <summary>Lines in one request.</summary>
    private const int MaxBatch = 512;

    /// <summary>How long one request may take.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>How often lines are told.</summary>
    private static readonly TimeSpan LogInterval = TimeSpan.FromSeconds(5);

    private readonly DaemonServices _services;
    private readonly OtlpResource _resource;
    private readonly DateTimeOffset _startedAt;
    private readonly ILogger _log;
    private readonly HttpClient _client;
    private readonly Channel<LogLine> _lines = Channel.CreateBounded<LogLine>(
        new BoundedChannelOptions(MaxLines) { FullMode = BoundedChannelFullMode.DropOldest }
    );
    private readonly List<LogLine> _batch = [];
    private long? _toldMetrics;
    private bool _hasFailed;

    public OtlpExporter(DaemonServices services, OtlpResource resource)
    {
        (_services, _resource) = (services, resource);
        _startedAt = services.Time.GetUtcNow();
        _log = services.Logs.CreateLogger(LogParts.Telemetry);
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            ConnectCallback = ConnectAsync,
            MaxResponseHeadersLength = 64,
            UseCookies = false,
            UseProxy = false,
        };
        _client = new HttpClient(handler) { Timeout = Patience, MaxResponseContentBufferSize = 64 * 1024 };
        _client.DefaultRequestHeaders.UserAgent.ParseAdd(EngineVersion.ClientName);
    }

    public static TimeSpan Interval => TimeSpan.FromSeconds(1);

    /// <summary>Takes a line of the log for the collector, if it is to have it. Does not wait.</summary>
    public void Take(LogLine line)
    {
        // What is said of the collector is not told to it: that would never end.
        if (line.Part != LogParts.Telemetry && _services.Settings.Current is { OtlpUrl: not null, OtlpTakesLogs: true })
        {
            _lines.Writer.TryWrite(line);
        }
    }

    /// <summary>Tells what it is time to tell.</summary>
    public async Task LookAsync(CancellationToken stop)
    {
        var settings = _services.Settings.Current;
        if (settings.OtlpUrl is not { } url)
        {
            _toldMetrics = null;
            return;
        }

        var time = _services.Time;
        if (_toldMetrics is not { } last || time.GetElapsedTime(last) >= settings.OtlpInterval)
        {
            _toldMetrics = time.GetTimestamp();
            var metrics = DaemonMetrics.Read(_services);
            var body = OtlpMessages.Metrics(metrics, _resource, _startedAt, time.GetUtcNow());
            await SendAsync(url, "v1/metrics", body, settings, stop).ConfigureAwait(false);
        }

        await TellLinesAsync(url, settings, stop).ConfigureAwait(false);
    }

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        return ValueTask.CompletedTask;
    }

    private long? _toldLines;

    private async Task TellLinesAsync(Uri url, DaemonSettings settings, CancellationToken stop)
    {
        if (_toldLines is { } last && _services.Time.GetElapsedTime(last) < LogInterval)
        {
            return;
        }

        _toldLines = _services.Time.GetTimestamp();
        while (_batch.Count < MaxBatch && _lines.Reader.TryRead(out var line))
        {
            _batch.Add(line);
        }

        if (
            _batch.Count > 0
            && await SendAsync(url, "v1/logs", OtlpMessages.Logs(_batch, _resource), settings, stop)
                .ConfigureAwait(false)
        )
        {
            _batch.Clear();
        }
    }

    /// <returns>It is done with: taken, or refused for good. OTLP: "429, 502, 503, 504" may be tried again, others not.</returns>
    private async Task<bool> SendAsync(
        Uri url,
        string path,
        byte[] body,
        DaemonSettings settings,
        CancellationToken stop
    )
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(url, path))
            {
                Content = new ByteArrayContent(body),
            };
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/x-protobuf");
            foreach (var (name, value) in settings.OtlpHeaders)
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }

            using var answer = await _client.SendAsync(request, stop).ConfigureAwait(false);
            if (answer.IsSuccessStatusCode)
            {
                Settle(url, null);
                return true;
            }

            Settle(
                url,
                string.Create(CultureInfo.InvariantCulture, $"{path}: it answers with {(int)answer.StatusCode}")
            );
            return answer.StatusCode
                is not (
                    HttpStatusCode.TooManyRequests
                    or HttpStatusCode.BadGateway
                    or HttpStatusCode.ServiceUnavailable
                    or HttpStatusCode.GatewayTimeout
                );
        }
        catch (Exception error)
            when (error is HttpRequestException or IOException or SocketException
                || (error is OperationCanceledException && !stop.IsCancellationRequested)
            )
        {
            Settle(url, error.GetBaseException().Message);
            return false;
        }
    }

    /// <summary>Says when it begins to fail, and when it works again; not each time.</summary>
    private void Settle(Uri url, string? fault)
    {
        if (fault is not null != _hasFailed)
        {
            _hasFailed = fault is not null;
            if (fault is not null)
            {
                Log.CollectorFails(_log, url.GetLeftPart(UriPartial.Authority), fault);
            }
            else
            {
                Log.CollectorTakes(_log, url.GetLeftPart(UriPartial.Authority));
            }
        }
    }

    /// <summary>By the way out of everything else; a collector on this machine is reached without leaving it.</summary>
    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancel)
    {
        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        var isHere =
            host == "localhost" || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));
        var network = isHere ? OutboundNetwork.Direct : _services.Network;
        var (stream, _) = await network.ConnectAsync(host, port, _ => null, cancel).ConfigureAwait(false);
        return stream;
    }
}
