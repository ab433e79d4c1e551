using System.Text.Json;
using System.Text.Json.Serialization;
using Shoal.Api;
using Shoal.Protocol;

namespace Shoal.Daemon;

/// <summary>
/// What the daemon keeps of one torrent over its restarts. Immutable: replaced whole, and each new one is written to the
/// <see cref="LibraryJournal"/>.
/// </summary>
internal sealed record LibraryEntry
{
    public required string Id { get; init; }
    public string? InfoHashV1 { get; init; }
    public string? InfoHashV2 { get; init; }

    /// <summary>The same as they are.</summary>
    [JsonIgnore]
    public InfoHashes InfoHashes =>
        new(
            InfoHashV1 is { } v1 && Sha1Digest.TryParseHex(v1, out var one) ? one : null,
            InfoHashV2 is { } v2 && Sha256Digest.TryParseHex(v2, out var two) ? two : null
        );
    public required string Name { get; init; }

    /// <summary>What the user calls it; null: as it is called.</summary>
    public string? Title { get; init; }
    public long Size { get; init; }

    /// <summary>The link it came by; null: its .torrent lies in the state folder.</summary>
    public string? Magnet { get; init; }

    /// <summary>
    /// The publication whose members alone may hear of it; null: it is for everybody. A version that does not know this field finds
    /// neither link nor .torrent where it looks for them, and opens nothing.
    /// </summary>
    public string? Publication { get; init; }
    public required string SaveDirectory { get; init; }

    /// <summary>The content lies here until it is complete; null: at <see cref="SaveDirectory"/>.</summary>
    public string? IncompleteDirectory { get; init; }

    /// <summary>The content is on its way there; null: it is not.</summary>
    public string? MoveTarget { get; init; }

    /// <summary>That place was found free, and files may be there already.</summary>
    public bool HasMoveBegun { get; init; }

    /// <summary>Where the content lies, unless it is being moved.</summary>
    [JsonIgnore]
    public string ContentDirectory => IncompleteDirectory ?? SaveDirectory;
    public bool Paused { get; init; }
    public bool Forced { get; init; }
    public bool Private { get; init; }
    public bool Sequential { get; init; }
    public bool FirstLast { get; init; }
    public bool SuperSeeding { get; init; }
    public string? Category { get; init; }
    public IReadOnlyList<string> Labels
    {
        get;
        init => field = value ?? [];
    } = [];
    public long DownloadLimit { get; init; }
    public long UploadLimit { get; init; }

    /// <summary>Null: as the settings say; 0: never.</summary>
    public double? RatioLimit { get; init; }

    /// <summary>Seconds; null: as the settings say; 0: never.</summary>
    public long? SeedTimeLimit { get; init; }

    /// <summary>Files that are not normal; null: none.</summary>
    public IReadOnlyDictionary<int, FileWish>? Priorities { get; init; }

    /// <summary>Names that files are to get and do not have yet; null: none.</summary>
    public IReadOnlyDictionary<int, string>? Renames { get; init; }

    /// <summary>Nothing is fetched but what the files are; then it is paused.</summary>
    public bool PauseWhenKnown { get; init; }

    /// <summary>Instead of the torrent's own; null: those.</summary>
    public IReadOnlyList<IReadOnlyList<string>>? Trackers { get; init; }

    /// <summary>Peers that somebody named, ADDRESS:PORT, until it is complete; null: none.</summary>
    public IReadOnlyList<string>? Peers { get; init; }

    /// <summary>Order in the queue; smaller comes first. Not dense.</summary>
    public long Order { get; init; }
    public long AddedAt { get; init; }
    public long? CompletedAt { get; init; }
    public long? ActiveAt { get; init; }
    public long SeedingSeconds { get; init; }
    public long DownloadingSeconds { get; init; }

    // As they were last: shown until the engine has opened the torrent.
    public long WantedSize { get; init; }
    public long Done { get; init; }
    public long Downloaded { get; init; }
    public long Uploaded { get; init; }

    /// <summary>The data is known to be there and good: for the first opening only.</summary>
    public bool AssumeComplete { get; init; }

    /// <summary>Hash what is on disk at the next opening.</summary>
    public bool Recheck { get; init; }

    /// <summary>It is being removed: what is left to do is done at the next start.</summary>
    public RemovalStage Removal { get; init; }
}

/// <summary>How far the removal of a torrent is.</summary>
[JsonConverter(typeof(WordEnumConverter<RemovalStage>))]
internal enum RemovalStage
{
    None,

    /// <summary>The engine still has it; its files stay.</summary>
    KeepData,

    /// <summary>The engine still has it, or not all of its files are deleted.</summary>
    DeleteData,
}

/// <summary>A line of the journal: a torrent as it is from here on, or the id of one that is gone.</summary>
internal sealed record LibraryRecord
{
    public LibraryEntry? Put { get; init; }
    public string? Gone { get; init; }
}

/// <summary>Unknown fields are ignored: an older version may have to read what a newer one wrote.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
    RespectNullableAnnotations = true,
    MaxDepth = 16
)]
[JsonSerializable(typeof(LibraryRecord))]
[JsonSerializable(typeof(AccessFile))]
[JsonSerializable(typeof(CategoryBook))]
[JsonSerializable(typeof(FeedBook))]
internal sealed partial class StateJson : JsonSerializerContext;
