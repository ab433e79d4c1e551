using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Shoal.Api;

namespace Shoal.InteropTests;

/// <summary>Callers that mean harm, or that make mistakes, over HTTP.</summary>
public sealed class DaemonSafetyTests : IAsyncLifetime
{
    private readonly StateFolder _folder = new();
    private DaemonProcess _daemon = null!;
    private string _token = "";

    public async ValueTask InitializeAsync()
    {
        _daemon = await DaemonProcess.StartAsync(_folder.State, "--set", $"folders.download={_folder.Path}/allowed");
        _token = (
            await _daemon.Client.CreateTokenAsync(new NewToken("test", AccessScope.Control), CancellationToken.None)
        ).Secret;
    }

    public async ValueTask DisposeAsync()
    {
        await _daemon.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Nobody_is_let_in_without_a_token_and_each_only_as_far_as_it_goes()
    {
        Assert.Equal((401, "not-logged-in"), await CallAsync("GET", "status", token: null));
        Assert.Equal((401, "not-logged-in"), await CallAsync("GET", "status", token: "shoal_wrong"));
        Assert.Equal((200, ""), await CallAsync("GET", "status"));
        Assert.Equal((403, "scope"), await CallAsync("POST", "stop"));
        Assert.Equal((403, "scope"), await CallAsync("PATCH", "settings", "{\"limits.upload\":1}"));
        var reader = await _daemon.Client.CreateTokenAsync(
            new NewToken("reader", AccessScope.Read),
            CancellationToken.None
        );
        Assert.Equal((200, ""), await CallAsync("GET", "torrents", token: reader.Secret));
        Assert.Equal((403, "scope"), await CallAsync("POST", "torrents", "{}", token: reader.Secret));
        await _daemon.Client.RemoveTokenAsync("reader", CancellationToken.None);
        Assert.Equal((401, "not-logged-in"), await CallAsync("GET", "torrents", token: reader.Secret));
    }

    [Fact]
    public async Task Guessing_is_slowed_down_whatever_headers_say_of_the_address()
    {
        var codes = new List<int>();
        for (var i = 0; i < 10; i++)
        {
            var (status, _) = await CallAsync(
                "GET",
                "status",
                token: "guess" + i,
                change: request => request.Headers.Add("X-Forwarded-For", $"192.0.2.{i}")
            );
            codes.Add(status);
        }

        Assert.Equal([401, 401, 401, 401, 401, 429, 429, 429, 429, 429], codes);
        // Those who come by the socket are not held up.
        await _daemon.Client.StatusAsync(CancellationToken.None);
    }

    [Fact]
    public async Task Other_names_and_other_sites_are_refused()
    {
        Assert.Equal(
            (421, "bad-host"),
            await CallAsync("GET", "status", change: request => request.Headers.Host = "evil.example")
        );
        Assert.Equal(
            (200, ""),
            await CallAsync("GET", "status", change: request => request.Headers.Host = "localhost")
        );
        Assert.Equal(
            (403, "cross-site"),
            await CallAsync("GET", "status", change: request => request.Headers.Add("Origin", "http://evil.example"))
        );
        Assert.Equal(
            (403, "cross-site"),
            await CallAsync("GET", "status", change: request => request.Headers.Add("Origin", "null"))
        );
        Assert.Equal(
            (200, ""),
            await CallAsync("GET", "status", change: request => request.Headers.Add("Origin", _daemon.Url.TrimEnd('/')))
        );
        // A form of another site can send this without asking the browser.
        Assert.Equal(
            (415, "not-json"),
            await CallAsync(
                "POST",
                "torrents",
                "{}",
                change: request => request.Content!.Headers.ContentType = new MediaTypeHeaderValue("text/plain")
            )
        );
    }

    [Fact]
    public async Task A_link_logs_a_browser_in_once_and_its_cookie_works_from_our_page_only()
    {
        var link = (await _daemon.Client.CreateLoginLinkAsync(CancellationToken.None)).Url!;
        using var http = Client();
        // Looking at it does not use it up.
        var page = await http.GetAsync(link);
        Assert.Contains("Content-Security-Policy", page.Headers.Select(header => header.Key));
        await http.GetAsync(link);
        var code = link[(link.IndexOf('=', StringComparison.Ordinal) + 1)..];
        var form = new Dictionary<string, string> { ["code"] = code };
        var logged = await http.PostAsync(_daemon.Url + "login", new FormUrlEncodedContent(form));
        Assert.Equal(HttpStatusCode.SeeOther, logged.StatusCode);
        var cookie = Assert.Single(logged.Headers.GetValues("Set-Cookie"));
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=strict", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(
            HttpStatusCode.Forbidden,
            (await http.PostAsync(_daemon.Url + "login", new FormUrlEncodedContent(form))).StatusCode
        );

        var session = cookie.Split(';')[0];
        void Browser(HttpRequestMessage request) => request.Headers.Add("Cookie", session);
        Assert.Equal((200, ""), await CallAsync("GET", "status", token: null, change: Browser));
        const string limit = "{\"limits.upload\":1000}";
        // No sign of where it comes from, and a sign that it is another page.
        Assert.Equal((403, "cross-site"), await CallAsync("PATCH", "settings", limit, token: null, change: Browser));
        Assert.Equal(
            (403, "cross-site"),
            await CallAsync(
                "PATCH",
                "settings",
                limit,
                token: null,
                change: request =>
                {
                    Browser(request);
                    request.Headers.Add("Sec-Fetch-Site", "same-site");
                }
            )
        );
        Assert.Equal(
            (200, ""),
            await CallAsync(
                "PATCH",
                "settings",
                limit,
                token: null,
                change: request =>
                {
                    Browser(request);
                    request.Headers.Add("Origin", _daemon.Url.TrimEnd('/'));
                }
            )
        );
    }

