namespace Shoal.Api;

/// <summary>Where a daemon is: at a Unix socket of this machine, or at a URL with a token.</summary>
public sealed record DaemonAddress
{
    /// <summary>Null: use <see cref="Url"/>.</summary>
    public string? Socket { get; init; }

    /// <summary>http or https, with its base path; null: use <see cref="Socket"/>.</summary>
    public Uri? Url { get; init; }

    /// <summary>Sent with each call; a socket needs none.</summary>
    public string? Token { get; init; }

    /// <summary>The daemon of a state folder.</summary>
    public static DaemonAddress OfState(string stateDirectory) =>
        new() { Socket = Path.Combine(stateDirectory, "daemon", "socket") };
}
