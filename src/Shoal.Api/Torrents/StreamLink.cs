namespace Shoal.Api;

/// <summary>A link to play a file of a torrent is wanted.</summary>
/// <param name="File">Its index; null: the largest film, else the largest piece of music, else the largest file.</param>
public sealed record NewStreamLink(int? File = null);

/// <summary>
/// Where a player finds a file, without a token of its own. Whoever has the link may read that torrent's files until it
/// expires, and nothing else.
/// </summary>
public sealed record StreamLink
{
    /// <summary>The index of the file.</summary>
    public required int File { get; init; }
    public required string Name { get; init; }

    /// <summary>Bytes.</summary>
    public long Size { get; init; }

    /// <summary>The media type it is served as.</summary>
    public required string Type { get; init; }

    /// <summary>Null: the daemon does not listen for HTTP.</summary>
    public string? Url { get; init; }

    /// <summary>The same below the daemon's own address, for its page.</summary>
    public required string Path { get; init; }

    /// <summary>An M3U of all that can be played in the torrent; null as above.</summary>
    public string? PlaylistUrl { get; init; }
    public required string PlaylistPath { get; init; }

    /// <summary>Seconds since 1970. Links end with the daemon too.</summary>
    public long ExpiresAt { get; init; }

    /// <summary>Those that belong to the file, as WebVTT.</summary>
    public IReadOnlyList<StreamSubtitle> Subtitles
    {
        get;
        init => field = value ?? [];
    } = [];
}

/// <summary>Subtitles that lie beside a film.</summary>
public sealed record StreamSubtitle
{
    public required int File { get; init; }

    /// <summary>What the name says besides that of the film.</summary>
    public required string Label { get; init; }

    /// <summary>An ISO 639 code, where the name has one.</summary>
    public string? Language { get; init; }
    public string? Url { get; init; }
    public required string Path { get; init; }
}
