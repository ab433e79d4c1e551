namespace Shoal.Protocol;

/// <summary>BEP 3, BEP 52.</summary>
public enum TorrentFormat
{
    V1,
    V2,
    Hybrid,
}

/// <summary>
/// What a .torrent file says, checked: immutable, and consistent in every way the specifications ask for.
/// Made by <c>MetainfoReader</c>.
/// </summary>
public sealed class Metainfo
{
    public required InfoHashes InfoHashes { get; init; }

    public required TorrentFormat Format { get; init; }

    /// <summary>The advisory name, made safe to be one path element.</summary>
    public required string Name { get; init; }

    public required PieceLayout Layout { get; init; }

    /// <summary>All files in the torrent's order, pad files and symlinks included.</summary>
    public required IReadOnlyList<MetainfoFile> Files { get; init; }

    /// <summary>Sum of the sizes of all files but pad files, in bytes.</summary>
    public required long Size { get; init; }

    /// <summary>
    /// The info dictionary exactly as found: infohashes are computed over these bytes, and peers get them
    /// (BEP 9).
    /// </summary>
    public required ReadOnlyMemory<byte> InfoBytes { get; init; }

    /// <summary>v1 piece hashes, 20 bytes each; empty for v2-only torrents.</summary>
    public ReadOnlyMemory<byte> V1PieceHashes { get; init; }

    /// <summary>
    /// BEP 52 piece layers by merkle root, 32 bytes a piece, for files larger than a piece. A torrent from a
    /// magnet link has none until peers send them.
    /// </summary>
    public IReadOnlyDictionary<Sha256Digest, ReadOnlyMemory<byte>> PieceLayers { get; init; } =
        new Dictionary<Sha256Digest, ReadOnlyMemory<byte>>();

    /// <summary>BEP 27: peers only from the torrent's trackers.</summary>
    public bool IsPrivate { get; init; }

    /// <summary>BEP 12 tiers; a single announce URL is one tier of one.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Trackers { get; init; } = [];

    /// <summary>BEP 19.</summary>
    public IReadOnlyList<string> WebSeeds { get; init; } = [];

    /// <summary>BEP 5: host and port of DHT nodes.</summary>
    public IReadOnlyList<(string Host, int Port)> Nodes { get; init; } = [];

    /// <summary>BEP 38: infohashes of torrents that probably share files.</summary>
    public IReadOnlyList<InfoHash> Similar { get; init; } = [];

    /// <summary>BEP 38.</summary>
    public IReadOnlyList<string> Collections { get; init; } = [];

    public string? Comment { get; init; }

    public string? CreatedBy { get; init; }

    /// <summary>Seconds since 1970, as found.</summary>
    public long? CreationDate { get; init; }

    /// <summary>
    /// libtorrent's SSL torrents: who has a certificate that this one signed (PEM) is a peer, and nobody else. Empty: the torrent is none.
    /// </summary>
    public ReadOnlyMemory<byte> SslCertificate { get; init; }

    /// <summary>The "source" field that private trackers use to make infohashes differ.</summary>
    public string? Source { get; init; }
}
