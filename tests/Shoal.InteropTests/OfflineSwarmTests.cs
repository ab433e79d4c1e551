using System.Security.Cryptography;
using System.Text.Json;
using Shoal.Membership;

namespace Shoal.InteropTests;

/// <summary>Memberships in files, each program on a machine of its own: the hub makes them and is gone when they are used.</summary>
public sealed class OfflineSwarmTests
{
    private const int Size = 3_000_000;
    private const string Name = "measurements.bin";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_file_leads_to_the_content_while_the_hub_is_down()
    {
        await using var lab = await Lab.CreateAsync("offline");
        var (office, seed) = (await lab.AddHostAsync("office"), await lab.AddHostAsync("seed"));
        var (hub, content) = await StartPublicationAsync(office, seed);
        var seeding = Seed(seed, office, content);
        await seeding.WaitForLineAsync(line => ShoalClient.IsEvent(line, "listening"), Patience);

        // One file for Eve, who has the torrent in it and whom the hub tells where the seed is; and one for each in a table,
        // without.
        using var made = JsonDocument.Parse(
            await WaitForPeerAsync(office, "invite create --name Eve --offline eve.invitation --expires 30d --json")
        );
        var (eve, ben) = (await lab.AddHostAsync("eve"), await lab.AddHostAsync("ben"));
        await File.WriteAllTextAsync(Path.Combine(office.Folder, "people.csv"), "name,uses\nBen,1\nCleo,\n");
        await ShoalAsync(office, "invite import people.csv --offline files");
        var table = await File.ReadAllLinesAsync(Path.Combine(office.Folder, "people-links.csv"));
        Assert.Equal("name,uses,member,file,passphrase", table[0]);
        await hub.StopAsync();

        await CopyAsync(office, eve, "eve.invitation");
        await GetAsync(eve, "eve.invitation", made.RootElement.GetProperty("passphrase").GetString()!, content);
        await CopyAsync(office, ben, "files/line-00002.invitation");
        await GetAsync(ben, "line-00002.invitation", table[1].Split(',')[4], content);

        // The seed starts again, and goes on without the hub.
        await seeding.StopAsync();
        seeding = Seed(seed, office, content);
        await seeding.WaitForLineAsync(line => ShoalClient.IsEvent(line, "listening"), Patience);
        // Whoever has seen file and passphrase is the same member, as long as no hub says otherwise.
        var thief = await lab.AddHostAsync("thief");
        await CopyAsync(office, thief, "eve.invitation");
        await GetAsync(thief, "eve.invitation", made.RootElement.GetProperty("passphrase").GetString()!, content);

        // The hub is back. Whoever comes first keeps the membership, with a key of his own; the other hears of it.
        hub = await StartHubAsync(office);
        var first = Get(eve, "catalogue get data -o got --seed-time 1s");
        Assert.Equal(0, await first.WaitForExitAsync(Patience));
        var second = Get(thief, "catalogue get data -o got --seed-time 1s");
        Assert.Equal(0, await second.WaitForExitAsync(Patience));
        Assert.DoesNotContain(first.Lines, line => line.Contains("key-replaced", StringComparison.Ordinal));
        Assert.Contains(second.Lines, line => line.Contains("key-replaced", StringComparison.Ordinal));

        // Nobody needs to know who has it: the membership is shut out.
        var seen = Get(thief, "catalogue get data -o got --seed");
        await seen.WaitForLineAsync(line => ShoalClient.IsEvent(line, "complete"), Patience);
        await ShoalAsync(office, $"member revoke {made.RootElement.GetProperty("member").GetString()}");
        Assert.Equal(1, await seen.WaitForExitAsync(Patience));
        Assert.Contains(seen.Lines, line => line.Contains("\"membership-ended\"", StringComparison.Ordinal));
        await hub.StopAsync();
    }

