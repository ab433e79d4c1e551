using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Shoal.InteropTests;

/// <summary>
/// The whole of it, each as a program on a machine of its own: a hub, a publisher, five members, one who is revoked in the
/// middle, and an outsider who has the .torrent and everybody's address.
/// </summary>
public sealed class InvitedSwarmTests
{
    private const string Name = "confidential-measurements-2026.bin";
    private const int Size = 12_000_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Members_get_it_the_outsider_nothing_and_the_revoked_no_more()
    {
        await using var lab = await Lab.CreateAsync("invited");
        var hub = await Invited.StartHubAsync(lab);
        var publisher = await lab.AddHostAsync("publisher");
        var content = Path.Combine(publisher.SubFolder("data"), Name);
        await File.WriteAllBytesAsync(content, RandomNumberGenerator.GetBytes(Size));
        var torrent = await CreateAsync(lab, content);
        var capture = StartCapture(lab, torrent);
        await capture.WaitForLineAsync(line => line.Contains("capturing", StringComparison.Ordinal), Patience);

        await Invited.InviteAsync(hub, publisher, "publisher");
        var joining = Invited.Join(publisher, "--no-fetch");
        Assert.Equal(0, await joining.WaitForExitAsync(Patience));
        var publishing = publisher.Start(
            Tools.Shoal,
            ["publish", content, "--hub", $"{hub.Address}:7450", "--upload-limit", "2MiB/s", .. Invited.Here(publisher)]
        );
        await publishing.WaitForLineAsync(line => ShoalClient.IsEvent(line, "listening"), Patience);
        Assert.Contains(publishing.Lines, line => line.Contains(torrent.InfoHash, StringComparison.Ordinal));

        var members = new List<(Host Host, ClientProcess Process)>();
        for (var i = 1; i <= 6; i++)
        {
            var host = await lab.AddHostAsync($"member{i}");
            await Invited.InviteAsync(hub, host, "member");
            // The last one is slow, so that there is a middle to be revoked in.
            members.Add(
                (host, Invited.Join(host, i == 6 ? "-o got --seed --download-limit 150KiB/s" : "-o got --seed"))
            );
        }

        var (revokedHost, revoked) = members[^1];
        members.RemoveAt(members.Count - 1);
        var outsider = await lab.AddHostAsync("outsider");
        var outside = ShoalClient.Start(
            outsider,
            [
                "get",
                torrent.File,
                "-o",
                outsider.SubFolder("got"),
                .. members.SelectMany(member => (string[])["--peer", member.Host.EndPoint]),
                "--peer",
                publisher.EndPoint,
            ]
        );

        await revoked.WaitForLineAsync(line => Done(line) > 300_000, Patience);
        var stopped = await RevokeAsync(hub, revoked);
        await AssertStoppedAsync(revoked, stopped);
        // Whoever goes on all the same (the same program again) is let in by nobody.
        var again = Invited.Join(revokedHost, "-o got --timeout 10s");
        foreach (var (_, process) in members)
        {
            await process.WaitForLineAsync(line => ShoalClient.IsEvent(line, "complete"), Patience);
        }

        Assert.Equal(1, await again.WaitForExitAsync(Patience));
        Assert.DoesNotContain(again.Lines, line => Peers(line) > 0);
        // All this time it has called all of them.
        Assert.DoesNotContain(outside.Process.Lines, line => ShoalClient.IsEvent(line, "peer"));
        Assert.DoesNotContain(outside.Process.Lines, line => Done(line) > 0);

        foreach (var (host, process) in members)
        {
            await process.StopAsync();
            await AssertSameAsync(content, Path.Combine(host.Folder, "got", Name));
        }

        await capture.StopAsync();
        AssertNothingWasSeen(capture, torrent, outsider, members.Select(member => member.Host).Append(publisher));
        AssertHubKeptNoAddress(hub, [.. members.Select(member => member.Host), publisher, revokedHost, outsider]);
        Assert.False(
            File.Exists(Path.Combine(revokedHost.Folder, "got", Name))
                && await IsSameAsync(content, Path.Combine(revokedHost.Folder, "got", Name))
        );
    }

