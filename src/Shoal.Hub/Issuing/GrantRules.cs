using System.Globalization;
using Shoal.Membership;

namespace Shoal.Hub;

/// <summary>Nobody gives more than he has: what a limited administrator gives has limits.</summary>
internal static class GrantRules
{
    /// <summary>Whether these are quotas at all.</summary>
    public static bool AreQuotas(long? publishBytes, long? invitations) =>
        !(publishBytes is < 0 || invitations is < 0 or > HubLimits.MaxInviteQuota);

    public static readonly string NoQuotas = string.Create(
        CultureInfo.InvariantCulture,
        $"a quota is negative, or more than {HubLimits.MaxInviteQuota} people"
    );

    /// <summary>Why somebody may not give this; null: he may, as far as his own quotas do not run out.</summary>
    /// <param name="mine">Of who gives.</param>
    /// <param name="role">That is given.</param>
    /// <param name="given">With it.</param>
    public static string? Fault(in MemberQuota mine, MemberRole role, in MemberQuota given)
    {
        if (role == MemberRole.Administrator && mine.Invitations is { } people && given.Invitations is null)
        {
            return Invariant(
                $"you may invite {people} people: say how many the new administrator may (--invite-quota)"
            );
        }

        if (role >= MemberRole.Publisher && mine.PublishBytes is { } bytes && given.PublishBytes is null)
        {
            return Invariant(
                $"you may publish {bytes} bytes: say how many the new {RoleNames.Of(role)} may (--publish-quota)"
            );
        }

        return given.PublishBytes > mine.PublishBytes
            ? Invariant($"you may publish {mine.PublishBytes} bytes yourself and cannot grant more")
            : null;
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
