namespace Shoal.InteropTests;

/// <summary>Peers tell each other of trackers that work (libtorrent's <c>lt_trackers</c>; no other client in Debian speaks it).</summary>
public sealed class TrackerExchangeTests(Library library)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>The second knows the first by its address, and no tracker; the first knows one.</summary>
    [Fact]
    public async Task A_tracker_that_only_a_peer_knows_is_asked_and_leads_to_others()
    {
        await using var lab = await Lab.CreateAsync();
        var sample = await library.DataAsync("v1");
        var tracker = TrackerHost.Start(lab, sample);
        var (knowing, other, learning) = (
            await lab.AddHostAsync("knowing"),
            await lab.AddHostAsync("other"),
            await lab.AddHostAsync("learning")
        );
        var bare = Path.Combine(lab.Hub.Folder, "bare.torrent");
        await Lab.RunAsync(
            Tools.Shoal,
            ["create", sample.Content, "-o", bare, "--format", "v1", "--piece-length", "64KiB"]
        );
        Assert.Equal(sample.InfoHash, (await Sample.ReadAsync(bare, sample.Content)).InfoHash);

        // Neither tells addresses of peers: what the third learns of the second it learns from the tracker.
        string[] options = ["--no-pex", "--upload-limit", "400KiB/s"];
        string[] data = ["--data", sample.Parent];
        var first = ShoalClient.Start(knowing, ["seed", sample.File, .. data, "--upload-limit", "400KiB/s"]);
        var second = ShoalClient.Start(other, ["seed", sample.File, .. data, .. options]);
        await tracker.WaitForSeedsAsync(sample, 2, second.Process);

        var third = ShoalClient.Start(
            learning,
            ["get", bare, "-o", learning.SubFolder("got"), "--peer", knowing.EndPoint]
        );
        var line = await third.Process.WaitForLineAsync(
            line => ShoalClient.IsEvent(line, "peer") && line.Contains($"\"{other.Address}:", StringComparison.Ordinal),
            Patience
        );
        Assert.NotEmpty(first.Process.Lines);
        Assert.NotEmpty(line);
        await tracker.WaitForLeechesAsync(sample, 1, third.Process);
        Assert.DoesNotContain(third.Process.Lines, one => one.Contains("tracker-failed", StringComparison.Ordinal));
    }
}
