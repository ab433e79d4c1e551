using System.Net;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Daemon;

/// <summary>All settings there are. docs/settings.md is made of this table, and a test keeps it so.</summary>
internal static partial class SettingsTable
{
    private const int MaxPort = 65_535;

    private static readonly string[] DefaultListen = ["127.0.0.1:9470"];

    public static IReadOnlyList<SettingDefinition> All { get; } =
    [.. Basics(), .. Automation, .. Operations, .. Telemetry];

    private static IReadOnlyList<SettingDefinition> Basics() =>
        [
            new(
                "folders.download",
                SettingKind.Text,
                "",
                "Where content goes unless a torrent says otherwise; a full path. Empty: Downloads in the home folder."
            )
            {
                IsFolder = true,
                NeedsRestart = false,
                Check = FullPath,
            },
            new(
                "folders.incomplete",
                SettingKind.Text,
                "",
                "Where content lies until it is complete, to be moved to its own folder then; a full path, on another file system too. Of torrents added from now on. Empty: in its own folder from the start."
            )
            {
                IsFolder = true,
                NeedsRestart = false,
                Check = FullPath,
            },
            new(
                "folders.allowed",
                SettingKind.List,
                Array.Empty<string>(),
                "Folders besides the download folder that callers over HTTP may put content into, with all that is below them. Callers over the socket of the daemon are its own user, and may use any."
            )
            {
                IsFolder = true,
                NeedsRestart = false,
                Check = FullPath,
            },
            new("limits.download", SettingKind.Integer, 0L, "Bytes a second over all torrents; 0: no limit.")
            {
                Unit = "bytes a second; 0: no limit",
                NeedsRestart = false,
            },
            new("limits.upload", SettingKind.Integer, 0L, "Bytes a second over all torrents; 0: no limit.")
            {
                Unit = "bytes a second; 0: no limit",
                NeedsRestart = false,
            },
            new(
                "alternative.enabled",
                SettingKind.Boolean,
                false,
                "The alternative limits hold, instead of those of limits."
            )
            {
                NeedsRestart = false,
            },
            new(
                "alternative.download",
                SettingKind.Integer,
                1_000_000L,
                "Bytes a second over all torrents while the alternative limits hold; 0: no limit."
            )
            {
                Unit = "bytes a second; 0: no limit",
                NeedsRestart = false,
            },
            new(
                "alternative.upload",
                SettingKind.Integer,
                250_000L,
                "Bytes a second over all torrents while the alternative limits hold; 0: no limit."
            )
            {
                Unit = "bytes a second; 0: no limit",
                NeedsRestart = false,
            },
            new(
                "queue.downloads",
                SettingKind.Integer,
                0L,
                "How many torrents download at once, those that move almost nothing not counted; 0: all."
            )
            {
                Unit = "torrents; 0: all",
                NeedsRestart = false,
                Max = 100_000,
            },
            new(
                "queue.seeds",
                SettingKind.Integer,
                0L,
                "How many torrents seed at once, those that move almost nothing not counted; 0: all."
            )
            {
                Unit = "torrents; 0: all",
                NeedsRestart = false,
                Max = 100_000,
            },
            new(
                "queue.ratio",
                SettingKind.Number,
                0d,
                "Pause a torrent when it has given back so many times what it took; 0: never."
            )
            {
                Unit = "times what was taken; 0: never",
                NeedsRestart = false,
                Max = 1_000_000,
            },
            new(
                "queue.seed-time",
                SettingKind.Integer,
                0L,
                "Pause a torrent after it has seeded for so many seconds; 0: never."
            )
            {
                Unit = "seconds; 0: never",
                NeedsRestart = false,
            },
            new(
                "http.listen",
                SettingKind.List,
                DefaultListen,
                "Addresses and ports of the web page and the API; port 0: any. An empty list: only the Unix socket in the state folder."
            )
            {
                Check = ListenAddress,
            },
            new(
                "http.hosts",
                SettingKind.List,
                Array.Empty<string>(),
                "Names by which browsers may reach the daemon, besides localhost and addresses; others are refused, so that no other site can pretend to be it."
            )
            {
                NeedsRestart = false,
                Check = HostName,
            },
            new("network.port", SettingKind.Integer, 0L, "TCP and UDP port for peers; 0: the system chooses.")
            {
                Unit = "a port; 0: the system chooses",
                Max = MaxPort,
            },
            new(
                "network.bind",
                SettingKind.List,
                Array.Empty<string>(),
                "Addresses or interfaces for everything that goes to peers and trackers; nothing leaves by another. Empty: all."
            )
            {
                Check = Bind,
            },
            new(
                "network.name-servers",
                SettingKind.List,
                Array.Empty<string>(),
                "Addresses of name servers to ask instead of the system's, with or without a port."
            )
            {
                Check = NameServer,
            },
            new(
                "network.transport",
                SettingKind.Text,
                "both",
                "What carries connections to peers: tcp, utp (which yields to other traffic) or both."
            )
            {
                Words = ["tcp", "utp", "both"],
            },
            new(
                "network.encryption",
                SettingKind.Text,
                "allow",
                "Encryption of connections to peers: off, allow (as the peer wants it), prefer or require."
            )
            {
                Words = ["off", "allow", "prefer", "require"],
            },
            new(
                "network.proxy",
                SettingKind.Text,
                "",
                "Everything but this API goes through it: socks5://[USER:PASSWORD@]HOST:PORT or http://... Empty: none."
            )
            {
                IsSecret = true,
                Check = Proxy,
            },
            new("network.dht", SettingKind.Boolean, true, "Find peers by the DHT and be part of it."),
            new("network.dht-read-only", SettingKind.Boolean, false, "Ask the DHT and answer nobody (BEP 43)."),
            new(
                "network.dht-bootstrap",
                SettingKind.List,
                Array.Empty<string>(),
                "Nodes of the DHT to begin with, HOST:PORT."
            )
            {
                Check = HostPort,
            },
            new("network.lsd", SettingKind.Boolean, true, "Look for peers in the local network."),
            new("network.pex", SettingKind.Boolean, true, "Exchange addresses of peers with peers."),
            new("network.trackers", SettingKind.Boolean, true, "Announce to trackers."),
            new("network.web-seeds", SettingKind.Boolean, true, "Fetch from web servers that torrents name."),
            new("network.port-mapping", SettingKind.Boolean, true, "Ask the router to forward our port."),
            new("network.max-peers", SettingKind.Integer, 500L, "Most connections over all torrents.")
            {
                Unit = "connections",
                Min = 1,
                Max = 100_000,
            },
            new("network.max-peers-per-torrent", SettingKind.Integer, 100L, "Most connections of one torrent.")
            {
                Unit = "connections",
                Min = 1,
                Max = 100_000,
            },
            new(
                "network.ip-filter",
                SettingKind.List,
                Array.Empty<string>(),
                "Files with addresses to have nothing to do with: DAT, P2P or CIDR, also gzipped; full paths."
            )
            {
                Check = FullPath,
            },
            new(
                "network.port-filter",
                SettingKind.Text,
                "",
                "Ports at which no peer named by others is called, such as 0-1023,6666."
            )
            {
                Check = Ports,
            },
        ];

