using Shoal.Membership;

namespace Shoal.Hub;

/// <summary>
/// Everything that a hub remembers. Each method is one transaction: when it returns, what it did survives a power cut; when
/// it throws, nothing was done. Safe from any thread, and from several hubs on one database: nothing is cached here.
/// </summary>
/// <remarks>
/// One contract, tested against every implementation (HubStoreContract in the tests). Times are stored in whole seconds.
/// </remarks>
internal interface IHubStore : IAsyncDisposable
{
    /// <summary>Adds all invitations and members or, when one id is taken or it is more than granted, none.</summary>
    /// <param name="charge">Whose they are, and what it may do.</param>
    /// <param name="invitations">Links.</param>
    /// <param name="members">Who needs none.</param>
    /// <param name="now">When.</param>
    /// <param name="cancellation">Gives up.</param>
    Task<InviteOutcome> InviteAsync(
        InviteCharge charge,
        IReadOnlyList<InvitationRow> invitations,
        IReadOnlyList<MemberRow> members,
        DateTimeOffset now,
        CancellationToken cancellation
    );

    Task<InvitationRow?> FindInvitationAsync(InvitationId id, CancellationToken cancellation);

    /// <summary>In the order of their making, from behind <paramref name="after"/> on; null: from the first.</summary>
    Task<IReadOnlyList<InvitationRow>> ListInvitationsAsync(
        InvitationId? after,
        int limit,
        CancellationToken cancellation
    );

    /// <summary>
    /// How many people an administrator has invited, by links (each for as many as it lets in; what is over counts by who came)
    /// and without. An administrator among them counts with all whom it may invite itself, and so does what it granted by changes of roles.
    /// </summary>
    Task<long> CountInvitedAsync(MemberId madeBy, DateTimeOffset now, CancellationToken cancellation);

    /// <summary>Nobody redeems it any more; who did stays a member. Doing it again changes nothing.</summary>
    /// <returns>Whether it is there.</returns>
    Task<bool> RevokeInvitationAsync(InvitationId id, CancellationToken cancellation);

    /// <summary>
    /// Counts a use and notes the member, both or neither. The same key with the same invitation is the same use, however
    /// often and at whichever hub it comes: the member that it became is returned, and nothing is counted.
    /// </summary>
    Task<Redemption> RedeemAsync(
        InvitationId id,
        MemberRow newcomer,
        DateTimeOffset now,
        CancellationToken cancellation
    );

    /// <summary>Notes a member that was invited without a link (the administrator of the first start, files).</summary>
    /// <returns>False: that id is taken.</returns>
    Task<bool> AddMembersAsync(IReadOnlyList<MemberRow> members, CancellationToken cancellation);

    /// <summary>The member's key is another one now, if it was <paramref name="before"/>; or is that other one already.</summary>
    /// <returns>False: it is neither, and stays as it is.</returns>
    Task<bool> ReplaceKeyAsync(MemberId id, byte[] before, byte[] next, CancellationToken cancellation);

    Task<MemberRow?> FindMemberAsync(MemberId id, CancellationToken cancellation);

    /// <summary>In the order of their joining, from behind <paramref name="after"/> on; null: from the first.</summary>
    Task<IReadOnlyList<MemberRow>> ListMembersAsync(MemberId? after, int limit, CancellationToken cancellation);

    /// <summary>
    /// Gives a member another role and other quotas. What the new quota is more than the old one is charged to the administrator and
    /// never given back; invitations of an administrator who may do less now are taken back.
    /// </summary>
    /// <param name="change">Whose, and which.</param>
    /// <param name="charge">Who changes it, and what he may do.</param>
    /// <param name="now">When.</param>
    /// <param name="cancellation">Gives up.</param>
    Task<RoleOutcome> ChangeRoleAsync(
        RoleChange change,
        InviteCharge charge,
        DateTimeOffset now,
        CancellationToken cancellation
    );

    /// <summary>The roles of all members whose role was ever changed.</summary>
    Task<IReadOnlyDictionary<MemberId, MemberRole>> ListChangedRolesAsync(CancellationToken cancellation);

    /// <summary>The current revocation list; null: none was ever made.</summary>
    Task<StoredRevocations?> ReadRevocationsAsync(CancellationToken cancellation);

    /// <summary>Puts the next list in place of the one it was made from, marks the members, and takes back their invitations.</summary>
    /// <param name="previous">The number of the list that it was made from; 0: none.</param>
    /// <param name="next">What takes its place.</param>
    /// <param name="members">Who is revoked by it.</param>
    /// <param name="needsAdministrator">Nothing is done if nobody could invite or shut out any more.</param>
    /// <param name="now">When.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Unless it was replaced nothing was done.</returns>
    Task<ReplaceOutcome> ReplaceRevocationsAsync(
        long previous,
        StoredRevocations next,
        IReadOnlyCollection<MemberId> members,
        bool needsAdministrator,
        DateTimeOffset now,
        CancellationToken cancellation
    );

    /// <summary>Adds a version of something published.</summary>
    /// <param name="row">What.</param>
    /// <param name="publishLimit">Bytes that all entries of this publisher may have together; null: no limit.</param>
    /// <param name="cancellation">Gives up.</param>
    Task<CatalogueOutcome> PublishAsync(CatalogueRow row, long? publishLimit, CancellationToken cancellation);

    /// <summary>All versions of everything, the newest first; without the torrents themselves.</summary>
    Task<IReadOnlyList<CatalogueRow>> ListCatalogueAsync(CancellationToken cancellation);

    /// <summary>The torrent of an entry.</summary>
    Task<byte[]?> ReadTorrentAsync(EntryId id, long version, CancellationToken cancellation);

    /// <returns>Whether it was there.</returns>
    Task<bool> WithdrawAsync(EntryId id, long version, CancellationToken cancellation);
}
