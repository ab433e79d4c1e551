using System.Globalization;
using Shoal.Hub;
using Shoal.Membership;

namespace Shoal.Members;

/// <summary>What is said when somebody is no member any more, and when a link is no invitation.</summary>
public static class MembershipWords
{
    public const string RevokedCode = "membership-ended";

    public const string Revoked =
        "your membership has ended: an administrator of the publication shut you out, or it was given up with your key "
        + "elsewhere, and its members talk to this machine no more; what was fetched stays; if that is a mistake, ask whoever "
        + "invited you for a new invitation";

    public const string Left =
        "you gave up the membership that this is for; what was fetched stays, and another invitation makes you a member again";

    public const string ExpiredCode = "certificate-expired";

    public static string Expired(HubAddress hub, DateTimeOffset until) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"your certificate of {hub} expired on {until:yyyy-MM-dd HH:mm} UTC and was not renewed in time: 'shoal join' with the "
                + $"link that you joined by renews it as long as the key is here; else ask whoever invited you for a new invitation"
        );

    /// <summary>Never quotes the link.</summary>
    public static string NoInvitation(InvitationLinkFault fault) =>
        fault switch
        {
            InvitationLinkFault.NoSecret =>
                "the invitation is cut off: what stands behind '#' is missing; copy the whole link, in quotes",
            InvitationLinkFault.Damaged =>
                "the invitation is damaged: a part is missing or mistyped; copy the whole link",
            InvitationLinkFault.UnknownVersion => "the invitation is of a later version of Shoal than this one",
            _ => "this is no invitation: one looks like https://HOST:PORT/join#... or shoal://join/HOST:PORT#...",
        };
}