    /// <summary>Within a minute of the list it ends, says why, and has not got all of it.</summary>
    private static async Task AssertStoppedAsync(ClientProcess revoked, Stopwatch sinceRevoked)
    {
        Assert.Equal(1, await revoked.WaitForExitAsync(Bound - sinceRevoked.Elapsed));
        var ended = sinceRevoked.Elapsed;
        Assert.Contains(revoked.Lines, line => line.Contains("\"membership-ended\"", StringComparison.Ordinal));
        Assert.DoesNotContain(revoked.Lines, line => ShoalClient.IsEvent(line, "complete"));
        var had = Done(revoked.Lines.Last(line => ShoalClient.IsEvent(line, "progress")));
        Assert.True(had < Size, "it was too fast for this test");
        Console.WriteLine($"the revoked one ended {ended.TotalSeconds:F1} s after the list, with {had} bytes");
    }

    private static void AssertNothingWasSeen(
        ClientProcess capture,
        Sample torrent,
        Host outsider,
        IEnumerable<Host> members
    )
    {
        using var json = JsonDocument.Parse(
            capture.Lines.Last(line => line.Contains("\"captured\"", StringComparison.Ordinal))
        );
        var (bytes, found) = (json.RootElement.GetProperty("bytes"), json.RootElement.GetProperty("found"));
        // All of the members' traffic went by, and what the outsider asked for was recognised.
        Assert.All(
            members,
            host => Assert.True(bytes.GetProperty(host.Address).GetInt64() > 1_000_000 || host.Name != "publisher")
        );
        Assert.True(found.GetProperty(outsider.Address).GetProperty(torrent.InfoHash).GetInt32() > 0);
        Assert.Equal([outsider.Address], found.EnumerateObject().Select(host => host.Name));
    }

    /// <summary>In none of its files, as text or as four bytes.</summary>
    private static void AssertHubKeptNoAddress(Host hub, IReadOnlyList<Host> others)
    {
        var files = Directory.GetFiles(hub.SubFolder("state"), "*", SearchOption.AllDirectories);
        Assert.Contains(files, file => Path.GetFileName(file) == "hub.db");
        foreach (var file in files)
        {
            using var stream = File.Open(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            foreach (var other in others)
            {
                Assert.True(bytes.AsSpan().IndexOf(Encoding.ASCII.GetBytes(other.Address + ":")) < 0, file);
                Assert.True(bytes.AsSpan().IndexOf(IPAddress.Parse(other.Address).GetAddressBytes()) < 0, file);
            }
        }
    }

    private static ClientProcess StartCapture(Lab lab, Sample torrent)
    {
        string[] needles =
        [
            torrent.InfoHash,
            Convert.ToHexStringLower(Encoding.ASCII.GetBytes(torrent.InfoHash)),
            Convert.ToHexStringLower(Encoding.ASCII.GetBytes(Name)),
            Convert.ToHexStringLower(Encoding.ASCII.GetBytes("BitTorrent protocol")),
        ];
        return lab.Hub.Start(Tools.Python, [Tools.Script("capture.py"), .. needles]);
    }

    private static async Task<Sample> CreateAsync(Lab lab, string content)
    {
        var file = Path.Combine(lab.Folder, "stolen.torrent");
        await Lab.RunAsync(Tools.Shoal, ["create", content, "-o", file, "--no-date"]);
        return await Sample.ReadAsync(file, content);
    }

    /// <returns>Runs since the authority said so.</returns>
    private static async Task<Stopwatch> RevokeAsync(Host hub, ClientProcess member)
    {
        using var joined = JsonDocument.Parse(member.Lines.First(line => ShoalClient.IsEvent(line, "joined")));
        var id = joined.RootElement.GetProperty("member").GetString()!;
        await hub.RunAsync(Tools.Shoal, ["member", "revoke", id, "--state", hub.SubFolder("state")]);
        return Stopwatch.StartNew();
    }

    private static long Done(string line) => Number(line, "done");

    private static long Peers(string line) => Number(line, "peers");

    private static long Number(string line, string property)
    {
        if (!ShoalClient.IsEvent(line, "progress"))
        {
            return 0;
        }

        using var json = JsonDocument.Parse(line);
        return json.RootElement.GetProperty(property).GetInt64();
    }

    private static async Task AssertSameAsync(string one, string other) =>
        Assert.True(await IsSameAsync(one, other), $"{other} differs");

    private static async Task<bool> IsSameAsync(string one, string other)
    {
        var (here, there) = (await File.ReadAllBytesAsync(one), await File.ReadAllBytesAsync(other));
        return SHA256.HashData(here).SequenceEqual(SHA256.HashData(there));
    }
}