    private static readonly Dictionary<string, SettingDefinition> ByKey = All.ToDictionary(setting => setting.Key);

    public static SettingDefinition? Find(string key) => ByKey.GetValueOrDefault(key);

    /// <summary>What to say of a key that is none.</summary>
    public static string Missing(string key)
    {
        var name = key[(key.LastIndexOf('.') + 1)..];
        var same = All.FirstOrDefault(setting => setting.Name == name);
        return $"there is no setting {SettingDefinition.OneLine(key)}; "
            + (same is null ? "docs/settings.md lists them" : $"{same.Key} is meant?");
    }

    private static string? FullPath(string text) =>
        text.Length == 0 || Path.IsPathFullyQualified(text) ? null : $"'{text}' is not a full path";

    private static string? ListenAddress(string text) =>
        IPEndPoint.TryParse(text, out _) && text.Contains(':', StringComparison.Ordinal)
            ? null
            : $"'{text}' is not an address with a port such as 127.0.0.1:9470 or [::1]:9470";

    private static string? HostName(string text) =>
        Uri.CheckHostName(text) == UriHostNameType.Dns ? null : $"'{text}' is not a host name";

    private static string? Bind(string text) =>
        IPAddress.TryParse(text, out _) || text.Length is > 0 and < 64 && !text.Contains('/', StringComparison.Ordinal)
            ? null
            : $"'{text}' is neither an address nor the name of an interface";

    private static string? NameServer(string text) =>
        IPAddress.TryParse(text, out _) || IPEndPoint.TryParse(text, out _)
            ? null
            : $"'{text}' is not an IPv4 or IPv6 address, with or without a port";

    // What is wrong with it is said without repeating it: there may be a password in it.
    private static string? Proxy(string text) =>
        text.Length == 0 || ProxyOptions.TryParse(text, out _, out var error) ? null : error;

    private static string? Ports(string text) =>
        text.Length == 0 || PortRanges.TryParse(text, out _)
            ? null
            : $"'{text}' is not a list of ports such as 0-1023,6666";

    private static string? HostPort(string text) =>
        DaemonSettings.TryHostPort(text, out _) ? null : $"'{text}' is not HOST:PORT";
}
