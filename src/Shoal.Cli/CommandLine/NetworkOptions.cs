using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Cli;

/// <summary>
/// The options that share, seed and get have in common, and what they mean to the engine. Parts of the engine that
/// do not exist yet can be switched off here, since off they are; asking for one of them is an error.
/// </summary>
internal sealed class NetworkOptions
{
    private const int NameServerPort = 53;

    private readonly Option<int?> _port = Options.Number("--port", "TCP port to listen on; 0 (default): any", 0, 65535);

    private readonly Option<string[]> _bind = Options.Texts(
        "--bind",
        "ADDR|NAME",
        "Local address or network interface to listen on and connect by; nothing leaves by another"
    );

    private readonly Option<List<string>> _peers = Options.Values(
        "--peer",
        "HOST:PORT",
        "A peer to connect to",
        "HOST:PORT",
        static (string text, out string value) =>
        {
            value = text;
            return EndPointText.TrySplit(text, anyPort: false, out _, out _);
        }
    );

    private readonly Option<bool> _noTrackers = Options.Flag("--no-trackers", "Ask no trackers for peers");

    private readonly Option<long?> _downloadLimit = Options.Rate("--download-limit", "At most so much in; 0: no limit");

    private readonly Option<long?> _uploadLimit = Options.Rate("--upload-limit", "At most so much out; 0: no limit");

    private readonly Option<int?> _maxPeers = Options.Number(
        "--max-peers",
        "Most connections in all (default 500)",
        1,
        100_000
    );

    private readonly Option<int?> _maxPeersPerTorrent = Options.Number(
        "--max-peers-per-torrent",
        "Most connections of one torrent (default 100, or what --max-peers says)",
        1,
        100_000
    );

    private readonly Option<string?> _state = Options.Text(
        "--state",
        "DIR",
        "Where resume data lives (default: shoal in $XDG_STATE_HOME, or ~/.local/state/shoal)"
    );

    private readonly Option<bool> _noDht = Options.Flag("--no-dht", "Do not use the DHT");

    private readonly Option<bool> _noLsd = Options.Flag("--no-lsd", "Do not look for peers in the local network");

    private readonly Option<bool> _noPex = Options.Flag("--no-pex", "Do not exchange addresses of peers with peers");

    private readonly Option<bool> _noWebSeeds = Options.Flag(
        "--no-web-seeds",
        "Do not fetch from web servers that the torrent names"
    );

    private readonly Option<bool> _noPortMapping = Options.Flag(
        "--no-port-mapping",
        "Do not ask the router to forward our port"
    );

    private readonly Option<string?> _transport = Options.Choice(
        "--transport",
        "What carries connections to peers: both (default), tcp, or utp, which yields to other traffic",
        "tcp",
        "utp",
        "both"
    );

    private readonly Option<string?> _encryption = Options.Choice(
        "--encryption",
        "Encrypt connections to peers (MSE); allow (default): as the peer wants it",
        "off",
        "allow",
        "prefer",
        "require"
    );

    private readonly Option<string?> _proxy = Options.Text(
        "--proxy",
        "URL",
        "Go through a proxy and around it never: socks5://[USER:PASSWORD@]HOST:PORT or http://... (CONNECT, without UDP)"
    );

    private readonly Option<string[]> _dns = Options.Texts(
        "--dns",
        "ADDR",
        "A name server to ask instead of the system's"
    );

    private readonly Option<string[]> _ipFilter = IpFilter();

    private readonly Option<string?> _portFilter = Options.Text(
        "--port-filter",
        "PORTS",
        "Ports at which no peer named by others is called, such as 0-1023,6666"
    );

    private readonly Option<string[]> _dhtBootstrap = Options.Texts(
        "--dht-bootstrap",
        "HOST:PORT",
        "A node of the DHT to begin with; may be given several times"
    );

    private readonly Option<bool> _dhtReadOnly = Options.Flag(
        "--dht-read-only",
        "Ask the DHT and answer nobody (BEP 43): where a firewall lets nobody in, or each datagram costs"
    );

    private readonly NetworkUse _use;

    /// <summary>For the help of commands that run for long.</summary>
    public const string FilterNote =
        "SIGHUP reads the files of --ip-filter again: connections with who is in there then end, and a file that is wrong "
        + "changes nothing. Without --ip-filter, or when its terminal closes, SIGHUP is a clean stop.";

    /// <summary>The same for all commands that have it.</summary>
    public static Option<string[]> IpFilter() =>
        Options.Texts(
            "--ip-filter",
            "FILE",
            "Addresses to have nothing to do with: DAT, P2P or CIDR, also gzipped; SIGHUP reads it again"
        );

