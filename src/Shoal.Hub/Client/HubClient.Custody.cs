using Shoal.Membership;
using Shoal.Protocol;

namespace Shoal.Hub;

// Receipts and challenges.
public sealed partial class HubClient
{
    /// <summary>Gives a receipt; the same again changes nothing.</summary>
    /// <param name="receipt">As it was signed.</param>
    /// <param name="agreed">What the member agreed to have kept of it.</param>
    /// <param name="cancellation">Gives up.</param>
    public Task GiveReceiptAsync(byte[] receipt, ReceiptRetention agreed, CancellationToken cancellation) =>
        DoAsync(
            HttpMethod.Post,
            "/v1/receipts",
            new ReceiptRequest(receipt, RetentionNames.Of(agreed)),
            CustodyJson.Default.ReceiptRequest,
            cancellation
        );

    /// <summary>What the hub has of us.</summary>
    public Task<OwnReceipts> ReadOwnReceiptsAsync(CancellationToken cancellation) =>
        AskAsync("/v1/receipts", CustodyJson.Default.OwnReceipts, cancellation);

    /// <summary>The hub forgets all that we ever said.</summary>
    public Task ForgetReceiptsAsync(CancellationToken cancellation) =>
        DoAsync<object>(HttpMethod.Delete, "/v1/receipts", null, null, cancellation);

    public Task<CustodyFigures> ReadCustodyAsync(EntryId id, long version, CancellationToken cancellation) =>
        AskAsync(Invariant($"/v1/catalogue/{id}/{version}/custody"), CustodyJson.Default.CustodyFigures, cancellation);

    /// <summary>What each member that agreed said last; a page.</summary>
    public Task<CustodyClaims> ListClaimsAsync(
        EntryId id,
        long version,
        string? after,
        CancellationToken cancellation
    ) =>
        AskAsync(
            Invariant($"/v1/catalogue/{id}/{version}/claims") + After(after),
            CustodyJson.Default.CustodyClaims,
            cancellation
        );

    public Task ChallengeAsync(byte[] challenge, CancellationToken cancellation) =>
        DoAsync(
            HttpMethod.Post,
            "/v1/challenges",
            new ChallengeRequest(challenge),
            CustodyJson.Default.ChallengeRequest,
            cancellation
        );

    /// <summary>How far a challenge is that we made; once its answer was read the hub forgets it.</summary>
    public Task<ChallengeState> ReadChallengeAsync(Sha256Digest id, CancellationToken cancellation) =>
        AskAsync($"/v1/challenges/{id}", CustodyJson.Default.ChallengeState, cancellation);

    /// <summary>Challenges that wait for us.</summary>
    /// <param name="id">Only those about this version of it; null: all.</param>
    public async Task<IReadOnlyList<byte[]>> FetchChallengesAsync(
        EntryId? id,
        long version,
        CancellationToken cancellation
    )
    {
        var path = "/v1/challenges" + (id is { } entry ? Invariant($"?entry={entry}&version={version}") : "");
        return (
            await AskAsync(path, CustodyJson.Default.ChallengesAnswer, cancellation).ConfigureAwait(false)
        ).Challenges;
    }

    public Task ReplyAsync(byte[] answer, CancellationToken cancellation) =>
        DoAsync(
            HttpMethod.Post,
            "/v1/challenges/reply",
            new ChallengeReply(answer),
            CustodyJson.Default.ChallengeReply,
            cancellation
        );
}
