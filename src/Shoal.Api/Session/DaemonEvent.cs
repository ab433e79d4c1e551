namespace Shoal.Api;

/// <summary>Something that happened, from the stream of events.</summary>
public sealed record DaemonEvent
{
    /// <summary>Grows; the stream goes on after it when a reader comes back with Last-Event-ID.</summary>
    public required long Id { get; init; }

    /// <summary>
    /// torrent-added, torrent-removed, torrent-state, torrent-metadata, torrent-completed, torrent-failed, torrent-moved, files-renamed,
    /// settings-changed, warning, changed (the revision grew), reset (events were missed: read everything anew).
    /// </summary>
    public required string Kind { get; init; }

    /// <summary>Seconds since 1970.</summary>
    public long At { get; init; }

    /// <summary>The id of the torrent; null: none.</summary>
    public string? Torrent { get; init; }

    /// <summary>Its name.</summary>
    public string? Name { get; init; }

    /// <summary>Of torrent-state.</summary>
    public TorrentPhase? State { get; init; }

    /// <summary>Of warnings and failures: stable, for programs.</summary>
    public string? Code { get; init; }

    /// <summary>Of warnings and failures: for people.</summary>
    public string? Message { get; init; }

    /// <summary>The revision of the list then.</summary>
    public long Revision { get; init; }
}