    public NetworkOptions(ShoalCommand command, NetworkUse use = NetworkUse.Transfer)
    {
        _use = use;
        List<Option> members =
        [
            _port,
            _bind,
            _dns,
            _peers,
            _uploadLimit,
            _maxPeers,
            _state,
            _noPex,
            _noPortMapping,
            _transport,
            _proxy,
            _ipFilter,
        ];
        List<Option> all =
        [
            _port,
            _bind,
            _dns,
            _noTrackers,
            _downloadLimit,
            _uploadLimit,
            _maxPeers,
            _maxPeersPerTorrent,
            _state,
            _noDht,
            _noLsd,
            _noPex,
            _noWebSeeds,
            _noPortMapping,
            _transport,
            _encryption,
            _proxy,
            _ipFilter,
            _portFilter,
            _dhtBootstrap,
            _dhtReadOnly,
        ];
        command.AddGroup(
            "Network options",
            use switch
            {
                NetworkUse.Hub => [_bind, _dns, _state, _proxy],
                NetworkUse.Members => [.. members, _downloadLimit],
                NetworkUse.Publish => [.. members, _dhtBootstrap, _dhtReadOnly],
                // A daemon's peers come with its torrents.
                NetworkUse.Daemon => all,
                _ => [_peers, .. all],
            }
        );
    }

    /// <exception cref="UserErrorException">Something is asked for that this version does not have.</exception>
    public EngineOptions Engine(ParseResult result, CliHost host)
    {
        var peers = result.GetValue(_maxPeers);
        var (addresses, interfaces) = Bound(result);
        var defaults = new EngineOptions { StateDirectory = StateDirectory(result, host) };
        return defaults with
        {
            Port = result.GetValue(_port) ?? 0,
            Proxy = Proxy(result),
            Bind = addresses,
            BindInterfaces = interfaces,
            NameServers = NameServers(result),
            IpFilterFiles = IpFilterFiles(result, _ipFilter),
            BlockedPorts = BlockedPorts(result),
            UseTrackers = _use == NetworkUse.Transfer && !result.GetValue(_noTrackers),
            UseDht = _use is not (NetworkUse.Hub or NetworkUse.Members) && !result.GetValue(_noDht),
            DhtReadOnly = result.GetValue(_dhtReadOnly),
            UseLsd = _use == NetworkUse.Transfer && !result.GetValue(_noLsd),
            UsePex = !result.GetValue(_noPex),
            UseWebSeeds = !result.GetValue(_noWebSeeds),
            UsePortMapping =
                _use is NetworkUse.Transfer or NetworkUse.Members or NetworkUse.Publish
                && !result.GetValue(_noPortMapping),
            DhtBootstrap = DhtBootstrap(result),
            Encryption = result.GetValue(_encryption) switch
            {
                "off" => EncryptionPolicy.Off,
                "prefer" => EncryptionPolicy.Prefer,
                "require" => EncryptionPolicy.Require,
                _ => defaults.Encryption,
            },
            Transports = result.GetValue(_transport) switch
            {
                "tcp" => PeerTransports.Tcp,
                "utp" => PeerTransports.Utp,
                _ => defaults.Transports,
            },
            DownloadLimit = result.GetValue(_downloadLimit) ?? 0,
            UploadLimit = result.GetValue(_uploadLimit) ?? 0,
            MaxPeers = peers ?? defaults.MaxPeers,
            MaxPeersPerTorrent = result.GetValue(_maxPeersPerTorrent) ?? peers ?? defaults.MaxPeersPerTorrent,
            Time = host.Time,
        };
    }

    /// <summary>What was given, as settings of a daemon.</summary>
    public Dictionary<string, object> Settings(ParseResult result)
    {
        var settings = new Dictionary<string, object>(StringComparer.Ordinal);
        settings.Put(result, _port, "network.port", port => (long)port!);
        settings.Put(result, _bind, "network.bind", places => places);
        settings.Put(result, _dns, "network.name-servers", servers => servers);
        settings.Put(result, _downloadLimit, "limits.download", limit => limit!);
        settings.Put(result, _uploadLimit, "limits.upload", limit => limit!);
        settings.Put(result, _maxPeers, "network.max-peers", most => (long)most!);
        settings.Put(result, _maxPeersPerTorrent, "network.max-peers-per-torrent", most => (long)most!);
        settings.Put(result, _transport, "network.transport", word => word!);
        settings.Put(result, _encryption, "network.encryption", word => word!);
        settings.Put(result, _proxy, "network.proxy", url => url!);
        settings.Put(result, _ipFilter, "network.ip-filter", files => files.Select(CliPath.Full).ToArray());
        settings.Put(result, _portFilter, "network.port-filter", ports => ports!);
        settings.Put(result, _dhtBootstrap, "network.dht-bootstrap", nodes => nodes);
        settings.Put(result, _dhtReadOnly, "network.dht-read-only", isSo => isSo);
        settings.Put(result, _noDht, "network.dht", isOff => !isOff);
        settings.Put(result, _noLsd, "network.lsd", isOff => !isOff);
        settings.Put(result, _noPex, "network.pex", isOff => !isOff);
        settings.Put(result, _noTrackers, "network.trackers", isOff => !isOff);
        settings.Put(result, _noWebSeeds, "network.web-seeds", isOff => !isOff);
        settings.Put(result, _noPortMapping, "network.port-mapping", isOff => !isOff);
        return settings;
    }