    [Fact]
    public async Task With_the_hub_down_members_who_know_one_find_each_other_by_that_one()
    {
        await using var lab = await Lab.CreateAsync("exchange");
        var (office, seed) = (await lab.AddHostAsync("office"), await lab.AddHostAsync("seed"));
        var (hub, content) = await StartPublicationAsync(office, seed);
        // Slow, so that there is time to hear of each other.
        var seeding = Start(
            seed,
            $"publish data --hub {office.Address}:7450 --port {Host.Port} --bind {seed.Address} --no-port-mapping --upload-limit 40KiB/s --json"
        );
        await seeding.WaitForLineAsync(line => ShoalClient.IsEvent(line, "listening"), Patience);
        await File.WriteAllTextAsync(Path.Combine(office.Folder, "people.csv"), "name\nBen\nCleo\n");
        await WaitForPeerAsync(office, "invite import people.csv --offline files");
        var table = await File.ReadAllLinesAsync(Path.Combine(office.Folder, "people-links.csv"));
        await hub.StopAsync();

        var members = new List<(Host Host, ClientProcess Process)>();
        foreach (var (name, line) in new[] { ("ben", 2), ("cleo", 3) })
        {
            var host = await lab.AddHostAsync(name);
            await CopyAsync(office, host, $"files/line-0000{line}.invitation");
            await WritePassphraseAsync(host, table[line - 1].Split(',')[3]);
            var join = Get(host, $"join line-0000{line}.invitation --passphrase-file passphrase -o got --seed");
            await join.WaitForLineAsync(text => IsPeer(text, seed, null), Patience);
            members.Add((host, join));
        }

        var (first, second) = (members[0], members[1]);
        var heard = await Task.WhenAny(
            first.Process.WaitForLineAsync(line => IsPeer(line, second.Host, "pex"), Patience),
            second.Process.WaitForLineAsync(line => IsPeer(line, first.Host, "pex"), Patience)
        );
        await heard;
        foreach (var (host, process) in members)
        {
            await process.WaitForLineAsync(line => ShoalClient.IsEvent(line, "complete"), 3 * Patience);
            var got = await File.ReadAllBytesAsync(Path.Combine(host.Folder, "got", "data", Name));
            Assert.Equal(SHA256.HashData(await File.ReadAllBytesAsync(content)), SHA256.HashData(got));
        }
    }

    /// <summary>A hub in the office, and content on the machine of a publisher who has joined.</summary>
    private static async Task<(ClientProcess Hub, string Content)> StartPublicationAsync(Host office, Host seed)
    {
        var content = Path.Combine(seed.SubFolder("data"), Name);
        await File.WriteAllBytesAsync(content, RandomNumberGenerator.GetBytes(Size));
        var hub = await StartHubAsync(office);
        await ShoalAsync(office, "invite create --role publisher > seed.link");
        await CopyAsync(office, seed, "seed.link");
        await ShoalAsync(seed, "join - --no-fetch < seed.link");
        return (hub, content);
    }

    /// <summary>A line that tells of a connection with the host.</summary>
    private static bool IsPeer(string line, Host host, string? source)
    {
        if (!ShoalClient.IsEvent(line, "peer"))
        {
            return false;
        }

        var peer = JsonElement.Parse(line);
        return peer.GetProperty("address").GetString()!.StartsWith(host.Address + ":", StringComparison.Ordinal)
            && (source is null || peer.GetProperty("sources").EnumerateArray().Any(one => one.GetString() == source));
    }

    [Fact]
    public async Task Who_reaches_the_hub_by_both_families_is_one_member_at_two_addresses()
    {
        await using var lab = await Lab.CreateAsync("families");
        var host = await lab.AddHostAsync("host");
        var content = Path.Combine(host.SubFolder("data"), Name);
        await File.WriteAllBytesAsync(content, RandomNumberGenerator.GetBytes(100_000));
        // `ip netns exec` shows its programs this file in place of /etc/hosts.
        var names = Directory.CreateDirectory($"/etc/netns/{host.Namespace}");
        try
        {
            await File.WriteAllTextAsync(Path.Combine(names.FullName, "hosts"), "127.0.0.1 both.test\n::1 both.test\n");
            await AnnounceByBothAsync(host);
        }
        finally
        {
            names.Delete(recursive: true);
        }
    }

