namespace Shoal.InteropTests;

/// <summary>Local discovery (BEP 14): two clients in one network that know nothing of each other.</summary>
public sealed class LocalDiscoveryTests(Library library)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    /// <summary>No tracker, no DHT, and nobody is told of an address; one of them hears the other.</summary>
    [Theory]
    [InlineData("shoal", "libtorrent")]
    [InlineData("libtorrent", "shoal")]
    [InlineData("shoal", "shoal")]
    public async Task Who_comes_later_is_found(string first, string second)
    {
        var sample = await library.DataAsync("v1");
        await using var lab = await Lab.CreateAsync($"lsd-{first}-{second}");
        var near = await lab.AddHostAsync(first);
        var far = await lab.AddHostAsync(second);
        var content = Transfers.PrepareContent(near, sample, new LibtorrentClient());
        var seed = Start(first, near, sample, content, isSeed: true);
        await seed.Process.WaitForLineAsync(line => line.Contains("seeding", StringComparison.Ordinal), s_patience);
        var getter = Start(second, far, sample, far.SubFolder("got"), isSeed: false);
        await getter.WaitCompleteAsync(s_patience);

        // The announce of the one that came later was heard by the other.
        await Task.WhenAny(
                seed.Process.WaitForLineAsync(line => IsFound(line, far), s_patience),
                getter.Process.WaitForLineAsync(line => IsFound(line, near), s_patience)
            )
            .Unwrap();
    }

    private static bool IsFound(string line, Host host) =>
        line.Contains("\"peer\"", StringComparison.Ordinal)
        && line.Contains($"\"{host.EndPoint}\"", StringComparison.Ordinal)
        && line.Contains("\"lsd\"", StringComparison.Ordinal);

    private static RunningClient Start(string client, Host host, Sample sample, string folder, bool isSeed) =>
        client == "libtorrent"
            ? LibtorrentClient.Start(host, ["--torrent", sample.File, "--save", folder, "--lsd"])
            : ShoalClient.StartWithLsd(
                host,
                isSeed ? ["seed", sample.File, "--data", folder] : ["get", sample.File, "-o", folder, "--seed"]
            );
}
