using System.Text.Json.Serialization;

namespace Shoal.Api;

/// <summary>What a torrent is doing, in the order in which a person would want to know.</summary>
[JsonConverter(typeof(WordEnumConverter<TorrentPhase>))]
public enum TorrentPhase
{
    /// <summary>Known, and not yet opened: the daemon has just started.</summary>
    Loading,

    /// <summary>Waiting for peers to send what the torrent consists of (magnet links).</summary>
    Metadata,

    /// <summary>What is on disk is being hashed.</summary>
    Checking,

    Downloading,

    /// <summary>Everything wanted is here, and others may have it.</summary>
    Seeding,

    /// <summary>Waits for its turn, since the settings allow only so many at once.</summary>
    Queued,

    /// <summary>Stopped by the user, or by a limit of ratio or time.</summary>
    Paused,

    /// <summary>See <see cref="TorrentItem.Error"/>.</summary>
    Failed,
}

/// <summary>How much a file is wanted.</summary>
[JsonConverter(typeof(WordEnumConverter<FileWish>))]
public enum FileWish
{
    Skip,
    Low,
    Normal,
    High,
}

/// <summary>
/// One torrent as a line of a list. Bytes are integers, rates bytes a second, times seconds, dates seconds since 1970.
/// </summary>
public sealed record TorrentItem
{
    /// <summary>The name of the torrent in this API: its v1 infohash in hexadecimal, or the v2 one where it has no other.</summary>
    public required string Id { get; init; }

    public string? InfoHashV1 { get; init; }
    public string? InfoHashV2 { get; init; }

    /// <summary>As the user says, else the torrent, or the link as long as the torrent is not known.</summary>
    public required string Name { get; init; }
    public TorrentPhase State { get; init; }

    /// <summary>Why it failed, or the last trouble; null: none.</summary>
    public string? Error { get; init; }

    /// <summary>Of all files; 0 while unknown.</summary>
    public long Size { get; init; }

    /// <summary>Of the files that are wanted.</summary>
    public long WantedSize { get; init; }

    /// <summary>Of the wanted files, proven.</summary>
    public long Done { get; init; }

    /// <summary>From 0 to 1: of what is wanted, or while checking of what is checked.</summary>
    public double Progress { get; init; }
    public long DownloadRate { get; init; }
    public long UploadRate { get; init; }

    /// <summary>Over all runs.</summary>
    public long Downloaded { get; init; }

    /// <summary>Over all runs.</summary>
    public long Uploaded { get; init; }

    /// <summary>Uploaded by downloaded, or by the size where nothing was downloaded; 0 while that is unknown.</summary>
    public double Ratio { get; init; }

    /// <summary>Connected peers, seeds among them.</summary>
    public int Peers { get; init; }
    public int Seeds { get; init; }

    /// <summary>In the whole swarm, by trackers and the DHT; null: unknown.</summary>
    public int? SwarmSeeds { get; init; }

    /// <summary>In the whole swarm, without seeds; null: unknown.</summary>
    public int? SwarmPeers { get; init; }

    /// <summary>Until everything wanted is here at the present rate; null: unknown or nothing to wait for.</summary>
    public long? SecondsLeft { get; init; }

    /// <summary>Copies among connected peers; below 1 something is missing.</summary>
    public double Availability { get; init; }
    public long AddedAt { get; init; }

    /// <summary>Null: not complete yet.</summary>
    public long? CompletedAt { get; init; }

    /// <summary>When a byte was moved last; null: never.</summary>
    public long? ActiveAt { get; init; }

    /// <summary>How long it has been seeding, over all runs. In lists, of a torrent to which nothing happens, up to five minutes ago.</summary>
    public long SeedingSeconds { get; init; }

    /// <summary>The folder that holds the content: a torrent named x lies at saveDirectory/x, unless there is an <see cref="IncompleteDirectory"/>.</summary>
    public required string SaveDirectory { get; init; }

    /// <summary>Where the content lies until it is complete, to move to <see cref="SaveDirectory"/> then; null: it lies there already.</summary>
    public string? IncompleteDirectory { get; init; }

    /// <summary>Where the content is being moved to; null: it is not.</summary>
    public string? MovingTo { get; init; }
    public string? Category { get; init; }
    public IReadOnlyList<string> Labels
    {
        get;
        init => field = value ?? [];
    } = [];

    /// <summary>Place in the queue, from 0.</summary>
    public int QueuePosition { get; init; }

    /// <summary>What the user wants; <see cref="State"/> says what is.</summary>
    public bool Paused { get; init; }

    /// <summary>The queue does not count it and does not stop it.</summary>
    public bool Forced { get; init; }
    public bool Private { get; init; }

    /// <summary>The publication whose members alone hear of it; null: it is for everybody.</summary>
    public string? Publication { get; init; }
    public bool Sequential { get; init; }

    /// <summary>The first and the last piece of each file first.</summary>
    public bool FirstLast { get; init; }
    public bool SuperSeeding { get; init; }

    /// <summary>0: no limit.</summary>
    public long DownloadLimit { get; init; }

    /// <summary>0: no limit.</summary>
    public long UploadLimit { get; init; }

    /// <summary>Pause when so much was given back; null: as the settings say; 0: never.</summary>
    public double? RatioLimit { get; init; }

    /// <summary>Pause after seeding for so many seconds; null: as the settings say; 0: never.</summary>
    public long? SeedTimeLimit { get; init; }

    /// <summary>The revision at which something of it changed last.</summary>
    public long Revision { get; init; }
}

/// <summary>A part of the list of torrents, or what changed of it.</summary>
public sealed record TorrentPage
{
    /// <summary>Ask with since= this for what changes from here on.</summary>
    public required long Revision { get; init; }

    /// <summary>
    /// True: the items are all there are (that match), whatever was asked; forget what you knew. False: only what changed.
    /// </summary>
    public bool Full { get; init; }

    /// <summary>How many match, on all pages.</summary>
    public int Total { get; init; }
    public int Offset { get; init; }
    public required IReadOnlyList<TorrentItem> Items { get; init; }

    /// <summary>Ids of torrents that are gone since the revision that was asked with.</summary>
    public IReadOnlyList<string> Removed
    {
        get;
        init => field = value ?? [];
    } = [];
}
