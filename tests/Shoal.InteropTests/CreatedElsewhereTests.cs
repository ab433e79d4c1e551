namespace Shoal.InteropTests;

/// <summary>Torrents that other programs made, and ours in their hands.</summary>
public sealed class CreatedElsewhereTests(Library library)
{
    private const string Tracker = Lab.TrackerUrl;

    [Theory]
    [InlineData("v1")]
    [InlineData("v1-padded")]
    [InlineData("v2")]
    [InlineData("hybrid")]
    public async Task Shoal_takes_libtorrents_torrents(string format) =>
        await RunAsync(
            await library.OnceAsync($"libtorrent-{format}", file => Sample.CreateAsync(file, library.Content, format))
        );

    [Fact]
    public async Task Shoal_takes_mktorrents_torrents() =>
        await RunAsync(
            await library.OnceAsync(
                "mktorrent",
                async file =>
                {
                    Tools.Require("mktorrent");
                    await Lab.RunAsync("mktorrent", ["-a", Tracker, "-l", "17", "-o", file, library.SingleFile]);
                    return await Sample.ReadAsync(file, library.SingleFile);
                }
            )
        );

    [Fact]
    public async Task Shoal_takes_transmissions_torrents() =>
        await RunAsync(
            await library.OnceAsync(
                "transmission",
                async file =>
                {
                    Tools.Require("transmission-create");
                    await Lab.RunAsync("transmission-create", ["-t", Tracker, "-o", file, library.SingleFile]);
                    return await Sample.ReadAsync(file, library.SingleFile);
                }
            )
        );

    [Theory]
    [InlineData("v1")]
    [InlineData("v2")]
    [InlineData("hybrid")]
    public async Task A_torrent_of_one_file_travels(string format) =>
        await RunAsync(
            await library.OnceAsync(
                $"single-{format}",
                file => Subject.Client.CreateAsync(file, library.SingleFile, format)
            )
        );

    /// <summary>From libtorrent to Shoal: whoever made the torrent, both must read it alike.</summary>
    private static Task RunAsync(Sample sample) =>
        Transfers.RunAsync(sample, new LibtorrentClient(), Subject.Client, magnet: false);
}
