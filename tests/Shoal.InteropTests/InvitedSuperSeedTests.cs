using System.Security.Cryptography;
using System.Text.Json;

namespace Shoal.InteropTests;

/// <summary>A publisher with a slow line and several members at once: little more than one copy leaves it (BEP 16).</summary>
public sealed class InvitedSuperSeedTests
{
    private const int Size = 12_000_000;
    private const int Members = 4;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    [Fact]
    public async Task A_publisher_that_super_seeds_uploads_little_more_than_one_copy()
    {
        await using var lab = await Lab.CreateAsync("invsuper");
        var hub = await Invited.StartHubAsync(lab);
        var publisher = await lab.AddHostAsync("publisher");
        var content = Path.Combine(publisher.SubFolder("data"), "film.bin");
        await File.WriteAllBytesAsync(content, RandomNumberGenerator.GetBytes(Size));
        await Invited.InviteAsync(hub, publisher, "publisher");
        Assert.Equal(0, await Invited.Join(publisher, "--no-fetch").WaitForExitAsync(Patience));
        string[] options = ["--hub", $"{hub.Address}:7450", "--super-seed", "--upload-limit", "1MiB/s"];
        var publishing = publisher.Start(Tools.Shoal, ["publish", content, .. options, .. Invited.Here(publisher)]);
        await publishing.WaitForLineAsync(line => ShoalClient.IsEvent(line, "listening"), Patience);

        var members = new List<(Host Host, ClientProcess Process)>();
        for (var i = 0; i < Members; i++)
        {
            var host = await lab.AddHostAsync($"member{i}");
            await Invited.InviteAsync(hub, host, "member");
            members.Add((host, Invited.Join(host, "-o got --seed")));
        }

        foreach (var (_, process) in members)
        {
            await process.WaitForLineAsync(line => ShoalClient.IsEvent(line, "complete"), Patience);
        }

        foreach (var (host, process) in members)
        {
            await process.StopAsync();
            DataSet.AssertSame(content, Path.Combine(host.Folder, "got", "film.bin"));
        }

        await publishing.StopAsync();
        var stopped = await publishing.WaitForLineAsync(line => ShoalClient.IsEvent(line, "stopped"), Patience);
        using var json = JsonDocument.Parse(stopped);
        var copies = (double)json.RootElement.GetProperty("uploaded").GetInt64() / Size;
        // What a publisher sends that does not do this lies between one copy and one for each member.
        Assert.InRange(copies, 1, 1.6);
    }
}
