using System.Text.Json.Serialization;

namespace Shoal.Api;

/// <summary>A torrent to be made of what lies in a folder of the daemon.</summary>
public sealed record NewCreation
{
    /// <summary>The file or folder: a full path that the caller may name.</summary>
    public required string Path { get; init; }

    /// <summary>Null: hybrid.</summary>
    public CreationFormat? Format { get; init; }

    /// <summary>Bytes, a power of two from 16 KiB; null or 0: by the size of the content.</summary>
    public int? PieceLength { get; init; }

    /// <summary>BEP 12 tiers.</summary>
    public IReadOnlyList<IReadOnlyList<string>>? Trackers { get; init; }
    public IReadOnlyList<string>? WebSeeds { get; init; }

    /// <summary>Null: the name of the file or folder. Only where it is not shared by this daemon.</summary>
    public string? Name { get; init; }
    public string? Comment { get; init; }
    public string? Source { get; init; }

    /// <summary>BEP 27: peers from the trackers only.</summary>
    public bool Private { get; init; }

    /// <summary>Adds it to the list as soon as it is made, and shares it; null: yes.</summary>
    public bool? Seed { get; init; }
    public IReadOnlyList<string>? Labels { get; init; }
    public string? Category { get; init; }
}

/// <summary>Of which kind a torrent is.</summary>
[JsonConverter(typeof(WordEnumConverter<CreationFormat>))]
public enum CreationFormat
{
    V1,
    V2,

    /// <summary>For clients of both kinds.</summary>
    Hybrid,
}

/// <summary>How far the making of a torrent is.</summary>
[JsonConverter(typeof(WordEnumConverter<CreationState>))]
public enum CreationState
{
    /// <summary>Another one is made first.</summary>
    Queued,
    Hashing,
    Done,

    /// <summary><see cref="CreationItem.Error"/> says why.</summary>
    Failed,
}

/// <summary>A torrent that is being made, or was.</summary>
public sealed record CreationItem
{
    public required string Id { get; init; }
    public required string Path { get; init; }
    public CreationState State { get; init; }

    /// <summary>Bytes hashed.</summary>
    public long Done { get; init; }

    /// <summary>Bytes in all; 0 while they are counted.</summary>
    public long Size { get; init; }

    /// <summary>Seconds since 1970.</summary>
    public long BegunAt { get; init; }

    /// <summary>Of the torrent, once it is made.</summary>
    public string? Name { get; init; }
    public string? InfoHashV1 { get; init; }
    public string? InfoHashV2 { get; init; }

    /// <summary>Its id in the list, once it is shared; null: it is not.</summary>
    public string? Torrent { get; init; }
    public string? Error { get; init; }
}

/// <summary>What was made since the daemon started, the newest last.</summary>
public sealed record CreationList(IReadOnlyList<CreationItem> Creations);

/// <summary>What a torrent holds, before it is added.</summary>
public sealed record TorrentPreview
{
    /// <summary>The id it will have.</summary>
    public required string Id { get; init; }
    public required string Name { get; init; }

    /// <summary>0 while unknown.</summary>
    public long Size { get; init; }

    /// <summary>Empty where it is a link: the files are known when peers have told.</summary>
    public required IReadOnlyList<FileItem> Files { get; init; }
    public bool Private { get; init; }
    public string? Comment { get; init; }

    /// <summary>It is in the list already.</summary>
    public bool Present { get; init; }
}
