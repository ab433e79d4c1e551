using Shoal.Membership;

namespace Shoal.Hub;

/// <summary>What a receiver said last of one content.</summary>
/// <param name="Tag">See <see cref="ReceiptTags"/>.</param>
/// <param name="Number">Of the receipt.</param>
/// <param name="Signed">The receipt itself and who signed it; null: its sums only.</param>
internal sealed record ReceiptRow(
    EntryId Entry,
    long Version,
    UInt128 Tag,
    long Number,
    long FromOrigin,
    long FromMembers,
    bool IsComplete,
    SignedRow? Signed
);

internal sealed record SignedRow(MemberId Member, byte[] Receipt);

internal enum ReceiptOutcome
{
    Taken,

    /// <summary>It is the one that is there.</summary>
    Repeated,

    /// <summary>A later one, or another of the same number, is there.</summary>
    Old,
}

/// <param name="Receivers">Members that gave receipts.</param>
/// <param name="Complete">The tags of those who have all of it.</param>
internal sealed record ReceiptSums(long Receivers, long FromOrigin, long FromMembers, IReadOnlyList<UInt128> Complete);

/// <param name="Id">SHA-256 of the challenge.</param>
/// <param name="Fetched">When the member fetched it; null: not yet.</param>
/// <param name="Answer">Null: not answered.</param>
internal sealed record ChallengeRow(
    byte[] Id,
    MemberId Challenger,
    MemberId Member,
    EntryId Entry,
    long Version,
    byte[] Challenge,
    DateTimeOffset Expires,
    DateTimeOffset? Fetched,
    byte[]? Answer,
    DateTimeOffset? Answered
);

/// <summary>
/// What a hub remembers of receipts, and challenges on their way. As <see cref="IHubStore"/> in everything else. Times of challenges are
/// in milliseconds.
/// </summary>
internal interface ICustodyStore
{
    /// <summary>Puts a receipt in the place of the member's former one, if its number is higher.</summary>
    Task<ReceiptOutcome> TakeReceiptAsync(ReceiptRow row, CancellationToken cancellation);

    /// <summary>All that one member said last.</summary>
    Task<IReadOnlyList<ReceiptRow>> ListOwnReceiptsAsync(UInt128 tag, CancellationToken cancellation);

    /// <summary>Deletes everything that the member ever said, and challenges that wait for it.</summary>
    Task ForgetReceiptsAsync(UInt128 tag, MemberId member, CancellationToken cancellation);

    /// <summary>Deletes what is not to be kept any more.</summary>
    Task KeepAsync(ReceiptRetention retention, CancellationToken cancellation);

    Task<ReceiptSums> SumReceiptsAsync(EntryId entry, long version, CancellationToken cancellation);

    /// <summary>Signed ones, in the order of the members' ids, from behind <paramref name="after"/> on; with whether each is revoked.</summary>
    Task<IReadOnlyList<(SignedRow Row, bool IsRevoked)>> ListReceiptsAsync(
        EntryId entry,
        long version,
        MemberId? after,
        int limit,
        CancellationToken cancellation
    );

    /// <summary>Whether this member has signed that it has all of it, and is not revoked.</summary>
    Task<bool> ClaimsCopyAsync(EntryId entry, long version, MemberId member, CancellationToken cancellation);

    /// <summary>How many of these are or were members.</summary>
    Task<int> CountMembersAsync(IReadOnlyCollection<MemberId> members, CancellationToken cancellation);

    /// <returns>False: that challenge is there already.</returns>
    Task<bool> AddChallengeAsync(ChallengeRow row, CancellationToken cancellation);

    /// <summary>The open challenges of a member, and marks them as fetched.</summary>
    /// <param name="entry">Only those about this version of it; null: all.</param>
    Task<IReadOnlyList<byte[]>> FetchChallengesAsync(
        MemberId member,
        EntryId? entry,
        long version,
        DateTimeOffset now,
        CancellationToken cancellation
    );

    /// <returns>False: there is no such challenge that this member has fetched and not answered.</returns>
    Task<bool> AnswerChallengeAsync(
        byte[] id,
        MemberId member,
        byte[] answer,
        DateTimeOffset now,
        CancellationToken cancellation
    );

    /// <summary>A challenge of this challenger; deletes it once it is answered.</summary>
    Task<ChallengeRow?> CollectChallengeAsync(byte[] id, MemberId challenger, CancellationToken cancellation);

    /// <summary>Whom challenges wait for that were not fetched yet.</summary>
    Task<IReadOnlyList<MemberId>> ListChallengedAsync(DateTimeOffset now, CancellationToken cancellation);

    /// <summary>Deletes challenges that ended.</summary>
    Task ExpireChallengesAsync(DateTimeOffset now, CancellationToken cancellation);
}
