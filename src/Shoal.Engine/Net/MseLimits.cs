namespace Shoal.Engine;

/// <summary>
/// Bounds on encrypted handshakes that others make us do. Each costs two powers of 768 bits, about 0.3 ms of one core,
/// and about 5 KiB until it is over.
/// </summary>
internal sealed record MseLimits
{
    public static readonly MseLimits Default = new();

    /// <summary>
    /// Key exchanges a second for those who call us. Default 100: 3 % of one core, and more newcomers than any swarm
    /// has. Beyond: closed; plain connections are not affected.
    /// </summary>
    public double PerSecond { get; init; } = 100;

    /// <summary>At once after a pause. Default 200.</summary>
    public double Burst { get; init; } = 200;

    /// <summary>The same from one IPv4 address or one IPv6 /64. Default 1. Does not apply to this machine itself.</summary>
    public double PerSecondAndNetwork { get; init; } = 1;

    /// <summary>From one network at once after a pause. Default 10.</summary>
    public double BurstOfNetwork { get; init; } = 10;

    /// <summary>
    /// Networks remembered. Default 1,024: more cannot have used up anything within the time that
    /// <see cref="Burst"/> and <see cref="PerSecond"/> allow. Beyond: the longest known are forgotten.
    /// </summary>
    public int MaxNetworks { get; init; } = 1024;
}
