namespace Shoal.Daemon;

/// <summary>The parts of the daemon whose logs have a level of their own; a name is a logger's category.</summary>
internal static class LogParts
{
    /// <summary>Start, end, settings, faults of ours.</summary>
    public const string Daemon = "daemon";

    /// <summary>Calls over HTTP and the socket.</summary>
    public const string Api = "api";

    /// <summary>Who was let in and who was not; tokens made and revoked.</summary>
    public const string Access = "access";

    /// <summary>What becomes of torrents.</summary>
    public const string Torrent = "torrent";
    public const string Disk = "disk";
    public const string Tracker = "tracker";
    public const string WebSeed = "web-seed";
    public const string Dht = "dht";
    public const string Peer = "peer";

    /// <summary>Interfaces, proxy, ports at routers, our address, filters of addresses.</summary>
    public const string Network = "network";
    public const string Feed = "feed";

    /// <summary>Watch folders.</summary>
    public const string Watch = "watch";

    /// <summary>Programs that events run.</summary>
    public const string Program = "program";

    /// <summary>What is told to collectors of metrics and logs.</summary>
    public const string Telemetry = "telemetry";

    public static IReadOnlyList<string> All { get; } =
    [Daemon, Api, Access, Torrent, Disk, Tracker, WebSeed, Dht, Peer, Network, Feed, Watch, Program, Telemetry];
}
