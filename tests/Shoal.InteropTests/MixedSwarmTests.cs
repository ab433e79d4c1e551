namespace Shoal.InteropTests;

public sealed class MixedSwarmTests(Library library)
{
    /// <summary>The seed may upload this fast: slow enough that the others must help each other.</summary>
    private const int SeedRate = 8 * 1024 * 1024;

    [Fact]
    public async Task Every_client_and_two_of_ours_complete_from_one_seed()
    {
        var sample = await library.DataAsync("v1");
        await using var lab = await Lab.CreateAsync();
        var tracker = TrackerHost.Start(lab, sample);
        var home = await lab.AddHostAsync("seed");
        var seed = LibtorrentClient.Start(
            home,
            [
                "--torrent",
                sample.File,
                "--save",
                Transfers.PrepareContent(home, sample, new LibtorrentClient()),
                "--upload-limit",
                $"{SeedRate}",
            ]
        );
        await tracker.WaitForSeedsAsync(sample, 1, seed.Process);

        var receivers = new List<(IClient Client, RunningClient Running, string Folder)>();
        foreach (
            var client in (IClient[])
                [
                    Subject.Client,
                    new TransmissionClient(),
                    new QBittorrentClient(),
                    new LibtorrentClient(),
                    new Aria2Client(),
                    new RtorrentClient(),
                    Subject.Client,
                ]
        )
        {
            var host = await lab.AddHostAsync(client.Name);
            var folder = host.SubFolder("got");
            receivers.Add((client, await client.GetAsync(host, sample, magnet: false, folder), folder));
        }
        await Task.WhenAll(receivers.Select(receiver => receiver.Running.WaitCompleteAsync(TimeSpan.FromSeconds(120))));
        foreach (var (client, running, folder) in receivers)
        {
            await running.StopAsync();
            DataSet.AssertSame(sample.Content, Path.Combine(folder, sample.Name), client.MakesEmptyFiles);
        }
        var copies = (double)await LibtorrentClient.StopAndCountUploadAsync(seed) / sample.Size;
        Assert.True(
            copies < receivers.Count - 1,
            $"the seed uploaded {copies:0.00} copies to {receivers.Count} receivers"
        );
    }
}
