using System.Net;
using System.Security.Cryptography.X509Certificates;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>What the user decides about the whole engine, once, at its start.</summary>
public sealed record EngineOptions
{
    /// <summary>TCP port to listen on; 0 lets the system choose. Default 0.</summary>
    public int Port { get; init; }

    /// <summary>
    /// Local addresses to listen on and to connect from; nothing leaves by another. Empty: all addresses of
    /// the machine, IPv4 and IPv6.
    /// </summary>
    public IReadOnlyList<IPAddress> Bind { get; init; } = [];

    /// <summary>
    /// Names of network interfaces to listen on and to connect by, besides <see cref="Bind"/>; nothing leaves by another,
    /// also while they are down. Default none.
    /// </summary>
    public IReadOnlyList<string> BindInterfaces { get; init; } = [];

    /// <summary>
    /// Servers to look names up at, instead of the system's. Default none. With <see cref="Bind"/> or
    /// <see cref="BindInterfaces"/> on Linux they are asked by these ways; elsewhere, and without, the system looks names
    /// up by its own ways unless servers are given here.
    /// </summary>
    public IReadOnlyList<IPEndPoint> NameServers { get; init; } = [];

    /// <summary>
    /// Files with addresses that we have nothing to do with: DAT (eMule), P2P (PeerGuardian) or networks (CIDR), also
    /// packed with gzip. They hold for peers, nodes of the DHT, trackers and web seeds, in and out, whoever named them; not
    /// for the proxy. Default none.
    /// </summary>
    public IReadOnlyList<string> IpFilterFiles { get; init; } = [];

    /// <summary>Ports that peers are not called at, except for peers that the user named. Default none.</summary>
    public PortRanges BlockedPorts { get; init; } = PortRanges.None;

    /// <summary>Everything goes through it and nothing around it; null: no proxy, whatever the environment says.</summary>
    public ProxyOptions? Proxy { get; init; }

    /// <summary>Where resume data lives; created when missing.</summary>
    public required string StateDirectory { get; init; }

    /// <summary>
    /// Most connections over all torrents, from 1; when there are more torrents than that needs, those that download and
    /// those that have few peers come first. Default 500.
    /// </summary>
    public int MaxPeers { get; init; } = 500;

    /// <summary>Most connections of one torrent, from 1. Default 100.</summary>
    public int MaxPeersPerTorrent { get; init; } = 100;

    /// <summary>
    /// Most peers being called at once, over TCP and uTP together, from 1. Default 100. A few that others introduce us to
    /// (BEP 55) come on top.
    /// </summary>
    public int MaxHalfOpen { get; init; } = 100;

    /// <summary>Most connections from one IPv4 address or IPv6 /64, from 1. Default 4: several people behind one router, not a flood.</summary>
    public int MaxPeersPerAddress { get; init; } = 4;

    /// <summary>Whether connections to peers are encrypted (MSE). Default: as the peer wants it.</summary>
    public EncryptionPolicy Encryption { get; init; } = EncryptionPolicy.Allow;

    /// <summary>What carries connections to peers, both ways. Default both.</summary>
    public PeerTransports Transports { get; init; } = PeerTransports.Both;

    /// <summary>Bytes a second over all torrents; 0: no limit.</summary>
    public long DownloadLimit { get; init; }

    /// <summary>Bytes a second over all torrents; 0: no limit.</summary>
    public long UploadLimit { get; init; }

    /// <summary>Announce to trackers. Default true.</summary>
    public bool UseTrackers { get; init; } = true;

    /// <summary>Fetch from the HTTP servers that torrents and magnet links name (BEP 19), besides peers. Default true.</summary>
    public bool UseWebSeeds { get; init; } = true;

    /// <summary>
    /// Find peers by the DHT, and be part of it: on the UDP port with the number of <see cref="Port"/>, where that is
    /// free. Default true. Private torrents never use it.
    /// </summary>
    public bool UseDht { get; init; } = true;

    /// <summary>
    /// Find peers in the local network, and tell it of our torrents (BEP 14). Default true. Private torrents never do, and
    /// nobody does through a proxy.
    /// </summary>
    public bool UseLsd { get; init; } = true;

    /// <summary>
    /// Exchange the addresses of peers with peers (BEP 11). Default true. Private torrents never do.
    /// </summary>
    public bool UsePex { get; init; } = true;

    /// <summary>
    /// Ask routers of this network to forward our ports (PCP, NAT-PMP, UPnP), and take that back at the end. Default true;
    /// does nothing where this machine has no private address, or is bound to others.
    /// </summary>
    public bool UsePortMapping { get; init; } = true;

    /// <summary>
    /// Ask the DHT, but answer nobody (BEP 43). Default false; always so through a proxy, where only those whom we ask
    /// could reach us.
    /// </summary>
    public bool DhtReadOnly { get; init; }

    /// <summary>Nodes to begin with, besides those known from before. Default none.</summary>
    public IReadOnlyList<DnsEndPoint> DhtBootstrap { get; init; } = [];

    /// <summary>How peers to upload to are chosen while seeding.</summary>
    public SeedChoking SeedChoking { get; init; }

    /// <summary>
    /// Memory for blocks on their way from peers to the disk, in bytes, from 1 MiB. Default 32 MiB. Above
    /// it reading from peers waits.
    /// </summary>
    public long WriteCacheBytes { get; init; } = 32L * 1024 * 1024;

