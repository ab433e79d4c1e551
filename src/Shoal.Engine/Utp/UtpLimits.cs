namespace Shoal.Engine;

/// <summary>What one uTP connection may cost, and how patient it is.</summary>
internal sealed record UtpLimits
{
    public static readonly UtpLimits Default = new();

    /// <summary>
    /// Room for data that came in and was not read yet, in bytes, of a connection that has moved little. Default
    /// 256 KiB: no less than what a fast local network has under way. Nothing is committed for it before data comes.
    /// </summary>
    public int MinReceiveWindow { get; init; } = 256 * 1024;

    /// <summary>
    /// The same for a connection whose reader takes that much. Default 16 MiB: 1 Gbit/s with 100 ms are 12.5 MB, and a
    /// third of that again may wait on the way. Beyond: the sender waits.
    /// </summary>
    public int MaxReceiveWindow { get; init; } = 16 * 1024 * 1024;

    /// <summary>
    /// Packets held that came before one that is missing. Default 16,384, a power of two: 16 MiB are 11,500 packets of
    /// 1,452 bytes. Beyond: dropped, and sent again.
    /// </summary>
    public int MaxPacketsAhead { get; init; } = 16_384;

    /// <summary>
    /// Packets on their way that nobody has acknowledged. Default 16,384, a power of two, half of what 16-bit numbers
    /// can tell apart. Beyond: we wait.
    /// </summary>
    public int MaxPacketsInFlight { get; init; } = 16_384;

    /// <summary>
    /// Data taken from the writer that the window has no room for yet, in bytes: this, or an eighth of the window when
    /// that is more, up to <see cref="MaxBacklog"/>. Default 64 KiB: one system call's worth.
    /// </summary>
    public int MinBacklog { get; init; } = 64 * 1024;

    /// <summary>Default 512 KiB: 4 ms at 1 Gbit/s, for a writer to wake up.</summary>
    public int MaxBacklog { get; init; } = 512 * 1024;

    /// <summary>Queueing delay that we cause at most. Default 100 ms, as BEP 29 says.</summary>
    public TimeSpan TargetDelay { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Window of a connection that knows nothing of its path yet, in bytes. Default 14,600, ten packets, as TCP.</summary>
    public int InitialWindow { get; init; } = 14_600;

    /// <summary>
    /// How long an acknowledgement may wait for another packet or for data to go along with. Default 20 ms.
    /// </summary>
    public TimeSpan AckDelay { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>How long a packet that is not full may wait for more while another such is under way. Default 5 ms.</summary>
    public TimeSpan CoalesceDelay { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>
    /// Shortest wait for an acknowledgement before everything under way counts as lost. Default 500 ms. BEP 29: "the
    /// minimum timeout for a packet is 1/2 second."
    /// </summary>
    public TimeSpan MinTimeout { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Longest such wait. Default 30 s: some modems keep ten seconds.</summary>
    public TimeSpan MaxTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Timeouts in a row without a word from the peer that end the connection. Default 6: about half a minute on a usual path.
    /// </summary>
    public int MaxTimeouts { get; init; } = 6;

    /// <summary>The first repetition of a SYN. Default 1 s; each further one waits twice as long.</summary>
    public TimeSpan SynTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>SYNs sent at most. Default 4: given up after 15 s.</summary>
    public int MaxSyns { get; init; } = 4;

    /// <summary>
    /// The same when both sides call at once to open a hole in a firewall: the first are lost, and every moment counts.
    /// Default 250 ms, not doubled.
    /// </summary>
    public TimeSpan PunchTimeout { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Default 40: ten seconds.</summary>
    public int MaxPunchSyns { get; init; } = 40;

    /// <summary>
    /// Silence on our side after which we say that we are there. Default 29 s: many routers forget a UDP mapping after 30.
    /// </summary>
    public TimeSpan KeepAliveAfter { get; init; } = TimeSpan.FromSeconds(29);

    /// <summary>
    /// How long a connection that we have closed goes on delivering what was written before. Default 20 s. Beyond: reset.
    /// </summary>
    public TimeSpan LingerTime { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How long we remember an ended connection to answer repetitions. Default 2 s.</summary>
    public TimeSpan FarewellTime { get; init; } = TimeSpan.FromSeconds(2);
}

/// <summary>What a connection's path is like before anything was sent on it.</summary>
/// <param name="MinPacket">Longest datagram content that certainly gets through, in bytes, from 150.</param>
/// <param name="MaxPacket">Longest one to try.</param>
/// <param name="Overhead">Headers below, in bytes: of IP and UDP, and of a proxy.</param>
internal readonly record struct UtpPath(int MinPacket, int MaxPacket, int Overhead)
{
    private const int UdpHeader = 8;

    /// <summary>BEP 29 has no number; every host takes IPv4 packets of 576 bytes (RFC 791), and IPv6 has 1,280 (RFC 8200).</summary>
    public static UtpPath Of(bool isIpv6, int maxPacket, int proxyOverhead = 0)
    {
        var overhead = (isIpv6 ? 40 : 20) + UdpHeader + proxyOverhead;
        return new UtpPath((isIpv6 ? 1280 : 576) - overhead, maxPacket - proxyOverhead, overhead);
    }
}

/// <summary>The random numbers of one connection, which strangers must not be able to guess.</summary>
/// <param name="Id">The connection id of the side that calls; ignored where the peer chose it.</param>
/// <param name="Sequence">The first sequence number.</param>
/// <param name="ClockOffset">Added to timestamps, so that they do not tell how long we run.</param>
internal readonly record struct UtpSecrets(ushort Id, ushort Sequence, uint ClockOffset);
