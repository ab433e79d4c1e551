namespace Shoal.Engine;

/// <summary>
/// Bounds of one swarm. Each says what it bounds and what happens beyond; the defaults carry their arithmetic.
/// </summary>
internal sealed record SwarmLimits
{
    public static readonly SwarmLimits Default = new();

    /// <summary>Connected peers. Beyond: the newcomer or the least useful peer goes (BEP 40). Default 100.</summary>
    public int MaxPeers { get; init; } = 100;

    /// <summary>
    /// How long snapshots say of each piece how many peers have it, after somebody asked. Default 10 s: who looks at it asks again
    /// every second or two, and for nobody a byte for each piece is not copied a few times a second.
    /// </summary>
    public TimeSpan CopiesShown { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Connect effects not yet answered. Beyond: candidates wait. Default 20.</summary>
    public int MaxConnecting { get; init; } = 20;

    /// <summary>Known addresses not connected. Beyond: the worst are forgotten. Default 2,000 (about 200 KiB).</summary>
    public int MaxCandidates { get; init; } = 2000;

    /// <summary>
    /// Of those, known only by peer exchange. Beyond: peers' words are not listened to. Default 1,000: trackers and the
    /// DHT keep half of the list.
    /// </summary>
    public int MaxHearsay { get; init; } = 1000;

    /// <summary>
    /// Of those, named by peers of one network (an address, a /64). Beyond: as above. Default 100: two full messages.
    /// </summary>
    public int MaxHearsayPerPeer { get; init; } = 100;

    /// <summary>
    /// Addresses named by one network that did not answer while not one in so many did: then it is not listened to any
    /// more. Default 40: of honest peers behind routers it is one in three or four that answers.
    /// </summary>
    public int MaxHearsayMisses { get; init; } = 40;

    /// <summary>
    /// Requests outstanding at one peer, whatever its reqq. 2,000 x 16 KiB = 32 MiB: 1 GB/s with 30 ms.
    /// </summary>
    public int MaxRequestsOut { get; init; } = 2000;

    /// <summary>Requests outstanding at a peer that did not name its reqq (the default of the field). Default 250.</summary>
    public int DefaultRequestsOut { get; init; } = 250;

    /// <summary>Requests outstanding at a peer whose rate is still unknown. Default 8.</summary>
    public int FirstRequestsOut { get; init; } = 8;

    /// <summary>
    /// Requests outstanding at one web seed: two runs of <see cref="WebSeedLimits.MaxBlocksPerRun"/>. Default 1,024.
    /// </summary>
    public int WebSeedRequestsOut { get; init; } = 1024;

    /// <summary>Requests outstanding at a web seed whose rate is still unknown, and at least. Default 64: 1 MiB.</summary>
    public int WebSeedFirstRequestsOut { get; init; } = 64;

    /// <summary>
    /// Requests of one peer we hold, and announce as reqq. Beyond: Reject. Without the fast extension there is no way to say
    /// no, and who asks for more than is served waits for the rest for ever (rtorrent at full speed, whose queue grows with its
    /// rate): such a peer is not read from until half of them are answered. Default 2,000: 24 bytes each.
    /// </summary>
    public int MaxRequestsIn { get; init; } = 2000;

    /// <summary>
    /// Requests that may still come from a peer after its link was told not to read on: what waits in the mailbox. Beyond they
    /// are forgotten. Default 8,192: twice the mailbox.
    /// </summary>
    public int MaxRequestsOnTheWay { get; init; } = 8192;

    /// <summary>
    /// Requests while choked, beyond one full queue, before a peer is cut off: it ignores our chokes (BEP 6).
    /// </summary>
    public int MaxChokedRequests { get; init; } = 4000;

    /// <summary>Longest request, in bytes. BEP 3: longer ones close the connection. Default 128 KiB: old clients.</summary>
    public int MaxRequestLength { get; init; } = BlockBuffer.Capacity;

    /// <summary>Least bytes of a peer's uploads between disk and network at once. Default 256 KiB.</summary>
    public int MinSendAhead { get; init; } = 256 * 1024;

    /// <summary>Most bytes of a peer's uploads between disk and network at once. Default 4 MiB.</summary>
    public int MaxSendAhead { get; init; } = 4 * 1024 * 1024;

    /// <summary>Peers unchoked at once, the optimistic ones included, while they keep the uplink busy. Default 8.</summary>
    public int UploadSlots { get; init; } = 8;

    /// <summary>
    /// Of those, for peers of one neighbourhood (/24, /48) of the internet while others wait, unless they give as well.
    /// Beyond: they wait. Default 2: a quarter.
    /// </summary>
    public int UploadSlotsPerNeighbourhood { get; init; } = 2;

    /// <summary>
    /// Blocks of proven pieces that a peer must have sent to be honest beyond doubt, so that it is not banned for what
    /// others at its address do. Default 64: 1 MiB.
    /// </summary>
    public int BlocksThatProve { get; init; } = 64;

    /// <summary>
    /// Peers unchoked at once while fewer leave the uplink idle, or a seed spreads what only it has. Default 50: each of
    /// them gets 50 kB/s of 20 Mbit/s, a block every third of a second.
    /// </summary>
    public int MaxUploadSlots { get; init; } = 50;

    /// <summary>Pieces a choked newcomer may take. BEP 6: "We currently set k to 10".</summary>
    public int AllowedFastCount { get; init; } = 10;

    /// <summary>Pieces a peer may suggest that we remember. Beyond: the oldest is forgotten. Default 16.</summary>
    public int MaxSuggested { get; init; } = 16;

    /// <summary>Haves kept of a peer while the metadata is unknown. Beyond: the peer is cut off. Default 65,536.</summary>
    public int MaxEarlyHaves { get; init; } = 65536;

    /// <summary>Pieces being hashed at once while checking. Default 4: both cores and the disk stay busy.</summary>
    public int MaxChecking { get; init; } = 4;

    /// <summary>Pieces being copied from elsewhere on this machine at once. Default 4, as for checking.</summary>
    public int MaxCopying { get; init; } = 4;

    /// <summary>
    /// Messages that cost us and carry nothing, from one peer: earned back at <see cref="NoisePerSecond"/>.
    /// Beyond: Flood. Default 2,000.
    /// </summary>
    public int NoiseBurst { get; init; } = 2000;

    /// <summary>See <see cref="NoiseBurst"/>. Default 50.</summary>
    public int NoisePerSecond { get; init; } = 50;

    /// <summary>Blocks that nobody asked for, from one peer without the fast extension. Beyond: UnsolicitedBlocks.</summary>
    public int MaxUnsolicited { get; init; } = 16;

    /// <summary>No block for so long although asked: its blocks may be asked of others.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>No block for so long although asked: snubbed. BEP 3 clients use a minute.</summary>
    public TimeSpan SnubTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Largest info dictionary asked for from peers, in bytes. Beyond: BadMetadata. Default 10 MiB.</summary>
    public int MaxMetadataSize { get; init; } = 10 * 1024 * 1024;

    /// <summary>
    /// Metadata blocks asked of one peer at once. Default 1: rtorrent 0.9.8 forgets a request that comes while it
    /// answers another. Several peers are asked at the same time.
    /// </summary>
    public int MaxMetadataRequests { get; init; } = 1;

    /// <summary>Trackers that peers named, over the life of the torrent. Beyond: not looked at. Default 30.</summary>
    public int MaxTrackersHeard { get; init; } = 30;

    /// <summary>Those of one peer (IPv6: of one network). Beyond: not looked at. Default 5: six liars fill the list, one does not.</summary>
    public int MaxTrackersHeardOfPeer { get; init; } = 5;

    /// <summary>Trackers that peers are told of, those that worked first. Default 20.</summary>
    public int MaxTrackersTold { get; init; } = 20;

    /// <summary>
    /// Hashes and metadata served to one peer a second, in 16 KiB blocks; burst of ten seconds. Beyond: reject.
    /// </summary>
    public int ServedBlocksPerSecond { get; init; } = 20;

    /// <summary>See there.</summary>
    public ReaderLimits Readers { get; init; } = new();

    /// <summary>See there.</summary>
    public HolePunchLimits HolePunch { get; init; } = new();
}
