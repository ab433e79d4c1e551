using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Shoal.Api;

namespace Shoal.InteropTests;

/// <summary>The daemon behind a real nginx, below a path of its host.</summary>
public sealed class DaemonProxyTests(Library library)
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task Everything_works_below_a_path_of_the_proxy()
    {
        var sample = await library.DataAsync("v1");
        await using var lab = await Lab.CreateAsync("proxied");
        var far = await lab.AddHostAsync("daemon");
        var site = WebHost.UrlOf(far) + "shoal";
        await using var daemon = await StartAsync(far, site, sample.Parent);
        await StartProxyAsync(far, daemon);
        var id = (
            await daemon.Client.AddAsync(
                new AddTorrent
                {
                    Metainfo = Convert.ToBase64String(await File.ReadAllBytesAsync(sample.File)),
                    SaveDirectory = sample.Parent,
                },
                None
            )
        ).Id;
        await daemon.WaitCompleteAsync(id);

        // The link that is printed first leads through the proxy, and logs in there.
        var link = daemon.Ready.GetProperty("loginUrl").GetString()!;
        Assert.StartsWith(site + "/login?code=", link, StringComparison.Ordinal);
        using var http = Client(far);
        Assert.Contains("<form", await http.GetStringAsync(link), StringComparison.Ordinal);
        using var logged = await PostAsync(
            http,
            site + "/login",
            new FormUrlEncodedContent([new("code", link[(link.IndexOf('=', StringComparison.Ordinal) + 1)..])])
        );
        Assert.Equal(HttpStatusCode.SeeOther, logged.StatusCode);
        Assert.Equal(new Uri(site + "/"), new Uri(new Uri(site + "/login"), logged.Headers.Location!));
        var cookie = Assert.Single(logged.Headers.GetValues("Set-Cookie"));
        Assert.Contains("path=/shoal/", cookie, StringComparison.OrdinalIgnoreCase);
        http.DefaultRequestHeaders.Add("Cookie", cookie.Split(';')[0]);

        using (var bare = await http.GetAsync(site))
        {
            Assert.Equal(new Uri(site + "/"), new Uri(new Uri(site), bare.Headers.Location!));
        }

        Assert.Contains("js/app.js", await http.GetStringAsync(site + "/"), StringComparison.Ordinal);
        var status = JsonElement.Parse(await http.GetStringAsync(site + "/api/v1/status"));
        Assert.Equal(1, status.GetProperty("torrents").GetInt32());
        using (
            var events = await http.GetAsync(site + "/api/v1/events?after=1", HttpCompletionOption.ResponseHeadersRead)
        )
        using (var reader = new StreamReader(await events.Content.ReadAsStreamAsync()))
        {
            // At once, not when a buffer of the proxy is full.
            Assert.StartsWith(
                "retry:",
                await reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(10)),
                StringComparison.Ordinal
            );
        }

        // From our own page, and from another site that sends the cookie along.
        Assert.Equal(HttpStatusCode.OK, (await LimitAsync(http, site, WebHost.UrlOf(far).TrimEnd('/'))).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await LimitAsync(http, site, "http://evil.example")).StatusCode);

        using var made = await PostAsync(
            http,
            $"{site}/api/v1/torrents/{id}/stream-links",
            new StringContent("{}", Encoding.UTF8, "application/json")
        );
        var stream = JsonElement.Parse(await made.Content.ReadAsStringAsync());
        var url = stream.GetProperty("url").GetString()!;
        Assert.StartsWith(site + "/stream/", url, StringComparison.Ordinal);
        using var player = Client(far);
        using var range = new HttpRequestMessage(HttpMethod.Get, url)
        {
            Headers = { Range = new RangeHeaderValue(1000, 1999) },
        };
        using var part = await player.SendAsync(range);
        Assert.Equal(HttpStatusCode.PartialContent, part.StatusCode);
        var film = (await daemon.Client.FilesAsync(id, None)).Files[stream.GetProperty("file").GetInt32()];
        var content = await File.ReadAllBytesAsync(Path.Combine(sample.Parent, film.Path));
        Assert.Equal(content[1000..2000], await part.Content.ReadAsByteArrayAsync());
        Assert.StartsWith(site + "/stream/", stream.GetProperty("playlistUrl").GetString(), StringComparison.Ordinal);
        await daemon.StopAsync();
    }

    [Fact]
    public async Task Apps_of_other_clients_and_a_browser_find_it_below_the_path()
    {
        await using var lab = await Lab.CreateAsync("proxapps");
        var far = await lab.AddHostAsync("daemon");
        var site = WebHost.UrlOf(far) + "shoal";
        await using var daemon = await StartAsync(far, site, far.SubFolder("got"));
        await StartProxyAsync(far, daemon);
        var token = (await daemon.Client.CreateTokenAsync(new NewToken("app", AccessScope.Admin), None)).Secret;

        using var http = Client(far);
        using var torrents = await PostAsync(
            http,
            site + "/api/v2/auth/login",
            new FormUrlEncodedContent([new("username", "x"), new("password", token)])
        );
        Assert.Equal("Ok.", await torrents.Content.ReadAsStringAsync());
        var cookie = Assert.Single(torrents.Headers.GetValues("Set-Cookie"));
        Assert.Contains("path=/shoal/", cookie, StringComparison.OrdinalIgnoreCase);
        using (var app = Client(far))
        {
            app.DefaultRequestHeaders.Add("Cookie", cookie.Split(';')[0]);
            app.DefaultRequestHeaders.Referrer = new Uri(site + "/");
            Assert.StartsWith("v", await app.GetStringAsync(site + "/api/v2/app/version"), StringComparison.Ordinal);
        }

        var said = await far.RunAsync("transmission-remote", site + "/transmission", "-n", $"any:{token}", "-si");
        Assert.Contains("Daemon version", said, StringComparison.Ordinal);

        await using var browser = await Browser.StartAsync(far);
        await browser.OpenAsync(daemon.Ready.GetProperty("loginUrl").GetString()!);
        await browser.ClickAsync("button", "Log in on this browser");
        await browser.WaitAsync("location.pathname === '/shoal/' && document.querySelector('footer')");
        await browser.WaitAsync("document.querySelector('.empty')");
        // Nothing is looked for outside of the path, and the proxy's own pages get no cookie of ours. By plain HTTP browsers say of
        // one header that they leave it alone.
        Assert.DoesNotContain(
            browser.Complaints,
            complaint =>
                !complaint.Contains("Cross-Origin-Opener-Policy header has been ignored", StringComparison.Ordinal)
        );
        await browser.ClickAsync("button", "Log out");
        await browser.WaitAsync("location.pathname === '/shoal/login'");
        await daemon.StopAsync();
    }

    [Fact]
    public async Task Who_guesses_behind_the_proxy_is_held_up_and_nobody_else()
    {
        await using var lab = await Lab.CreateAsync("proxguess");
        var (near, far) = (await lab.AddHostAsync("guesser"), await lab.AddHostAsync("daemon"));
        var site = WebHost.UrlOf(far) + "shoal";
        await using var daemon = await StartAsync(far, site, far.SubFolder("got"));
        await StartProxyAsync(far, daemon);
        var token = (await daemon.Client.CreateTokenAsync(new NewToken("app", AccessScope.Read), None)).Secret;
        using var guesser = Client(near);
        var codes = new List<int>();
        for (var i = 0; i < 7; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, site + "/api/v1/status");
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", "guess" + i);
            // nginx adds the true one behind it.
            request.Headers.Add("X-Forwarded-For", $"192.0.2.{i}");
            codes.Add((int)(await guesser.SendAsync(request)).StatusCode);
        }

        Assert.Equal([401, 401, 401, 401, 401, 429, 429], codes);
        using var other = Client(far);
        other.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        Assert.Equal(HttpStatusCode.OK, (await other.GetAsync(site + "/api/v1/status")).StatusCode);
        await daemon.Process.WaitForLineAsync(
            line => line.Contains($"A wrong token, login or link from {near.Address}", StringComparison.Ordinal),
            TimeSpan.FromSeconds(10)
        );

        // A proxy that takes the path off, keeps our name to itself, and says where it shows us.
        using var stripped = await PostAsync(
            other,
            WebHost.UrlOf(far) + "other/login",
            new FormUrlEncodedContent([new("token", token)])
        );
        Assert.Equal(HttpStatusCode.SeeOther, stripped.StatusCode);
        Assert.Contains(
            "path=/other/",
            Assert.Single(stripped.Headers.GetValues("Set-Cookie")),
            StringComparison.OrdinalIgnoreCase
        );
        await daemon.StopAsync();
    }

    private static Task<DaemonProcess> StartAsync(Host host, string site, string downloads) =>
        DaemonProcess.StartAsync(
            host,
            "--set",
            $"folders.download={downloads}",
            "--set",
            $"http.public-url={site}",
            "--set",
            "http.trusted-proxies=127.0.0.1"
        );

    /// <summary>As docs/service.md says, and one that takes the path off.</summary>
    private static Task<WebHost> StartProxyAsync(Host host, DaemonProcess daemon) =>
        WebHost.StartAsync(
            host,
            host.SubFolder("www"),
            $$"""
            location /shoal {
              proxy_pass {{daemon.Url.TrimEnd('/')}};
              proxy_http_version 1.1;
              proxy_set_header Host $http_host;
              proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
              proxy_set_header X-Forwarded-Proto $scheme;
              proxy_buffering off;
              client_max_body_size 16m;
            }
            location /other/ {
              proxy_pass {{daemon.Url}};
              proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
              proxy_set_header X-Forwarded-Prefix /other;
            }
            """
        );

    private static Task<HttpResponseMessage> LimitAsync(HttpClient http, string site, string origin)
    {
        var request = new HttpRequestMessage(HttpMethod.Patch, site + "/api/v1/settings")
        {
            Content = new StringContent("{\"limits.upload\":1000000}", Encoding.UTF8, "application/json"),
        };
        request.Headers.Add("Origin", origin);
        return http.SendAsync(request);
    }

    /// <summary>As a page of the site does.</summary>
    private static Task<HttpResponseMessage> PostAsync(HttpClient http, string url, HttpContent body)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = body };
        request.Headers.Add("Origin", new Uri(url).GetLeftPart(UriPartial.Authority));
        return http.SendAsync(request);
    }

    /// <summary>A client on a host of the lab that does what it is told and nothing by itself.</summary>
    private static HttpClient Client(Host host) =>
        new(
            new SocketsHttpHandler
            {
                UseCookies = false,
                UseProxy = false,
                AllowAutoRedirect = false,
                ConnectCallback = async (context, cancel) =>
                {
                    var socket = Inside.Run(host, () => new Socket(SocketType.Stream, ProtocolType.Tcp));
                    await socket.ConnectAsync(context.DnsEndPoint, cancel);
                    return new NetworkStream(socket, ownsSocket: true);
                },
            }
        );
}
