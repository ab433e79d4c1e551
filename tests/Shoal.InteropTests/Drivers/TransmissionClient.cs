using System.Diagnostics;

namespace Shoal.InteropTests;

/// <summary>
/// transmission-daemon, driven by transmission-remote. It cannot be told of peers: the tracker must know. Its uTP
/// is off: version 3.00 is a hundred times slower over it than over TCP on a network without delay.
/// </summary>
/// <param name="mustEncrypt">It refuses plain connections.</param>
internal sealed class TransmissionClient(bool mustEncrypt = false) : IClient
{
    private const string Rpc = "127.0.0.1:9091";

    public string Name => "Transmission";

    public bool KnowsPadFiles => false;

    public bool MakesEmptyFiles => false;

    public Task<RunningClient> SeedAsync(Host host, Sample sample, string folder) =>
        StartAsync(host, sample.File, folder);

    public Task<RunningClient> GetAsync(Host host, Sample sample, bool magnet, string folder, params string[] peers) =>
        StartAsync(host, magnet ? sample.Magnet : sample.File, folder);

    private async Task<RunningClient> StartAsync(Host host, string source, string folder)
    {
        var settings = host.SubFolder("transmission");
        File.WriteAllText(
            Path.Combine(settings, "settings.json"),
            $$"""
            {
              "bind-address-ipv4": "{{host.Address}}",
              "dht-enabled": false,
              "encryption": {{(mustEncrypt ? 2 : 1)}},
              "incomplete-dir-enabled": false,
              "lpd-enabled": false,
              "peer-port": {{Host.Port}},
              "port-forwarding-enabled": false,
              "rename-partial-files": false,
              "rpc-bind-address": "127.0.0.1",
              "rpc-whitelist-enabled": false,
              "utp-enabled": false
            }
            """
        );
        var process = host.Start("transmission-daemon", "-f", "-g", settings);
        var clock = Stopwatch.StartNew();
        while (!(await RemoteAsync(host, "-si")).Contains("VERSION", StringComparison.Ordinal))
        {
            if (process.HasExited || clock.Elapsed > TimeSpan.FromSeconds(30))
            {
                throw process.Failure("does not answer");
            }
            await Task.Delay(150);
        }
        var added = await RemoteAsync(host, "-a", source, "-w", folder);
        if (!added.Contains("success", StringComparison.Ordinal))
        {
            throw process.Failure($"did not take {source}: {added}");
        }
        return new(process, patience => WaitCompleteAsync(host, process, patience));
    }

    private static async Task WaitCompleteAsync(Host host, ClientProcess process, TimeSpan patience)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var info = await RemoteAsync(host, "-t", "1", "-i");
            if (
                info.Contains("Percent Done: 100%", StringComparison.Ordinal)
                && (
                    info.Contains("State: Seeding", StringComparison.Ordinal)
                    || info.Contains("State: Idle", StringComparison.Ordinal)
                )
            )
            {
                return;
            }
            if (process.HasExited || clock.Elapsed > patience)
            {
                throw process.Failure($"is not complete after {clock.Elapsed.TotalSeconds:0} s: {info}");
            }
            await Task.Delay(150);
        }
    }

    private static async Task<string> RemoteAsync(Host host, params string[] arguments)
    {
        try
        {
            return await host.RunAsync("transmission-remote", [Rpc, .. arguments]);
        }
        catch (Xunit.Sdk.XunitException e)
        {
            return e.Message;
        }
    }
}
