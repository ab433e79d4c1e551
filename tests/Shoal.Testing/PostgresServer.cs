using System.Diagnostics;

namespace Shoal.Testing;

/// <summary>
/// A PostgreSQL server of one test or measurement: a data folder of its own, reached by a socket in that folder only. It refuses to be
/// run by root, so root runs it as the user that Debian's package makes.
/// </summary>
public sealed class PostgresServer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _programs;
    private readonly string _folder;
    private readonly Process _process;
    private readonly List<string> _said = [];
    private readonly TaskCompletionSource _isReady = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private PostgresServer(string programs, string folder, bool isDurable)
    {
        (_programs, _folder) = (programs, folder);
        string[] settings =
        [
            "-k",
            folder,
            "-c",
            "listen_addresses=",
            .. isDurable ? [] : (string[])["-c", "fsync=off"],
        ];
        _process = new Process { StartInfo = Command("postgres", ["-D", Data, .. settings]) };
        _process.ErrorDataReceived += (_, line) => Hear(line.Data);
    }

    public string ConnectionString => $"Host={_folder};Username=postgres;Database=postgres;Maximum Pool Size=30";

    /// <summary>The server's first process; those that serve connections are its children.</summary>
    public int ProcessId => _process.Id;

    private string Data => Path.Combine(_folder, "data");

    /// <param name="isDurable">What was committed survives a power cut, as in real use; it takes longer.</param>
    /// <exception cref="InvalidOperationException">It is not installed, or does not start; the message says why.</exception>
    public static async Task<PostgresServer> StartAsync(bool isDurable = false)
    {
        var programs = Directory.Exists("/usr/lib/postgresql")
            ? Directory.EnumerateDirectories("/usr/lib/postgresql").Order(StringComparer.Ordinal).LastOrDefault()
            : null;
        if (programs is null)
        {
            throw new InvalidOperationException("PostgreSQL is not installed: apt-get install postgresql");
        }

        var folder = Directory.CreateTempSubdirectory("shoal-postgres-").FullName;
        if (Environment.IsPrivilegedProcess)
        {
            await RunAsync(new ProcessStartInfo("chown", ["postgres:", folder]));
        }

        var server = new PostgresServer(Path.Combine(programs, "bin"), folder, isDurable);
        try
        {
            string[] options = ["-D", server.Data, "-A", "trust", "-U", "postgres", "--no-sync"];
            await RunAsync(server.Command("initdb", options));
            server._process.Start();
            server._process.BeginErrorReadLine();
            await server._isReady.Task.WaitAsync(Patience);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (HasStarted && !_process.HasExited)
        {
            await RunAsync(Command("pg_ctl", ["stop", "-D", Data, "-m", "immediate"]));
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private bool HasStarted
    {
        get
        {
            lock (_said)
            {
                return _said.Count > 0;
            }
        }
    }

    /// <summary>One of its programs, as who may run it. It takes the place of the process that is started, and so keeps its id.</summary>
    private ProcessStartInfo Command(string program, string[] arguments)
    {
        var file = Path.Combine(_programs, program);
        string[] asUser = ["--reuid=postgres", "--regid=postgres", "--clear-groups", "--", file];
        var start = Environment.IsPrivilegedProcess
            ? new ProcessStartInfo("setpriv", [.. asUser, .. arguments])
            : new ProcessStartInfo(file, arguments);
        start.RedirectStandardError = true;
        start.WorkingDirectory = _folder;
        start.Environment["LC_ALL"] = "C.UTF-8";
        return start;
    }

    private void Hear(string? line)
    {
        lock (_said)
        {
            _said.Add(line ?? "");
        }

        if (line is null)
        {
            // The stream ends with the process.
            _isReady.TrySetException(new InvalidOperationException("postgres ended: " + string.Join('\n', _said)));
        }
        else if (line.Contains("ready to accept connections", StringComparison.Ordinal))
        {
            _isReady.TrySetResult();
        }
    }

    private static async Task RunAsync(ProcessStartInfo start)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = await process.StandardError.ReadToEndAsync();
        await output;
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{start.FileName} failed: {error}");
        }
    }
}
