using System.Globalization;
using System.Net;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Daemon;

/// <summary>All settings as they hold: of the file, with what the command line says over it. Immutable; replaced whole.</summary>
internal sealed class DaemonSettings
{
    private readonly Dictionary<string, object> _values;

    private DaemonSettings(Dictionary<string, object> values)
    {
        _values = values;
        // Asked with each request.
        PublicSite = Text("http.public-url") is { Length: > 0 } url ? PublicSite.TryParse(url) : null;
        OtlpUrl = Text("telemetry.otlp-url") is { Length: > 0 } otlp ? new Uri(otlp.TrimEnd('/') + "/") : null;
        TrustedProxies = [.. List("http.trusted-proxies").Select(ForwardedRequest.Parse).OfType<IPNetwork>()];
    }

    public object this[string key] => _values[key];

    public string DownloadFolder => Text("folders.download") is { Length: > 0 } set ? set : DefaultDownloadFolder();
    public string IncompleteFolder => Text("folders.incomplete");
    public IReadOnlyList<string> AllowedFolders => [DownloadFolder, .. List("folders.allowed")];
    public long DownloadLimit => Whole("limits.download");
    public long UploadLimit => Whole("limits.upload");

    /// <summary>What holds now: the usual limits, or the alternative ones.</summary>
    public (long Download, long Upload) Limits =>
        Flag("alternative.enabled")
            ? (Whole("alternative.download"), Whole("alternative.upload"))
            : (DownloadLimit, UploadLimit);
    public bool HasAlternativeLimits => Flag("alternative.enabled");

    /// <summary>When the alternative limits hold; null: only when somebody says so.</summary>
    public WeekSchedule? Schedule =>
        List("alternative.schedule") is { Length: > 0 } spans
            ? new WeekSchedule(
                [.. spans.Select(text => WeekSpan.Parse(text, out _)).OfType<WeekSpan>()],
                Text("alternative.time-zone") is { Length: > 0 } zone
                    ? TimeZoneInfo.FindSystemTimeZoneById(zone)
                    : TimeZoneInfo.Local
            )
            : null;
    public long LeastFree => Whole("folders.min-free");
    public IReadOnlyList<string> WatchFolders => List("watch.folders");
    public long FeedInterval => Whole("feeds.interval");
    public IReadOnlyList<string> IpFilterUrls => List("network.ip-filter-urls");
    public int ActiveDownloads => (int)Whole("queue.downloads");
    public int ActiveSeeds => (int)Whole("queue.seeds");
    public double Ratio => (double)_values["queue.ratio"];
    public long SeedTime => Whole("queue.seed-time");
    public IReadOnlyList<string> HttpHosts =>
        PublicSite is { } site ? [.. List("http.hosts"), site.Host] : List("http.hosts");

    /// <summary>Where a reverse proxy shows us; null: there is none.</summary>
    public PublicSite? PublicSite { get; }
    public IReadOnlyList<IPNetwork> TrustedProxies { get; }
    public IReadOnlyList<IPEndPoint> HttpListen => [.. List("http.listen").Select(IPEndPoint.Parse)];

    /// <summary>With a slash at the end; null: there is no collector.</summary>
    public Uri? OtlpUrl { get; }
    public TimeSpan OtlpInterval => TimeSpan.FromSeconds(Whole("telemetry.interval"));
    public bool OtlpTakesLogs => Flag("telemetry.logs");
    public IEnumerable<(string Name, string Value)> OtlpHeaders =>
        List("telemetry.otlp-headers")
            .Select(text => (text[..text.IndexOf(':')].Trim(), text[(text.IndexOf(':') + 1)..].Trim()));

    /// <param name="isJournal">What is logged goes to systemd's journal.</param>
    public LogRules Logging(bool isJournal) =>
        LogRules.Of(Text("log.level"), List("log.parts"), Text("log.format"), isJournal);

