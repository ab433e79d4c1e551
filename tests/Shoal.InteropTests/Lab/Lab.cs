using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Shoal.InteropTests;

/// <summary>
/// A private network for one test: a bridge in a namespace of its own, and hosts with one address each. Nothing
/// in it reaches another network, and clients that refuse loopback or two peers on one address are content.
/// Disposing ends every process in it and removes it; when the test program itself dies, its warden does.
/// </summary>
internal sealed class Lab : IAsyncDisposable
{
    /// <summary>The tracker's address in every lab, so that torrents can be made before the lab is.</summary>
    public const string TrackerUrl = "http://10.99.0.1:6969/announce";

    private static readonly string Prefix = $"shoal-{Environment.ProcessId}";
    private static int s_labs;

    private readonly string _name = $"{Prefix}-{Interlocked.Increment(ref s_labs)}";
    private readonly List<Host> _hosts = [];
    private readonly Stopwatch _clock = Stopwatch.StartNew();

    private readonly string _network;

    private Lab(string folder, string network) => (Folder, _network) = (folder, network);

    /// <summary>Where the hosts keep their files. Removed with the lab.</summary>
    public string Folder { get; }

    public TimeSpan Elapsed => _clock.Elapsed;

    /// <summary>The machine with the bridge; the tracker runs on it.</summary>
    public Host Hub => _hosts[0];

    /// <param name="test">Names the folder.</param>
    /// <param name="network">The first three bytes of all addresses; the tracker's URL knows only the usual ones.</param>
    public static async Task<Lab> CreateAsync([CallerMemberName] string test = "", string network = "10.99.0")
    {
        Warden.Begin();
        var lab = new Lab(
            Directory.CreateDirectory(Path.Combine(Warden.Folder, $"{test}-{s_labs + 1}")).FullName,
            network
        );
        var hub = lab.NextHost("hub");
        await RunAsync("ip", ["netns", "add", hub.Namespace]);
        await ConfigureAsync(
            hub,
            "link set lo up",
            "link add br0 type bridge",
            $"addr add {hub.Address}/24 dev br0",
            "link set br0 up"
        );
        return lab;
    }

    /// <summary>Adds a machine to the network.</summary>
    public async Task<Host> AddHostAsync(string name)
    {
        var host = NextHost(name);
        var (near, far) = ($"v{_hosts.Count}", "eth0");
        await RunAsync("ip", ["netns", "add", host.Namespace]);
        await ConfigureAsync(
            Hub,
            $"link add {near} type veth peer name {far} netns {host.Namespace}",
            $"link set {near} master br0 up"
        );
        await ConfigureAsync(
            host,
            "link set lo up",
            $"addr add {host.Address}/24 dev {far}",
            $"link set {far} up",
            // Only so that multicast has a way; the bridge leads nowhere else.
            $"route add default dev {far}"
        );
        return host;
    }

    /// <summary>Adds a machine to a network of its own (/24) behind another, which is its only way out.</summary>
    public async Task<Host> AddHostBehindAsync(Host router, string name, string network)
    {
        var host = NextHost(name, $"{network}.2");
        await RunAsync("ip", ["netns", "add", host.Namespace]);
        await ConfigureAsync(
            router,
            $"link add lan0 type veth peer name eth0 netns {host.Namespace}",
            $"addr add {network}.1/24 dev lan0",
            "link set lan0 up"
        );
        await ConfigureAsync(
            host,
            "link set lo up",
            $"addr add {host.Address}/24 dev eth0",
            "link set eth0 up",
            $"route add default via {network}.1"
        );
        return host;
    }

    private Host NextHost(string name, string? address = null)
    {
        var folder = Directory.CreateDirectory(Path.Combine(Folder, $"{_hosts.Count}-{name}")).FullName;
        var host = new Host(name, $"{_name}-{_hosts.Count}", address ?? $"{_network}.{_hosts.Count + 1}", folder);
        _hosts.Add(host);
        return host;
    }

    private static async Task ConfigureAsync(Host host, params string[] commands)
    {
        foreach (var command in commands)
        {
            await RunAsync("ip", ["-n", host.Namespace, .. command.Split(' ')]);
        }
    }

    internal static async Task<string> RunAsync(string program, IEnumerable<string> arguments)
    {
        using var process = Process.Start(
            new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true }
        )!;
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
            var error = process.StandardError.ReadToEndAsync(deadline.Token);
            await process.WaitForExitAsync(deadline.Token);
            Assert.True(
                process.ExitCode == 0,
                $"{program} {string.Join(' ', arguments)}: exit {process.ExitCode}: {await error} {await output}"
            );
            return await output;
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var host in Enumerable.Reverse(_hosts))
        {
            await host.DisposeAsync();
            // What a client started itself lives in the namespace too.
            var pids = await RunAsync("ip", ["netns", "pids", host.Namespace]);
            foreach (var pid in pids.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                Signals.Send(int.Parse(pid), Signals.Kill);
            }
            await RunAsync("ip", ["netns", "del", host.Namespace]);
        }
        Directory.Delete(Folder, recursive: true);
    }
}