    /// <summary>Memory for blocks on their way from the disk to peers, in bytes, from 1 MiB. Default 16 MiB.</summary>
    public long ReadCacheBytes { get; init; } = 16L * 1024 * 1024;

    /// <summary>Most files held open at once, from 4. Default 256.</summary>
    public int MaxOpenFiles { get; init; } = 256;

    /// <summary>How long saying goodbye to trackers may take at the end, before it is cut short. Default 3 s.</summary>
    public TimeSpan GoodbyeTime { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Seed of all randomness; null: from the system.</summary>
    public int? RandomSeed { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;
}

/// <summary>
/// Whether the bytes between us and peers look like BitTorrent. Encryption here (MSE) is against filters on the way,
/// not against spies: whoever knows the torrent can take part anyway.
/// </summary>
public enum EncryptionPolicy
{
    /// <summary>Never: peers that insist on it are not reached.</summary>
    Off,

    /// <summary>Plain first, and whatever the peer insists on: everybody is reached at the least cost.</summary>
    Allow,

    /// <summary>Encrypted first, RC4 where the peer can; plain, on a new connection, where it cannot.</summary>
    Prefer,

    /// <summary>RC4 or no connection.</summary>
    Require,
}

/// <summary>What may carry connections to peers.</summary>
[Flags]
public enum PeerTransports
{
    None = 0,
    Tcp = 1,

    /// <summary>BEP 29, on the UDP port with the number of the TCP port, where that is free. Yields to other traffic.</summary>
    Utp = 2,
    Both = Tcp | Utp,
}

/// <summary>Whom a seed serves.</summary>
public enum SeedChoking
{
    /// <summary>Each interested peer gets its turn.</summary>
    RoundRobin,

    /// <summary>Those that take data fastest.</summary>
    Fastest,

    /// <summary>Those that have just begun or are nearly done, so that mere takers wait.</summary>
    AntiLeech,
}

/// <summary>What the user decides about one torrent.</summary>
public sealed record TorrentOptions
{
    /// <summary>The folder that holds the content: a torrent named x lies at SaveDirectory/x.</summary>
    public required string SaveDirectory { get; init; }

    /// <summary>
    /// A move of the content from <see cref="SaveDirectory"/> to this folder had begun when the last run was killed, and nothing
    /// of others had these files' names there: it is ended if files have moved, else what was copied is taken away again. Where the
    /// folder that must hold the content then has nothing of it (its disk is not mounted) the torrent cannot be opened.
    /// <see cref="Torrent.SaveDirectory"/> says where the content is then. Default null: none had.
    /// </summary>
    public string? InterruptedMove { get; init; }

    /// <summary>Hash what is on disk at start even where resume data proves it. Default false.</summary>
    public bool Recheck { get; init; }

    /// <summary>
    /// The data is known to be there and good, because this process has just hashed it (share): claimed without
    /// hashing. Default false.
    /// </summary>
    public bool AssumeComplete { get; init; }

    /// <summary>
    /// Only seed what is there: nothing is created on disk. A torrent whose data is incomplete stays so as long as
    /// peers have nothing to add. Default false.
    /// </summary>
    public bool IsSeedOnly { get; init; }

    /// <summary>
    /// Reserve the space of all wanted files when the torrent is added, which fails when the disk has not enough of it,
    /// instead of growing sparse files. Default false.
    /// </summary>
    public bool Preallocate { get; init; }

    public bool Sequential { get; init; }

    /// <summary>BEP 16. Default false.</summary>
    public bool SuperSeeding { get; init; }

    /// <summary>Start without peers. Default false.</summary>
    public bool Paused { get; init; }

    /// <summary>Chooses the priority of each file once files are known; null: all normal.</summary>
    public Func<MetainfoFile, FilePriority>? FilePriority { get; init; }

    /// <summary>
    /// The torrent is for members of a publication: this is ours. It is then found by no tracker, nor by the DHT, local
    /// discovery or web seeds, but only by peers that are named (<see cref="Peers"/>, <see cref="Torrent.AddPeers"/>) and by whom
    /// members name to each other. Null: it is for everybody.
    /// </summary>
    public PublicationMembership? Membership { get; init; }

    /// <summary>
    /// What we show to peers of an SSL torrent (<see cref="Metainfo.SslCertificate"/>), with its private key: signed by the
    /// certificate in the torrent, and made out to the torrent's name or to "*". Such a torrent cannot be added without.
    /// </summary>
    public X509Certificate2? SslIdentity { get; init; }

    /// <summary>Priorities of files by their place in the torrent, before <see cref="FilePriority"/> is asked; null: none.</summary>
    public IReadOnlyDictionary<int, FilePriority>? Priorities { get; init; }

    /// <summary>Peers to try, besides those that trackers name.</summary>
    public IReadOnlyList<IPEndPoint> Peers { get; init; } = [];

    /// <summary>The same by name: of the addresses of one name the first that answers is used, whichever family it has.</summary>
    public IReadOnlyList<DnsEndPoint> NamedPeers { get; init; } = [];

    /// <summary>Tracker tiers instead of those of the torrent or link; null: those.</summary>
    public IReadOnlyList<IReadOnlyList<string>>? Trackers { get; init; }

    /// <summary>Tracker tiers besides those of the torrent.</summary>
    public IReadOnlyList<IReadOnlyList<string>> ExtraTrackers { get; init; } = [];

    /// <summary>Bytes a second; 0: no limit.</summary>
    public long DownloadLimit { get; init; }

    /// <summary>Bytes a second; 0: no limit.</summary>
    public long UploadLimit { get; init; }
}
