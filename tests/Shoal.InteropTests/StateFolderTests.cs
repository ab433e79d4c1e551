using System.Diagnostics;

namespace Shoal.InteropTests;

/// <summary>Several processes of ours with one state folder, as of one user with several terminals.</summary>
public sealed class StateFolderTests(Library library)
{
    [Fact]
    public async Task Processes_share_a_state_folder_but_not_the_files_of_a_torrent()
    {
        var sample = await library.DataAsync("hybrid");
        var folder = Directory.CreateTempSubdirectory("shoal-shared-").FullName;
        try
        {
            await using var first = Get(folder, sample, "a");
            await StartedAsync(first);

            await using var same = Get(folder, sample, "a");
            Assert.Equal(1, await same.WaitForExitAsync(TimeSpan.FromSeconds(30)));
            var error = Assert.Single(same.Lines, line => ShoalClient.IsEvent(line, "error"));
            Assert.Contains("another Shoal process is working on this torrent", error);

            await using var elsewhere = Get(folder, sample, "b");
            await StartedAsync(elsewhere);
            Assert.False(first.HasExited);

            // Whoever is killed leaves nothing behind that keeps others out.
            await first.KillAsync();
            await using var again = Get(folder, sample, "a");
            await StartedAsync(again);
            await again.StopAsync();
            await elsewhere.StopAsync();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Task<string> StartedAsync(ClientProcess process) =>
        process.WaitForLineAsync(line => ShoalClient.IsEvent(line, "metadata"), TimeSpan.FromSeconds(30));

    private static ClientProcess Get(string folder, Sample sample, string target)
    {
        string[] arguments =
        [
            "get",
            sample.File,
            "-o",
            Path.Combine(folder, target),
            "--state",
            Path.Combine(folder, "state"),
            "--json",
            "--bind",
            "127.0.0.1",
            "--no-dht",
            "--no-lsd",
            "--no-trackers",
            "--no-port-mapping",
        ];
        var start = new ProcessStartInfo(Tools.Shoal, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return new ClientProcess($"get-{target}", start);
    }
}
