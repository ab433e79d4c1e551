namespace Shoal.Engine;

/// <summary>
/// What the DHT may cost us and others. Defaults are for one socket address; a node that hears from nobody costs
/// almost nothing.
/// </summary>
internal sealed record DhtLimits
{
    /// <summary>K of BEP 5: nodes in an answer, nodes that store an announce. 8.</summary>
    public int K { get; init; } = 8;

    /// <summary>
    /// Queries of one lookup that wait for an answer at once, those overdue not counted. 1 to 16, default 4. More
    /// is faster and costs more traffic.
    /// </summary>
    public int LookupBranching { get; init; } = 4;

    /// <summary>
    /// Queries of one lookup in all, announces not counted. Default 80: log2 of 10 million nodes is 24 hops at
    /// worst, the rest is for the dead and the lying. Beyond it the lookup ends with what it has.
    /// </summary>
    public int LookupQueries { get; init; } = 80;

    /// <summary>Addresses one lookup remembers, default 100. The farthest are forgotten.</summary>
    public int LookupCandidates { get; init; } = 100;

    /// <summary>Peers one lookup reports, default 500. What more comes is not looked at.</summary>
    public int LookupPeers { get; init; } = 500;

    /// <summary>Infohashes one lookup of samples (BEP 51) reports, default 2,000. What more comes is not looked at.</summary>
    public int LookupSamples { get; init; } = 2_000;

    /// <summary>
    /// Queries of a search that only fills a bucket, default 24: it is enough to get to know some nodes there.
    /// </summary>
    public int UpkeepQueries { get; init; } = 24;

    /// <summary>
    /// Nodes of which we remember whether those they name exist, default 500. Beyond it all are forgotten.
    /// </summary>
    public int Informants { get; init; } = 500;

    /// <summary>Nodes with an id that does not fit their address (BEP 42) that one lookup asks, default 12.</summary>
    public int LookupUnverified { get; init; } = 12;

    /// <summary>Lookups of our users at once, default 20; later ones wait in line.</summary>
    public int ConcurrentLookups { get; init; } = 20;

    /// <summary>
    /// After this long at most a lookup asks somebody else besides, default 1 s; sooner when others answer sooner.
    /// </summary>
    public TimeSpan SlowAfter { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>After this long no answer is expected any more, default 4 s.</summary>
    public TimeSpan QueryTimeout { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>Queries that wait for an answer, over all purposes, default 512. Beyond it no query leaves.</summary>
    public int PendingQueries { get; init; } = 512;

    /// <summary>Queries we send a second, default 150, in bursts of up to twice that. Lookups wait beyond it.</summary>
    public int QueriesPerSecond { get; init; } = 150;

    /// <summary>
    /// Datagrams a second from one address (IPv6: /64), default 10, in bursts of up to five times that. More are
    /// dropped before they are read. What a victim of forged addresses can get by us is bounded by this times
    /// 1,400 bytes.
    /// </summary>
    public int DatagramsPerSecondOfSource { get; init; } = 10;

    /// <summary>Queries a second that we answer, from all sources, default 300, in bursts of up to twice that. More are dropped.</summary>
    public int AnswersPerSecond { get; init; } = 300;

    /// <summary>Bytes of answers a second, default 64 KiB, in bursts of up to four times that. Beyond it no answer leaves.</summary>
    public int AnswerBytesPerSecond { get; init; } = 64 * 1024;

    /// <summary>
    /// Counters that sources share, a power of two, default 4096: 48 KiB of memory whatever is sent. Sources that
    /// fall on the same counter share its allowance; which do is different in each run.
    /// </summary>
    public int SourceCounters { get; init; } = 4096;

    /// <summary>Infohashes we keep peers of, default 5,000. Beyond it the one announced longest ago goes.</summary>
    public int StoredInfoHashes { get; init; } = 5_000;

    /// <summary>Peers of one infohash, default 2,000. BEP 33 wants it below 6,000. Beyond it no token is given.</summary>
    public int StoredPeersOfInfoHash { get; init; } = 2_000;

    /// <summary>Peers in all, default 50,000: about 10 MB. Beyond it the infohash announced longest ago goes.</summary>
    public int StoredPeers { get; init; } = 50_000;

    /// <summary>Infohashes one address (IPv6: /64) is stored under, default 100. More announces of it are refused.</summary>
    public int StoredPeersOfSource { get; init; } = 100;

    /// <summary>
    /// How long an announce lasts, default 40 min: clients announce every 15 to 30 min.
    /// </summary>
    public TimeSpan PeerLifetime { get; init; } = TimeSpan.FromMinutes(40);

    /// <summary>Items (BEP 44), default 2,000: about 3 MB. Beyond it the one put longest ago goes.</summary>
    public int StoredItems { get; init; } = 2_000;

    /// <summary>Items put by one address (IPv6: /64), default 50. More are refused.</summary>
    public int StoredItemsOfSource { get; init; } = 50;

    /// <summary>BEP 44: "these items MAY expire in 2 hours".</summary>
    public TimeSpan ItemLifetime { get; init; } = TimeSpan.FromHours(2);

    /// <summary>BEP 44: "the bencoded form of v is longer than 1000 bytes" may be refused.</summary>
    public int ItemValueBytes { get; init; } = 1000;

    /// <summary>Signatures checked a second for others' puts, default 20 (a check takes about 0.1 ms). More puts are refused.</summary>
    public int SignatureChecksPerSecond { get; init; } = 20;

    /// <summary>Signatures one lookup checks, default 24: three answers of each of the K closest.</summary>
    public int LookupSignatureChecks { get; init; } = 24;

    /// <summary>BEP 5: "After 15 minutes of inactivity, a node becomes questionable." Buckets are refreshed after as long.</summary>
    public TimeSpan QuestionableAfter { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>Strangers to be pinged because they might fit the routing table, default 32. More are forgotten.</summary>
    public int PingQueue { get; init; } = 32;

    /// <summary>Nodes written to the saved state, default 200.</summary>
    public int SavedNodes { get; init; } = 200;

    /// <summary>Unanswered queries in a row after which a node leaves the table although nobody replaces it, default 4.</summary>
    public int FailuresToForget { get; init; } = 4;
}
