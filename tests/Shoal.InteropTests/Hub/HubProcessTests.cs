using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using Shoal.Files;
using Shoal.Hub;
using Shoal.Membership;

namespace Shoal.InteropTests;

/// <summary>A hub as a process, over real TLS.</summary>
public sealed class HubProcessTests
{
    private const int Kills = 3;
    private const int JoinersPerKill = 8;
    private const int Joiners = Kills * JoinersPerKill;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_hub_killed_in_the_middle_of_issuing_loses_nothing_and_counts_no_use_twice()
    {
        await using var lab = await Lab.CreateAsync("hub-killed");
        var host = await lab.AddHostAsync("hub");
        var hub = await StartAsync(host);
        await host.RunAsync(
            "/bin/sh",
            "-c",
            $"{Shoal(host)} invite create --uses {Joiners} --name all > {host.Folder}/link"
        );
        var waves = new List<ClientProcess>();
        for (var kill = 0; kill < Kills; kill++)
        {
            // Others come for each kill, so that each finds the hub at work; who is not in yet tries on.
            var wanted = JoinedOf(waves) + 3;
            waves.Add(StartJoining(host, kill * JoinersPerKill + 1));
            for (var clock = Stopwatch.StartNew(); JoinedOf(waves) < wanted; await Task.Delay(10))
            {
                Assert.True(clock.Elapsed < Patience, "nobody joins any more");
            }

            await hub.KillAsync();
            hub = await StartAsync(host);
        }

        foreach (var wave in waves)
        {
            Assert.Equal(0, await wave.WaitForExitAsync(Patience * 2));
        }

        var listed = await host.RunAsync("/bin/sh", "-c", $"{Shoal(host)} invite list --all --json");
        using var line = JsonDocument.Parse(listed.Trim());
        Assert.Equal(Joiners, line.RootElement.GetProperty("used").GetInt32());
        var members = await host.RunAsync("/bin/sh", "-c", $"{Shoal(host)} member list --json");
        var rows = members.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(Joiners, rows.Count(row => row.Contains("\"role\":\"member\"", StringComparison.Ordinal)));
        // Each of them has a certificate that the hub takes.
        var ask = await host.RunAsync(
            "/bin/sh",
            "-c",
            $"for i in $(seq {Joiners}); do {Tools.Shoal} catalogue --state {host.Folder}/j$i; done"
        );
        Assert.Equal(Joiners, ask.Split("Nothing is published yet.").Length - 1);
    }

    /// <summary>Some who join at once, each with a state folder of its own, and come again until they are in.</summary>
    private static ClientProcess StartJoining(Host host, int first)
    {
        var script =
            $"for i in $(seq {first} {first + JoinersPerKill - 1}); do "
            + $"(until {Tools.Shoal} join - --no-fetch --state {host.Folder}/j$i < {host.Folder}/link; do sleep 0.3; done) & "
            + "done; wait";
        return host.Start("/bin/sh", "-c", script);
    }

    private static int JoinedOf(IEnumerable<ClientProcess> waves) =>
        waves.Sum(wave => wave.Lines.Count(line => line.StartsWith("You are a member", StringComparison.Ordinal)));

    [Fact]
    public async Task A_member_speaks_to_the_hub_of_his_publication_only_and_strangers_get_nothing()
    {
        await using var fixture = new HubFixture();
        var (ours, theirs) = (await fixture.StartAsync(fixture.Folder()), await fixture.StartAsync(fixture.Folder()));
        var (_, link) = HubFixture.NewInvitation(ours);
        var wrongHub = await Assert.ThrowsAsync<HubException>(() =>
            fixture.JoinAsync(HubFixture.AddressOf(theirs), link)
        );
        Assert.Equal("hub-not-trusted", wrongHub.Code);

        // Whoever has taken the hub's place gets neither secret nor certificate: the connection ends before.
        var ada = await fixture.AddAsync(ours, MemberRole.Member);
        var folder = fixture.Folder();
        CopyWithHub(ada.Folder, folder, HubFixture.AddressOf(theirs));
        using var moved = LocalMembership.Load(folder);
        var refused = await Assert.ThrowsAsync<HubException>(() =>
            fixture.ClientOf(moved).ListCatalogueAsync(fixture.Timeout.Token)
        );
        Assert.Equal("hub-not-trusted", refused.Code);
        Assert.Empty((await fixture.ClientOf(ada).ListCatalogueAsync(fixture.Timeout.Token)).Entries);
    }

