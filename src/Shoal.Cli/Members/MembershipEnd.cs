using Shoal.Hub;
using Shoal.Members;

namespace Shoal.Cli;

/// <summary>How a command ends when somebody is no member any more.</summary>
internal static class MembershipEnd
{
    public static UserErrorException Revoked() => new(MembershipWords.RevokedCode, MembershipWords.Revoked);

    public static UserErrorException Expired(MembershipSummary membership) =>
        Expired(membership.Hub, membership.Grant.NotAfter);

    public static UserErrorException Expired(HubAddress hub, DateTimeOffset until) =>
        new(MembershipWords.ExpiredCode, MembershipWords.Expired(hub, until));
}
