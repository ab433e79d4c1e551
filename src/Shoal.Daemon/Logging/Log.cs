using System.Net;
using Microsoft.Extensions.Logging;

namespace Shoal.Daemon;

/// <summary>
/// Everything that the daemon writes to its log itself; what callers hear as events comes by <see cref="Happenings"/>. The
/// names of the methods are the names of the events, and stable.
/// </summary>
internal static partial class Log
{
    [LoggerMessage(
        LogLevel.Information,
        "Shoal {Version} runs with {Torrents} torrents; peers reach port {Port}; state folder {State}"
    )]
    public static partial void Started(ILogger log, string version, int torrents, int port, string state);

    [LoggerMessage(LogLevel.Information, "Answers at {Url}")]
    public static partial void Listening(ILogger log, string url);

    [LoggerMessage(
        LogLevel.Warning,
        "{Lines} lines of the list of torrents could not be read; they are kept in library.journal.broken"
    )]
    public static partial void BrokenLines(ILogger log, int lines);

    [LoggerMessage(LogLevel.Information, "Stopping")]
    public static partial void Stopping(ILogger log);

    [LoggerMessage(LogLevel.Error, "A bug in Shoal, please report it")]
    public static partial void Bug(ILogger log, Exception exception);

    [LoggerMessage(LogLevel.Error, "The torrent {Name} has stopped by a bug in Shoal, please report it")]
    public static partial void TorrentBug(ILogger log, string name, Exception exception);

    /// <param name="log">Of <see cref="LogParts.Api"/>.</param>
    /// <param name="path">Without the query, which may hold keys.</param>
    /// <param name="caller">owner, a token's id, or nobody.</param>
    [LoggerMessage(LogLevel.Debug, "{Method} {Path}: {Status} in {Milliseconds} ms, from {Address} as {Caller}")]
    public static partial void Call(
        ILogger log,
        string method,
        string path,
        int status,
        double milliseconds,
        string address,
        string caller
    );

    [LoggerMessage(LogLevel.Error, "{Method} {Path} failed by a bug in Shoal, please report it")]
    public static partial void CallBug(ILogger log, string method, string path, Exception exception);

    [LoggerMessage(LogLevel.Warning, "A wrong token, login or link from {Address}, which has failed {Failures} times")]
    public static partial void Refused(ILogger log, IPAddress address, int failures);

    [LoggerMessage(LogLevel.Information, "A browser has logged in from {Address}")]
    public static partial void LoggedIn(ILogger log, IPAddress address);

    [LoggerMessage(LogLevel.Information, "The token {Name} ({Id}) was made, which may {Scope}")]
    public static partial void TokenMade(ILogger log, string name, string id, string scope);

    [LoggerMessage(LogLevel.Information, "The token or login {Id} was revoked")]
    public static partial void TokenRevoked(ILogger log, string id);

    [LoggerMessage(LogLevel.Debug, "A link that logs a browser in was made")]
    public static partial void LinkMade(ILogger log);

    [LoggerMessage(LogLevel.Debug, "What is there of {Name} is known: {Done} of {Size} bytes")]
    public static partial void Checked(ILogger log, string name, long done, long size);

    [LoggerMessage(LogLevel.Trace, "Piece {Piece} of {Name} is proven and written")]
    public static partial void PieceDone(ILogger log, string name, int piece);

    [LoggerMessage(LogLevel.Information, "The disk of {Name} works again")]
    public static partial void DiskRecovered(ILogger log, string name);

    [LoggerMessage(LogLevel.Debug, "{Url} answered for {Name}")]
    public static partial void TrackerAnswered(ILogger log, string name, string url);

    [LoggerMessage(LogLevel.Debug, "{Peer} ({Client}, {Transport}) is connected for {Name}")]
    public static partial void PeerConnected(ILogger log, string name, string peer, string client, string transport);

    [LoggerMessage(LogLevel.Debug, "{Peer} is gone from {Name}: {Reason}")]
    public static partial void PeerGone(ILogger log, string name, string peer, string reason);

    [LoggerMessage(LogLevel.Information, "The DHT answers: {Nodes} nodes are known")]
    public static partial void DhtReached(ILogger log, int nodes);

    [LoggerMessage(LogLevel.Warning, "No node of the DHT answers any more")]
    public static partial void DhtLost(ILogger log);

    [LoggerMessage(LogLevel.Debug, "{Nodes} nodes of the DHT are known")]
    public static partial void DhtNodes(ILogger log, int nodes);

    [LoggerMessage(
        LogLevel.Information,
        "The router forwards port {ExternalPort} to our {Protocol} port {Port} ({Method})"
    )]
    public static partial void PortMapped(ILogger log, int externalPort, string protocol, int port, string method);

    [LoggerMessage(LogLevel.Information, "No router forwards our {Protocol} port {Port} any more")]
    public static partial void PortUnmapped(ILogger log, string protocol, int port);

    [LoggerMessage(LogLevel.Warning, "The collector at {Url} cannot be told: {Reason}")]
    public static partial void CollectorFails(ILogger log, string url, string reason);

    [LoggerMessage(LogLevel.Information, "The collector at {Url} takes what it is told")]
    public static partial void CollectorTakes(ILogger log, string url);

    [LoggerMessage(LogLevel.Information, "The world sees us at {Address}")]
    public static partial void AddressKnown(ILogger log, IPAddress address);

    [LoggerMessage(LogLevel.Information, "The filter of addresses was read: {Ranges} ranges")]
    public static partial void FilterRead(ILogger log, int ranges);
}
