namespace Shoal.InteropTests;

/// <summary>uTP (BEP 29) alone, TCP off at both ends.</summary>
public sealed class UtpTests(Library library)
{
    private static readonly string[] UtpOnly = ["--transport", "utp"];

    [Theory]
    [InlineData("v1")]
    [InlineData("v2")]
    [InlineData("hybrid")]
    public async Task Libtorrent_downloads_from_shoal(string format) =>
        await Transfers.RunAsync(
            await library.DataAsync(format),
            new ShoalClient(UtpOnly),
            new LibtorrentClient(UtpOnly),
            magnet: false
        );

    [Theory]
    [InlineData("v1")]
    [InlineData("v2")]
    [InlineData("hybrid")]
    public async Task Shoal_downloads_from_libtorrent(string format) =>
        await Transfers.RunAsync(
            await library.DataAsync(format),
            new LibtorrentClient(UtpOnly),
            new ShoalClient(UtpOnly),
            magnet: false
        );

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Encryption_and_metadata_go_over_it(bool isShoalSeeding)
    {
        string[] options = [.. UtpOnly, "--encryption", "require"];
        IClient shoal = new ShoalClient(options);
        IClient libtorrent = new LibtorrentClient(options);
        await Transfers.RunAsync(
            await library.DataAsync("hybrid"),
            isShoalSeeding ? shoal : libtorrent,
            isShoalSeeding ? libtorrent : shoal,
            magnet: true
        );
    }

    [Fact]
    public async Task Shoal_downloads_from_shoal() =>
        await Transfers.RunAsync(
            await library.DataAsync("hybrid"),
            new ShoalClient(UtpOnly),
            new ShoalClient(UtpOnly),
            magnet: true
        );
}
