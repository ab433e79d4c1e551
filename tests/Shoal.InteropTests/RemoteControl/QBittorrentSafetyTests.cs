using System.Net;
using System.Text;
using System.Text.Json;
using Shoal.Api;

namespace Shoal.InteropTests;

/// <summary>Callers that mean harm, by qBittorrent's Web API.</summary>
public sealed class QBittorrentSafetyTests(Library library)
{
    private static readonly CancellationToken None = CancellationToken.None;

    // 0: the connection was ended before all was sent. 400: what had come until then is no form.
    private static readonly int[] TooLarge = [413, 400, 0];

    [Fact]
    public async Task Nobody_is_let_in_without_a_login_and_each_only_as_far_as_its_token_goes()
    {
        await using var run = await QBittorrentCaller.StartAsync(login: false);
        foreach (var call in new[] { "app/version", "sync/maindata", "torrents/info", "app/preferences", "log/main" })
        {
            Assert.Equal(HttpStatusCode.Forbidden, (await run.Http.GetAsync(call)).StatusCode);
        }

        Assert.Equal(
            403,
            await run.StatusAsync("torrents/add", ("urls", "magnet:?xt=urn:btih:" + new string('a', 40)))
        );
        Assert.Equal(403, await run.StatusAsync("app/shutdown"));
        Assert.Equal("Fails.", await run.PostAsync("auth/login", ("username", "admin"), ("password", "adminadmin")));
        Assert.Equal("Fails.", await run.PostAsync("auth/login"));

        var reader = await run.Daemon.Client.CreateTokenAsync(new NewToken("reader", AccessScope.Read), None);
        using var answer = await run.SendAsync("auth/login", ("username", "x"), ("password", reader.Secret));
        var cookie = Assert.Single(answer.Headers.GetValues("Set-Cookie"));
        Assert.StartsWith("SID=", cookie, StringComparison.Ordinal);
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=strict", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(reader.Secret, cookie, StringComparison.Ordinal);
        await run.JsonAsync("torrents/info");
        Assert.Equal(403, await run.StatusAsync("torrents/stop", ("hashes", "all")));
        Assert.Equal(403, await run.StatusAsync("app/setPreferences", ("json", "{}")));
        // A token that is removed takes its logins with it, at once.
        await run.Daemon.Client.RemoveTokenAsync("reader", None);
        Assert.Equal(HttpStatusCode.Forbidden, (await run.Http.GetAsync("torrents/info")).StatusCode);

        await run.PostAsync("auth/login", ("username", "x"), ("password", run.Token));
        await run.JsonAsync("torrents/info");
        await run.PostAsync("auth/logout");
        Assert.Equal(HttpStatusCode.Forbidden, (await run.Http.GetAsync("torrents/info")).StatusCode);
    }

    [Fact]
    public async Task Guessing_is_slowed_down_whatever_headers_say_of_the_address()
    {
        await using var run = await QBittorrentCaller.StartAsync(login: false);
        var answers = new List<string>();
        for (var i = 0; i < 8; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "auth/login");
            request.Headers.Add("X-Forwarded-For", $"192.0.2.{i}");
            request.Content = new FormUrlEncodedContent([KeyValuePair.Create("password", "guess" + i)]);
            using var answer = await run.Http.SendAsync(request);
            answers.Add($"{(int)answer.StatusCode}");
        }

