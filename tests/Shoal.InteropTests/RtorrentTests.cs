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

    /// <summary>
    /// It keeps a fifth of a second's worth of requests on their way, at this rate thousands more than we name as our limit, and
    /// never asks again for what gets no answer.
    /// </summary>
    [Fact]
    public async Task Downloads_from_shoal_at_full_speed()
    {
        const int Size = 300_000_000;
        var sample = await library.OnceAsync(
            "fast",
            file =>
            {
                var folder = Directory.CreateDirectory(Path.ChangeExtension(file, "content")).FullName;
                DataSet.File(folder, "fast.bin", Size, new Random(DataSet.Seed));
                return Subject.Client.CreateAsync(file, Path.Combine(folder, "fast.bin"), "v1");
            }
        );
        await Transfers.RunAsync(sample, Subject.Client, new RtorrentClient(), magnet: false);
    }
}
