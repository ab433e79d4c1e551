using System.Text.Json;

namespace Shoal.InteropTests;

/// <summary>libtorrent through clients/libtorrent_client.py.</summary>
/// <param name="options">Of the script, added to every transfer.</param>
internal sealed class LibtorrentClient(params string[] options) : IClient
{
    public string Name => "libtorrent";

    public Task<RunningClient> SeedAsync(Host host, Sample sample, string folder) =>
        Task.FromResult(Start(host, ["--torrent", sample.File, "--save", folder, .. options]));

    public Task<RunningClient> GetAsync(Host host, Sample sample, bool magnet, string folder, params string[] peers) =>
        Task.FromResult(
            Start(
                host,
                [
                    .. magnet ? (string[])["--magnet", sample.Magnet] : ["--torrent", sample.File],
                    "--save",
                    folder,
                    .. options,
                    .. peers.SelectMany(peer => (string[])["--peer", peer]),
                ]
            )
        );

    /// <summary>Starts the script with options of its own; --bind is added.</summary>
    public static RunningClient Start(Host host, IEnumerable<string> options)
    {
        var process = host.Start(
            Tools.Python,
            [Tools.Script("libtorrent_client.py"), "--bind", host.Address, .. options]
        );
        return new(process, patience => process.WaitForLineAsync(line => IsEvent(line, "complete"), patience));
    }

    /// <summary>Stops it and returns how many bytes of content it has sent over its life.</summary>
    public static async Task<long> StopAndCountUploadAsync(RunningClient client)
    {
        await client.StopAsync();
        var last = await client.Process.WaitForLineAsync(line => IsEvent(line, "stopped"), TimeSpan.FromSeconds(5));
        using var json = JsonDocument.Parse(last);
        return json.RootElement.GetProperty("uploaded").GetInt64();
    }

    private static bool IsEvent(string line, string name) =>
        line.StartsWith($$"""{"event": "{{name}}" """.TrimEnd(), StringComparison.Ordinal);
}