        Assert.Equal(["200", "200", "200", "200", "200", "403", "403", "403"], answers);
        // Not even with the right one, until the time is over.
        Assert.Equal(403, await run.StatusAsync("auth/login", ("password", run.Token)));
    }

    [Fact]
    public async Task Other_names_other_sites_and_calls_that_change_by_get_are_refused()
    {
        await using var run = await QBittorrentCaller.StartAsync();
        async Task<int> With(string call, HttpMethod method, Action<HttpRequestMessage> change)
        {
            using var request = new HttpRequestMessage(method, call);
            if (method == HttpMethod.Post)
            {
                request.Content = new FormUrlEncodedContent([KeyValuePair.Create("hashes", "all")]);
            }

            change(request);
            using var answer = await run.Http.SendAsync(request);
            return (int)answer.StatusCode;
        }

        var own = run.Daemon.Url.TrimEnd('/');
        foreach (var (call, method) in new[] { ("torrents/info", HttpMethod.Get), ("torrents/stop", HttpMethod.Post) })
        {
            Assert.Equal(200, await With(call, method, _ => { }));
            Assert.Equal(421, await With(call, method, request => request.Headers.Host = "evil.example"));
            Assert.Equal(
                403,
                await With(call, method, request => request.Headers.Add("Origin", "http://evil.example"))
            );
            Assert.Equal(403, await With(call, method, request => request.Headers.Add("Origin", "null")));
            Assert.Equal(
                403,
                await With(call, method, request => request.Headers.Referrer = new Uri("http://evil.example/x"))
            );
            Assert.Equal(403, await With(call, method, request => request.Headers.Add("Sec-Fetch-Site", "cross-site")));
            Assert.Equal(403, await With(call, method, request => request.Headers.Add("Sec-Fetch-Site", "same-site")));
            // Apps of many years send their own address.
            Assert.Equal(200, await With(call, method, request => request.Headers.Referrer = new Uri(own + "/")));
            Assert.Equal(200, await With(call, method, request => request.Headers.Add("Origin", own)));
        }

        // An image of another site could call these, if GET would do.
        foreach (var call in new[] { "torrents/delete?hashes=all&deleteFiles=true", "app/shutdown", "auth/logout" })
        {
            Assert.Equal(405, await With(call, HttpMethod.Get, _ => { }));
        }

        Assert.Equal(404, await With("torrents/nonsense", HttpMethod.Get, _ => { }));
        Assert.Equal(405, await With("torrents/info", HttpMethod.Delete, _ => { }));
    }

    [Fact]
    public async Task Paths_out_of_the_allowed_folders_are_refused_wherever_they_can_stand()
    {
        var sample = await library.DataAsync("v1");
        await using var run = await QBittorrentCaller.StartAsync();
        File.CreateSymbolicLink(Path.Combine(run.Downloads, "link"), "/etc");
        foreach (var path in new[] { "/etc", "../../x", "link/x", run.Downloads + "/../x", "a/../../x" })
        {
            Assert.Equal(403, await AddAsync(path));
            Assert.Equal(403, await run.StatusAsync("torrents/createCategory", ("category", "c"), ("savePath", path)));
        }

        Assert.Equal(400, await AddAsync("a\0b"));
        Assert.Empty((await run.JsonAsync("torrents/info")).EnumerateArray());
        await run.AddAsync(sample, ("stopped", "true"));
        foreach (
            var (call, name, hashes) in new[] { ("setLocation", "location", "hashes"), ("setSavePath", "path", "id") }
        )
        {
            Assert.Equal(403, await run.StatusAsync("torrents/" + call, (hashes, "all"), (name, "/etc")));
            Assert.Equal(403, await run.StatusAsync("torrents/" + call, (hashes, "all"), (name, "../x")));
        }

        Assert.Equal(run.Downloads, (await run.TorrentAsync(sample.InfoHash)).GetProperty("save_path").GetString());

        async Task<int> AddAsync(string path)
        {
            using var form = QBittorrentCaller.Form(("savepath", path));
            form.Add(
                new ByteArrayContent(await File.ReadAllBytesAsync(sample.File)),
                "torrents",
                "../../etc/x.torrent"
            );
            using var answer = await run.Http.PostAsync("torrents/add", form);
            return (int)answer.StatusCode;
        }
    }

    [Fact]
    public async Task Uploads_without_end_are_cut_off_and_forms_of_any_shape_are_answered()
    {
        await using var run = await QBittorrentCaller.StartAsync();
        using (var form = QBittorrentCaller.Form())
        {
            form.Add(new ByteArrayContent(new byte[40 * 1024 * 1024]), "torrents", "a.torrent");
            Assert.Contains(await TryAsync("torrents/add", form), TooLarge);
        }

        // Without a length, the same.
        using (var endless = new StreamContent(new EndlessStream(64 * 1024 * 1024)))
        {
            endless.Headers.Add("Content-Type", "multipart/form-data; boundary=x");
            Assert.Contains(await TryAsync("torrents/add", endless), TooLarge);
        }

        // That ends early.
        using (var cut = new StringContent("--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb"))
        {
            cut.Headers.ContentType = System.Net.Http.Headers.MediaTypeHeaderValue.Parse(
                "multipart/form-data; boundary=x"
            );
            Assert.Equal(400, await TryAsync("torrents/stop", cut));
        }

        Assert.Contains(await TryAsync("torrents/stop", Form("hashes=" + new string('a', 9 * 1024 * 1024))), TooLarge);
        Assert.Equal(400, await TryAsync("torrents/stop", Form("")));
        Assert.Equal(
            400,
            await TryAsync("torrents/stop", Form(string.Join('&', Enumerable.Range(0, 5000).Select(i => $"k{i}=1"))))
        );
        foreach (
            var body in new[]
            {
                "hashes=%00%ff",
                "hashes=|||",
                "hashes=../../etc",
                "hashes=" + new string('|', 100_000),
            }
        )
        {
            Assert.Contains(await TryAsync("torrents/stop", Form(body)), new[] { 200, 400 });
        }

        foreach (
            var query in new[]
            {
                "limit=x",
                "offset=1e300",
                "sort=nonsense",
                "sort=hash&reverse=true&limit=99999999999&offset=-5",
                "hashes=x&filter=%00",
            }
        )
        {
            using var answer = await run.Http.GetAsync("torrents/info?" + query);
            Assert.Contains((int)answer.StatusCode, new[] { 200, 400 });
        }

        using var multipart = new StringContent("--x\r\nnot a header", Encoding.UTF8);
        multipart.Headers.Remove("Content-Type");
        multipart.Headers.TryAddWithoutValidation("Content-Type", "multipart/form-data; boundary=x");
        Assert.Equal(400, await TryAsync("torrents/add", multipart));
        await run.JsonAsync("torrents/info");

        StringContent Form(string body) => new(body, Encoding.UTF8, "application/x-www-form-urlencoded");

        async Task<int> TryAsync(string call, HttpContent content)
        {
            try
            {
                using var answer = await run.Http.PostAsync(call, content);
                return (int)answer.StatusCode;
            }
            catch (HttpRequestException)
            {
                return 0;
            }
        }
    }

    [Fact]
    public async Task Ten_thousand_hashes_in_one_call_are_answered_soon()
    {
        var sample = await library.DataAsync("v1");
        await using var run = await QBittorrentCaller.StartAsync();
        await run.AddAsync(sample, ("stopped", "true"));
        var many = string.Join('|', Enumerable.Range(0, 10_000).Select(i => $"{i:x40}").Append(sample.InfoHash));
        foreach (
            var call in new[] { "pause", "reannounce", "toggleSequentialDownload", "topPrio", "downloadLimit", "info" }
        )
        {
            await run.PostAsync("torrents/" + call, ("hashes", many));
        }

        var twice = string.Join('|', Enumerable.Repeat(sample.InfoHash, 10_000));
        await run.PostAsync("torrents/toggleSequentialDownload", ("hashes", twice));
        // Named ten thousand times it is one torrent, switched once in each of both calls.
        Assert.False((await run.TorrentAsync(sample.InfoHash)).GetProperty("seq_dl").GetBoolean());
        await run.PostAsync("torrents/delete", ("hashes", many), ("deleteFiles", "false"));
        Assert.Empty((await run.JsonAsync("torrents/info")).EnumerateArray());
        Assert.Equal(JsonValueKind.Object, (await run.JsonAsync("sync/maindata")).ValueKind);
    }

    /// <summary>Bytes of which nobody is told how many there are.</summary>
    private sealed class EndlessStream(long length) : Stream
    {
        private long _left = length;

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            var some = (int)Math.Min(count, _left);
            buffer.AsSpan(offset, some).Fill((byte)'a');
            _left -= some;
            return some;
        }

        public override void Flush() { }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
