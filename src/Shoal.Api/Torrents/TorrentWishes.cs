using System.Text.Json.Serialization;

namespace Shoal.Api;

/// <summary>
/// A torrent to add. Exactly one of <see cref="Source"/>, <see cref="Metainfo"/> and <see cref="Entry"/> is given.
/// </summary>
public sealed record AddTorrent
{
    /// <summary>A magnet link, the http(s) URL of a .torrent file, or an infohash.</summary>
    public string? Source { get; init; }

    /// <summary>A .torrent file, base64.</summary>
    public string? Metainfo { get; init; }

    /// <summary>
    /// The publication whose members alone may hear of it; the daemon is one. With <see cref="Entry"/>, or with
    /// <see cref="Metainfo"/>. Null: it is for everybody.
    /// </summary>
    public string? Publication { get; init; }

    /// <summary>What is published to members: its id, the beginning of it (four characters or more), or its title.</summary>
    public string? Entry { get; init; }

    /// <summary>Null: what the settings say.</summary>
    public string? SaveDirectory { get; init; }
    public bool Paused { get; init; }

    /// <summary>
    /// Nothing of it is fetched until it is resumed, but for what its files are: pauses as soon as they are known, so that they
    /// can be chosen.
    /// </summary>
    public bool PauseWhenKnown { get; init; }
    public bool Sequential { get; init; }

    /// <summary>The first and the last piece of each file first.</summary>
    public bool FirstLast { get; init; }

    /// <summary>What it is called in lists; its files keep their names. Null: as the torrent says.</summary>
    public string? Name { get; init; }
    public string? Category { get; init; }
    public IReadOnlyList<string>? Labels { get; init; }
    public long DownloadLimit { get; init; }
    public long UploadLimit { get; init; }
    public double? RatioLimit { get; init; }
    public long? SeedTimeLimit { get; init; }

    /// <summary>The data is there and good: claimed without hashing.</summary>
    public bool SkipCheck { get; init; }

    /// <summary>Files that are not normal; also for magnet links, whose files are not known yet.</summary>
    public IReadOnlyList<FilePriorityWish>? Files { get; init; }

    /// <summary>Peers to try, HOST:PORT.</summary>
    public IReadOnlyList<string>? Peers { get; init; }
}

/// <summary>Torrents to add in one call.</summary>
/// <param name="Torrents">At most 1,000, and 32 MiB with all their files.</param>
public sealed record AddTorrents(IReadOnlyList<AddTorrent> Torrents);

/// <summary>What became of torrents that were added in one call.</summary>
public sealed record AddedTorrents
{
    /// <summary>In the order in which they were named.</summary>
    public required IReadOnlyList<AddedTorrent> Items { get; init; }
}

/// <summary>One of several: one of both.</summary>
public sealed record AddedTorrent
{
    /// <summary>It was added.</summary>
    public TorrentItem? Torrent { get; init; }

    /// <summary>It was not, or is not kept, and why.</summary>
    public Problem? Problem { get; init; }
}

/// <summary>How much some files are wanted.</summary>
/// <param name="Indices">As <see cref="FileItem.Index"/> says.</param>
/// <param name="Priority">Of all of them.</param>
public sealed record FilePriorityWish(IReadOnlyList<int> Indices, FileWish Priority);

/// <summary>Changes of files: priorities in order, and other names.</summary>
public sealed record FileChange
{
    public IReadOnlyList<FilePriorityWish>? Priorities { get; init; }

    /// <summary>Begins to rename; an event (files-renamed, or warning with cannot-rename) tells of the end.</summary>
    public IReadOnlyList<FileRename>? Renames { get; init; }
}

/// <summary>Another name of a file.</summary>
/// <param name="Index">As <see cref="FileItem.Index"/> says.</param>
/// <param name="Path">Below the folder of the content, with '/' between elements.</param>
public sealed record FileRename(int Index, string Path);

/// <summary>Changes of a torrent; what is null stays as it is.</summary>
public sealed record TorrentChange
{
    public bool? Paused { get; init; }
    public bool? Forced { get; init; }
    public bool? Sequential { get; init; }

    /// <summary>The first and the last piece of each file first.</summary>
    public bool? FirstLast { get; init; }

    /// <summary>What it is called in lists; its files keep their names. Empty: as the torrent says.</summary>
    public string? Name { get; init; }
    public bool? SuperSeeding { get; init; }

    /// <summary>Empty: none.</summary>
    public string? Category { get; init; }
    public IReadOnlyList<string>? Labels { get; init; }
    public long? DownloadLimit { get; init; }
    public long? UploadLimit { get; init; }

    /// <summary>0: never; -1: as the settings say.</summary>
    public double? RatioLimit { get; init; }

    /// <summary>0: never; -1: as the settings say.</summary>
    public long? SeedTimeLimit { get; init; }

    /// <summary>Place in the queue, from 0; beyond the end means the end.</summary>
    public int? QueuePosition { get; init; }
}

/// <summary>What can be done to many torrents in one call.</summary>
[JsonConverter(typeof(WordEnumConverter<TorrentAction>))]
public enum TorrentAction
{
    Pause,
    Resume,
    Recheck,
    Announce,
    Remove,
    Move,
    Change,
}

/// <summary>Does the same to several torrents.</summary>
public sealed record BatchAction
{
    public required TorrentAction Action { get; init; }

    /// <summary>Ids, or unique beginnings of at least 6 digits. Null: all torrents.</summary>
    public IReadOnlyList<string>? Ids { get; init; }

    /// <summary>For remove: the files too.</summary>
    public bool DeleteData { get; init; }

    /// <summary>For move.</summary>
    public MoveTorrent? Move { get; init; }

    /// <summary>For change.</summary>
    public TorrentChange? Change { get; init; }
}

/// <summary>What became of each of several torrents.</summary>
public sealed record BatchResult
{
    public required IReadOnlyList<string> Done { get; init; }
    public IReadOnlyList<BatchFailure> Failed
    {
        get;
        init => field = value ?? [];
    } = [];
}

/// <summary>One of several that failed.</summary>
public sealed record BatchFailure(string Id, string Code, string Message);

/// <summary>Another folder for the content of a torrent.</summary>
/// <param name="SaveDirectory">The folder; the content lies at saveDirectory/name.</param>
/// <param name="KeepFiles">Move nothing: the content is there already, or will be fetched there; what is there is hashed.</param>
public sealed record MoveTorrent(string SaveDirectory, bool KeepFiles = false);

/// <summary>Trackers instead of those a torrent has.</summary>
/// <param name="Tiers">BEP 12: lists of URLs.</param>
public sealed record TrackerChange(IReadOnlyList<IReadOnlyList<string>> Tiers);

/// <summary>Peers to try, HOST:PORT with the host an address.</summary>
public sealed record AddPeers(IReadOnlyList<string> Peers);
