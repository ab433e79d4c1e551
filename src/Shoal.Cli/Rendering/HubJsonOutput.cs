using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Shoal.Cli;

/// <summary>The lines of --json of the commands about hubs and members.</summary>
internal static class HubJsonOutput
{
    public static HubJsonOutputContext Context { get; } =
        new(
            new JsonSerializerOptions(HubJsonOutputContext.Default.Options)
            {
                Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            }
        );
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(HubLine))]
[JsonSerializable(typeof(OwnHubLine))]
[JsonSerializable(typeof(HubStatsLine))]
[JsonSerializable(typeof(InvitedLine))]
[JsonSerializable(typeof(InvitedOfflineLine))]
[JsonSerializable(typeof(InvitationLine))]
[JsonSerializable(typeof(ImportedLine))]
[JsonSerializable(typeof(JoinedLine))]
[JsonSerializable(typeof(EntryLine))]
[JsonSerializable(typeof(EntryPublishedLine))]
[JsonSerializable(typeof(MemberLine))]
[JsonSerializable(typeof(RevokedLine))]
internal sealed partial class HubJsonOutputContext : JsonSerializerContext;

/// <param name="Metrics">Where Prometheus is answered; null: nowhere.</param>
internal sealed record HubLine(string Url, string Publication, IReadOnlyList<string> Addresses, string? Metrics)
    : JsonLine("listening");

/// <summary>A hub that runs in the process of another command.</summary>
internal sealed record OwnHubLine(string Url, string Publication) : JsonLine("hub");

internal sealed record HubStatsLine(int Members, int Entries, long RevocationVersion, long Announces)
    : JsonLine("stats");

/// <param name="Link">As good as a key.</param>
/// <param name="Expires">Seconds since 1970.</param>
internal sealed record InvitedLine(string Id, string Name, string Role, long Expires, int Uses, string Link)
    : JsonLine("invited");

/// <param name="Member">Whom the file makes a member, to be shut out by.</param>
/// <param name="Passphrase">Null: the one that was given.</param>
internal sealed record InvitedOfflineLine(
    string Member,
    string Name,
    string Role,
    long Expires,
    string File,
    string? Passphrase
) : JsonLine("invited-offline");

internal sealed record InvitationLine(
    string Id,
    string Name,
    string Role,
    long Made,
    long Expires,
    int Uses,
    int Used,
    bool Revoked
) : JsonLine("invitation");

internal sealed record ImportedLine(int Invitations, string File) : JsonLine("imported");

/// <param name="Until">When the certificate has to be renewed at the latest; seconds since 1970.</param>
internal sealed record JoinedLine(string Publication, string Hub, string Member, string Role, long Until)
    : JsonLine("joined");

internal sealed record EntryLine(
    string Id,
    long Version,
    string VersionName,
    string Title,
    long Size,
    string Licence,
    string Citation,
    string? InfoHashV1,
    string? InfoHashV2,
    string Publisher,
    long Published,
    int Complete,
    int Incomplete
) : JsonLine("entry");

internal sealed record EntryPublishedLine(
    string Id,
    long Version,
    string Title,
    long Size,
    string? InfoHashV1,
    string? InfoHashV2
) : JsonLine("entry-published");

internal sealed record MemberLine(
    string Id,
    string Name,
    string Role,
    long Joined,
    string? Invitation,
    string InvitedBy,
    long? RevokedAt
) : JsonLine("member");

internal sealed record RevokedLine(long Version, IReadOnlyList<string> Members) : JsonLine("revoked");
