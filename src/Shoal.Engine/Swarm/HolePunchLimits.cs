namespace Shoal.Engine;

/// <summary>Bounds on hole punching (BEP 55) in one swarm. Beyond them nothing is sent and nobody is told.</summary>
internal sealed record HolePunchLimits
{
    /// <summary>
    /// A call that has had no answer for so long is taken for one that a router drops. Default 2 s: longer than any round
    /// trip with one retransmission, shorter than anybody's patience.
    /// </summary>
    public TimeSpan CallIsHardAfter { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Rendezvous we wait for at once. Default 10, half of the calls that may be under way.</summary>
    public int MaxAttempts { get; init; } = 10;

    /// <summary>Relays asked for one address, one after the other. Default 3.</summary>
    public int MaxRelays { get; init; } = 3;

    /// <summary>A relay that does not answer in time is given up. Default 4 s.</summary>
    public TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>The same address is not asked for again before. Default 3 min.</summary>
    public TimeSpan AskAgainAfter { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>Rendezvous one peer may ask of us at once, default 20: a message of peer exchange names up to 50.</summary>
    public int RelayBurstOfPeer { get; init; } = 20;

    /// <summary>And in a minute after that, default 10.</summary>
    public int RelaysPerMinuteOfPeer { get; init; } = 10;

    /// <summary>Rendezvous of all peers at once, default 100.</summary>
    public int RelayBurst { get; init; } = 100;

    /// <summary>And in a minute after that, default 120: two messages of 20 bytes each.</summary>
    public int RelaysPerMinute { get; init; } = 120;

    /// <summary>Calls that one relay can send us to, of those we did not ask for. Default 5 at once.</summary>
    public int ConnectBurstOfPeer { get; init; } = 5;

    /// <summary>And in a minute after that, default 4.</summary>
    public int ConnectsPerMinuteOfPeer { get; init; } = 4;

    /// <summary>Such calls by all relays at once, default 20.</summary>
    public int ConnectBurst { get; init; } = 20;

    /// <summary>
    /// And in a minute after that, default 20: with at most forty datagrams of 48 bytes each
    /// (<see cref="UtpLimits.MaxPunchSyns"/>) that is 640 bytes a second.
    /// </summary>
    public int ConnectsPerMinute { get; init; } = 20;

    /// <summary>One network of the internet (an address, a /64) is called in vain at most once in so long. Default 1 min.</summary>
    public TimeSpan NetworkAgainAfter { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The lowest port we let ourselves be sent to, default 1024: below are services that did not ask for it.</summary>
    public int LowestPort { get; init; } = 1024;

    /// <summary>What a network used is forgotten after so long without another use. Default 5 min: by then it is earned back.</summary>
    public TimeSpan AccountLifetime { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long who calls from an address that we were sent to counts as found this way. Default 30 s.</summary>
    public TimeSpan OpenFor { get; init; } = TimeSpan.FromSeconds(30);
}
