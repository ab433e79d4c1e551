using System.Diagnostics;
using System.Text;

namespace Shoal.InteropTests;

/// <summary>The lab's tracker, and what it knows about the swarm.</summary>
internal sealed class TrackerHost
{
    private readonly Host _host;
    private readonly ClientProcess _process;

    private TrackerHost(Host host, ClientProcess process) => (_host, _process) = (host, process);

    /// <summary>Starts the tracker on the lab's hub.</summary>
    public static TrackerHost Start(Lab lab, Sample sample)
    {
        // Debian builds opentracker so that it serves only what it was told about. It changes its root to the
        // folder, and insists on being nobody.
        File.WriteAllText(Path.Combine(lab.Hub.Folder, "whitelist"), sample.InfoHash + "\n");
        string[] where = ["-i", lab.Hub.Address, "-p", "6969", "-P", "6969"];
        return new(lab.Hub, lab.Hub.Start("opentracker", [.. where, "-d", lab.Hub.Folder, "-w", "/whitelist"]));
    }

    /// <summary>Waits until so many seeds have announced: then whoever asks next is told of them.</summary>
    public Task WaitForSeedsAsync(Sample sample, int seeds, ClientProcess seeder) =>
        WaitForAsync(sample, $"8:completei{seeds}e", seeder);

    /// <summary>Waits until so many are listed that have not everything.</summary>
    public Task WaitForLeechesAsync(Sample sample, int leeches, ClientProcess leech) =>
        WaitForAsync(sample, $"10:incompletei{leeches}e", leech);

    private async Task WaitForAsync(Sample sample, string awaited, ClientProcess announcing)
    {
        var clock = Stopwatch.StartNew();
        var hash = string.Concat(sample.InfoHash.Chunk(2).Select(pair => $"%{pair[0]}{pair[1]}"));
        var url = $"{Lab.TrackerUrl.Replace("/announce", "/scrape", StringComparison.Ordinal)}?info_hash={hash}";
        while (true)
        {
            var answer = await ScrapeAsync(url);
            if (answer.Contains(awaited, StringComparison.Ordinal))
            {
                return;
            }
            if (announcing.HasExited || clock.Elapsed > TimeSpan.FromSeconds(40))
            {
                throw announcing.Failure($"did not announce itself as awaited ({awaited}); the tracker says {answer}");
            }
            await Task.Delay(100);
        }
    }

    private async Task<string> ScrapeAsync(string url)
    {
        try
        {
            return await _host.RunAsync("curl", "-s", "--max-time", "5", url);
        }
        catch (Xunit.Sdk.XunitException) when (!_process.HasExited)
        {
            return "nothing yet";
        }
    }
}