    /// <summary>Settings by their definitions.</summary>
    /// <param name="file">What the file says.</param>
    /// <param name="over">What counts more, by key; each right by its definition.</param>
    /// <exception cref="SettingsException">A key that is none, or a value that is not right.</exception>
    public static DaemonSettings Of(
        IReadOnlyDictionary<string, SettingsLine> file,
        IReadOnlyDictionary<string, object> over
    )
    {
        foreach (var (key, line) in file)
        {
            if (SettingsTable.Find(key) is null)
            {
                throw new SettingsException($"line {line.Line}: {SettingsTable.Missing(key)}", line.Line, key);
            }
        }

        var values = new Dictionary<string, object>(StringComparer.Ordinal);
        foreach (var setting in SettingsTable.All)
        {
            values[setting.Key] = setting.Default;
            if (file.TryGetValue(setting.Key, out var line))
            {
                var fault = setting.Take(line.Value, out var taken);
                values[setting.Key] = fault is null
                    ? taken
                    : throw new SettingsException($"line {line.Line}, {setting.Key}: {fault}", line.Line, setting.Key);
            }

            if (over.TryGetValue(setting.Key, out var better))
            {
                values[setting.Key] = better;
            }
        }

        return new DaemonSettings(values);
    }

    /// <summary>For the engine, at its start.</summary>
    /// <exception cref="SettingsException">An interface that is not there.</exception>
    public EngineOptions Engine(string stateDirectory)
    {
        var bind = List("network.bind");
        return new EngineOptions
        {
            StateDirectory = stateDirectory,
            Port = (int)Whole("network.port"),
            Bind = [.. bind.Where(IsAddress).Select(IPAddress.Parse)],
            BindInterfaces = [.. bind.Where(text => !IsAddress(text)).Select(ExistingInterface)],
            NameServers =
            [
                .. List("network.name-servers")
                    .Select(text =>
                        IPAddress.TryParse(text, out var address) ? new IPEndPoint(address, 53) : IPEndPoint.Parse(text)
                    ),
            ],
            IpFilterFiles = List("network.ip-filter"),
            BlockedPorts = PortRanges.TryParse(Text("network.port-filter"), out var ports) ? ports : PortRanges.None,
            Proxy = ProxyOptions.TryParse(Text("network.proxy"), out var proxy, out _) ? proxy : null,
            Transports = Text("network.transport") switch
            {
                "tcp" => PeerTransports.Tcp,
                "utp" => PeerTransports.Utp,
                _ => PeerTransports.Both,
            },
            Encryption = Text("network.encryption") switch
            {
                "off" => EncryptionPolicy.Off,
                "prefer" => EncryptionPolicy.Prefer,
                "require" => EncryptionPolicy.Require,
                _ => EncryptionPolicy.Allow,
            },
            UseDht = Flag("network.dht"),
            DhtReadOnly = Flag("network.dht-read-only"),
            DhtBootstrap = [.. List("network.dht-bootstrap").Select(HostPort)],
            UseLsd = Flag("network.lsd"),
            UsePex = Flag("network.pex"),
            UseTrackers = Flag("network.trackers"),
            UseWebSeeds = Flag("network.web-seeds"),
            UsePortMapping = Flag("network.port-mapping"),
            MaxPeers = (int)Whole("network.max-peers"),
            MaxPeersPerTorrent = (int)Whole("network.max-peers-per-torrent"),
            DownloadLimit = Limits.Download,
            UploadLimit = Limits.Upload,
        };
    }

    public static bool TryHostPort(string text, out DnsEndPoint? end)
    {
        end = null;
        var colon = text.LastIndexOf(':');
        var host = colon < 0 ? "" : text[..colon].Trim('[', ']');
        if (
            Uri.CheckHostName(host) == UriHostNameType.Unknown
            || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            || port == 0
        )
        {
            return false;
        }

        end = new DnsEndPoint(host, port);
        return true;
    }

    private static DnsEndPoint HostPort(string text) =>
        TryHostPort(text, out var end) ? end! : throw new ArgumentException(text, nameof(text));

    private static string ExistingInterface(string name) =>
        OutboundNetwork.InterfaceNames.Contains(name)
            ? name
            : throw new SettingsException(
                $"network.bind: there is no interface '{name}' "
                    + $"(there are {string.Join(", ", OutboundNetwork.InterfaceNames)})",
                null,
                "network.bind"
            );

    private static bool IsAddress(string text) => IPAddress.TryParse(text, out _);

    private static string DefaultDownloadFolder()
    {
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return Path.Combine(home.Length > 0 ? home : Path.GetTempPath(), "Downloads");
    }

    private long Whole(string key) => (long)_values[key];

    private bool Flag(string key) => (bool)_values[key];

    private string Text(string key) => (string)_values[key];

    private string[] List(string key) => (string[])_values[key];
}
