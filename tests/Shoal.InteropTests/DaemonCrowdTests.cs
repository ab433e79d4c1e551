using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Shoal.Api;

namespace Shoal.InteropTests;

/// <summary>Callers over HTTP that take places and stay.</summary>
public sealed class DaemonCrowdTests : IAsyncLifetime
{
    private readonly StateFolder _folder = new();
    private DaemonProcess _daemon = null!;
    private string _token = "";

    public async ValueTask InitializeAsync()
    {
        _daemon = await DaemonProcess.StartAsync(_folder.State);
        _token = await TokenAsync("test", AccessScope.Control);
    }

    public async ValueTask DisposeAsync()
    {
        await _daemon.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Silent_connections_by_the_thousand_keep_nobody_out()
    {
        // It has shown its token, so it stays.
        using var http = Client();
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", _token);
        using var events = await http.GetAsync(_daemon.Url + "api/v1/events", HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await events.Content.ReadAsStreamAsync());
        var silent = new List<TcpClient>();
        try
        {
            for (var i = 0; i < 1500; i++)
            {
                var client = new TcpClient(new IPEndPoint(IPAddress.Parse("127.0.0.2"), 0));
                silent.Add(client);
                await client.ConnectAsync(IPAddress.Loopback, new Uri(_daemon.Url).Port);
                if (i % 2 == 0)
                {
                    await client.Client.SendAsync("GET / HTTP/1.1\r\nHost: loc"u8.ToArray());
                }
            }

            for (var i = 0; i < 5; i++)
            {
                Assert.Equal((200, ""), await CallAsync("GET", "status"));
            }

            await _daemon.Client.ChangeSettingsAsync(
                new() { ["limits.upload"] = JsonElement.Parse("1000") },
                CancellationToken.None
            );
            using var patience = new CancellationTokenSource(DaemonProcess.Patience);
            string? line;
            do
            {
                line = await lines.ReadLineAsync(patience.Token);
                Assert.NotNull(line);
            } while (line != "event: settings-changed");
        }
        finally
        {
            silent.ForEach(client => client.Dispose());
        }
    }

    [Fact]
    public async Task Who_may_only_read_keeps_no_administrator_out_with_connections_that_stay()
    {
        var reader = await TokenAsync("reader", AccessScope.Read);
        var administrator = await TokenAsync("administrator", AccessScope.Admin);
        var held = new List<TcpClient>();
        try
        {
            // All of them have shown a token, from the address that the administrator calls from, too, and none reads.
            var call = Encoding.ASCII.GetBytes(
                $"GET /api/v1/settings HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {reader}\r\n\r\n"
            );
            for (var i = 0; i < 1500; i++)
            {
                var client = new TcpClient(new IPEndPoint(IPAddress.Loopback, 0));
                held.Add(client);
                await client.ConnectAsync(IPAddress.Loopback, new Uri(_daemon.Url).Port);
                await client.Client.SendAsync(call);
            }

            for (var i = 0; i < 5; i++)
            {
                Assert.Equal((200, ""), await CallAsync("GET", "tokens", token: administrator));
                Assert.Equal(
                    (200, ""),
                    await CallAsync("PATCH", "settings", $"{{\"limits.upload\":{1000 + i}}}", token: administrator)
                );
            }
        }
        finally
        {
            held.ForEach(client => client.Dispose());
        }
    }

    [Fact]
    public async Task One_token_reads_so_many_event_streams_and_others_have_theirs()
    {
        var reader = await TokenAsync("reader", AccessScope.Read);
        var administrator = await TokenAsync("administrator", AccessScope.Admin);
        using var http = Client();
        var streams = new List<HttpResponseMessage>();
        try
        {
            for (var i = 0; i < 32; i++)
            {
                streams.Add(await EventsAsync(http, reader));
                Assert.Equal(HttpStatusCode.OK, streams[^1].StatusCode);
            }

            for (var i = 0; i < 100; i++)
            {
                Assert.Equal((429, "too-many-calls"), await CallAsync("GET", "events", token: reader));
            }

            // The rest of what it may do, it may.
            Assert.Equal((200, ""), await CallAsync("GET", "status", token: reader));
            streams.Add(await EventsAsync(http, administrator));
            Assert.Equal(HttpStatusCode.OK, streams[^1].StatusCode);

            // With one that ends there is room again.
            streams[0].Dispose();
            using var patience = new CancellationTokenSource(DaemonProcess.Patience);
            while (true)
            {
                streams.Add(await EventsAsync(http, reader));
                if (streams[^1].StatusCode == HttpStatusCode.OK)
                {
                    break;
                }

                await Task.Delay(50, patience.Token);
            }
        }
        finally
        {
            streams.ForEach(stream => stream.Dispose());
        }
    }

    private async Task<string> TokenAsync(string name, AccessScope scope) =>
        (await _daemon.Client.CreateTokenAsync(new NewToken(name, scope), CancellationToken.None)).Secret;

    private async Task<HttpResponseMessage> EventsAsync(HttpClient http, string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, _daemon.Url + "api/v1/events");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    private static HttpClient Client() => new(new SocketsHttpHandler { UseCookies = false, UseProxy = false });

    /// <summary>Each on a connection of its own.</summary>
    private async Task<(int Status, string Code)> CallAsync(
        string method,
        string path,
        string? body = null,
        string? token = null
    )
    {
        using var http = Client();
        using var request = new HttpRequestMessage(new HttpMethod(method), _daemon.Url + "api/v1/" + path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token ?? _token);
        request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        return answer.IsSuccessStatusCode
            ? ((int)answer.StatusCode, "")
            : ((int)answer.StatusCode, JsonElement.Parse(text).GetProperty("code").GetString()!);
    }
}
