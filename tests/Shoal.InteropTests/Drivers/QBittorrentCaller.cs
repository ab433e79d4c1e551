using System.Globalization;
using System.Net;
using System.Text.Json;
using Shoal.Api;

namespace Shoal.InteropTests;

/// <summary>A daemon of ours on this machine, and an app that speaks qBittorrent's Web API with it.</summary>
internal sealed class QBittorrentCaller : IAsyncDisposable
{
    private readonly StateFolder _folder = new();

    private QBittorrentCaller() { }

    public DaemonProcess Daemon { get; private set; } = null!;
    public HttpClient Http { get; private set; } = null!;

    /// <summary>Of the scope admin.</summary>
    public string Token { get; private set; } = "";
    public string Folder => _folder.Path;
    public string Downloads => Path.Combine(_folder.Path, "downloads");

    /// <param name="login">Logs in with the token.</param>
    public static async Task<QBittorrentCaller> StartAsync(bool login = true)
    {
        var run = new QBittorrentCaller();
        Directory.CreateDirectory(run.Downloads);
        Directory.CreateDirectory(Path.Combine(run._folder.State, "daemon"));
        // As a file, since preferences may be told to change it.
        await File.WriteAllTextAsync(
            Path.Combine(run._folder.State, "daemon", "settings.toml"),
            $"[folders]\ndownload = '{run.Downloads}'\n[network]\nlsd = false\ndht = false\nport-mapping = false\n"
        );
        run.Daemon = await DaemonProcess.StartBareAsync(run._folder.State);
        run.Token = (
            await run.Daemon.Client.CreateTokenAsync(new NewToken("app", AccessScope.Admin), CancellationToken.None)
        ).Secret;
        run.Http = Client(run.Daemon.Url);
        if (login)
        {
            Assert.Equal("Ok.", await run.PostAsync("auth/login", ("username", "anybody"), ("password", run.Token)));
        }

        return run;
    }

    /// <summary>Keeps cookies, as apps do.</summary>
    public static HttpClient Client(string url) =>
        new(new SocketsHttpHandler { UseProxy = false, CookieContainer = new CookieContainer() })
        {
            BaseAddress = new Uri(url + "api/v2/"),
        };

    /// <summary>Adds a torrent whose content is here; complete when it returns.</summary>
    public async Task AddCompleteAsync(Sample sample)
    {
        DataSet.Copy(sample.Content, Path.Combine(Downloads, sample.Name));
        Assert.Equal("Ok.", await AddAsync(sample));
        await Daemon.WaitCompleteAsync(sample.InfoHash);
    }

    /// <summary>Uploads a torrent.</summary>
    public async Task<string> AddAsync(Sample sample, params (string Name, string Value)[] fields)
    {
        using var form = Form(fields);
        form.Add(new ByteArrayContent(await File.ReadAllBytesAsync(sample.File)), "torrents", "a.torrent");
        using var answer = await Http.PostAsync("torrents/add", form);
        return await TextAsync(answer, "torrents/add");
    }

    public static MultipartFormDataContent Form(params (string Name, string Value)[] fields)
    {
        var form = new MultipartFormDataContent("----boundary" + fields.Length.ToString(CultureInfo.InvariantCulture));
        foreach (var (name, value) in fields)
        {
            form.Add(new StringContent(value), name);
        }

        return form;
    }

    public async Task<string> PostAsync(string call, params (string Name, string Value)[] fields)
    {
        using var answer = await SendAsync(call, fields);
        return await TextAsync(answer, call);
    }

    /// <summary>The status of an answer that may be a failure.</summary>
    public async Task<int> StatusAsync(string call, params (string Name, string Value)[] fields)
    {
        using var answer = await SendAsync(call, fields);
        return (int)answer.StatusCode;
    }

    public Task<HttpResponseMessage> SendAsync(string call, params (string Name, string Value)[] fields) =>
        Http.PostAsync(
            call,
            new FormUrlEncodedContent(fields.Select(field => KeyValuePair.Create(field.Name, field.Value)))
        );

    public async Task<JsonElement> JsonAsync(string call)
    {
        using var answer = await Http.GetAsync(call);
        return JsonElement.Parse(await TextAsync(answer, call));
    }

    /// <summary>The fields of one torrent.</summary>
    public async Task<JsonElement> TorrentAsync(string hash) =>
        Assert.Single((await JsonAsync("torrents/info?hashes=" + hash)).EnumerateArray());

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Daemon.DisposeAsync();
        _folder.Dispose();
    }

    private static async Task<string> TextAsync(HttpResponseMessage answer, string call)
    {
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, $"{call}: {(int)answer.StatusCode} {text}");
        return text;
    }
}
