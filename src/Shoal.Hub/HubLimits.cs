namespace Shoal.Hub;

/// <summary>Bounds on what a hub does for whom.</summary>
public sealed record HubLimits
{
    public static HubLimits Default { get; } = new();

    /// <summary>
    /// Refused attempts to join from one source (an IPv4 address, an IPv6 network of 64 bits) within
    /// <see cref="FailureWindow"/>. Default 20: who types a link by hand makes some mistakes. Successes do not count, since a
    /// whole university may come from one address. Beyond: 429 until the window is over, without a look at the store.
    /// </summary>
    public int FailuresPerSource { get; init; } = 20;

    /// <summary>Default 10 minutes.</summary>
    public TimeSpan FailureWindow { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// Refused attempts of all sources together within the window. Default 5,000. Beyond: sources that have failed before get
    /// 429 until it is over; those that have not are still heard. Guessing is hopeless without this (a secret has 128
    /// bits); it bounds the work that guessing costs us.
    /// </summary>
    public int FailuresInTotal { get; init; } = 5_000;

    /// <summary>Attempts to join that are worked on at the same time. Default 64. Beyond: 503, and a second later it works.</summary>
    public int JoinsAtOnce { get; init; } = 64;

    /// <summary>Sources whose failures are remembered. Default 65,536, some 5 MiB. Beyond: the oldest is forgotten.</summary>
    public int RememberedSources { get; init; } = 65_536;

    /// <summary>Requests of one member a minute, of all kinds. Default 240. Beyond: 429.</summary>
    public int RequestsPerMember { get; init; } = 240;

    /// <summary>Renewed certificates of one member an hour. Default 12. Beyond: 429.</summary>
    public int RenewalsPerMember { get; init; } = 12;

    /// <summary>Receipts of one member an hour. Default 60: one in ten minutes for ten contents. Beyond: 429.</summary>
    public int ReceiptsPerMember { get; init; } = 60;

    /// <summary>
    /// Peers (swarm, address and port) that one member can have listed where the catalogue is small. Default 256: some machines in
    /// many swarms. Beyond: further ones are refused for half an hour.
    /// </summary>
    public int PeersPerMember { get; init; } = 256;

    /// <summary>
    /// The same for each swarm that the hub serves (a hybrid has two names), if that is more. Default 4: two machines with two
    /// addresses each. So who takes part in all of a large catalogue is listed everywhere; a place weighs some 200 bytes.
    /// </summary>
    public int PeersPerSwarm { get; init; } = 4;

    /// <summary>Announces in one request: each has some 250 bytes, and an answer of up to 2 KiB. Beyond: 400.</summary>
    public const int AnnouncesTogether = 200;

    /// <summary>
    /// Announces of one member a minute. Default 12,000: a daemon with 10,000 torrents that starts, and then has five minutes for
    /// each round. Beyond: 429.
    /// </summary>
    public int AnnouncesPerMember { get; init; } = 12_000;

    /// <summary>Invitations made by one request. Default 20,000. Beyond: 400, nothing is made.</summary>
    public int InvitationsAtOnce { get; init; } = 20_000;

    /// <summary>Certificates issued for files by one request. Default 20,000. Beyond: 400, none is issued.</summary>
    public int CertificatesAtOnce { get; init; } = 20_000;

    /// <summary>Members revoked by one request. Default 10,000.</summary>
    public int RevocationsAtOnce { get; init; } = 10_000;

    /// <summary>
    /// Memberships that end by their members' own wish in five minutes. Default 60: each makes a list that all others fetch.
    /// Beyond: 429.
    /// </summary>
    public int LeavesAtOnce { get; init; } = 60;

    /// <summary>
    /// Entries that the revocation list may have when a member ends its own membership. Default 20,000, half of all: whoever
    /// joins by a link of many uses and leaves again and again takes no room from administrators. Beyond: 507.
    /// </summary>
    public int RevokedWithLeaves { get; init; } = 20_000;

    /// <summary>
    /// Members that wait for the next revocation list with an open request. Default 2,000: a waiting TLS connection weighs
    /// some 60 KiB. Beyond: the answer comes at once, and says to ask again soon.
    /// </summary>
    public int Waiting { get; init; } = 2_000;

    /// <summary>Connections. Default 20,000. Beyond: the oldest that has shown no good certificate ends, of the address with most of them.</summary>
    public int Connections { get; init; } = 20_000;

    /// <summary>
    /// Connections that one member keeps when others want in. Default 64: a machine needs one or two. Beyond: they end as those of
    /// strangers do.
    /// </summary>
    public int ConnectionsPerMember { get; init; } = 64;

    /// <summary>Bytes of a request where nothing else is said. Default 16 KiB.</summary>
    public int RequestLength { get; init; } = 16 * 1024;

    /// <summary>Bytes of a request that makes many invitations: 20,000 of up to 1 KiB. Default 20 MiB.</summary>
    public int BatchLength { get; init; } = 20 * 1024 * 1024;

    /// <summary>Longest .torrent in the catalogue, in bytes. Default 10 MiB, as everywhere.</summary>
    public int TorrentLength { get; init; } = 10 * 1024 * 1024;

    /// <summary>Versions in the catalogue, all publishers together. Default 10,000. Beyond: 507.</summary>
    public int CatalogueEntries { get; init; } = 10_000;

    /// <summary>Longest name of an invited person, in characters. Default 200.</summary>
    public const int MaxName = 200;

    /// <summary>Longest time an invitation can be open. Default 400 days.</summary>
    public TimeSpan InvitationLifetime { get; init; } = TimeSpan.FromDays(400);

    /// <summary>Most people that one administrator can be allowed to invite; beyond that it has no limit. Default 1,000,000.</summary>
    public const int MaxInviteQuota = 1_000_000;

    /// <summary>Most uses of one invitation. Default 100,000.</summary>
    public const int MaxUses = 100_000;
}
