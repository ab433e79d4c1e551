namespace Shoal.InteropTests;

/// <summary>aria2c. It cannot be told of peers: the tracker must know.</summary>
internal sealed class Aria2Client : IClient
{
    public string Name => "aria2";

    public bool KnowsPadFiles => false;

    public Task<RunningClient> SeedAsync(Host host, Sample sample, string folder) =>
        Task.FromResult(Start(host, sample.File, folder, "--check-integrity=true"));

    public Task<RunningClient> GetAsync(Host host, Sample sample, bool magnet, string folder, params string[] peers) =>
        Task.FromResult(Start(host, magnet ? sample.Magnet : sample.File, folder));

    private static RunningClient Start(Host host, string source, string folder, params string[] more)
    {
        // aria2 says nothing when a torrent is complete and is to be seeded, but it calls a program.
        var (hook, mark) = (Path.Combine(host.Folder, "on-complete"), Path.Combine(host.Folder, "complete"));
        File.WriteAllText(hook, $"#!/bin/sh\necho \"$3\" >>'{mark}'\n");
        File.SetUnixFileMode(hook, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var process = host.Start(
            "aria2c",
            [
                $"--on-bt-download-complete={hook}",
                "--no-conf=true",
                "--enable-dht=false",
                "--enable-dht6=false",
                "--bt-enable-lpd=false",
                $"--listen-port={Host.Port}",
                "--file-allocation=none",
                // Seeds until it is stopped.
                "--seed-ratio=0.0",
                "--enable-color=false",
                "--show-console-readout=false",
                "--summary-interval=0",
                "--stop=300",
                $"--dir={folder}",
                .. more,
                source,
            ]
        );
        return new(process, patience => WaitForMarkAsync(process, mark, patience));
    }

    private static async Task WaitForMarkAsync(ClientProcess process, string mark, TimeSpan patience)
    {
        using var deadline = new CancellationTokenSource(patience);
        while (!File.Exists(mark))
        {
            if (process.HasExited || deadline.IsCancellationRequested)
            {
                throw process.Failure("is not complete");
            }
            await Task.Delay(100);
        }
    }
}
