using System.Text.Json;

namespace Shoal.InteropTests;

/// <summary>A router with miniupnpd: it forwards our ports while we run, by each way to ask it, and not after.</summary>
public sealed class PortMappingTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(40);

    [Theory]
    [InlineData("pcp", "enable_natpmp=yes", "enable_upnp=no")]
    [InlineData("upnp", "enable_natpmp=no", "enable_upnp=yes")]
    public async Task A_router_forwards_our_port_and_stops_at_the_end(string method, params string[] settings)
    {
        await using var lab = await NatLab.CreateAsync($"port-mapping-{method}");
        var caller = await lab.AddPublicAsync("caller");
        var home = await lab.AddHomeAsync("home", NatKind.KeepsPorts);
        await StartRouterAsync(home.Router, settings);
        var content = home.Inside.SubFolder("content");
        DataSet.File(content, "file.bin", 3_000_000, new Random(DataSet.Seed));
        var file = Path.Combine(content, "file.bin");
        var torrent = Path.Combine(lab.Lab.Folder, "file.torrent");
        await Lab.RunAsync(Tools.Shoal, ["create", file, "-o", torrent]);

        var seed = home.Inside.Start(
            Tools.Shoal,
            [
                "seed",
                torrent,
                "--data",
                content,
                "--json",
                "--port",
                $"{Host.Port}",
                "--no-lsd",
                "--no-trackers",
                "--state",
                home.Inside.SubFolder("state"),
            ]
        );
        var mapped = await seed.WaitForLineAsync(
            line => ShoalClient.IsEvent(line, "port-mapping") && line.Contains("\"tcp\"", StringComparison.Ordinal),
            s_patience
        );
        using var json = JsonDocument.Parse(mapped);
        Assert.Equal(method, json.RootElement.GetProperty("method").GetString());
        Assert.Equal(home.PublicAddress, json.RootElement.GetProperty("externalAddress").GetString());
        // The router's word decides where nobody else has said anything.
        await seed.WaitForLineAsync(
            line =>
                ShoalClient.IsEvent(line, "external-address")
                && line.Contains($"\"{home.PublicAddress}\"", StringComparison.Ordinal),
            s_patience
        );
        var port = json.RootElement.GetProperty("externalPort").GetInt32();
        Assert.Contains($"dport {port}", await RulesAsync(home.Router), StringComparison.Ordinal);

        // Somebody in the world calls.
        var folder = caller.SubFolder("got");
        var got = ShoalClient.Start(caller, ["get", torrent, "-o", folder, "--peer", $"{home.PublicAddress}:{port}"]);
        await got.Process.WaitForLineAsync(line => ShoalClient.IsEvent(line, "complete"), s_patience);
        DataSet.AssertSame(file, Path.Combine(folder, "file.bin"));

        await seed.StopAsync();
        Assert.DoesNotContain($"dport {port}", await RulesAsync(home.Router), StringComparison.Ordinal);
    }

    private static async Task StartRouterAsync(Host router, string[] settings)
    {
        Tools.Require("miniupnpd");
        await router.RunAsync(
            "nft",
            """
            add table inet filter
            add chain inet filter forward { type filter hook forward priority 10; }
            add chain inet filter prerouting { type nat hook prerouting priority -100; }
            add chain inet filter postrouting { type nat hook postrouting priority 90; }
            add chain inet filter miniupnpd
            add chain inet filter prerouting_miniupnpd
            add chain inet filter postrouting_miniupnpd
            add rule inet filter forward jump miniupnpd
            add rule inet filter prerouting jump prerouting_miniupnpd
            add rule inet filter postrouting jump postrouting_miniupnpd
            """
        );
        var configuration = Path.Combine(router.Folder, "miniupnpd.conf");
        await File.WriteAllTextAsync(
            configuration,
            $"""
            ext_ifname=eth0
            listening_ip=lan0
            port=5000
            uuid=00000000-0000-0000-0000-000000000001
            upnp_table_name=filter
            upnp_nat_table_name=filter
            upnp_forward_chain=miniupnpd
            upnp_nat_chain=prerouting_miniupnpd
            upnp_nat_postrouting_chain=postrouting_miniupnpd
            allow 1024-65535 192.168.0.0/16 1024-65535
            deny 0-65535 0.0.0.0/0 0-65535
            {string.Join('\n', settings)}

            """
        );
        router.Start("miniupnpd", ["-d", "-f", configuration, "-P", Path.Combine(router.Folder, "miniupnpd.pid")]);
    }

    private static Task<string> RulesAsync(Host router) => router.RunAsync("nft", "list", "ruleset");
}
