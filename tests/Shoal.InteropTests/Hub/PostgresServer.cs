using System.Diagnostics;

namespace Shoal.InteropTests;

/// <summary>
/// A PostgreSQL server of one test: a data folder of its own, reached by a socket in that folder only, run by the user that
/// Debian's package makes, since it refuses to be run by root.
/// </summary>
internal sealed class PostgresServer : IAsyncDisposable
{
    private readonly string _folder;
    private readonly ClientProcess _process;

    private PostgresServer(string folder, ClientProcess process) => (_folder, _process) = (folder, process);

    public string ConnectionString => $"Host={_folder};Username=postgres;Database=postgres;Maximum Pool Size=30";

    public static async Task<PostgresServer> StartAsync()
    {
        var programs = Directory.Exists("/usr/lib/postgresql")
            ? Directory.EnumerateDirectories("/usr/lib/postgresql").Order(StringComparer.Ordinal).LastOrDefault()
            : null;
        if (programs is null)
        {
            Tools.Require("postgresql");
        }

        var folder = Directory.CreateTempSubdirectory("shoal-postgres-").FullName;
        await Lab.RunAsync("chown", ["postgres:", folder]);
        var data = Path.Combine(folder, "data");
        // It replaces itself by the program, so that the process that is ended is the server.
        string[] asUser = ["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"];
        await Lab.RunAsync(
            "setpriv",
            [.. asUser, $"{programs}/bin/initdb", "-D", data, "-A", "trust", "-U", "postgres", "--no-sync"]
        );
        var start = new ProcessStartInfo(
            "setpriv",
            [
                .. asUser,
                $"{programs}/bin/postgres",
                "-D",
                data,
                "-k",
                folder,
                "-c",
                "listen_addresses=",
                "-c",
                "fsync=off",
            ]
        )
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder,
        };
        start.Environment["LC_ALL"] = "C.UTF-8";
        var process = new ClientProcess("postgres", start);
        await process.WaitForLineAsync(
            line => line.Contains("ready to accept connections", StringComparison.Ordinal),
            TimeSpan.FromSeconds(60)
        );
        return new PostgresServer(folder, process);
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
