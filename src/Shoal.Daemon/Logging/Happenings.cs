using Microsoft.Extensions.Logging;
using Shoal.Api;
using Shoal.Engine;

namespace Shoal.Daemon;

/// <summary>Writes to the log what the daemon's callers hear as events, and what the engine tells besides.</summary>
internal sealed class Happenings(ILoggerFactory logs)
{
    private readonly ILogger _daemon = logs.CreateLogger(LogParts.Daemon);
    private readonly ILogger _torrent = logs.CreateLogger(LogParts.Torrent);
    private readonly ILogger _disk = logs.CreateLogger(LogParts.Disk);
    private readonly ILogger _tracker = logs.CreateLogger(LogParts.Tracker);
    private readonly ILogger _peer = logs.CreateLogger(LogParts.Peer);
    private readonly ILogger _network = logs.CreateLogger(LogParts.Network);

    /// <summary>An event of the daemon.</summary>
    public void Write(DaemonEvent happening)
    {
        var (part, level, words) = Describe(happening);
        var log = logs.CreateLogger(part);
        if (log.IsEnabled(level))
        {
            var fields = new List<KeyValuePair<string, object?>>();
            Add(fields, "Torrent", happening.Torrent);
            Add(fields, "Name", happening.Name);
            Add(fields, "Code", happening.Code);
            var message = happening.Torrent is null ? words : $"{happening.Name}: {words}";
            log.Log(level, new EventId(0, happening.Kind), fields, null, (_, _) => message);
        }
    }

    /// <summary>What the engine tells that becomes no event of the daemon; all else is left out here.</summary>
    public void Write(EngineEvent happening)
    {
        switch (happening)
        {
            case EngineEvent.CheckingDone(var torrent) when _disk.IsEnabled(LogLevel.Debug):
                var status = torrent.Status;
                Log.Checked(_disk, NameOf(torrent), status.DoneBytes, status.TotalBytes);
                break;
            case EngineEvent.PieceCompleted(var torrent, var piece) when _disk.IsEnabled(LogLevel.Trace):
                Log.PieceDone(_disk, NameOf(torrent), piece);
                break;
            case EngineEvent.Recovered(var torrent):
                Log.DiskRecovered(_disk, NameOf(torrent));
                break;
            case EngineEvent.TrackerAnswered(var torrent, var url) when _tracker.IsEnabled(LogLevel.Debug):
                Log.TrackerAnswered(_tracker, NameOf(torrent), url);
                break;
            case EngineEvent.PeerSeen(var torrent, var peer) when _peer.IsEnabled(LogLevel.Debug):
                Log.PeerConnected(_peer, NameOf(torrent), PlaceOf(peer), peer.Client, $"{peer.Transport}");
                break;
            case EngineEvent.PeerGone(var torrent, var peer, var reason) when _peer.IsEnabled(LogLevel.Debug):
                Log.PeerGone(_peer, NameOf(torrent), PlaceOf(peer), $"{reason}");
                break;
            case EngineEvent.PortMapped(var protocol, var port, var external, _, var method):
                Log.PortMapped(_network, external, $"{protocol}", port, method);
                break;
            case EngineEvent.PortUnmapped(var protocol, var port):
                Log.PortUnmapped(_network, $"{protocol}", port);
                break;
            case EngineEvent.ExternalAddressKnown(var address):
                Log.AddressKnown(_network, address);
                break;
            case EngineEvent.IpFilterRead(var ranges):
                Log.FilterRead(_network, ranges);
                break;
            case EngineEvent.Faulted(var torrent, var fault):
                Log.TorrentBug(_torrent, NameOf(torrent), fault);
                break;
            case EngineEvent.EngineFaulted(var fault):
                Log.Bug(_daemon, fault);
                break;
        }
    }

    /// <summary>Which part an event is of, how bad it is, and what is said of it.</summary>
    internal static (string Part, LogLevel Level, string Words) Describe(DaemonEvent happening) =>
        happening.Kind switch
        {
            "torrent-added" => (LogParts.Torrent, LogLevel.Information, "added"),
            "torrent-removed" => (LogParts.Torrent, LogLevel.Information, "removed"),
            "torrent-state" => (
                LogParts.Torrent,
                LogLevel.Debug,
                happening.State is { } state ? $"{state}".ToLowerInvariant() : "in another state"
            ),
            "torrent-metadata" => (LogParts.Torrent, LogLevel.Information, "its files are known"),
            "torrent-completed" => (LogParts.Torrent, LogLevel.Information, "complete"),
            "torrent-moved" => (LogParts.Disk, LogLevel.Information, $"moved{Rest(happening)}"),
            "files-renamed" => (LogParts.Disk, LogLevel.Information, $"files renamed{Rest(happening)}"),
            "torrent-failed" => (
                happening.Code == "internal-error" ? LogParts.Torrent : LogParts.Disk,
                LogLevel.Error,
                happening.Message ?? "failed"
            ),
            "settings-changed" => (LogParts.Daemon, LogLevel.Information, $"settings changed{Rest(happening)}"),
            _ => (
                PartOf(happening),
                happening.Code is "bind-back" or "proxy" ? LogLevel.Information
                : happening.Code == "internal-error" ? LogLevel.Error
                : LogLevel.Warning,
                happening.Message ?? happening.Kind
            ),
        };

    private static string PartOf(DaemonEvent happening) =>
        happening.Code switch
        {
            "tracker-failed" => LogParts.Tracker,
            "web-seed-failed" => LogParts.WebSeed,
            "ip-filter" or "proxy" or "proxy-failed" or "bind-lost" or "bind-back" => LogParts.Network,
            "program-failed" => LogParts.Program,
            "cannot-rename" or "cannot-delete" or "cannot-move" or "disk-full" => LogParts.Disk,
            { } code when code.StartsWith("feed", StringComparison.Ordinal) => LogParts.Feed,
            { } code when code.StartsWith("watch", StringComparison.Ordinal) => LogParts.Watch,
            _ when happening.Torrent is not null => LogParts.Torrent,
            _ => LogParts.Daemon,
        };

    private static string Rest(DaemonEvent happening) => happening.Message is { } words ? $": {words}" : "";

    private static void Add(List<KeyValuePair<string, object?>> fields, string name, string? value)
    {
        if (value is not null)
        {
            fields.Add(new(name, value));
        }
    }

    private static string NameOf(Torrent torrent) =>
        torrent.Metainfo?.Name ?? $"{torrent.InfoHashes.V1?.ToString() ?? torrent.InfoHashes.V2?.ToString()}";

    private static string PlaceOf(PeerStatus peer) => peer.WebSeed ?? $"{peer.EndPoint}";
}
