using System.Text.Json.Serialization;

namespace Shoal.Cli;

/// <summary>The lines of --json of the commands about receipts and copies. Nothing in them needs a special encoder.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ReceiptsLine))]
[JsonSerializable(typeof(ReceiptLine))]
[JsonSerializable(typeof(AnsweredLine))]
[JsonSerializable(typeof(KeptLine))]
[JsonSerializable(typeof(CustodyLine))]
[JsonSerializable(typeof(ClaimLine))]
[JsonSerializable(typeof(ChallengeLine))]
internal sealed partial class CustodyJsonOutput : JsonSerializerContext;

/// <param name="Agreed">What this member agreed to have kept: sums or signed; null: it gives no receipts.</param>
/// <param name="HubKeeps">none, sums or signed; null: the hub does not answer.</param>
internal sealed record ReceiptsLine(string Publication, string Member, string? Agreed, string? HubKeeps)
    : JsonLine("receipts");

/// <summary>What the hub has of this member.</summary>
/// <param name="Signed">With its name, as it signed it.</param>
internal sealed record KeptLine(
    string Entry,
    long Version,
    long FromOrigin,
    long FromMembers,
    bool Complete,
    bool Signed
) : JsonLine("kept");

/// <param name="Since">Seconds since 1970.</param>
internal sealed record ReceiptLine(
    string Entry,
    long Version,
    long Number,
    long Since,
    long Until,
    bool Complete,
    long Bytes,
    IReadOnlyList<SenderObject> Senders
) : JsonLine("receipt");

internal sealed record SenderObject(string Member, long Bytes);

internal sealed record AnsweredLine(string Entry, long Version, long At, string Challenger, int Blocks, bool Complete)
    : JsonLine("answered");

/// <param name="Kept">What the hub keeps: none, sums or signed.</param>
/// <param name="Verified">The hub's sums are those of receipts whose signatures are good.</param>
/// <param name="Copies">Members that say that they have all of it.</param>
/// <param name="Proven">Of these, whose last challenge was answered rightly.</param>
/// <param name="Failed">Of these, whose last challenge was answered wrongly.</param>
internal sealed record CustodyLine(
    string Id,
    long Version,
    string Title,
    long Size,
    string Kept,
    bool Verified,
    long Receivers,
    long FromOrigin,
    long FromMembers,
    long Copies,
    long Proven,
    long Failed,
    int OnlineComplete,
    int OnlineIncomplete
) : JsonLine("custody");

/// <param name="Verdict">Of the last challenge: proven, wrong or missing; null: there was none.</param>
internal sealed record ClaimLine(
    string Member,
    bool Complete,
    bool Revoked,
    long FromOrigin,
    long FromMembers,
    IReadOnlyList<SenderObject> Senders,
    string? Verdict,
    long? JudgedAt
) : JsonLine("claim");

/// <param name="Verdict">proven, wrong, missing, invalid, no-answer or not-asked.</param>
/// <param name="Milliseconds">From fetching the question to its answer, by the hub's clock.</param>
internal sealed record ChallengeLine(string Member, string Verdict, int Blocks, long? Milliseconds)
    : JsonLine("challenge");
