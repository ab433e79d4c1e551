using System.Diagnostics;
using System.Text.Json;
using Shoal.Api;

namespace Shoal.InteropTests;

/// <summary>`shoal daemon` as a process, and the client that calls it by its socket, whichever network it lives in.</summary>
internal sealed class DaemonProcess : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // Processes on a host of a lab end with that.
    private readonly bool _isOnHost;

    private DaemonProcess(ClientProcess process, string state, bool isOnHost, JsonElement ready)
    {
        _isOnHost = isOnHost;
        Process = process;
        State = state;
        Ready = ready;
        Client = new DaemonClient(DaemonAddress.OfState(state));
    }

    public ClientProcess Process { get; }
    public string State { get; }

    /// <summary>What it said when it was open.</summary>
    public JsonElement Ready { get; }
    public DaemonClient Client { get; }

    /// <summary>The first address of its HTTP, with a slash at the end.</summary>
    public string Url => Ready.GetProperty("urls")[0].GetString() + "/";

    /// <summary>On a host of a lab, for its peers.</summary>
    public static Task<DaemonProcess> StartAsync(Host host, params string[] options)
    {
        var state = host.SubFolder("state");
        return AwaitAsync(
            host.Start(
                Tools.Shoal,
                [.. Arguments(state), "--port", $"{Host.Port}", "--bind", host.Address, .. options]
            ),
            state,
            isOnHost: true
        );
    }

    /// <summary>On this machine, for calls over HTTP.</summary>
    public static Task<DaemonProcess> StartAsync(string state, params string[] options) =>
        AwaitAsync(Start(state, options), state, isOnHost: false);

    /// <summary>The same, with something in its environment.</summary>
    public static Task<DaemonProcess> StartAsync(
        string state,
        IReadOnlyDictionary<string, string> environment,
        params string[] options
    ) => AwaitAsync(Run([.. Arguments(state), "--bind", "127.0.0.1", .. options], environment), state, isOnHost: false);

    /// <summary>The same, with nothing on the command line that a settings file could say.</summary>
    public static Task<DaemonProcess> StartBareAsync(string state) =>
        AwaitAsync(
            Run(["daemon", "--state", state, "--json", "--http", "127.0.0.1:0", "--bind", "127.0.0.1"]),
            state,
            isOnHost: false
        );

    /// <summary>The same, without waiting until it is open.</summary>
    public static ClientProcess Start(string state, params string[] options) =>
        Run([.. Arguments(state), "--bind", "127.0.0.1", .. options]);

    private static ClientProcess Run(string[] arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(Tools.Shoal, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        return new ClientProcess("shoal daemon", start);
    }

    /// <summary>Until a torrent is as wanted; fails the test if it never is.</summary>
    public async Task<TorrentItem> WaitAsync(string id, Func<TorrentItem, bool> wanted, TimeSpan? patience = null)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var item = (await Client.TorrentAsync(id, CancellationToken.None)).Torrent;
            if (wanted(item))
            {
                return item;
            }

            if (Process.HasExited || clock.Elapsed > (patience ?? Patience))
            {
                throw Process.Failure($"has a torrent that is not as it should be: {item}");
            }

            await Task.Delay(50);
        }
    }

    public Task<TorrentItem> WaitCompleteAsync(string id) =>
        WaitAsync(id, item => item is { State: TorrentPhase.Seeding, Progress: 1 });

    /// <summary>Ends it as its user would, and sees that it ends in time.</summary>
    public async Task<TimeSpan> StopAsync()
    {
        var clock = Stopwatch.StartNew();
        await Client.StopAsync(CancellationToken.None);
        Assert.Equal(0, await Process.WaitForExitAsync(TimeSpan.FromSeconds(10)));
        return clock.Elapsed;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        if (!_isOnHost)
        {
            await Process.DisposeAsync();
        }
    }

    private static string[] Arguments(string state) =>
        ["daemon", "--state", state, "--json", "--no-dht", "--no-lsd", "--no-port-mapping", "--http", "127.0.0.1:0"];

    private static async Task<DaemonProcess> AwaitAsync(ClientProcess process, string state, bool isOnHost)
    {
        // Its log has an event of that name too, which says less and may come first.
        var line = await process.WaitForLineAsync(
            line => ShoalClient.IsEvent(line, "listening") && line.Contains("\"urls\":[", StringComparison.Ordinal),
            Patience
        );
        return new DaemonProcess(process, state, isOnHost, JsonElement.Parse(line));
    }
}
