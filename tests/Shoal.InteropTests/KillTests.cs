using System.Globalization;
using System.Text.Json;

namespace Shoal.InteropTests;

/// <summary>`get` ended as by a power cut of its process, again and again.</summary>
public sealed class KillTests(ITestOutputHelper output)
{
    private const int Kills = 20;
    private const int Size = 256 * 1024 * 1024;

    /// <summary>What the seed may upload a second: the twenty lives together last about as long as the transfer.</summary>
    private const int Rate = 8 * 1024 * 1024;

    [Fact]
    public async Task Twenty_kills_cost_at_most_two_percent()
    {
        var seedText = Environment.GetEnvironmentVariable("SHOAL_KILL_SEED");
        var seed = seedText is null ? Random.Shared.Next() : int.Parse(seedText, CultureInfo.InvariantCulture);
        output.WriteLine($"SHOAL_KILL_SEED={seed}");
        var random = new Random(seed);

        await using var lab = await Lab.CreateAsync();
        var near = await lab.AddHostAsync("seed");
        var far = await lab.AddHostAsync("killed");
        var content = Path.Combine(near.SubFolder("content"), "content.bin");
        DataSet.File(Path.GetDirectoryName(content)!, "content.bin", Size, random);
        var sample = await ShoalClient.CreateAsync(
            Path.Combine(near.Folder, "content.torrent"),
            content,
            "hybrid",
            "256KiB"
        );
        // Ours at the other end too: libtorrent counts as uploaded what waits in its socket, megabytes on a busy machine.
        var seeder = ShoalClient.Start(
            near,
            ["seed", sample.File, "--data", sample.Parent, "--upload-limit", $"{Rate / 1024}KiB/s"]
        );
        await seeder.WaitCompleteAsync(TimeSpan.FromSeconds(60));

        var target = far.SubFolder("got");
        var client = new ShoalClient();
        for (var kill = 0; kill < Kills; kill++)
        {
            var doomed = await client.GetAsync(far, sample, magnet: false, target, near.EndPoint);
            await Task.Delay(random.Next(20, 2000));
            await doomed.Process.KillAsync();
        }
        var last = await client.GetAsync(far, sample, magnet: false, target, near.EndPoint);
        await last.WaitCompleteAsync(TimeSpan.FromSeconds(90));
        await last.StopAsync();
        // The seed tells its figures once a second.
        await Task.Delay(TimeSpan.FromSeconds(1.5));
        await seeder.StopAsync();
        var uploaded = seeder.Process.Lines.Select(UploadedOf).Max();
        var more = 100.0 * (uploaded - Size) / Size;
        output.WriteLine($"uploaded {uploaded} bytes for {Size}: {more:0.00} % more");
        DataSet.AssertSame(content, Path.Combine(target, sample.Name));
        Assert.True(more <= 2, $"the kills cost {more:0.00} % (SHOAL_KILL_SEED={seed})");
    }

    /// <summary>What a line of --json says was sent so far; 0 if it says nothing of that.</summary>
    private static long UploadedOf(string line)
    {
        if (!line.StartsWith('{'))
        {
            return 0;
        }

        using var happening = JsonDocument.Parse(line);
        return happening.RootElement.TryGetProperty("uploaded", out var uploaded) ? uploaded.GetInt64() : 0;
    }
}
