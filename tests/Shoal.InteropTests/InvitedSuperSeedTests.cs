using System.Text.Json;

namespace Shoal.InteropTests;

/// <summary>A publisher with a slow line and several members at once: little more than one copy leaves it (BEP 16).</summary>
public sealed class InvitedSuperSeedTests
{
    private const string Name = "film.bin";
    private const int Size = 12_000_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    [Fact]
    public async Task A_publisher_that_super_seeds_uploads_about_one_copy_and_is_no_seed_to_anybody()
    {
        await using var lab = await Lab.CreateAsync("invsuper");
        var hub = await Invited.StartHubAsync(lab);
        string[] options = ["--super-seed", "--upload-limit", "1MiB/s"];
        var (_, content, publishing) = await Invited.PublishAsync(lab, hub, Name, Size, options);
        var first = await JoinAsync(lab, hub, "first");
        // While it is alone with the publisher: an ordinary one would be a seed to it from the beginning.
        var alone = await first.Process.WaitForLineAsync(line => Number(line, "done") > 0, Patience);
        Assert.Equal((1, 0), (Number(alone, "peers"), Number(alone, "seeds")));

        var members = new List<(Host Host, ClientProcess Process)> { first };
        foreach (var name in new[] { "second", "third", "fourth" })
        {
            members.Add(await JoinAsync(lab, hub, name));
        }

        foreach (var (_, process) in members)
        {
            await process.WaitForLineAsync(line => ShoalClient.IsEvent(line, "complete"), Patience);
        }

        foreach (var (host, process) in members)
        {
            await process.StopAsync();
            DataSet.AssertSame(content, Path.Combine(host.Folder, "got", Name));
        }

        await publishing.StopAsync();
        var stopped = await publishing.WaitForLineAsync(line => ShoalClient.IsEvent(line, "stopped"), Patience);
        using var json = JsonDocument.Parse(stopped);
        var copies = (double)json.RootElement.GetProperty("uploaded").GetInt64() / Size;
        Console.WriteLine($"the publisher uploaded {copies:F3} copies to {members.Count} members");
        Assert.InRange(copies, 1, 1.2);
    }

    private static async Task<(Host Host, ClientProcess Process)> JoinAsync(Lab lab, Host hub, string name)
    {
        var host = await lab.AddHostAsync(name);
        await Invited.InviteAsync(hub, host, "member");
        return (host, Invited.Join(host, "-o got --seed"));
    }

    /// <summary>Of a line about the progress; of any other -1.</summary>
    private static long Number(string line, string name)
    {
        if (!ShoalClient.IsEvent(line, "progress"))
        {
            return -1;
        }

        using var json = JsonDocument.Parse(line);
        return json.RootElement.GetProperty(name).GetInt64();
    }
}
