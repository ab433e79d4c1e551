using System.Text.Json;

namespace Shoal.InteropTests;

/// <summary>
/// Links that lead to the current version of something (BEP 46), with nothing but libtorrent's DHT between those who
/// publish and those who follow.
/// </summary>
public sealed class PublicationTests
{
    private const string Seed = "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    [Theory]
    [InlineData("hybrid", true)]
    [InlineData("v1", true)]
    [InlineData("v2", true)]
    [InlineData("hybrid", false)]
    [InlineData("v1", false)]
    [InlineData("v2", false)]
    public async Task An_item_in_libtorrents_dht_leads_to_the_torrent_and_to_the_next_version(
        string format,
        bool namesPeers
    )
    {
        await using var lab = await Lab.CreateAsync($"publication-{format}-{namesPeers}");
        var node = await NodeAsync(lab);
        var first = await VersionAsync(lab, node, "one", format, changed: 1);
        var second = await VersionAsync(lab, node, "two", format, changed: 2);

        var key = await PutAsync(lab, node, first, sequence: 7);
        var host = await lab.AddHostAsync("getter");
        var target = host.SubFolder("got");
        var getter = Start(
            host,
            node,
            [
                "get",
                $"magnet:?xs=urn:btpk:{key}&s=73616c74",
                "-o",
                target,
                "--seed",
                "--poll",
                "10s",
                .. namesPeers ? Peers(first, second) : [],
            ]
        );
        var resolved = await EventAsync(getter, "resolved");
        Assert.Equal(7, resolved.GetProperty("sequence").GetInt64());
        Assert.Equal(target, resolved.GetProperty("folder").GetString());
        Assert.Equal(first.V1, resolved.GetProperty("infoHashV1").GetString());
        Assert.Equal(first.V2, resolved.GetProperty("infoHashV2").GetString());
        await EventAsync(getter, "complete");
        DataSet.AssertSame(first.Content, Path.Combine(target, "set"));

        await PutAsync(lab, node, second, sequence: 8);
        var update = await EventAsync(getter, "update");
        Assert.Equal(8, update.GetProperty("sequence").GetInt64());
        var folder = Path.Combine(target, "update-8");
        Assert.Equal(folder, update.GetProperty("folder").GetString());
        var line = await getter.WaitForLineAsync(
            line => ShoalClient.IsEvent(line, "complete") && line.Contains("update-8", StringComparison.Ordinal),
            Patience
        );
        DataSet.AssertSame(second.Content, Path.Combine(folder, "set"));
        // The old version is as it was, and what did not change was not fetched again where v2 can tell.
        DataSet.AssertSame(first.Content, Path.Combine(target, "set"));
        using var complete = JsonDocument.Parse(line);
        var downloaded = complete.RootElement.GetProperty("downloaded").GetInt64();
        Assert.True(
            format == "v1" ? downloaded >= Version.SameSize : downloaded < Version.SameSize,
            $"{downloaded} bytes were fetched for the update"
        );

        if (!namesPeers)
        {
            // There is no tracker, and no local discovery: those who have the content came from the DHT alone.
            var peers = getter.Lines.Where(one => ShoalClient.IsEvent(one, "peer")).ToArray();
            Assert.Contains(peers, one => one.Contains("\"source\":\"dht\"", StringComparison.Ordinal));
            // They find us there too.
            Assert.All(peers, one => Assert.Matches("\"source\":\"(dht|incoming)\"", one));
        }

        // The next run goes on where this one was.
        await getter.StopAsync();
        var again = Start(host, node, ["get", $"magnet:?xs=urn:btpk:{key}&s=73616c74", "-o", target]);
        Assert.Equal(folder, (await EventAsync(again, "resolved")).GetProperty("folder").GetString());
        Assert.Equal(0, (await EventAsync(again, "complete")).GetProperty("downloaded").GetInt64());
        Assert.Equal(0, await again.WaitForExitAsync(Patience));
    }

    [Fact]
    public async Task What_shoal_publishes_libtorrent_gets_and_shoal_follows()
    {
        await using var lab = await Lab.CreateAsync("publishing");
        var node = await NodeAsync(lab);
        var first = await VersionAsync(lab, node, "one", "hybrid", changed: 1);
        var second = await VersionAsync(lab, node, "two", "v2", changed: 2);

        var host = await lab.AddHostAsync("publisher");
        var keyFile = Path.Combine(host.Folder, "keys", "mine.key");
        var publisher = Start(host, node, ["publish", first.File, "--key", keyFile]);
        var published = await EventAsync(publisher, "published");
        var key = published.GetProperty("publicKey").GetString()!;
        Assert.Equal($"magnet:?xs=urn:btpk:{key}", published.GetProperty("magnet").GetString());
        Assert.Equal(1, published.GetProperty("sequence").GetInt64());
        var got = await GetByLibtorrentAsync(lab, node, key);
        Assert.Contains("\"seq\": 1", got, StringComparison.Ordinal);
        Assert.Contains("ih2", got, StringComparison.Ordinal);
        await publisher.StopAsync();

        // The same again is no new version; another torrent is.
        foreach (var (version, sequence) in (IEnumerable<(Version, int)>)[(first, 1), (second, 2)])
        {
            var once = Start(host, node, ["publish", version.File, "--key", keyFile, "--once", "--timeout", "60s"]);
            Assert.Equal(sequence, (await EventAsync(once, "published")).GetProperty("sequence").GetInt64());
            Assert.Equal(0, await once.WaitForExitAsync(Patience));
        }

        Assert.Contains("\"seq\": 2", await GetByLibtorrentAsync(lab, node, key), StringComparison.Ordinal);
        var reader = await lab.AddHostAsync("reader");
        var target = reader.SubFolder("got");
        var getter = Start(reader, node, ["get", $"magnet:?xs=urn:btpk:{key}", "-o", target, .. Peers(second)]);
        Assert.Equal(second.V2, (await EventAsync(getter, "resolved")).GetProperty("infoHashV2").GetString());
        Assert.Equal(0, await getter.WaitForExitAsync(Patience));
        DataSet.AssertSame(second.Content, Path.Combine(target, "set"));
    }

