namespace Shoal.Membership;

/// <summary>Bounds on what is read of strangers and members, and what authorities grant.</summary>
public sealed record MembershipLimits
{
    public static readonly MembershipLimits Default = new();

    /// <summary>
    /// How long before its issue a certificate is valid. Default 25 hours: a member's clock that is a day behind does no
    /// harm, and to be valid in the past is worth nothing to anybody.
    /// </summary>
    public TimeSpan Backdating { get; init; } = TimeSpan.FromHours(25);

    /// <summary>
    /// Longest certificate that is issued or taken, backdating included. Default 400 days, for invitations that no hub
    /// renews. Beyond: <see cref="MembershipFault.TooLong"/>.
    /// </summary>
    public TimeSpan MaxLifetime { get; init; } = TimeSpan.FromDays(400);

    /// <summary>
    /// Longest certificate of a member or hub that is read, in bytes. Default 4 KiB; ours have some 600. Beyond:
    /// <see cref="MembershipFault.Malformed"/>.
    /// </summary>
    public int MaxCertificateLength { get; init; } = 4096;

    /// <summary>Longest request for a certificate, in bytes. Default 4 KiB; ours have some 250.</summary>
    public int MaxRequestLength { get; init; } = 4096;

    /// <summary>
    /// Entries of a revocation list, members and certificates together. Default 40,000: 640 KiB, which fits into one message
    /// between peers. Beyond: nothing is written or read; the authority has to begin anew with another key.
    /// </summary>
    public int MaxRevoked { get; init; } = 40_000;

    /// <summary>
    /// Longest revocation list, in bytes: <see cref="MaxRevoked"/> members of 19 bytes, and what stands around them.
    /// </summary>
    public int MaxListLength => MaxRevoked * (MemberId.Size + 3) + 512;
}
