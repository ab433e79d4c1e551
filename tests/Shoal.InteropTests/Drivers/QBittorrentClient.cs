using System.Diagnostics;
using System.Text.Json;

namespace Shoal.InteropTests;

/// <summary>qbittorrent-nox, driven through its web API, which listens on its host's loopback.</summary>
internal sealed class QBittorrentClient : IClient
{
    private const string Api = "http://127.0.0.1:8080/api/v2";

    public string Name => "qBittorrent";

    public Task<RunningClient> SeedAsync(Host host, Sample sample, string folder) =>
        StartAsync(host, $"torrents=@\"{sample.File}\"", folder, []);

    public Task<RunningClient> GetAsync(Host host, Sample sample, bool magnet, string folder, params string[] peers) =>
        StartAsync(host, magnet ? $"urls={sample.Magnet}" : $"torrents=@\"{sample.File}\"", folder, peers);

    private static async Task<RunningClient> StartAsync(Host host, string source, string folder, string[] peers)
    {
        var profile = host.SubFolder("profile");
        File.WriteAllText(
            Path.Combine(host.SubFolder("profile/qBittorrent/config"), "qBittorrent.conf"),
            $"""
            [BitTorrent]
            Session\Port={Host.Port}
            Session\DHTEnabled=false
            Session\LSDEnabled=false
            Session\QueueingSystemEnabled=false
            Session\AddTorrentPaused=false
            Session\MultiConnectionsPerIp=true

            [LegalNotice]
            Accepted=true

            [Network]
            PortForwardingEnabled=false

            [Preferences]
            WebUI\Address=127.0.0.1
            WebUI\Port=8080
            WebUI\LocalHostAuth=false
            WebUI\UseUPnP=false
            """
        );
        Tools.Require("curl");
        var process = host.Start("qbittorrent-nox", $"--profile={profile}");
        await UntilAsync(
            process,
            TimeSpan.FromSeconds(30),
            async () => (await CallAsync(host, "app/version")).StartsWith('v')
        );
        var added = await CallAsync(
            host,
            "torrents/add",
            "-F",
            source,
            "-F",
            $"savepath={folder}",
            "-F",
            "autoTMM=false"
        );
        Assert.Equal("Ok.", added);
        JsonElement info = default;
        await UntilAsync(
            process,
            TimeSpan.FromSeconds(30),
            async () => (info = await InfoAsync(host)).ValueKind is JsonValueKind.Object
        );
        foreach (var peer in peers)
        {
            await CallAsync(
                host,
                "torrents/addPeers",
                "-d",
                $"hashes={info.GetProperty("hash").GetString()}",
                "-d",
                $"peers={peer}"
            );
        }
        return new(
            process,
            patience =>
                UntilAsync(
                    process,
                    patience,
                    async () =>
                        (info = await InfoAsync(host)).ValueKind is JsonValueKind.Object
                        && info.GetProperty("state").GetString() is "uploading" or "stalledUP" or "forcedUP"
                        && info.GetProperty("amount_left").GetInt64() == 0,
                    () => info.ToString()
                )
        );
    }

    private static async Task<JsonElement> InfoAsync(Host host)
    {
        var answer = await CallAsync(host, "torrents/info");
        if (!answer.StartsWith('['))
        {
            return default;
        }
        using var json = JsonDocument.Parse(answer);
        return json.RootElement.EnumerateArray().FirstOrDefault().Clone();
    }

    private static async Task<string> CallAsync(Host host, string method, params string[] arguments)
    {
        try
        {
            return await host.RunAsync("curl", ["-s", "--max-time", "5", .. arguments, $"{Api}/{method}"]);
        }
        catch (Xunit.Sdk.XunitException)
        {
            return "";
        }
    }

    private static async Task UntilAsync(
        ClientProcess process,
        TimeSpan patience,
        Func<Task<bool>> done,
        Func<string>? state = null
    )
    {
        var clock = Stopwatch.StartNew();
        while (!await done())
        {
            if (process.HasExited || clock.Elapsed > patience)
            {
                throw process.Failure($"is not ready after {clock.Elapsed.TotalSeconds:0} s: {state?.Invoke()}");
            }
            await Task.Delay(150);
        }
    }
}
