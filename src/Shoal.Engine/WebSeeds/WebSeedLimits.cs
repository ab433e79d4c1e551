namespace Shoal.Engine;

/// <summary>What web seeds may cost us, and what we may cost them.</summary>
internal sealed record WebSeedLimits
{
    public static readonly WebSeedLimits Default = new();

    /// <summary>URLs of one torrent that are kept. Beyond: the later ones are ignored. Default 64.</summary>
    public int MaxUrls { get; init; } = 64;

    /// <summary>Web seeds of one torrent in use at once. Beyond: they wait until another fails. Default 4.</summary>
    public int MaxActive { get; init; } = 4;

    /// <summary>
    /// Requests on their way to one web seed of one torrent. Beyond: blocks wait. Default 4: where files are large two
    /// are in use, so that one begins while the other ends; where they are small, all of them.
    /// </summary>
    public int MaxRequests { get; init; } = 4;

    /// <summary>Requests on their way to one host, over all torrents. Beyond: they wait in line. Default 6, as browsers.</summary>
    public int MaxRequestsPerHost { get; init; } = 6;

    /// <summary>Blocks of one run of requests. Default 512 (8 MiB): at 1 GB/s still only 120 requests a second.</summary>
    public int MaxBlocksPerRun { get; init; } = 512;

    /// <summary>
    /// Files of one run. A run ends with the block that reaches it, so one block of many tiny files may have more. Default
    /// 8: several connections share what many small files are made of.
    /// </summary>
    public int MaxFilesPerRun { get; init; } = 8;

    /// <summary>Redirects from one request to its answer. Beyond: the request has failed. Default 5.</summary>
    public int MaxRedirects { get; init; } = 5;

    /// <summary>Servers that one web seed may lead to by redirects. Beyond: the request has failed. Default 8.</summary>
    public int MaxOrigins { get; init; } = 8;

    /// <summary>Redirects remembered, so that the next range goes straight to where the file is. Default 1,024.</summary>
    public int MaxRememberedRedirects { get; init; } = 1024;

    /// <summary>Headers of an answer, in KiB. Beyond: the request has failed. Default 16.</summary>
    public int MaxHeaderKilobytes { get; init; } = 16;

    /// <summary>For looking up the name, connecting and TLS. Beyond: ConnectTimeout. Default 15 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// Nothing arrives although we would take it, before or within a body. Beyond: IdleTimeout. Default 20 s.
    /// </summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>
    /// Bytes of a server that ignores ranges that are read past without being of use, above what was of use. Beyond: it is
    /// given up. Default 16 MiB.
    /// </summary>
    public long MaxWaste { get; init; } = 16L * 1024 * 1024;

    /// <summary>Files in a row that are not there, before the web seed counts as gone. Default 16.</summary>
    public int MaxMissesInRow { get; init; } = 16;

    /// <summary>How long a file that was not there is not asked for again. Default 30 min.</summary>
    public TimeSpan MissingFor { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>Pause after the first failure of the network or of a busy server; doubles. Default 5 s.</summary>
    public TimeSpan FirstBackOff { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Pause after the first answer that is of no use; doubles. Default 10 min.</summary>
    public TimeSpan FirstRefusalBackOff { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>The longest pause, also where the server asks for a longer one. Default 1 h.</summary>
    public TimeSpan MaxBackOff { get; init; } = TimeSpan.FromHours(1);
}