    [Theory]
    [InlineData("{", "bad-json")]
    [InlineData("", "bad-json")]
    [InlineData("null", "bad-json")]
    [InlineData("[]", "bad-json")]
    [InlineData("{\"source\": 5}", "bad-json")]
    [InlineData("{\"sourse\": \"x\"}", "bad-json")]
    [InlineData("{\"source\": \"HASH\", \"labels\": [null]}", "bad-value")]
    [InlineData("{\"source\": \"HASH\", \"peers\": [null]}", "bad-value")]
    [InlineData("{\"source\": \"HASH\", \"files\": [null]}", "bad-value")]
    [InlineData("{\"source\": \"HASH\", \"peers\": [\"example.com:1\"]}", "bad-value")]
    [InlineData("{}", "bad-value")]
    [InlineData("{\"source\": \"x\", \"metainfo\": \"x\"}", "bad-value")]
    [InlineData("{\"metainfo\": \"***\"}", "bad-value")]
    [InlineData("{\"metainfo\": \"AAAA\"}", "not-a-torrent")]
    [InlineData("{\"source\": \"magnet:?xt=urn:btih:xyz\"}", "bad-magnet")]
    [InlineData("{\"source\": \"ftp://example.com/x\"}", "bad-source")]
    [InlineData("{\"source\": \"/etc/passwd\"}", "bad-source")]
    [InlineData("{\"source\": \"HASH\", \"downloadLimit\": -1}", "bad-value")]
    [InlineData("{\"source\": \"HASH\", \"labels\": [\"a\\u0000\"]}", "bad-value")]
    [InlineData("{\"source\": \"HASH\", \"saveDirectory\": \"films\"}", "bad-value")]
    [InlineData("{\"source\": \"HASH\", \"saveDirectory\": \"/etc\"}", "path-not-allowed")]
    [InlineData("{\"source\": \"HASH\", \"saveDirectory\": \"ALLOWED/../../etc\"}", "path-not-allowed")]
    [InlineData("{\"source\": \"HASH\", \"files\": [{\"indices\": [-1], \"priority\": \"skip\"}]}", "bad-value")]
    public async Task Bad_input_is_refused_with_its_reason_and_nothing_is_added(string body, string code)
    {
        body = body.Replace("HASH", new string('a', 40)).Replace("ALLOWED", _folder.Path + "/allowed");
        var (status, found) = await CallAsync("POST", "torrents", body);
        Assert.Equal(code, found);
        Assert.InRange(status, 400, 499);
        Assert.Empty((await _daemon.Client.TorrentsAsync(null, CancellationToken.None)).Items);
    }