    [Fact]
    public async Task Who_is_made_a_publisher_publishes_by_the_same_command_and_no_more_when_that_is_over()
    {
        await using var lab = await Lab.CreateAsync("roles");
        var (host, ada) = (await lab.AddHostAsync("hub"), await lab.AddHostAsync("ada"));
        await StartAsync(host);
        await host.RunAsync("/bin/sh", "-c", $"{Shoal(host)} invite create --name Ada > {host.Folder}/link");
        await ada.RunAsync("/bin/sh", "-c", $"{Shoal(ada)} join - --no-fetch < {host.Folder}/link");
        var listed = await host.RunAsync("/bin/sh", "-c", $"{Shoal(host)} member list --json");
        var row = listed.Split('\n').Single(line => line.Contains("\"Ada\"", StringComparison.Ordinal));
        var id = JsonElement.Parse(row).GetProperty("id").GetString()!;
        await File.WriteAllTextAsync(Path.Combine(ada.Folder, "one"), "one");
        async Task<string> PublishAsync(int exit)
        {
            var publish = ada.Start("/bin/sh", "-c", $"{Shoal(ada)} publish one --hub {host.Address} --once");
            Assert.Equal(exit, await publish.WaitForExitAsync(Patience));
            return publish.Lines[^1];
        }

        Assert.Contains("needs the role publisher", await PublishAsync(1), StringComparison.Ordinal);
        await host.RunAsync("/bin/sh", "-c", $"{Shoal(host)} member role {id} publisher --publish-quota 1MiB");
        Assert.Contains("Published 'one', version 1", await PublishAsync(0), StringComparison.Ordinal);
        await host.RunAsync("/bin/sh", "-c", $"{Shoal(host)} member role {id} member");
        await File.WriteAllTextAsync(Path.Combine(ada.Folder, "one"), "two");
        Assert.Contains("needs the role publisher", await PublishAsync(1), StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_command_is_hub_and_publisher()
    {
        await using var lab = await Lab.CreateAsync("own-hub");
        var (host, ada) = (await lab.AddHostAsync("publisher"), await lab.AddHostAsync("ada"));
        var content = Path.Combine(host.Folder, "measurements");
        await File.WriteAllBytesAsync(content, RandomNumberGenerator.GetBytes(300_000));
        async Task<ClientProcess> PublishAsync()
        {
            string[] here = ["--port", $"{Host.Port}", "--bind", host.Address, "--no-port-mapping", "--json"];
            string[] hub = ["--with-hub", "--hub-host", host.Address, "--state", $"{host.Folder}/state/shoal"];
            var process = host.Start(Tools.Shoal, ["publish", content, .. hub, .. here]);
            await process.WaitForLineAsync(line => ShoalClient.IsEvent(line, "hub"), Patience);
            await process.WaitForLineAsync(line => ShoalClient.IsEvent(line, "listening"), Patience);
            return process;
        }

        var publish = await PublishAsync();
        await host.RunAsync("/bin/sh", "-c", $"{Shoal(host)} invite create --name Ada > {host.Folder}/link");
        var join = $"{Shoal(ada)} join - -o {ada.Folder}/got --no-port-mapping < {host.Folder}/link";
        await ada.RunAsync("/bin/sh", "-c", join);
        var got = await File.ReadAllBytesAsync(Path.Combine(ada.Folder, "got", "measurements"));
        Assert.Equal(await File.ReadAllBytesAsync(content), got);
        await publish.StopAsync();
        // The same publication again, as with a hub of its own; and who left is out.
        publish = await PublishAsync();
        Assert.Contains(publish.Lines, line => line.Contains("\"version\":1,", StringComparison.Ordinal));
        await ada.RunAsync("/bin/sh", "-c", $"{Shoal(ada)} member forget");
        var members = await host.RunAsync("/bin/sh", "-c", $"{Shoal(host)} member list");
        Assert.Matches(@"member  Ada  \(no member since ", members);
        await publish.StopAsync();
    }

    private static void CopyWithHub(string from, string to, HubAddress hub)
    {
        PrivateFiles.CreateFolder(to);
        foreach (var file in Directory.EnumerateFiles(from))
        {
            PrivateFiles.Write(Path.Combine(to, Path.GetFileName(file)), File.ReadAllBytes(file));
        }

        PrivateFiles.Write(Path.Combine(to, "hub"), System.Text.Encoding.UTF8.GetBytes($"{hub}\n"));
    }

    private static string Shoal(Host host) => $"XDG_STATE_HOME={host.Folder}/state {Tools.Shoal}";

    private static async Task<ClientProcess> StartAsync(Host host)
    {
        var state = Path.Combine(host.Folder, "state", "shoal");
        var hub = host.Start(Tools.Shoal, "hub", "--host", host.Address, "--state", state);
        await hub.WaitForLineAsync(line => line.StartsWith("Hub at https://", StringComparison.Ordinal), Patience);
        return hub;
    }
}
