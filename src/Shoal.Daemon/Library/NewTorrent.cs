using Shoal.Engine;
using Shoal.Members;
using Shoal.Protocol;

namespace Shoal.Daemon;

/// <summary>What a caller wants to add, read: a torrent with its file, or a link.</summary>
internal sealed record NewTorrent
{
    /// <summary>Null: a link.</summary>
    public Metainfo? Metainfo { get; private init; }

    /// <summary>The .torrent file.</summary>
    public byte[]? Bytes { get; private init; }

    public MagnetLink? Magnet { get; private init; }

    /// <summary>The publication whose members alone may hear of it; null: it is for everybody.</summary>
    public string? Publication { get; private init; }

    public InfoHashes InfoHashes => Metainfo?.InfoHashes ?? Magnet!.InfoHashes;

    /// <summary>Null: not known yet.</summary>
    public string? Name => Metainfo?.Name ?? (Magnet!.Name is { Length: > 0 } name ? Clean(name) : null);

    /// <summary>Of the catalogue of a publication.</summary>
    public static NewTorrent OfMembers(string publication, MemberTorrent torrent, string title) =>
        torrent.Metainfo is { } metainfo
            ? new NewTorrent
            {
                Metainfo = metainfo,
                Bytes = torrent.Bytes.ToArray(),
                Publication = publication,
            }
            : new NewTorrent
            {
                Magnet = new MagnetLink { InfoHashes = torrent.InfoHashes, Name = title },
                Publication = publication,
            };

    /// <summary>The same for the members of a publication only.</summary>
    public NewTorrent For(string publication) => this with { Publication = publication };

    /// <exception cref="ApiException">It is no torrent.</exception>
    public static NewTorrent OfFile(byte[] bytes) =>
        MetainfoReader.TryRead(bytes, MetainfoLimits.Default, out var metainfo, out var error)
            ? new NewTorrent { Metainfo = metainfo, Bytes = bytes }
            : throw new ApiException(400, "not-a-torrent", bytes.Length == 0 ? "the file is empty" : error.Message)
            {
                Key = "metainfo",
            };

    /// <summary>A magnet link, the URL of a .torrent file, or an infohash.</summary>
    /// <param name="source">Of a caller.</param>
    /// <param name="network">The way to a URL.</param>
    /// <param name="mayBeLocal">Whether a URL may lead into this machine's own network.</param>
    /// <exception cref="ApiException">It is none of these, or cannot be fetched.</exception>
    public static async Task<NewTorrent> OfSourceAsync(
        string source,
        OutboundNetwork network,
        bool mayBeLocal,
        CancellationToken cancel
    )
    {
        source = source.Trim();
        if (source.StartsWith("magnet:", StringComparison.OrdinalIgnoreCase))
        {
            return MagnetLink.TryParse(source, out var magnet, out var error)
                ? OfLink(magnet)
                : throw new ApiException(400, "bad-magnet", $"the magnet link: {error}") { Key = "source" };
        }

        if (MagnetLink.TryParseInfoHash(source, out var hashes))
        {
            return OfLink(new MagnetLink { InfoHashes = hashes });
        }

        if (!Uri.TryCreate(source, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
        {
            throw new ApiException(400, "bad-source", "source: neither a magnet link, an http(s) URL nor an infohash")
            {
                Key = "source",
            };
        }

        try
        {
            return OfFile(await network.FetchTorrentAsync(source, mayBeLocal, cancel).ConfigureAwait(false));
        }
        catch (DownloadException error)
        {
            throw new ApiException(502, error.Code, error.Message) { Key = "source" };
        }
    }

    private static NewTorrent OfLink(MagnetLink magnet) =>
        magnet.HasInfoHash
            ? new NewTorrent { Magnet = magnet }
            : throw new ApiException(
                400,
                "bad-magnet",
                "the link names a publication (urn:btpk) and no torrent; 'shoal get' follows such links"
            )
            {
                Key = "source",
            };

    // A link's name is not made safe by anybody before us.
    private static string Clean(string name)
    {
        var clean = new string([.. name.Where(c => !char.IsControl(c))]).Trim();
        return clean.Length > 255 ? clean[..255] : clean;
    }
}
