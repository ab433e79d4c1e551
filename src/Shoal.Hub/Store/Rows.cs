using Shoal.Membership;

namespace Shoal.Hub;

/// <summary>What a member may do beyond its role; null: no limit.</summary>
/// <param name="PublishBytes">Size of everything it has in the catalogue.</param>
/// <param name="Invitations">People that it may invite.</param>
internal readonly record struct MemberQuota(long? PublishBytes, long? Invitations);

/// <summary>On whose account somebody is invited.</summary>
/// <param name="By">The administrator.</param>
/// <param name="Limit">How many people it may invite in all; null: no limit.</param>
internal readonly record struct InviteCharge(MemberId By, long? Limit);

internal enum InviteOutcome
{
    Invited,

    /// <summary>One of the ids is there already.</summary>
    Taken,

    /// <summary>More than the administrator may invite.</summary>
    QuotaExceeded,

    /// <summary>The administrator was revoked meanwhile.</summary>
    NotAMember,
}

/// <summary>An invitation as the hub knows it: never its secret.</summary>
/// <param name="SecretHash">See <see cref="InvitationSecret.Hash"/>.</param>
/// <param name="Name">Whom it is for, as the inviting administrator calls them; may be empty.</param>
/// <param name="Uses">How often it can be redeemed.</param>
/// <param name="Used">How often it was.</param>
/// <param name="MadeBy">The administrator.</param>
internal sealed record InvitationRow(
    InvitationId Id,
    byte[] SecretHash,
    string Name,
    MemberRole Role,
    MemberQuota Quota,
    DateTimeOffset Made,
    DateTimeOffset Expires,
    int Uses,
    int Used,
    MemberId MadeBy,
    bool IsRevoked
);

/// <param name="Invitation">How it came; null: without a link.</param>
/// <param name="KeyHash">
/// SHA-256 of its public key: the first one of who came by a link, which tells a repeated request from a second use; the
/// newest one of who came without.
/// </param>
/// <param name="InvitedBy">The administrator.</param>
/// <param name="RevokedAt">Null: a member.</param>
internal sealed record MemberRow(
    MemberId Id,
    InvitationId? Invitation,
    byte[] KeyHash,
    string Name,
    MemberRole Role,
    MemberQuota Quota,
    MemberId InvitedBy,
    DateTimeOffset Joined,
    DateTimeOffset? RevokedAt
);

/// <summary>Another role for a member.</summary>
/// <param name="Quota">Instead of the one it had.</param>
internal sealed record RoleChange(MemberId Member, MemberRole Role, MemberQuota Quota);

internal enum RoleOutcome
{
    Changed,

    /// <summary>No such member, or it was shut out.</summary>
    Unknown,

    /// <summary>Who changes it is no administrator any more.</summary>
    NotAllowed,

    /// <summary>More people than that administrator may invite.</summary>
    QuotaExceeded,
}

internal enum RedemptionOutcome
{
    /// <summary>A use was counted.</summary>
    Joined,

    /// <summary>This key had redeemed it before: nothing was counted.</summary>
    Repeated,
    Unknown,
    UsedUp,
    Expired,
    Revoked,
}

/// <param name="Member">Who it is now; null: nobody.</param>
internal readonly record struct Redemption(RedemptionOutcome Outcome, MemberRow? Member);

/// <param name="Number">Counts up from 1.</param>
/// <param name="List">As it was signed.</param>
internal sealed record StoredRevocations(long Number, byte[] List);

internal enum ReplaceOutcome
{
    Replaced,

    /// <summary>Another list has come since.</summary>
    Superseded,

    /// <summary>There was an administrator, and by this list there would be none.</summary>
    NoAdministrator,
}

internal enum CatalogueOutcome
{
    Published,

    /// <summary>That version is there, or a later one.</summary>
    VersionTaken,

    /// <summary>The entry is another publisher's.</summary>
    NotYours,
    QuotaExceeded,
}

/// <param name="Entry">Signed, as the publisher made it.</param>
/// <param name="Torrent">The .torrent; empty in lists.</param>
/// <param name="Size">Bytes of the content.</param>
/// <param name="Published">By the hub's clock.</param>
internal sealed record CatalogueRow(
    EntryId Id,
    long Version,
    MemberId Publisher,
    long Size,
    DateTimeOffset Published,
    byte[] Entry,
    byte[] Torrent
);

/// <summary>The store cannot do what it must; the message says why and is fit for the operator.</summary>
public sealed class HubStoreException(string message, Exception? inner = null) : Exception(message, inner);
