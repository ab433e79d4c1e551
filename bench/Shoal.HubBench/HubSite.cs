using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Shoal.Files;
using Shoal.Hub;
using Shoal.Testing;

namespace Shoal.HubBench;

/// <summary>One publication: a hub, or several with the same keys and one PostgreSQL, and its first administrator.</summary>
internal sealed class HubSite : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("shoal-hub-bench-").FullName;
    private readonly List<HubProcess> _hubs = [];
    private PostgresServer? _postgres;
    private LocalMembership? _admin;

    private HubSite() { }

    public LocalMembership Admin => _admin!;

    public IReadOnlyList<HubAddress> Addresses => [.. _hubs.Select(hub => hub.Address)];

    public static HubConnect Connect { get; } =
        async (host, port, cancel) =>
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(host, port, cancel);
            return new NetworkStream(socket, ownsSocket: true);
        };

    public static async Task<HubSite> StartAsync(BenchOptions options)
    {
        var site = new HubSite();
        try
        {
            List<string> more = options.Receipts is { } kept ? ["--receipts", RetentionNames.Of(kept)] : [];
            if (options.UsesPostgres)
            {
                site._postgres = await PostgresServer.StartAsync(isDurable: true);
                var file = Path.Combine(site._folder, "postgres");
                PrivateFiles.Write(file, System.Text.Encoding.UTF8.GetBytes(site._postgres.ConnectionString));
                more.AddRange(["--postgres", file]);
            }

            var program = Path.Combine(AppContext.BaseDirectory, "shoal");
            for (var at = 0; at < options.Hubs; at++)
            {
                var state = site.StateOf(at);
                if (at > 0)
                {
                    site.CopyKeys(state);
                }

                site._hubs.Add(HubProcess.Start(program, state, [.. more]));
            }

            site._admin = LocalMembership.Load(LocalMembership.FoldersIn(site.StateOf(0)).Single());
            return site;
        }
        catch
        {
            await site.DisposeAsync();
            throw;
        }
    }

    /// <summary>Asks one of the hubs as its administrator.</summary>
    public HubClient ClientAt(int hub)
    {
        // Each state folder has one of its own, who names that hub.
        using var admin = LocalMembership.Load(LocalMembership.FoldersIn(StateOf(hub)).Single());
        return HubClient.Of(admin, Connect, TimeProvider.System);
    }

    /// <summary>Does it, and prints what it took: time, and processor time and memory of each process.</summary>
    /// <returns>Processor time of all of them.</returns>
    public async Task<TimeSpan> MeasureAsync(string what, Func<Task> work)
    {
        var processes = _hubs.Select((hub, at) => (Name: _hubs.Count == 1 ? "hub" : $"hub {at + 1}", hub.Id)).ToList();
        if (_postgres is not null)
        {
            processes.Add(("PostgreSQL", _postgres.ProcessId));
        }

        var before = processes.ConvertAll(one => ProcessUse.Of(one.Id));
        var clock = Stopwatch.StartNew();
        await work();
        var elapsed = clock.Elapsed;
        var after = processes.ConvertAll(one => ProcessUse.Of(one.Id));
        var total = TimeSpan.Zero;
        var used = processes.Select(
            (one, at) =>
            {
                var now = after[at];
                var processor = now.Processor - before[at].Processor;
                total += processor;
                return string.Create(
                    CultureInfo.InvariantCulture,
                    $"{one.Name} used {processor.TotalSeconds:F1} s of processor time ({processor / elapsed:P0} of a core), "
                        + $"{now.Memory >> 20} MiB resident"
                );
            }
        );
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{what}: {elapsed.TotalSeconds:F1} s, {string.Join("; ", used)}"
            )
        );
        return total;
    }

    public async ValueTask DisposeAsync()
    {
        _admin?.Dispose();
        _hubs.ForEach(hub => hub.Dispose());
        if (_postgres is not null)
        {
            await _postgres.DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private string StateOf(int hub) => Path.Combine(_folder, $"hub-{hub + 1}");

    private void CopyKeys(string state)
    {
        var (from, to) = (Path.Combine(StateOf(0), "hub"), Path.Combine(state, "hub"));
        PrivateFiles.CreateFolder(state);
        PrivateFiles.CreateFolder(to);
        foreach (var name in new[] { "authority.key", "authority.cer", "publication.key" })
        {
            PrivateFiles.Write(Path.Combine(to, name), File.ReadAllBytes(Path.Combine(from, name)));
        }
    }
}
