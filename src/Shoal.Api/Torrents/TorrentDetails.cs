namespace Shoal.Api;

/// <summary>Everything of one torrent that is not a list of its own.</summary>
public sealed record TorrentDetails
{
    public required TorrentItem Torrent { get; init; }

    /// <summary>v1, v2 or hybrid; null while unknown.</summary>
    public string? Format { get; init; }

    /// <summary>A link with its trackers; empty: it is for members of a publication only.</summary>
    public required string Magnet { get; init; }
    public int Pieces { get; init; }
    public int PieceLength { get; init; }
    public int PiecesDone { get; init; }

    /// <summary>Files, without padding.</summary>
    public int Files { get; init; }
    public string? Comment { get; init; }
    public string? CreatedBy { get; init; }

    /// <summary>Seconds since 1970, as the torrent says.</summary>
    public long? CreatedAt { get; init; }
    public string? Source { get; init; }

    /// <summary>Bytes received since the start of the daemon that were not needed.</summary>
    public long Wasted { get; init; }

    /// <summary>Pieces that failed their hash since the start of the daemon.</summary>
    public int HashFailures { get; init; }

    /// <summary>Addresses of peers that are known and not connected.</summary>
    public int Candidates { get; init; }
    public int WebSeedsInUse { get; init; }
    public IReadOnlyList<string> WebSeeds
    {
        get;
        init => field = value ?? [];
    } = [];
}

/// <summary>One file of a torrent.</summary>
public sealed record FileItem
{
    /// <summary>Its place in the torrent, padding included: what the other calls name it by.</summary>
    public required int Index { get; init; }

    /// <summary>With '/' between elements, below the folder of the content.</summary>
    public required string Path { get; init; }
    public long Size { get; init; }

    /// <summary>Bytes of it in proven pieces.</summary>
    public long Done { get; init; }
    public FileWish Priority { get; init; }
}

/// <summary>One connection.</summary>
public sealed record PeerItem
{
    /// <summary>Address and port; of a web seed its URL, without credentials.</summary>
    public required string Address { get; init; }
    public string Client
    {
        get;
        init => field = value ?? "";
    } = "";

    /// <summary>How it was found: tracker, dht, pex, lsd, user, resume, holepunch, incoming, webseed.</summary>
    public IReadOnlyList<string> Sources
    {
        get;
        init => field = value ?? [];
    } = [];

    /// <summary>tcp, utp or http.</summary>
    public string Transport
    {
        get;
        init => field = value ?? "tcp";
    } = "tcp";

    /// <summary>none, header or rc4.</summary>
    public string Encryption
    {
        get;
        init => field = value ?? "none";
    } = "none";
    public bool Outgoing { get; init; }

    /// <summary>From 0 to 1.</summary>
    public double Progress { get; init; }
    public long DownloadRate { get; init; }
    public long UploadRate { get; init; }
    public long Downloaded { get; init; }
    public long Uploaded { get; init; }

    /// <summary>It does not serve us now.</summary>
    public bool ChokesUs { get; init; }

    /// <summary>We do not serve it now.</summary>
    public bool Choked { get; init; }

    /// <summary>It wants something of us.</summary>
    public bool IsInterested { get; init; }

    /// <summary>We want something of it.</summary>
    public bool Interesting { get; init; }
}

/// <summary>What one tracker said last.</summary>
public sealed record TrackerItem
{
    public required string Url { get; init; }
    public int Tier { get; init; }

    /// <summary>Null before the first answer.</summary>
    public bool? Working { get; init; }

    /// <summary>The failure or warning.</summary>
    public string? Message { get; init; }
    public int? Seeds { get; init; }
    public int? Peers { get; init; }

    /// <summary>Seconds since 1970; null: none is planned.</summary>
    public long? NextAnnounceAt { get; init; }
}

/// <summary>Which pieces are here.</summary>
public sealed record PieceMap
{
    public required int Count { get; init; }
    public int Length { get; init; }
    public int Done { get; init; }

    /// <summary>One bit a piece, the first in the highest bit of the first byte; base64.</summary>
    public required string Bits { get; init; }

    /// <summary>
    /// One byte a piece, base64: how many of the connected peers have it, at most 255. Null: there are none, or it is being counted; ask
    /// again in a second.
    /// </summary>
    public string? Copies { get; init; }
}

/// <summary>A list of files.</summary>
public sealed record FileList(IReadOnlyList<FileItem> Files);

/// <summary>A list of connections.</summary>
public sealed record PeerList(IReadOnlyList<PeerItem> Peers);

/// <summary>A list of trackers.</summary>
public sealed record TrackerList(IReadOnlyList<TrackerItem> Trackers);
