using System.Text.Json;

namespace Shoal.InteropTests;

/// <summary>Super-seeding (BEP 16): several receivers of another make, and a seed that sends each piece about once.</summary>
public sealed class SuperSeedTests(Library library)
{
    private const int Receivers = 3;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    [Theory]
    [InlineData("seed", "v1")]
    [InlineData("share", "hybrid")]
    public async Task Libtorrent_receivers_complete_each_other(string command, string format)
    {
        await using var lab = await Lab.CreateAsync($"super-{command}");
        var sample = await library.DataAsync(format);
        var tracker = TrackerHost.Start(lab, sample);
        var host = await lab.AddHostAsync("super");
        string[] options = ["--super-seed", "--upload-limit", "8MiB/s"];
        string[] making = ["--format", format, "--piece-length", "64KiB", "--tracker", Lab.TrackerUrl];
        var seed = ShoalClient.Start(
            host,
            command == "seed"
                ? ["seed", sample.File, "--data", sample.Parent, .. options]
                : ["share", sample.Content, .. making, .. options]
        );
        await tracker.WaitForSeedsAsync(sample, 1, seed.Process);

        var receivers = new List<(RunningClient Client, string Folder)>();
        for (var i = 0; i < Receivers; i++)
        {
            var far = await lab.AddHostAsync($"receiver{i}");
            var folder = far.SubFolder("got");
            var client = await new LibtorrentClient().GetAsync(far, sample, magnet: i == 1, folder, host.EndPoint);
            receivers.Add((client, folder));
        }

        foreach (var (client, folder) in receivers)
        {
            await client.WaitCompleteAsync(Patience);
        }

        foreach (var (client, folder) in receivers)
        {
            await client.StopAsync();
            DataSet.AssertSame(sample.Content, Path.Combine(folder, sample.Name));
        }

        await seed.StopAsync();
        var stopped = await seed.Process.WaitForLineAsync(line => ShoalClient.IsEvent(line, "stopped"), Patience);
        using var json = JsonDocument.Parse(stopped);
        var copies = (double)json.RootElement.GetProperty("uploaded").GetInt64() / sample.Size;
        // What a seed sends that does not do this lies between one copy and one for each receiver.
        Assert.InRange(copies, 1, 1.6);
    }
}