    /// <summary>The files that the option names.</summary>
    public static IReadOnlyList<string> IpFilterFiles(ParseResult result, Option<string[]> option) =>
        [.. (result.GetValue(option) ?? []).Select(CliPath.Full)];

    /// <summary>Whether the user named a way into the DHT.</summary>
    public bool NamesDhtNodes(ParseResult result) =>
        !result.GetValue(_noDht) && result.GetValue(_dhtBootstrap) is { Length: > 0 };

    public bool UsesTrackers(ParseResult result) => !result.GetValue(_noTrackers);

    public bool UsesWebSeeds(ParseResult result) => !result.GetValue(_noWebSeeds);

    public bool HasPeers(ParseResult result) => result.GetValue(_peers) is { Count: > 0 };

    /// <summary>What --peer names.</summary>
    /// <exception cref="UserErrorException">A host that nobody knows.</exception>
    public async Task<IReadOnlyList<DnsEndPoint>> PeersAsync(
        ParseResult result,
        OutboundNetwork network,
        CancellationToken cancel
    )
    {
        var found = new List<DnsEndPoint>();
        foreach (var text in result.GetValue(_peers) ?? [])
        {
            if (!EndPointText.TrySplit(text, anyPort: false, out var host, out var port))
            {
                continue;
            }

            try
            {
                // Only to say so now if there is no such host.
                await network.ResolveAsync(host, cancel);
                found.Add(new DnsEndPoint(host, port));
            }
            catch (SocketException error)
            {
                throw new UserErrorException("unknown-host", $"--peer {text}: {error.Message}");
            }
        }

        return found;
    }

    private (List<IPAddress> Addresses, List<string> Interfaces) Bound(ParseResult result)
    {
        var (addresses, interfaces) = (new List<IPAddress>(), new List<string>());
        var names = new Lazy<IReadOnlyList<string>>(() => OutboundNetwork.InterfaceNames);
        foreach (var text in result.GetValue(_bind) ?? [])
        {
            if (EndPointText.TryParseAddress(text, out var address))
            {
                addresses.Add(address);
            }
            else if (names.Value.Contains(text))
            {
                interfaces.Add(text);
            }
            else
            {
                throw UserErrorException.Usage(
                    $"--bind: '{text}' is neither an IPv4 or IPv6 address nor a network interface of this machine "
                        + $"({string.Join(", ", names.Value)})"
                );
            }
        }

        return (addresses, interfaces);
    }

    private ProxyOptions? Proxy(ParseResult result)
    {
        // What is wrong with it is said without repeating it: there may be a password in it.
        return result.GetValue(_proxy) is not { } url ? null
            : ProxyOptions.TryParse(url, out var proxy, out var error) ? proxy
            : throw UserErrorException.Usage($"--proxy: {error}");
    }

    private List<IPEndPoint> NameServers(ParseResult result)
    {
        var servers = new List<IPEndPoint>();
        foreach (var text in result.GetValue(_dns) ?? [])
        {
            if (EndPointText.TryParseAddress(text, out var address))
            {
                servers.Add(new IPEndPoint(address, NameServerPort));
            }
            else if (IPEndPoint.TryParse(text, out var server) && server.Port > 0)
            {
                servers.Add(server);
            }
            else
            {
                throw UserErrorException.Usage(
                    $"--dns: '{text}' is not an IPv4 or IPv6 address, with or without a port"
                );
            }
        }

        return servers;
    }

    private PortRanges BlockedPorts(ParseResult result) =>
        result.GetValue(_portFilter) is not { } text ? PortRanges.None
        : PortRanges.TryParse(text, out var ports) ? ports
        : throw UserErrorException.Usage($"--port-filter: '{text}' is not a list of ports such as 0-1023,6666");

    private List<DnsEndPoint> DhtBootstrap(ParseResult result)
    {
        var nodes = new List<DnsEndPoint>();
        foreach (var text in result.GetValue(_dhtBootstrap) ?? [])
        {
            if (!EndPointText.TrySplit(text, anyPort: false, out var host, out var port))
            {
                throw UserErrorException.Usage($"--dht-bootstrap {text}: expected HOST:PORT");
            }

            nodes.Add(new DnsEndPoint(host, port));
        }

        return nodes;
    }

    /// <summary>Where resume data and keys live.</summary>
    public string StateDirectory(ParseResult result, CliHost host) =>
        result.GetValue(_state) is { } state ? CliPath.Full(state) : host.StateDirectory;
}
