namespace Shoal.Membership;

/// <summary>What a certificate's holder may do in a publication; each may do what those before it may.</summary>
public enum MemberRole
{
    /// <summary>Find, fetch and distribute what is published.</summary>
    Member,

    /// <summary>Publish too.</summary>
    Publisher,

    /// <summary>Invite and revoke too.</summary>
    Administrator,
}

/// <summary>Who holds a certificate, as what, and for how long.</summary>
/// <param name="Member">Stays the same when the certificate is renewed.</param>
/// <param name="NotBefore">In whole seconds, as certificates have it.</param>
/// <param name="NotAfter">The last second of it.</param>
public readonly record struct MemberGrant(
    MemberId Member,
    MemberRole Role,
    DateTimeOffset NotBefore,
    DateTimeOffset NotAfter
)
{
    /// <summary>
    /// A grant that begins now and is backdated by <see cref="MembershipLimits.Backdating"/>: members whose clocks are
    /// behind take it too.
    /// </summary>
    /// <param name="member">Who.</param>
    /// <param name="role">As what.</param>
    /// <param name="now">By the authority's clock.</param>
    /// <param name="lifetime">From now on; the shorter, the sooner a revoked member is refused by who was offline.</param>
    public static MemberGrant Starting(MemberId member, MemberRole role, DateTimeOffset now, TimeSpan lifetime)
    {
        var second = DateTimeOffset.FromUnixTimeSeconds(now.ToUnixTimeSeconds());
        return new MemberGrant(member, role, second - MembershipLimits.Default.Backdating, second + lifetime);
    }

    /// <summary>
    /// When to ask for the next certificate: half of what is left at the beginning is over. Before that a hub that is down
    /// hurts nobody.
    /// </summary>
    public DateTimeOffset RenewAfter
    {
        get
        {
            var begin = NotBefore + MembershipLimits.Default.Backdating;
            return begin + (NotAfter - begin) / 2;
        }
    }
}
