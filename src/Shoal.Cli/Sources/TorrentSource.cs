using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Cli;

/// <summary>What the user named as SOURCE: a torrent, or a link that leads to one.</summary>
internal abstract record TorrentSource
{
    private TorrentSource() { }

    /// <param name="Where">The file or URL it came from.</param>
    internal sealed record Torrent(Metainfo Metainfo, string Where) : TorrentSource;

    internal sealed record Link(MagnetLink Magnet) : TorrentSource;

    /// <param name="source">A file, an http(s) URL, a magnet link, or an infohash in hexadecimal or base32.</param>
    /// <param name="network">The way to a URL.</param>
    /// <exception cref="UserErrorException">It is none of these, or cannot be read; names it.</exception>
    public static async Task<TorrentSource> LoadAsync(string source, OutboundNetwork network, CancellationToken cancel)
    {
        if (source.StartsWith("magnet:", StringComparison.OrdinalIgnoreCase))
        {
            return MagnetLink.TryParse(source, out var magnet, out var error)
                ? new Link(magnet)
                : throw new UserErrorException("bad-magnet", $"{Shorten(source)}: {error}");
        }

        if (IsUrl(source))
        {
            try
            {
                var bytes = await network.FetchTorrentAsync(source, mayBeLocal: true, cancel);
                return new Torrent(TorrentFile.Parse(bytes, source), source);
            }
            catch (DownloadException error)
            {
                throw new UserErrorException(error.Code, error.Message);
            }
        }

        // A file may be called like an infohash; then the file is meant.
        if (!File.Exists(source) && MagnetLink.TryParseInfoHash(source, out var hashes))
        {
            return new Link(new MagnetLink { InfoHashes = hashes });
        }

        if (!Path.Exists(source))
        {
            throw new UserErrorException(
                "no-such-file",
                $"{Shorten(source)}: no such file, and neither a URL, a magnet link nor an infohash"
            );
        }

        return new Torrent(await TorrentFile.LoadAsync(source, cancel), source);
    }

    public static bool IsUrl(string source) =>
        source.StartsWith("http://", StringComparison.OrdinalIgnoreCase)
        || source.StartsWith("https://", StringComparison.OrdinalIgnoreCase);

    private static string Shorten(string source) => SafeText.Fit(source, 120);
}
