using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Shoal.Api;

/// <summary>Calls a daemon. Safe to use from any thread; every call may throw <see cref="DaemonException"/>.</summary>
public sealed partial class DaemonClient : IDisposable
{
    private const string Root = "api/v1/";

    /// <summary>
    /// Bytes from which a body waits for the daemon's word. One that is refused while it is on its way ends the connection, and
    /// the reason is lost with it.
    /// </summary>
    private const int AskBefore = 1 << 20;

    private readonly HttpClient _http;
    private readonly string _where;

    public DaemonClient(DaemonAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var socket = address.Socket;
        _where = socket ?? $"{address.Url}";
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ConnectCallback = (context, cancel) => ConnectAsync(socket, context.DnsEndPoint, cancel),
        };
        _http = new HttpClient(handler)
        {
            BaseAddress = socket is null ? WithSlash(address.Url!) : new Uri("http://localhost/"),
            Timeout = TimeSpan.FromSeconds(100),
        };
        if (address.Token is { } token)
        {
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }
    }

    public void Dispose() => _http.Dispose();

    /// <summary>What happens from now on, or after an event that was seen; ends when the daemon stops.</summary>
    /// <param name="after">The id of the last event seen; null: only new ones.</param>
    /// <param name="cancel">Ends it.</param>
    public async IAsyncEnumerable<DaemonEvent> EventsAsync(
        long? after,
        [EnumeratorCancellation] CancellationToken cancel
    )
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Root + "events");
        if (after is { } id)
        {
            request.Headers.Add("Last-Event-ID", $"{id}");
        }

        using var response = await SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel)
            .ConfigureAwait(false);
        await using var body = await response.Content.ReadAsStreamAsync(cancel).ConfigureAwait(false);
        using var reader = new StreamReader(body);
        while (await reader.ReadLineAsync(cancel).ConfigureAwait(false) is { } line)
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal))
            {
                yield return JsonSerializer.Deserialize(line.AsSpan(6), ApiJson.Default.DaemonEvent)!;
            }
        }
    }

    private static Uri WithSlash(Uri url) => url.AbsoluteUri.EndsWith('/') ? url : new Uri(url.AbsoluteUri + "/");

    private static async ValueTask<Stream> ConnectAsync(string? path, DnsEndPoint host, CancellationToken cancel)
    {
        var socket = path is null
            ? new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true }
            : new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            EndPoint end = path is null ? host : new UnixDomainSocketEndPoint(path);
            await socket.ConnectAsync(end, cancel).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private Task<T> GetAsync<T>(string path, JsonTypeInfo<T> answer, CancellationToken cancel) =>
        CallAsync(HttpMethod.Get, path, null, answer, cancel);

    private Task<TAnswer> CallAsync<TBody, TAnswer>(
        HttpMethod method,
        string path,
        TBody body,
        JsonTypeInfo<TBody> type,
        JsonTypeInfo<TAnswer> answer,
        CancellationToken cancel
    ) => CallAsync(method, path, JsonOf(body, type), answer, cancel);

    /// <summary>With its length, so that the daemon can say at once that it is too much.</summary>
    private static ByteArrayContent JsonOf<T>(T body, JsonTypeInfo<T> type) =>
        new(JsonSerializer.SerializeToUtf8Bytes(body, type))
        {
            Headers = { ContentType = new MediaTypeHeaderValue("application/json") },
        };

    private async Task<T> CallAsync<T>(
        HttpMethod method,
        string path,
        HttpContent? body,
        JsonTypeInfo<T> answer,
        CancellationToken cancel
    )
    {
        using var request = new HttpRequestMessage(method, Root + path) { Content = body };
        using var response = await SendAsync(request, HttpCompletionOption.ResponseContentRead, cancel)
            .ConfigureAwait(false);
        try
        {
            return await response.Content.ReadFromJsonAsync(answer, cancel).ConfigureAwait(false)
                ?? throw new JsonException("null");
        }
        catch (JsonException error)
        {
            throw new DaemonException(
                "bad-answer",
                $"{_where}: what answers is no Shoal daemon of this version",
                0,
                error
            );
        }
    }

    private async Task<byte[]> ReadAsync(string path, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Root + path);
        using var response = await SendAsync(request, HttpCompletionOption.ResponseContentRead, cancel)
            .ConfigureAwait(false);
        return await response.Content.ReadAsByteArrayAsync(cancel).ConfigureAwait(false);
    }

    private async Task CallAsync(HttpMethod method, string path, HttpContent? body, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(method, Root + path) { Content = body };
        using var response = await SendAsync(request, HttpCompletionOption.ResponseContentRead, cancel)
            .ConfigureAwait(false);
    }

    private async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request,
        HttpCompletionOption completion,
        CancellationToken cancel
    )
    {
        HttpResponseMessage response;
        request.Headers.ExpectContinue = request.Content?.Headers.ContentLength >= AskBefore;
        try
        {
            response = await _http.SendAsync(request, completion, cancel).ConfigureAwait(false);
        }
        catch (HttpRequestException error)
        {
            throw new DaemonException("no-daemon", $"no daemon answers at {_where}: {Reason(error)}", 0, error);
        }
        catch (TaskCanceledException error) when (!cancel.IsCancellationRequested)
        {
            throw new DaemonException("timeout", $"the daemon at {_where} does not answer", 0, error);
        }

        if (response.IsSuccessStatusCode)
        {
            return response;
        }

        using (response)
        {
            var problem = await ProblemOfAsync(response, cancel).ConfigureAwait(false);
            throw new DaemonException(
                problem?.Code ?? "bad-answer",
                problem?.Detail ?? $"{_where} answered {(int)response.StatusCode}",
                (int)response.StatusCode
            );
        }
    }

    private static async Task<Problem?> ProblemOfAsync(HttpResponseMessage response, CancellationToken cancel)
    {
        try
        {
            return await response.Content.ReadFromJsonAsync(ApiJson.Default.Problem, cancel).ConfigureAwait(false);
        }
        catch (Exception error) when (error is JsonException or NotSupportedException or InvalidOperationException)
        {
            return null;
        }
    }

    private static string Reason(HttpRequestException error) =>
        error.GetBaseException() is SocketException { SocketErrorCode: var code }
            ? code switch
            {
                SocketError.ConnectionRefused or SocketError.AddressNotAvailable => "it does not run",
                SocketError.AccessDenied => "permission denied",
                _ => error.GetBaseException().Message,
            }
            : error.GetBaseException().Message;
}