    [Fact]
    public async Task Urls_into_the_daemons_own_network_are_not_fetched_for_others()
    {
        var (status, code) = await CallAsync("POST", "torrents", $"{{\"source\": \"{_daemon.Url}x.torrent\"}}");
        Assert.Equal((502, "download-failed"), (status, code));
        // The owner may: it answers, if only with nothing.
        var error = await Assert.ThrowsAsync<DaemonException>(() =>
            _daemon.Client.AddAsync(new AddTorrent { Source = _daemon.Url + "x.torrent" }, CancellationToken.None)
        );
        Assert.Contains("404", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bodies_without_end_are_cut_off()
    {
        Assert.Equal((413, "too-large"), await CallAsync("POST", "torrents/actions", new string(' ', 9 * 1024 * 1024)));
        Assert.Equal(
            (413, "too-large"),
            await CallAsync(
                "PATCH",
                "settings",
                new string(' ', 9 * 1024 * 1024),
                token: null,
                change: request =>
                {
                    request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", AdminToken());
                    request.Headers.TransferEncodingChunked = true;
                }
            )
        );
        Assert.Equal(
            (400, "bad-json"),
            await CallAsync("POST", "torrents", string.Concat(Enumerable.Repeat("{\"a\":", 100_000)))
        );
        Assert.Equal((200, ""), await CallAsync("GET", "status"));
    }

    [Fact]
    public async Task Names_of_calls_and_torrents_can_be_anything()
    {
        Assert.Equal((404, "no-such-call"), await CallAsync("GET", "nothing"));
        Assert.Equal((405, "no-such-method"), await CallAsync("DELETE", "torrents"));
        foreach (var id in new[] { "..%2f..%2fetc%2fpasswd", "zzzzzzzz", "abcdef", new string('f', 3000) })
        {
            Assert.Equal((404, "no-such-torrent"), await CallAsync("GET", "torrents/" + id));
        }

        // The server itself does not take that for a path.
        Assert.Equal((400, ""), await CallAsync("GET", "torrents/%00"));
        Assert.Equal(
            (400, "bad-value"),
            await CallAsync("POST", "torrents/actions", "{\"action\":\"pause\",\"ids\":[null]}")
        );
        Assert.Equal((400, "bad-value"), await CallAsync("POST", "torrents/actions", "{\"action\":\"move\"}"));
        Assert.Equal((400, "bad-value"), await CallAsync("GET", "torrents?limit=-1"));
        Assert.Equal((400, "bad-value"), await CallAsync("GET", "torrents?sort=colour"));
        Assert.Equal((400, "bad-value"), await CallAsync("GET", "torrents?state=flying"));
    }

    [Fact]
    public async Task Ten_thousand_ids_in_one_call_are_answered_one_by_one()
    {
        var ids = string.Join(',', Enumerable.Range(0, 10_000).Select(i => $"\"{i:x40}\""));
        using var http = Client();
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", _token);
        var answer = await http.PostAsync(
            _daemon.Url + "api/v1/torrents/actions",
            new StringContent($"{{\"action\":\"pause\",\"ids\":[{ids}]}}", Encoding.UTF8, "application/json")
        );
        var result = JsonElement.Parse(await answer.Content.ReadAsStringAsync());
        Assert.Equal(10_000, result.GetProperty("failed").GetArrayLength());
    }

    private string AdminToken() =>
        _daemon
            .Client.CreateTokenAsync(new NewToken($"{Guid.NewGuid()}", AccessScope.Admin), CancellationToken.None)
            .Result.Secret;

    private static HttpClient Client() =>
        new(
            new SocketsHttpHandler
            {
                UseCookies = false,
                UseProxy = false,
                AllowAutoRedirect = false,
            }
        );

    private async Task<(int Status, string Code)> CallAsync(
        string method,
        string path,
        string? body = null,
        string? token = "the usual",
        Action<HttpRequestMessage>? change = null
    )
    {
        using var http = Client();
        using var request = new HttpRequestMessage(new HttpMethod(method), _daemon.Url + "api/v1/" + path);
        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        }

        if (token is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue(
                "Bearer",
                token == "the usual" ? _token : token
            );
        }

        change?.Invoke(request);
        using var answer = await http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        return answer.IsSuccessStatusCode || text.Length == 0
            ? ((int)answer.StatusCode, "")
            : ((int)answer.StatusCode, JsonElement.Parse(text).GetProperty("code").GetString()!);
    }
}