    private static async Task AnnounceByBothAsync(Host host)
    {
        var hub = Start(host, "hub --host both.test --announce-interval 2s");
        await hub.WaitForLineAsync(line => line.StartsWith("Hub at https://", StringComparison.Ordinal), Patience);
        var seeding = Start(host, $"publish data --hub both.test --port {Host.Port} --no-port-mapping --json");
        await seeding.WaitForLineAsync(line => ShoalClient.IsEvent(line, "listening"), Patience);
        using var made = JsonDocument.Parse(
            await WaitForPeerAsync(host, "invite create --offline first.invitation --json")
        );
        var peers = PeersIn(host, "first.invitation", made);
        for (var i = 2; peers.Count < 2 && i < 10; i++)
        {
            await Task.Delay(1000);
            using var next = JsonDocument.Parse(
                await ShoalAsync(host, $"invite create --offline {i}.invitation --json")
            );
            peers = PeersIn(host, $"{i}.invitation", next);
        }

        Assert.Equal([$"127.0.0.1:{Host.Port}", $"[::1]:{Host.Port}"], peers.Order(StringComparer.Ordinal));
        // Two addresses are one copy.
        Assert.Contains("\"complete\":1,", await ShoalAsync(host, "catalogue --json"), StringComparison.Ordinal);
    }

    private static IReadOnlyList<string> PeersIn(Host host, string file, JsonDocument made)
    {
        var bytes = File.ReadAllBytes(Path.Combine(host.Folder, file));
        var passphrase = made.RootElement.GetProperty("passphrase").GetString()!;
        Assert.Equal(MembershipFault.None, PassphraseSeal.TryLoad()!.TryOpen(bytes, passphrase, out var secret));
        Assert.True(OfflineInvitation.TryRead(secret, DateTimeOffset.UtcNow, out var invitation, out _));
        return invitation.Content.Peers;
    }

    private static ClientProcess Seed(Host host, Host office, string content) =>
        Start(
            host,
            $"publish {Path.GetDirectoryName(content)} --hub {office.Address}:7450 --port {Host.Port} --bind {host.Address} --no-port-mapping --json"
        );

    private static ClientProcess Get(Host host, string command) =>
        Start(host, $"{command} --port {Host.Port} --bind {host.Address} --no-port-mapping --json");

    private static async Task GetAsync(Host host, string file, string passphrase, string content)
    {
        await WritePassphraseAsync(host, passphrase);
        var join = Get(host, $"join {file} --passphrase-file passphrase -o got");
        Assert.Equal(0, await join.WaitForExitAsync(Patience));
        var got = await File.ReadAllBytesAsync(Path.Combine(host.Folder, "got", "data", Name));
        Assert.Equal(SHA256.HashData(await File.ReadAllBytesAsync(content)), SHA256.HashData(got));
    }

    private static async Task WritePassphraseAsync(Host host, string passphrase)
    {
        var file = Path.Combine(host.Folder, "passphrase");
        await File.WriteAllTextAsync(file, passphrase);
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    /// <summary>The hub knows where the seed is as soon as that has announced.</summary>
    private static async Task<string> WaitForPeerAsync(Host office, string command)
    {
        var deadline = DateTime.UtcNow + Patience;
        while (DateTime.UtcNow < deadline)
        {
            var listed = await ShoalAsync(office, "catalogue --json");
            if (listed.Contains("\"complete\":1", StringComparison.Ordinal))
            {
                return await ShoalAsync(office, command);
            }

            await Task.Delay(200);
        }

        throw new TimeoutException("the seed never announced");
    }

    private static async Task<ClientProcess> StartHubAsync(Host host)
    {
        var hub = Start(host, $"hub --host {host.Address} --announce-interval 5s");
        await hub.WaitForLineAsync(line => line.StartsWith("Hub at https://", StringComparison.Ordinal), Patience);
        return hub;
    }

    private static Task CopyAsync(Host from, Host to, string file)
    {
        File.Copy(Path.Combine(from.Folder, file), Path.Combine(to.Folder, Path.GetFileName(file)));
        return Task.CompletedTask;
    }

    private static ClientProcess Start(Host host, string command) =>
        host.Start(
            "/bin/sh",
            "-c",
            $"cd '{host.Folder}'; exec env XDG_STATE_HOME='{host.Folder}/state' '{Tools.Shoal}' {command}"
        );

    private static Task<string> ShoalAsync(Host host, string command) =>
        host.RunAsync(
            "/bin/sh",
            "-c",
            $"cd '{host.Folder}'; exec env XDG_STATE_HOME='{host.Folder}/state' '{Tools.Shoal}' {command}"
        );
}
