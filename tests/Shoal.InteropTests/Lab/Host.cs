using System.Diagnostics;

namespace Shoal.InteropTests;

/// <summary>A machine in a <see cref="Lab"/>: an address, a folder, and the processes started on it.</summary>
internal sealed class Host(string name, string space, string address, string folder) : IAsyncDisposable
{
    /// <summary>The port every client listens on: each has an address of its own.</summary>
    public const int Port = 6881;

    private readonly List<ClientProcess> _processes = [];

    public string Name => name;

    public string Namespace => space;

    public string Address => address;

    public string EndPoint => $"{address}:{Port}";

    /// <summary>For this machine's configuration and downloads.</summary>
    public string Folder => folder;

    /// <summary>A folder below <see cref="Folder"/>, made if needed.</summary>
    public string SubFolder(string child) => Directory.CreateDirectory(Path.Combine(folder, child)).FullName;

    /// <summary>Starts a long-running program. `ip netns exec` replaces itself by it, so the pid is the program's.</summary>
    public ClientProcess Start(string program, params IEnumerable<string> arguments)
    {
        if (!Path.IsPathRooted(program))
        {
            Tools.Require(program);
        }
        var start = new ProcessStartInfo("ip", ["netns", "exec", space, program, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder,
        };
        // Clients keep settings in the home folder; each host has its own.
        start.Environment["HOME"] = folder;
        start.Environment["XDG_CONFIG_HOME"] = SubFolder(".config");
        start.Environment["LC_ALL"] = "C.UTF-8";
        var process = new ClientProcess($"{Path.GetFileName(program)} on {name}", start);
        _processes.Add(process);
        return process;
    }

    /// <summary>Runs a program to its end and returns what it printed; fails the test if it fails.</summary>
    public Task<string> RunAsync(string program, params IEnumerable<string> arguments)
    {
        Tools.Require(program);
        return Lab.RunAsync("ip", ["netns", "exec", space, program, .. arguments]);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
        {
            await process.DisposeAsync();
        }
        _processes.Clear();
    }
}
