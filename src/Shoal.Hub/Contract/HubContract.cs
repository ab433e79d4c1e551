using System.Text.Json.Serialization;

namespace Shoal.Hub;

// What members and the hub say to each other, in JSON. docs/formats/hub.md describes it. Bytes are base64, times seconds
// since 1970, ids the texts of their types.

/// <summary>Why not.</summary>
/// <param name="Code">Stable, kebab-case.</param>
/// <param name="Message">One line for a person.</param>
public sealed record HubProblem(string Code, string Message);

/// <param name="Certificate">Of the authority, in DER: whoever has a link can tell whether it is the right one.</param>
public sealed record AuthorityAnswer(string Publication, byte[] Certificate);

/// <param name="Request">PKCS #10. Its key makes the request the same one when it comes again.</param>
public sealed record JoinRequest(string Publication, string Invitation, byte[] Secret, byte[] Request);

public sealed record RenewRequest(byte[] Request);

/// <param name="Certificate">In DER.</param>
/// <param name="PublicationKey">What members call each other with.</param>
/// <param name="Revocations">The newest list; null: none was ever made.</param>
/// <param name="Role">member, publisher or administrator.</param>
public sealed record MembershipAnswer(
    byte[] Certificate,
    byte[] Authority,
    byte[] PublicationKey,
    byte[]? Revocations,
    string Member,
    string Role,
    long NotAfter
);

/// <param name="SecretHash">The secret itself stays with who made it.</param>
/// <param name="PublishBytes">Null: no limit.</param>
/// <param name="Invitations">How many the invited may make itself; null: no limit.</param>
public sealed record NewInvitation(
    string Id,
    byte[] SecretHash,
    string Name,
    string Role,
    long Expires,
    int Uses,
    long? PublishBytes,
    long? Invitations
);

public sealed record NewInvitations(IReadOnlyList<NewInvitation> Invitations);

public sealed record InvitationInfo(
    string Id,
    string Name,
    string Role,
    long Made,
    long Expires,
    int Uses,
    int Used,
    string MadeBy,
    bool Revoked,
    long? PublishBytes,
    long? Invitations
);

/// <param name="Next">Ask on from behind this one; null: that was all.</param>
public sealed record InvitationPage(IReadOnlyList<InvitationInfo> Invitations, string? Next);

/// <summary>A member without a link: its key was made for it, and goes to it in a file.</summary>
/// <param name="PublishBytes">Null: no limit.</param>
/// <param name="Invitations">How many it may invite itself; null: no limit.</param>
public sealed record NewMember(
    byte[] Request,
    string Name,
    string Role,
    long NotAfter,
    long? PublishBytes,
    long? Invitations
);

public sealed record NewMembers(IReadOnlyList<NewMember> Members);

public sealed record IssuedCertificates(IReadOnlyList<byte[]> Certificates);

public sealed record MemberInfo(
    string Id,
    string Name,
    string Role,
    long Joined,
    string? Invitation,
    string InvitedBy,
    long? RevokedAt
);

public sealed record MemberPage(IReadOnlyList<MemberInfo> Members, string? Next);

/// <param name="Members">Who is no member any more.</param>
/// <param name="WithInvited">Also whom they invited, and whom these invited, and so on.</param>
public sealed record RevokeRequest(IReadOnlyList<string> Members, bool WithInvited);

/// <param name="Version">Of the list that says so.</param>
/// <param name="Members">Who was revoked by it; not who was before.</param>
public sealed record RevokeAnswer(long Version, IReadOnlyList<string> Members);

/// <summary>A list that a member knows and the hub seems to have forgotten.</summary>
/// <param name="List">As the authority signed it.</param>
public sealed record KnownRevocations(byte[] List);

/// <summary>A member ends its own membership: whose, says its certificate.</summary>
/// <param name="WithPublished">What it has in the catalogue leaves it too; else whoever has something there stays.</param>
public sealed record LeaveRequest(bool WithPublished);

/// <param name="Version">Of the list that says so.</param>
public sealed record LeaveAnswer(long Version);

/// <summary>Another role for a member.</summary>
/// <param name="PublishBytes">Null: no limit.</param>
/// <param name="Invitations">Null: no limit.</param>
public sealed record RoleRequest(string Role, long? PublishBytes, long? Invitations);

/// <param name="Entry">Signed by the publisher.</param>
/// <param name="Torrent">The .torrent that the entry names by its hash.</param>
public sealed record PublishRequest(byte[] Entry, byte[] Torrent);

/// <param name="Complete">Members that announced that they have all of it.</param>
/// <param name="Incomplete">Members that are at it.</param>
public sealed record CatalogueItem(byte[] Entry, long Published, int Complete, int Incomplete);

/// <param name="Peers">ADDRESS:PORT each, those that have all of it first.</param>
public sealed record PeersAnswer(IReadOnlyList<string> Peers);

/// <summary>Many announces at once: a handshake is what an announce costs.</summary>
/// <param name="Queries">What would stand behind '?' in each (BEP 3, 7, 23).</param>
public sealed record AnnouncesRequest(IReadOnlyList<string> Queries);

/// <param name="Answers">In bencode, as many and in the same order.</param>
public sealed record AnnouncesAnswer(IReadOnlyList<byte[]> Answers);

public sealed record CatalogueAnswer(IReadOnlyList<CatalogueItem> Entries);

/// <param name="Version">Of the newest list; 0: none.</param>
/// <param name="List">Null: there is none newer than the one asked about.</param>
/// <param name="AskAgainIn">Seconds.</param>
/// <param name="IsChallenged">Somebody asks the member whether it has what it claims (/v1/challenges).</param>
public sealed record RevocationAnswer(long Version, byte[]? List, int AskAgainIn, bool IsChallenged = false);

// By metadata alone: the writer that is generated besides makes "" of bytes that are null, which is no "there is none".
[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true
)]
[JsonSerializable(typeof(HubProblem))]
[JsonSerializable(typeof(AuthorityAnswer))]
[JsonSerializable(typeof(JoinRequest))]
[JsonSerializable(typeof(RenewRequest))]
[JsonSerializable(typeof(MembershipAnswer))]
[JsonSerializable(typeof(NewInvitations))]
[JsonSerializable(typeof(InvitationPage))]
[JsonSerializable(typeof(NewMembers))]
[JsonSerializable(typeof(IssuedCertificates))]
[JsonSerializable(typeof(MemberPage))]
[JsonSerializable(typeof(RevokeRequest))]
[JsonSerializable(typeof(RevokeAnswer))]
[JsonSerializable(typeof(AnnouncesRequest))]
[JsonSerializable(typeof(AnnouncesAnswer))]
[JsonSerializable(typeof(KnownRevocations))]
[JsonSerializable(typeof(LeaveRequest))]
[JsonSerializable(typeof(LeaveAnswer))]
[JsonSerializable(typeof(PublishRequest))]
[JsonSerializable(typeof(RoleRequest))]
[JsonSerializable(typeof(MemberInfo))]
[JsonSerializable(typeof(PeersAnswer))]
[JsonSerializable(typeof(CatalogueAnswer))]
[JsonSerializable(typeof(RevocationAnswer))]
internal sealed partial class HubJson : JsonSerializerContext;

/// <summary>Roles as the contract writes them.</summary>
public static class RoleNames
{
    private static readonly string[] Names = ["member", "publisher", "administrator"];

    public static string Of(Membership.MemberRole role) => Names[(int)role];

    public static bool TryParse(string? text, out Membership.MemberRole role)
    {
        var index = Array.IndexOf(Names, text);
        role = (Membership.MemberRole)Math.Max(index, 0);
        return index >= 0;
    }
}
