namespace Shoal.Daemon;

/// <summary>What a daemon is started with.</summary>
public sealed record DaemonOptions
{
    /// <summary>Everything that is kept lies there.</summary>
    public required string StateDirectory { get; init; }

    /// <summary>Settings that count more than those of the file, by key; long, double, bool, string or string[].</summary>
    public IReadOnlyDictionary<string, object> Settings { get; init; } = new Dictionary<string, object>();

    /// <summary>Where log lines go; stays the caller's. Default nowhere.</summary>
    public TextWriter Log { get; init; } = TextWriter.Null;

    public TimeProvider Time { get; init; } = TimeProvider.System;
}

/// <summary>A daemon runs.</summary>
/// <param name="Socket">The path of its Unix socket.</param>
/// <param name="Urls">Where it listens for HTTP.</param>
/// <param name="LoginUrl">The one-time link of the first run; null: somebody has been let in before.</param>
/// <param name="Port">For peers.</param>
/// <param name="Torrents">That were here from before.</param>
/// <param name="BrokenLines">Of the library's journal, which could not be read and are kept beside it.</param>
public sealed record DaemonReady(
    string Socket,
    IReadOnlyList<string> Urls,
    string? LoginUrl,
    int Port,
    int Torrents,
    int BrokenLines
);

/// <summary>A daemon could not start, for a reason that the user can understand.</summary>
/// <param name="code">Stable, kebab-case.</param>
public sealed class DaemonStartException(string code, string message, Exception? inner = null)
    : Exception(message, inner)
{
    public string Code { get; } = code;
}
