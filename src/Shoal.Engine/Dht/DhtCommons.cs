namespace Shoal.Engine;

/// <summary>What the nodes on our several addresses have in common (BEP 45 "Shared Storage").</summary>
internal sealed class DhtCommons(DhtLimits limits, DhtRandom random, SignatureVerifier? verify, bool isReadOnly)
{
    public DhtLimits Limits => limits;
    public DhtRandom Random => random;
    public SignatureVerifier? Verify => verify;

    /// <summary>BEP 43: we answer no queries and say so in ours.</summary>
    public bool IsReadOnly => isReadOnly;

    /// <summary>BEP 5: "a two character client identifier registered in BEP 20 followed by a two character version identifier".</summary>
    public byte[] Version { get; } = "SH\0\u0001"u8.ToArray();
    public WriteTokens Tokens { get; } = new(random);
    public ItemStore Items { get; } = new(limits, verify);
    public SampleIntervals Sampled { get; } = new();
    public PeerStore PeersIPv4 { get; } = new(limits, random);
    public PeerStore PeersIPv6 { get; } = new(limits, random);
    public SourceRateLimit Sources { get; } =
        new(limits.SourceCounters, limits.DatagramsPerSecondOfSource, limits.DatagramsPerSecondOfSource * 5, random);
    public TokenBucket Answers { get; } = new(limits.AnswersPerSecond, limits.AnswersPerSecond * 2);
    public TokenBucket AnswerBytes { get; } = new(limits.AnswerBytesPerSecond, limits.AnswerBytesPerSecond * 4);
    public TokenBucket Queries { get; } = new(limits.QueriesPerSecond, limits.QueriesPerSecond * 2);
}
