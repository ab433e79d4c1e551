using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Shoal.Api;

namespace Shoal.InteropTests;

/// <summary>Players that mean harm, go away, or make mistakes; over HTTP.</summary>
public sealed class StreamSafetyTests(Library library) : IAsyncLifetime
{
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly StateFolder _folder = new();
    private readonly HttpClient _http = new(
        new SocketsHttpHandler
        {
            UseCookies = false,
            UseProxy = false,
            AllowAutoRedirect = false,
        }
    );
    private DaemonProcess _daemon = null!;
    private string _id = "";
    private FileItem _film = null!;
    private byte[] _content = [];

    public async ValueTask InitializeAsync()
    {
        var sample = await library.DataAsync("v1");
        _daemon = await DaemonProcess.StartAsync(_folder.State);
        var added = await _daemon.Client.AddAsync(
            new AddTorrent
            {
                Metainfo = Convert.ToBase64String(await File.ReadAllBytesAsync(sample.File)),
                SaveDirectory = sample.Parent,
            },
            None
        );
        _id = added.Id;
        await _daemon.WaitCompleteAsync(_id);
        _film = (await _daemon.Client.FilesAsync(_id, None)).Files.Single(file =>
            file.Path.EndsWith("/size-1000003.bin", StringComparison.Ordinal)
        );
        _content = await File.ReadAllBytesAsync(Path.Combine(sample.Content, "size-1000003.bin"));
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _daemon.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_link_opens_its_torrent_without_a_token_and_nothing_else()
    {
        var path = $"stream/{_id}/{_film.Index}";
        Assert.Equal((401, "not-logged-in"), await CallAsync(path));
        var link = await _daemon.Client.CreateStreamLinkAsync(_id, new NewStreamLink(_film.Index), None);
        Assert.Equal(_content, await _http.GetByteArrayAsync(link.Url));
        var key = link.Url![(link.Url!.IndexOf("key=", StringComparison.Ordinal) + 4)..];
        // Any other file of the torrent, but no call of the API, and no other torrent.
        Assert.Equal((200, ""), await CallAsync($"stream/{_id}/0?key={key}"));
        Assert.Equal((401, "not-logged-in"), await CallAsync($"api/v1/torrents/{_id}?key={key}"));
        Assert.Equal((403, "bad-stream-link"), await CallAsync($"stream/{new string('a', 40)}/0?key={key}"));
        Assert.Equal((403, "bad-stream-link"), await CallAsync($"{path}?key={key[..^2]}AA"));
        Assert.Equal((403, "bad-stream-link"), await CallAsync($"{path}?key="));
        // Reading alone does not let anybody read files.
        var reader = await _daemon.Client.CreateTokenAsync(new NewToken("reader", AccessScope.Read), None);
        Assert.Equal((403, "scope"), await CallAsync(path, reader.Secret));
        // A link ends with the token that made it.
        var maker = await _daemon.Client.CreateTokenAsync(new NewToken("maker", AccessScope.Control), None);
        using var remote = new DaemonClient(new DaemonAddress { Url = new Uri(_daemon.Url), Token = maker.Secret });
        var theirs = await remote.CreateStreamLinkAsync(_id, new NewStreamLink(_film.Index), None);
        Assert.Equal(_content, await _http.GetByteArrayAsync(theirs.Url));
        await _daemon.Client.RemoveTokenAsync("maker", None);
        Assert.Equal((403, "stream-link-expired"), await CallAsync(new Uri(theirs.Url!).PathAndQuery[1..]));
        // What the daemon says never has a key in it.
        Assert.DoesNotContain(_daemon.Process.Lines, line => line.Contains(key, StringComparison.Ordinal));
    }

    /// <summary>The page of any site can make a browser ask for pictures at wrong links.</summary>
    [Fact]
    public async Task Wrong_links_lock_nobody_out()
    {
        var token = await _daemon.Client.CreateTokenAsync(new NewToken("app", AccessScope.Read), None);
        var link = await _daemon.Client.CreateStreamLinkAsync(_id, new NewStreamLink(_film.Index), None);
        for (var i = 0; i < 8; i++)
        {
            await CallAsync($"stream/{_id}/0?key=6b.owner.{i}");
        }

        Assert.Equal((200, ""), await CallAsync("api/v1/status", token.Secret));
        Assert.Equal(_content, await _http.GetByteArrayAsync(link.Url));
    }

    [Fact]
    public async Task Guessing_links_is_slowed_down()
    {
        var codes = new List<int>();
        for (var i = 0; i < 8; i++)
        {
            codes.Add((await CallAsync($"stream/{_id}/0?key=6b.owner.{i}")).Status);
        }

        Assert.Equal([403, 403, 403, 403, 403, 429, 429, 429], codes);
    }

    [Fact]
    public async Task Nothing_but_files_of_the_torrent_can_be_named()
    {
        var token = (await _daemon.Client.CreateTokenAsync(new NewToken("player", AccessScope.Control), None)).Secret;
        foreach (
            var file in (string[])
                ["-1", "999999", "99999999999999999999", "x", "..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd", "0x1"]
        )
        {
            Assert.Equal((404, "no-such-file"), await CallAsync($"stream/{_id}/{file}", token));
        }

        // What follows the number is a name for the player, and leads nowhere.
        using var answer = await SendAsync($"stream/{_id}/{_film.Index}/..%2f..%2f..%2fetc%2fpasswd", token);
        Assert.Equal(_content, await answer.Content.ReadAsByteArrayAsync());
        Assert.Equal((404, "no-such-torrent"), await CallAsync("stream/zzz/0", token));
    }

    [Fact]
    public async Task What_a_stranger_put_into_a_torrent_can_run_nothing_in_a_browser()
    {
        var token = (await _daemon.Client.CreateTokenAsync(new NewToken("player", AccessScope.Control), None)).Secret;
        using var answer = await SendAsync($"stream/{_id}/{_film.Index}", token);
        Assert.Equal("application/octet-stream", answer.Content.Headers.ContentType?.ToString());
        Assert.Equal("attachment", answer.Content.Headers.ContentDisposition?.DispositionType);
        Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
        var policy = Assert.Single(answer.Headers.GetValues("Content-Security-Policy"));
        Assert.Contains("default-src 'none'", policy, StringComparison.Ordinal);
        Assert.Contains("sandbox", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("script-src", policy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ranges_and_conditions_are_answered_as_the_standard_says()
    {
        var token = (await _daemon.Client.CreateTokenAsync(new NewToken("player", AccessScope.Control), None)).Secret;
        var path = $"stream/{_id}/{_film.Index}";
        using var whole = await SendAsync(path, token);
        Assert.Equal(HttpStatusCode.OK, whole.StatusCode);
        var tag = whole.Headers.ETag!;
        async Task<(HttpStatusCode, int)> Get(string? range, Action<HttpRequestMessage>? change = null)
        {
            using var answer = await SendAsync(
                path,
                token,
                request =>
                {
                    _ = range is null || request.Headers.TryAddWithoutValidation("Range", range);
                    change?.Invoke(request);
                }
            );
            return (answer.StatusCode, (await answer.Content.ReadAsByteArrayAsync()).Length);
        }

        Assert.Equal((HttpStatusCode.PartialContent, 10), await Get("bytes=5-14"));
        Assert.Equal((HttpStatusCode.PartialContent, 3), await Get("bytes=-3"));
        Assert.Equal((HttpStatusCode.OK, _content.Length), await Get("bytes=0-1,5-6"));
        Assert.Equal(
            (HttpStatusCode.PartialContent, 1),
            await Get("bytes=0-0", request => request.Headers.IfRange = new RangeConditionHeaderValue(tag))
        );
        Assert.Equal(
            (HttpStatusCode.OK, _content.Length),
            await Get(
                "bytes=0-0",
                request => request.Headers.IfRange = new RangeConditionHeaderValue(new EntityTagHeaderValue("\"x\""))
            )
        );
        Assert.Equal(
            (HttpStatusCode.OK, _content.Length),
            await Get(
                "bytes=0-0",
                request => request.Headers.IfRange = new RangeConditionHeaderValue(DateTimeOffset.UtcNow)
            )
        );
        Assert.Equal((HttpStatusCode.NotModified, 0), await Get(null, request => request.Headers.IfNoneMatch.Add(tag)));
        using var beyond = await SendAsync(
            path,
            token,
            request => request.Headers.Range = new RangeHeaderValue(_content.Length, null)
        );
        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, beyond.StatusCode);
        Assert.Equal($"bytes */{_content.Length}", beyond.Content.Headers.ContentRange?.ToString());
    }

    [Fact]
    public async Task Who_goes_away_frees_his_place_and_what_does_not_come_is_told()
    {
        // Of this one nothing is here and nobody has it.
        var hybrid = await library.DataAsync("hybrid");
        var added = await _daemon.Client.AddAsync(
            new AddTorrent
            {
                Metainfo = Convert.ToBase64String(await File.ReadAllBytesAsync(hybrid.File)),
                SaveDirectory = Path.Combine(_folder.Path, "nothing"),
            },
            None
        );
        var item = await _daemon.WaitAsync(added.Id, item => item.State == TorrentPhase.Downloading);
        var file = (await _daemon.Client.FilesAsync(added.Id, None)).Files.Single(file =>
            file.Path.EndsWith("/large.bin", StringComparison.Ordinal)
        );
        var link = await _daemon.Client.CreateStreamLinkAsync(added.Id, new NewStreamLink(file.Index), None);
        var (host, port) = (new Uri(link.Url!).Host, new Uri(link.Url!).Port);
        // Twice as many as there are places: they come, wait, and go without a word.
        for (var i = 0; i < 64; i++)
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(host, port);
            await socket.SendAsync(
                Encoding.ASCII.GetBytes($"GET {new Uri(link.Url!).PathAndQuery} HTTP/1.1\r\nHost: localhost\r\n\r\n")
            );
        }

        var paused = false;
        for (var i = 0; i < 100 && !paused; i++)
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
            try
            {
                using var answer = await _http.GetAsync(link.Url, patience.Token);
                Assert.Equal(HttpStatusCode.TooManyRequests, answer.StatusCode);
                await Task.Delay(50, None);
            }
            catch (OperationCanceledException)
            {
                // It waits: there is a place for it.
                paused = true;
            }
        }

        Assert.True(paused, "the places of those that left are still taken");
        var waiting = _http.GetAsync(link.Url);
        await _daemon.Client.ChangeAsync(added.Id, new TorrentChange { Paused = true }, None);
        using var told = await waiting;
        Assert.Equal(HttpStatusCode.Conflict, told.StatusCode);
        Assert.Contains("not-coming", await told.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        await _daemon.Client.ChangeFilesAsync(
            added.Id,
            new FileChange { Priorities = [new FilePriorityWish([file.Index], FileWish.Skip)] },
            None
        );
        Assert.Equal((409, "file-not-wanted"), await CallAsync(new Uri(link.Url!).PathAndQuery[1..]));
    }

    private async Task<HttpResponseMessage> SendAsync(
        string path,
        string? token = null,
        Action<HttpRequestMessage>? change = null
    )
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, _daemon.Url + path);
        if (token is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        change?.Invoke(request);
        return await _http.SendAsync(request);
    }

    private async Task<(int Status, string Code)> CallAsync(string path, string? token = null)
    {
        using var answer = await SendAsync(path, token);
        return answer.IsSuccessStatusCode
            ? ((int)answer.StatusCode, "")
            : (
                (int)answer.StatusCode,
                JsonElement.Parse(await answer.Content.ReadAsStringAsync()).GetProperty("code").GetString()!
            );
    }
}
