namespace Shoal.InteropTests;

/// <summary>Our own program, by its JSON lines.</summary>
/// <param name="options">Added to every transfer.</param>
internal sealed class ShoalClient(params string[] options) : ISubject
{
    public string Name => "shoal";

    public Task<Sample> CreateAsync(string file, string content, string format) =>
        CreateAsync(file, content, format, "64KiB");

    public static async Task<Sample> CreateAsync(string file, string content, string format, string pieceLength)
    {
        string[] options = ["--format", format, "--piece-length", pieceLength, "--tracker", Lab.TrackerUrl];
        await Lab.RunAsync(Tools.Shoal, ["create", content, "-o", file, .. options]);
        return await Sample.ReadAsync(file, content);
    }

    public Task<RunningClient> SeedAsync(Host host, Sample sample, string folder) =>
        Task.FromResult(Start(host, ["seed", sample.File, "--data", folder, .. options]));

    public Task<RunningClient> GetAsync(Host host, Sample sample, bool magnet, string folder, params string[] peers) =>
        Task.FromResult(
            Start(
                host,
                [
                    "get",
                    magnet ? sample.Magnet : sample.File,
                    "-o",
                    folder,
                    "--seed",
                    .. options,
                    .. peers.SelectMany(peer => (string[])["--peer", peer]),
                ]
            )
        );

    /// <summary>Starts a command with the options every lab needs.</summary>
    public static RunningClient Start(Host host, IEnumerable<string> command) =>
        StartWithLsd(host, [.. command, "--no-lsd"]);

    /// <summary>The same, with local discovery.</summary>
    public static RunningClient StartWithLsd(Host host, IEnumerable<string> command)
    {
        var process = host.Start(
            Tools.Shoal,
            [
                .. command,
                "--json",
                "--port",
                $"{Host.Port}",
                "--bind",
                host.Address,
                "--no-dht",
                "--no-port-mapping",
                "--state",
                host.SubFolder("state"),
            ]
        );
        return new(process, patience => process.WaitForLineAsync(line => IsEvent(line, "complete"), patience));
    }

    /// <summary>True for a line of --json with this event.</summary>
    public static bool IsEvent(string line, string name) =>
        line.StartsWith('{') && line.Contains($"\"event\":\"{name}\"", StringComparison.Ordinal);
}
