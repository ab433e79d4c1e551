using Shoal.Hub;

namespace Shoal.Cli;

/// <summary>What is said when somebody is no member any more, and what can be done then.</summary>
internal static class MembershipEnd
{
    public static UserErrorException Revoked() =>
        new(
            "membership-ended",
            "your membership has ended: an administrator of the publication shut you out, and its members talk to this machine "
                + "no more; what was fetched stays; if that is a mistake, ask whoever invited you for a new invitation"
        );

    public static UserErrorException Expired(MembershipSummary membership) =>
        Expired(membership.Hub, membership.Grant.NotAfter);

    public static UserErrorException Expired(HubAddress hub, DateTimeOffset until) =>
        new(
            "certificate-expired",
            $"your certificate of {hub} expired on {until:yyyy-MM-dd HH:mm} UTC and was not renewed in time: 'shoal join' with the "
                + "link that you joined by renews it as long as the key is here; else ask whoever invited you for a new invitation"
        );
}
