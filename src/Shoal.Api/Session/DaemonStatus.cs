namespace Shoal.Api;

/// <summary>How the daemon is.</summary>
public sealed record DaemonStatus
{
    public required string Version { get; init; }

    /// <summary>Seconds since 1970.</summary>
    public long StartedAt { get; init; }

    /// <summary>All torrents have been opened since the start.</summary>
    public bool Loaded { get; init; }
    public long Revision { get; init; }

    /// <summary>The id of the last event: ask for what comes after it.</summary>
    public long LastEvent { get; init; }
    public int Torrents { get; init; }
    public int Downloading { get; init; }
    public int Seeding { get; init; }
    public int Paused { get; init; }
    public int Failed { get; init; }
    public long DownloadRate { get; init; }
    public long UploadRate { get; init; }

    /// <summary>Since the start of the daemon.</summary>
    public long Downloaded { get; init; }

    /// <summary>Since the start of the daemon.</summary>
    public long Uploaded { get; init; }

    /// <summary>Of all torrents that are here, over all runs.</summary>
    public long AllTimeDownloaded { get; init; }

    /// <summary>Of all torrents that are here, over all runs.</summary>
    public long AllTimeUploaded { get; init; }
    public int Peers { get; init; }

    /// <summary>The port peers reach us at; 0 behind a proxy.</summary>
    public int Port { get; init; }

    /// <summary>Peers reach that port, as far as is known: a router forwards it, or somebody has called.</summary>
    public bool Reachable { get; init; }
    public IReadOnlyList<string> ListenAddresses
    {
        get;
        init => field = value ?? [];
    } = [];

    /// <summary>Where the world sees us.</summary>
    public IReadOnlyList<string> ExternalAddresses
    {
        get;
        init => field = value ?? [];
    } = [];

    /// <summary>Where this API and the page are reachable by HTTP.</summary>
    public IReadOnlyList<string> Urls
    {
        get;
        init => field = value ?? [];
    } = [];

    /// <summary>The alternative limits hold, instead of the usual ones.</summary>
    public bool AlternativeLimits { get; init; }

    /// <summary>Limits that hold now; 0: none.</summary>
    public long DownloadLimit { get; init; }

    /// <summary>Limits that hold now; 0: none.</summary>
    public long UploadLimit { get; init; }
    public string DownloadDirectory
    {
        get;
        init => field = value ?? "";
    } = "";

    /// <summary>Bytes free where the download folder is; null: unknown.</summary>
    public long? FreeSpace { get; init; }

    /// <summary>The state folder cannot be written to: what is changed now is lost at the next start. Null: it can.</summary>
    public string? StateProblem { get; init; }
}

/// <summary>Bytes free at a path.</summary>
/// <param name="Path">As it was asked for.</param>
/// <param name="Free">Bytes the daemon may still write.</param>
/// <param name="Total">Of the file system.</param>
public sealed record FreeSpace(string Path, long Free, long Total);