    [Fact]
    public async Task Nothing_found_and_no_dht_are_said_to_be_the_reason()
    {
        await using var lab = await Lab.CreateAsync("publication-missing");
        var node = await NodeAsync(lab);
        var host = await lab.AddHostAsync("getter");
        var link = "magnet:?xs=urn:btpk:8543d3e6115f0f98c944077a4493dcd543e49c739fd998550a1f614ab36ed63e";
        var missing = Start(host, node, ["get", link, "-o", host.SubFolder("got"), "--timeout", "5s"]);
        Assert.Equal(1, await missing.WaitForExitAsync(Patience));
        Assert.Contains("none knows of it", (await EventAsync(missing, "error")).GetProperty("message").GetString());
        var alone = Start(
            host,
            null,
            ["get", link, "-o", host.SubFolder("got"), "--timeout", "2s", "--state", "fresh"]
        );
        Assert.Equal(1, await alone.WaitForExitAsync(Patience));
        var error = await EventAsync(alone, "error");
        Assert.Equal("not-found", error.GetProperty("code").GetString());
        Assert.Contains("no node of the DHT answers", error.GetProperty("message").GetString());
    }

    /// <summary>One version of a folder, seeded by a host of its own that announces it to the DHT.</summary>
    private sealed record Version(string File, string Content, string? V1, string? V2, string Seed)
    {
        /// <summary>Of the file that is the same in all versions.</summary>
        public const int SameSize = 2_000_000;
    }

    private static async Task<Version> VersionAsync(Lab lab, Host node, string name, string format, int changed)
    {
        var host = await lab.AddHostAsync(name);
        var content = Path.Combine(host.SubFolder("content"), "set");
        DataSet.File(content, "same.bin", Version.SameSize, new Random(1));
        DataSet.File(content, "changed.bin", 300_000, new Random(changed));
        var file = Path.Combine(host.Folder, $"{name}.torrent");
        var made = await Lab.RunAsync(
            Tools.Shoal,
            ["create", content, "-o", file, "--format", format, "--piece-length", "64KiB", "--json"]
        );
        var seed = Start(host, node, ["seed", file, "--data", Path.GetDirectoryName(content)!]);
        await seed.WaitForLineAsync(line => line.Contains("seeding", StringComparison.Ordinal), Patience);
        using var json = JsonDocument.Parse(made);
        return new Version(file, content, Hash("infoHashV1"), Hash("infoHashV2"), host.EndPoint);

        string? Hash(string property) => json.RootElement.GetProperty(property).GetString();
    }

    private static IEnumerable<string> Peers(params IEnumerable<Version> versions) =>
        versions.SelectMany(version => (string[])["--peer", version.Seed]);

    private static async Task<Host> NodeAsync(Lab lab)
    {
        var host = await lab.AddHostAsync("dht");
        var process = host.Start(
            Tools.Python,
            [Tools.Script("libtorrent_dht.py"), "--bind", host.Address, "--port", $"{Host.Port}"]
        );
        await process.WaitForLineAsync(line => line.Contains("listening", StringComparison.Ordinal), Patience);
        return host;
    }

    private static async Task<string> PutAsync(Lab lab, Host node, Version version, int sequence)
    {
        string[] names = [.. Name("--ih", version.V1), .. Name("--ih2", version.V2)];
        string[] options = ["--node", node.EndPoint, "--seed", Seed, "--salt", "salt", "--sequence", $"{sequence}"];
        var said = await lab.Hub.RunAsync("python3", [Tools.Script("dht_put.py"), .. options, .. names]);
        using var json = JsonDocument.Parse(said);
        Assert.True(json.RootElement.GetProperty("stored").GetBoolean(), said);
        return json.RootElement.GetProperty("key").GetString()!;

        static string[] Name(string option, string? value) => value is null ? [] : [option, value];
    }

    private static async Task<string> GetByLibtorrentAsync(Lab lab, Host node, string key)
    {
        var host = await lab.AddHostAsync("asking");
        var process = host.Start(
            Tools.Python,
            [Tools.Script("libtorrent_dht.py"), "--bind", host.Address, "--node", node.EndPoint, $"mget:{key}:"]
        );
        return await process.WaitForLineAsync(line => line.Contains("\"got\"", StringComparison.Ordinal), Patience);
    }

    private static ClientProcess Start(Host host, Host? node, IEnumerable<string> command)
    {
        string[] bootstrap = node is null ? [] : ["--dht-bootstrap", node.EndPoint];
        var arguments = command.ToList();
        string[] state = arguments.Contains("--state") ? [] : ["--state", host.SubFolder($"state-{arguments[0]}")];
        string[] quiet = arguments[0] == "publish" ? [] : ["--no-lsd", "--no-port-mapping", "--port", $"{Host.Port}"];
        return host.Start(
            Tools.Shoal,
            [.. arguments, "--json", "--bind", host.Address, .. bootstrap, .. state, .. quiet]
        );
    }

    private static async Task<JsonElement> EventAsync(ClientProcess process, string name)
    {
        var line = await process.WaitForLineAsync(line => ShoalClient.IsEvent(line, name), Patience);
        using var json = JsonDocument.Parse(line);
        return json.RootElement.Clone();
    }
}
