namespace Shoal.InteropTests;

public sealed class RtorrentTests(Library library)
{
    private readonly Transfers _transfers = new(library, new RtorrentClient());

    [Theory]
    [InlineData("v1")]
    [InlineData("hybrid")]
    public Task Downloads_from_shoal(string format) => _transfers.FromSubjectAsync(format);

    [Theory]
    [InlineData("v1")]
    [InlineData("hybrid")]
    public Task Shoal_downloads_from_it(string format) => _transfers.ToSubjectAsync(format);

    [Theory]
    [InlineData("v1")]
    public Task Fetches_metadata_and_content_from_shoal(string format) =>
        _transfers.FromSubjectAsync(format, magnet: true);

    [Theory]
    [InlineData("v1")]
    public Task Shoal_fetches_metadata_and_content_from_it(string format) =>
        _transfers.ToSubjectAsync(format, magnet: true);
}
