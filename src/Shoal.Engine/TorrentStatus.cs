using System.Net;
using Shoal.Membership;
using Shoal.Protocol;

namespace Shoal.Engine;

public enum TorrentState
{
    /// <summary>Waiting for the info dictionary from peers.</summary>
    FetchingMetadata,

    /// <summary>Hashing what is on disk.</summary>
    Checking,
    Downloading,

    /// <summary>Everything wanted is here.</summary>
    Seeding,
    Paused,

    /// <summary>Stopped fetching by an error of the disk (see <see cref="TorrentStatus.Error"/>); goes on seeding what it has.</summary>
    Failed,
}

/// <summary>A snapshot of one torrent, published a few times a second; safe to read from any thread.</summary>
public sealed record TorrentStatus
{
    private static readonly Dictionary<MemberId, long> Nobody = [];

    public required TorrentState State { get; init; }

    /// <summary>Bytes of wanted files; 0 while unknown. Padding does not count.</summary>
    public long WantedBytes { get; init; }

    /// <summary>Bytes of wanted files that are proven.</summary>
    public long DoneBytes { get; init; }

    /// <summary>Bytes of all files.</summary>
    public long TotalBytes { get; init; }

    public int PieceCount { get; init; }

    /// <summary>Proven pieces. A private copy.</summary>
    public Bitfield? Pieces { get; init; }

    /// <summary>While checking: pieces hashed so far.</summary>
    public int PiecesChecked { get; init; }

    /// <summary>Bytes of block payload received since start, whatever became of them.</summary>
    public long Downloaded { get; init; }

    /// <summary>Bytes of block payload sent since start.</summary>
    public long Uploaded { get; init; }

    /// <summary>As <see cref="Downloaded"/>, over all runs.</summary>
    public long AllTimeDownloaded { get; init; }

    /// <summary>As <see cref="Uploaded"/>, over all runs.</summary>
    public long AllTimeUploaded { get; init; }

    /// <summary>Bytes received that were not needed: duplicates, blocks of failed pieces.</summary>
    public long Wasted { get; init; }

    /// <summary>Pieces that failed their hash since start.</summary>
    public int HashFailures { get; init; }

    /// <summary>
    /// Of torrents with a membership: proven bytes received since start, by the member who sent them. Without what was not
    /// needed or was wrong, and without padding.
    /// </summary>
    public IReadOnlyDictionary<MemberId, long> ReceivedFrom { get; init; } = Nobody;

    /// <summary>Bytes of payload a second, averaged over about 5 s.</summary>
    public long DownloadRate { get; init; }

    /// <summary>Bytes of payload a second, averaged over about 5 s.</summary>
    public long UploadRate { get; init; }

    /// <summary>Connected peers.</summary>
    public int PeerCount { get; init; }

    /// <summary>Connected peers that have everything.</summary>
    public int SeedCount { get; init; }

    /// <summary>Web seeds in use; they are among <see cref="Peers"/>, and not counted as peers.</summary>
    public int WebSeedCount { get; init; }

    /// <summary>Seeds in the whole swarm as the DHT estimates it (BEP 33), at most some thousands; null: unknown.</summary>
    public int? DhtSeeds { get; init; }

    /// <summary>The same of peers that are no seeds.</summary>
    public int? DhtPeers { get; init; }

    /// <summary>Addresses known and not connected.</summary>
    public int CandidateCount { get; init; }

    /// <summary>Copies of the rarest piece among peers, and the share of pieces with more; ours not counted.</summary>
    public double Availability { get; init; }

    /// <summary>How many connected peers have each piece, at most 255, while somebody asks (<see cref="Torrent.AskForCopies"/>); else null.</summary>
    internal byte[]? Copies { get; init; }

    /// <summary>Why the state is <see cref="TorrentState.Failed"/>.</summary>
    public string? Error { get; init; }

    /// <summary>What kind of failure it is; null unless the disk failed.</summary>
    public DiskFailureKind? FailureKind { get; init; }

    public IReadOnlyList<PeerStatus> Peers { get; init; } = [];

    public IReadOnlyList<TrackerStatus> Trackers { get; init; } = [];

    public bool IsComplete => PieceCount > 0 ? DoneBytes == WantedBytes : State == TorrentState.Seeding;
}

/// <summary>A snapshot of one connection.</summary>
public sealed record PeerStatus
{
    public required IPEndPoint EndPoint { get; init; }

    /// <summary>The URL of a web seed, without credentials; it has no <see cref="EndPoint"/>. Null: a peer.</summary>
    public string? WebSeed { get; init; }
    public required PeerId PeerId { get; init; }

    /// <summary>Name and version, as the peer says itself; made safe to print.</summary>
    public string Client { get; init; } = "";
    public bool IsOutgoing { get; init; }
    public PeerSource Source { get; init; }
    public TransportKind Transport { get; init; }
    public StreamEncryption Encryption { get; init; }

    /// <summary>Who it has proven to be; null: nobody asked.</summary>
    public MemberId? Member { get; init; }

    /// <summary>As what; only with <see cref="Member"/>.</summary>
    public MemberRole MemberRole { get; init; }

    /// <summary>From 0 to 1.</summary>
    public double Progress { get; init; }
    public long DownloadRate { get; init; }
    public long UploadRate { get; init; }
    public long Downloaded { get; init; }
    public long Uploaded { get; init; }
    public bool IsChokingUs { get; init; }
    public bool IsInterested { get; init; }
    public bool AreWeChoking { get; init; }
    public bool AreWeInterested { get; init; }
}

/// <summary>A snapshot of what one tracker said last.</summary>
public sealed record TrackerStatus
{
    public required string Url { get; init; }
    public int Tier { get; init; }

    /// <summary>Null before the first answer.</summary>
    public bool? IsWorking { get; init; }

    /// <summary>The failure or warning, made safe to print.</summary>
    public string? Message { get; init; }
    public int? Seeds { get; init; }
    public int? Leeches { get; init; }
    public DateTimeOffset? NextAnnounce { get; init; }
}
