namespace Shoal.Engine;

/// <summary>What port mapping asks of a router, and believes it.</summary>
internal sealed record MappingLimits
{
    /// <summary>What is asked for, default 1 h: what we could not take back, since we were killed, is gone after it.</summary>
    public TimeSpan Lifetime { get; init; } = TimeSpan.FromHours(1);

    /// <summary>A mapping said to last less is taken to last this long, default 2 min: nobody makes us ask without end.</summary>
    public TimeSpan ShortestLifetime { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>A mapping said to last longer is renewed as if it lasted this long, default 2 h.</summary>
    public TimeSpan LongestLifetime { get; init; } = TimeSpan.FromHours(2);

    /// <summary>First wait for an answer by PCP before NAT-PMP is tried, default 3 s (RFC 6887, 8.1.1, IRT).</summary>
    public TimeSpan PcpPatience { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>First wait for an answer by NAT-PMP, default 250 ms, doubling (RFC 6886, 3.1).</summary>
    public TimeSpan NatPmpPatience { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Requests by NAT-PMP without an answer after which there is nobody, default 6: 16 s.</summary>
    public int NatPmpAttempts { get; init; } = 6;

    /// <summary>When there was nobody, or we were refused: ask again after so long, default 15 min.</summary>
    public TimeSpan Retry { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>A refusal that is said to pass sooner is believed down to this, default 30 s.</summary>
    public TimeSpan ShortestRetry { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Other external ports tried by UPnP where the wanted one is taken, default 8.</summary>
    public int OtherPorts { get; init; } = 8;

    /// <summary>Routers asked at once by UPnP, default 2. Others that answer are left alone.</summary>
    public int Routers { get; init; } = 2;
}
