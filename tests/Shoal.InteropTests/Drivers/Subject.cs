namespace Shoal.InteropTests;

/// <summary>
/// The client under test: Shoal. SHOAL_INTEROP_SUBJECT=libtorrent runs the transfers with libtorrent in its
/// place, which tells a fault of the harness or of another client from one of ours.
/// </summary>
internal static class Subject
{
    public static ISubject Client { get; } =
        Environment.GetEnvironmentVariable("SHOAL_INTEROP_SUBJECT") switch
        {
            null or "" or "shoal" => new ShoalClient(),
            "libtorrent" => new LibtorrentSubject(),
            var other => throw new InvalidOperationException($"SHOAL_INTEROP_SUBJECT: no such client: {other}"),
        };
}

/// <summary>A client that also makes torrents.</summary>
internal interface ISubject : IClient
{
    Task<Sample> CreateAsync(string file, string content, string format);
}
