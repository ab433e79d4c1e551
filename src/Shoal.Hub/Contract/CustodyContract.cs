using System.Text.Json.Serialization;
using Shoal.Membership;

namespace Shoal.Hub;

// Receipts and challenges, in JSON, as docs/formats/receipts.md describes them.

/// <param name="Receipt">Signed by the member that brings it.</param>
/// <param name="Agreed">What the member agreed to have kept: a hub that keeps more does not take it.</param>
public sealed record ReceiptRequest(byte[] Receipt, string Agreed);

/// <summary>What the hub has of the member that asks.</summary>
/// <param name="Kept">What it keeps of receipts: none, sums or signed.</param>
public sealed record OwnReceipts(string Kept, IReadOnlyList<OwnReceipt> Receipts)
{
    /// <summary>It has all that this says, and what it keeps of such: to say it again would change nothing.</summary>
    public bool Has(ReceiptFields fields)
    {
        ArgumentNullException.ThrowIfNull(fields);
        return Receipts.Any(one =>
            one.Entry == fields.Content.Entry.ToString()
            && one.Version == fields.Content.Version
            && one.Complete == fields.IsComplete
            && one.FromOrigin + one.FromMembers == fields.Total
            && (one.Signed || Kept != RetentionNames.Of(ReceiptRetention.Signed))
        );
    }
}

/// <param name="Signed">The receipt itself is kept, with the member's name.</param>
public sealed record OwnReceipt(
    string Entry,
    long Version,
    long FromOrigin,
    long FromMembers,
    bool Complete,
    bool Signed
);

/// <summary>What members that agreed say of one content, all of them together.</summary>
/// <param name="Kept">What the hub keeps of receipts: none, sums or signed.</param>
/// <param name="Receivers">Members that sent receipts.</param>
/// <param name="FromOrigin">Bytes that they got from the content's publisher.</param>
/// <param name="FromMembers">Bytes that they got from others.</param>
/// <param name="Copies">Of these members, who say that they have all of it and are not revoked.</param>
/// <param name="OnlineComplete">Members, agreed or not, that announce all of it at the moment.</param>
/// <param name="OnlineIncomplete">Members that announce a part of it at the moment.</param>
public sealed record CustodyFigures(
    string Kept,
    long Receivers,
    long FromOrigin,
    long FromMembers,
    long Copies,
    int OnlineComplete,
    int OnlineIncomplete
);

/// <param name="Receipt">As it was signed.</param>
/// <param name="Revoked">The member is none any more.</param>
public sealed record CustodyClaim(string Member, bool Revoked, byte[] Receipt);

/// <param name="Next">Ask on from behind this one; null: that was all.</param>
public sealed record CustodyClaims(IReadOnlyList<CustodyClaim> Claims, string? Next);

/// <param name="Challenge">Signed by who asks.</param>
public sealed record ChallengeRequest(byte[] Challenge);

public sealed record ChallengesAnswer(IReadOnlyList<byte[]> Challenges);

/// <param name="Answer">Signed by who was asked.</param>
public sealed record ChallengeReply(byte[] Answer);

/// <param name="State">waiting: nobody has fetched it; fetched; answered.</param>
/// <param name="Answer">Only when answered; the hub has forgotten it then.</param>
/// <param name="Milliseconds">From fetching to answering, by the hub's clock.</param>
public sealed record ChallengeState(string State, byte[]? Answer, long? Milliseconds);

// By metadata alone: the writer that is generated besides makes "" of bytes that are null, which is no "there is none".
[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true
)]
[JsonSerializable(typeof(ReceiptRequest))]
[JsonSerializable(typeof(OwnReceipts))]
[JsonSerializable(typeof(CustodyFigures))]
[JsonSerializable(typeof(CustodyClaims))]
[JsonSerializable(typeof(ChallengeRequest))]
[JsonSerializable(typeof(ChallengesAnswer))]
[JsonSerializable(typeof(ChallengeReply))]
[JsonSerializable(typeof(ChallengeState))]
internal sealed partial class CustodyJson : JsonSerializerContext;
