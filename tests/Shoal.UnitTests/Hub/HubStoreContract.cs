using System.Security.Cryptography;
using Shoal.Hub;
using Shoal.Membership;

namespace Shoal.UnitTests;

/// <summary>What every store must do, whatever is under it. The same for SQLite here and for PostgreSQL in the interop tests.</summary>
internal static class HubStoreContract
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public static async Task HoldsAsync(IHubStore store)
    {
        await InvitationsAreAddedAllOrNoneAsync(store);
        await ListsComeInPagesAsync(store);
        await AUseIsCountedOnceAsync(store);
        await AKeyIsReplacedByWhoHasItAsync(store);
        await WhatIsOverIsNotRedeemedAsync(store);
        await ManyAtOnceDoNotUseMoreThanThereIsAsync(store);
        await TheSameKeyAtOnceIsOneUseAsync(store);
        await RevocationsReplaceWhatTheyWereMadeFromAsync(store);
        await OfAdministratorsThatGoAtOnceOneStaysAsync(store);
        await NobodyInvitesMoreThanHeMayAsync(store);
        await RolesChangeWithinWhatIsGrantedAsync(store);
        await TheCatalogueKeepsVersionsAsync(store);
        await ManyInvitationsTakeSecondsAsync(store);
    }

    public static InvitationRow Invitation(int uses = 1, DateTimeOffset? expires = null) =>
        new(
            new InvitationId(RandomNumberGenerator.GetBytes(InvitationId.Size)),
            RandomNumberGenerator.GetBytes(32),
            "Zoë O'Neill; DROP TABLE members --",
            MemberRole.Publisher,
            new MemberQuota(1L << 40, null),
            Now,
            expires ?? Now.AddDays(7),
            uses,
            0,
            Member(),
            false
        );

    public static MemberRow Newcomer() =>
        new(
            Member(),
            null,
            RandomNumberGenerator.GetBytes(32),
            "Zoë",
            MemberRole.Member,
            new MemberQuota(null, 12),
            Member(),
            Now,
            null
        );

    /// <summary>Without anybody's limit.</summary>
    public static async Task<bool> AddInvitationsAsync(
        this IHubStore store,
        IReadOnlyList<InvitationRow> rows,
        CancellationToken cancellation
    ) =>
        await store.InviteAsync(new InviteCharge(rows[0].MadeBy, null), rows, [], Now, cancellation)
        == InviteOutcome.Invited;

    private static MemberId Member() => new(RandomNumberGenerator.GetBytes(MemberId.Size));

    private static async Task InvitationsAreAddedAllOrNoneAsync(IHubStore store)
    {
        var first = Invitation();
        Assert.True(await store.AddInvitationsAsync([first], default));
        var others = Enumerable.Range(0, 1200).Select(_ => Invitation()).ToList();
        Assert.False(await store.AddInvitationsAsync([.. others, first], default));
        Assert.Null(await store.FindInvitationAsync(others[0].Id, default));
        Assert.True(await store.AddInvitationsAsync(others, default));
        var found = await store.FindInvitationAsync(first.Id, default);
        Assert.Equal(first with { SecretHash = found!.SecretHash }, found);
        Assert.Equal(first.SecretHash, found.SecretHash);
        Assert.Equal(1, await store.CountInvitedAsync(first.MadeBy, Now, default));
        Assert.Equal(0, await store.CountInvitedAsync(Member(), Now, default));
        Assert.True(await store.RevokeInvitationAsync(first.Id, default));
        Assert.True(await store.RevokeInvitationAsync(first.Id, default));
        Assert.False(await store.RevokeInvitationAsync(Invitation().Id, default));
        Assert.True((await store.FindInvitationAsync(first.Id, default))!.IsRevoked);
    }

    private static async Task ListsComeInPagesAsync(IHubStore store)
    {
        var seen = new HashSet<InvitationId>();
        for (InvitationId? after = null; ; )
        {
            var page = await store.ListInvitationsAsync(after, 500, default);
            Assert.All(page, row => Assert.True(seen.Add(row.Id)));
            if (page.Count < 500)
            {
                break;
            }

            after = page[^1].Id;
        }

        Assert.True(seen.Count >= 1201);
        var members = Enumerable.Range(0, 5).Select(_ => Newcomer()).ToList();
        Assert.True(await store.AddMembersAsync(members, default));
        Assert.False(await store.AddMembersAsync([Newcomer(), members[0]], default));
        var rest = await store.ListMembersAsync(members[2].Id, 100, default);
        Assert.Equal(members.Skip(3).Select(row => row.Id), rest.Select(row => row.Id));
    }

    private static async Task RolesChangeWithinWhatIsGrantedAsync(IHubStore store)
    {
        var admin = Newcomer() with { Role = MemberRole.Administrator };
        var other = Newcomer();
        var many = Enumerable.Range(0, 12).Select(_ => Newcomer()).ToList();
        await store.AddMembersAsync([admin, other, .. many], default);
        Task<RoleOutcome> Change(MemberId by, MemberId whom, MemberRole role, long? people) =>
            store.ChangeRoleAsync(
                new RoleChange(whom, role, new MemberQuota(null, people)),
                new InviteCharge(by, 10),
                Now,
                default
            );
        Assert.Equal(RoleOutcome.NotAllowed, await Change(other.Id, many[0].Id, MemberRole.Publisher, null));
        Assert.Equal(RoleOutcome.Unknown, await Change(admin.Id, Member(), MemberRole.Publisher, null));
        Assert.Equal(RoleOutcome.QuotaExceeded, await Change(admin.Id, other.Id, MemberRole.Administrator, 11));
        Assert.Equal(other.Role, (await store.FindMemberAsync(other.Id, default))!.Role);
        // However many at once.
        var outcomes = await Task.WhenAll(
            many.Select(one => Change(admin.Id, one.Id, MemberRole.Administrator, 3)).ToList()
        );
        Assert.Equal(3, outcomes.Count(outcome => outcome == RoleOutcome.Changed));
        Assert.Equal(9, outcomes.Count(outcome => outcome == RoleOutcome.QuotaExceeded));
        Assert.Equal(9, await store.CountInvitedAsync(admin.Id, Now, default));
        var roles = await store.ListChangedRolesAsync(default);
        Assert.Equal(3, many.Count(one => roles.GetValueOrDefault(one.Id) == MemberRole.Administrator));
        // Who is an administrator by it has that quota, and who is made one no more keeps what he paid for.
        var (first, _) = many.Zip(outcomes).First(one => one.Second == RoleOutcome.Changed);
        var changed = (await store.FindMemberAsync(first.Id, default))!;
        Assert.Equal((MemberRole.Administrator, new MemberQuota(null, 3)), (changed.Role, changed.Quota));
        var link = Invitation() with { MadeBy = first.Id };
        Assert.True(await store.AddInvitationsAsync([link], default));
        Assert.Equal(RoleOutcome.Changed, await Change(admin.Id, first.Id, MemberRole.Member, null));
        Assert.True((await store.FindInvitationAsync(link.Id, default))!.IsRevoked);
        Assert.Equal(9, await store.CountInvitedAsync(admin.Id, Now, default));
        Assert.Equal(MemberRole.Member, (await store.ListChangedRolesAsync(default))[first.Id]);
    }

    private static async Task NobodyInvitesMoreThanHeMayAsync(IHubStore store)
    {
        var admin = Newcomer();
        await store.AddMembersAsync([admin], default);
        InvitationRow By(int uses, MemberRole role = MemberRole.Member, long? people = null) =>
            Invitation(uses) with
            {
                MadeBy = admin.Id,
                Role = role,
                Quota = new MemberQuota(null, people),
            };
        Task<InviteOutcome> Invite(long limit, params InvitationRow[] rows) =>
            store.InviteAsync(new InviteCharge(admin.Id, limit), rows, [], Now, default);

        // A link counts for as many as it lets in, and an administrator with all whom it may invite.
        Assert.Equal(InviteOutcome.QuotaExceeded, await Invite(10, By(11)));
        Assert.Equal(InviteOutcome.Invited, await Invite(10, By(4)));
        Assert.Equal(InviteOutcome.QuotaExceeded, await Invite(10, By(1, MemberRole.Administrator, 6)));
        Assert.Equal(InviteOutcome.Invited, await Invite(10, By(1, MemberRole.Administrator, 4)));
        Assert.Equal(9, await store.CountInvitedAsync(admin.Id, Now, default));
        MemberRow[] files = [.. Enumerable.Range(0, 2).Select(_ => Newcomer() with { InvitedBy = admin.Id })];
        var charge = new InviteCharge(admin.Id, 10);
        Assert.Equal(InviteOutcome.QuotaExceeded, await store.InviteAsync(charge, [], files, Now, default));
        Assert.Null(await store.FindMemberAsync(files[0].Id, default));
        Assert.Equal(InviteOutcome.Invited, await store.InviteAsync(charge, [], files[..1], Now, default));
        // What is over counts by who came.
        Assert.Equal(1, await store.CountInvitedAsync(admin.Id, Now.AddDays(8), default));

        // However many ask at the same time.
        var busy = Newcomer();
        await store.AddMembersAsync([busy], default);
        var outcomes = await Task.WhenAll(
            Enumerable
                .Range(0, 12)
                .Select(_ =>
                    store.InviteAsync(
                        new InviteCharge(busy.Id, 5),
                        [Invitation() with { MadeBy = busy.Id, Role = MemberRole.Member }],
                        [],
                        Now,
                        default
                    )
                )
        );
        Assert.Equal(5, outcomes.Count(outcome => outcome == InviteOutcome.Invited));

        // Who is revoked invites nobody, and his links are taken back.
        var list = await store.ReadRevocationsAsync(default);
        var next = new StoredRevocations((list?.Number ?? 0) + 1, [1]);
        Assert.Equal(
            ReplaceOutcome.Replaced,
            await store.ReplaceRevocationsAsync(list?.Number ?? 0, next, [busy.Id], true, Now, default)
        );
        Assert.Equal(
            InviteOutcome.NotAMember,
            await store.InviteAsync(
                new InviteCharge(busy.Id, null),
                [Invitation() with { MadeBy = busy.Id }],
                [],
                Now,
                default
            )
        );
        Assert.Equal(0, await store.CountInvitedAsync(busy.Id, Now, default));
    }

    private static async Task AKeyIsReplacedByWhoHasItAsync(IHubStore store)
    {
        var member = Newcomer();
        await store.AddMembersAsync([member], default);
        byte[] Key() => RandomNumberGenerator.GetBytes(32);
        var (first, second) = (Key(), Key());
        Assert.True(await store.ReplaceKeyAsync(member.Id, member.KeyHash, first, default));
        Assert.True(await store.ReplaceKeyAsync(member.Id, member.KeyHash, first, default));
        Assert.False(await store.ReplaceKeyAsync(member.Id, member.KeyHash, second, default));
        Assert.True(await store.ReplaceKeyAsync(member.Id, first, second, default));
        Assert.Equal(second, (await store.FindMemberAsync(member.Id, default))!.KeyHash);
        Assert.False(await store.ReplaceKeyAsync(Member(), second, first, default));
    }

    private static async Task AUseIsCountedOnceAsync(IHubStore store)
    {
        var row = Invitation(uses: 2);
        await store.AddInvitationsAsync([row], default);
        var (ada, ben, eve) = (Newcomer(), Newcomer(), Newcomer());
        var joined = await store.RedeemAsync(row.Id, ada, Now, default);
        Assert.Equal(RedemptionOutcome.Joined, joined.Outcome);
        Assert.Equal(ada.Id, joined.Member!.Id);

        // The answer got lost: the same key comes again, with another member id that the hub drew for it.
        var again = await store.RedeemAsync(row.Id, ada with { Id = Member() }, Now, default);
        Assert.Equal(RedemptionOutcome.Repeated, again.Outcome);
        Assert.Equal(ada.Id, again.Member!.Id);
        Assert.Equal(1, (await store.FindInvitationAsync(row.Id, default))!.Used);
        Assert.Equal(RedemptionOutcome.Joined, (await store.RedeemAsync(row.Id, ben, Now, default)).Outcome);
        Assert.Equal(RedemptionOutcome.UsedUp, (await store.RedeemAsync(row.Id, eve, Now, default)).Outcome);
        // Who is in stays in, though it is used up and over.
        var late = await store.RedeemAsync(row.Id, ben, Now.AddYears(1), default);
        Assert.Equal(RedemptionOutcome.Repeated, late.Outcome);
        Assert.Null(await store.FindMemberAsync(eve.Id, default));
        var member = await store.FindMemberAsync(ben.Id, default);
        Assert.Equal(row.Id, member!.Invitation);
        Assert.Equal(ben.KeyHash, member.KeyHash);
        Assert.Equal(ben with { Invitation = row.Id, KeyHash = member.KeyHash }, member);
    }

    private static async Task WhatIsOverIsNotRedeemedAsync(IHubStore store)
    {
        var (expired, revoked) = (Invitation(expires: Now), Invitation());
        await store.AddInvitationsAsync([expired, revoked], default);
        await store.RevokeInvitationAsync(revoked.Id, default);
        Assert.Equal(
            RedemptionOutcome.Expired,
            (await store.RedeemAsync(expired.Id, Newcomer(), Now, default)).Outcome
        );
        Assert.Equal(
            RedemptionOutcome.Revoked,
            (await store.RedeemAsync(revoked.Id, Newcomer(), Now, default)).Outcome
        );
        Assert.Equal(
            RedemptionOutcome.Unknown,
            (await store.RedeemAsync(Invitation().Id, Newcomer(), Now, default)).Outcome
        );
    }

    private static async Task ManyAtOnceDoNotUseMoreThanThereIsAsync(IHubStore store)
    {
        var row = Invitation(uses: 7);
        await store.AddInvitationsAsync([row], default);
        var outcomes = await Task.WhenAll(
            Enumerable.Range(0, 40).Select(_ => Task.Run(() => store.RedeemAsync(row.Id, Newcomer(), Now, default)))
        );
        Assert.Equal(7, outcomes.Count(outcome => outcome.Outcome == RedemptionOutcome.Joined));
        Assert.Equal(33, outcomes.Count(outcome => outcome.Outcome == RedemptionOutcome.UsedUp));
        Assert.Equal(7, (await store.FindInvitationAsync(row.Id, default))!.Used);
    }

    private static async Task TheSameKeyAtOnceIsOneUseAsync(IHubStore store)
    {
        var row = Invitation(uses: 20);
        await store.AddInvitationsAsync([row], default);
        var ada = Newcomer();
        var outcomes = await Task.WhenAll(
            Enumerable
                .Range(0, 20)
                .Select(_ => Task.Run(() => store.RedeemAsync(row.Id, ada with { Id = Member() }, Now, default)))
        );
        Assert.Single(outcomes, outcome => outcome.Outcome == RedemptionOutcome.Joined);
        Assert.Equal(19, outcomes.Count(outcome => outcome.Outcome == RedemptionOutcome.Repeated));
        Assert.Single(outcomes.Select(outcome => outcome.Member!.Id).Distinct());
        Assert.Equal(1, (await store.FindInvitationAsync(row.Id, default))!.Used);
    }

    private static async Task RevocationsReplaceWhatTheyWereMadeFromAsync(IHubStore store)
    {
        Assert.Null(await store.ReadRevocationsAsync(default));
        var member = Newcomer();
        await store.AddMembersAsync([member], default);
        Task<ReplaceOutcome> Replace(long previous, StoredRevocations next, params MemberId[] members) =>
            store.ReplaceRevocationsAsync(previous, next, members, true, Now, default);
        Assert.Equal(ReplaceOutcome.Superseded, await Replace(1, new(2, [2]), member.Id));
        Assert.Equal(ReplaceOutcome.Replaced, await Replace(0, new(1, [1])));
        Assert.Equal(ReplaceOutcome.Superseded, await Replace(0, new(1, [9]), member.Id));
        Assert.Null((await store.FindMemberAsync(member.Id, default))!.RevokedAt);
        Assert.Equal(ReplaceOutcome.Replaced, await Replace(1, new(2, [2, 2]), member.Id));
        Assert.Equal(Now, (await store.FindMemberAsync(member.Id, default))!.RevokedAt);
        var list = await store.ReadRevocationsAsync(default);
        Assert.Equal(2, list!.Number);
        Assert.Equal([2, 2], list.List);
    }

    private static async Task OfAdministratorsThatGoAtOnceOneStaysAsync(IHubStore store)
    {
        var all = Enumerable.Range(0, 6).Select(_ => Newcomer() with { Role = MemberRole.Administrator }).ToList();
        await store.AddMembersAsync(all, default);
        async Task<ReplaceOutcome> GoAsync(MemberRow who)
        {
            while (true)
            {
                var number = (await store.ReadRevocationsAsync(default))?.Number ?? 0;
                var next = new StoredRevocations(number + 1, [1]);
                var outcome = await store.ReplaceRevocationsAsync(number, next, [who.Id], true, Now, default);
                if (outcome != ReplaceOutcome.Superseded)
                {
                    return outcome;
                }
            }
        }

        var outcomes = await Task.WhenAll(all.Select(who => Task.Run(() => GoAsync(who))));
        Assert.Single(outcomes, outcome => outcome == ReplaceOutcome.NoAdministrator);
        var stays = all[Array.IndexOf(outcomes, ReplaceOutcome.NoAdministrator)];
        Assert.Null((await store.FindMemberAsync(stays.Id, default))!.RevokedAt);
        // What the authority said before is said again, whoever it is about.
        var current = await store.ReadRevocationsAsync(default);
        var last = new StoredRevocations(current!.Number + 7, [1]);
        Assert.Equal(
            ReplaceOutcome.Replaced,
            await store.ReplaceRevocationsAsync(current.Number, last, [stays.Id], false, Now, default)
        );
        // Who is none can go as before.
        var member = Newcomer();
        await store.AddMembersAsync([member], default);
        Assert.Equal(ReplaceOutcome.Replaced, await GoAsync(member));
    }

    private static async Task TheCatalogueKeepsVersionsAsync(IHubStore store)
    {
        var id = new EntryId(RandomNumberGenerator.GetBytes(EntryId.Size));
        var row = new CatalogueRow(id, 3, Member(), 1000, Now, [1, 2], [3, 4]);
        Assert.Equal(CatalogueOutcome.Published, await store.PublishAsync(row, 1000, default));
        Assert.Equal(CatalogueOutcome.VersionTaken, await store.PublishAsync(row, null, default));
        Assert.Equal(CatalogueOutcome.VersionTaken, await store.PublishAsync(row with { Version = 2 }, null, default));
        Assert.Equal(
            CatalogueOutcome.NotYours,
            await store.PublishAsync(row with { Version = 4, Publisher = Member() }, null, default)
        );
        Assert.Equal(
            CatalogueOutcome.QuotaExceeded,
            await store.PublishAsync(row with { Version = 4, Size = 1 }, 1000, default)
        );
        Assert.Equal(CatalogueOutcome.Published, await store.PublishAsync(row with { Version = 4 }, 2000, default));
        var listed = (await store.ListCatalogueAsync(default)).Where(line => line.Id == id).ToList();
        Assert.Equal([4, 3], listed.Select(line => line.Version));
        Assert.Equal([1, 2], listed[0].Entry);
        Assert.Empty(listed[0].Torrent);
        Assert.Equal([3, 4], await store.ReadTorrentAsync(id, 3, default));
        Assert.Null(await store.ReadTorrentAsync(id, 5, default));
        Assert.True(await store.WithdrawAsync(id, 3, default));
        Assert.False(await store.WithdrawAsync(id, 3, default));
        Assert.Null(await store.ReadTorrentAsync(id, 3, default));
    }

    private static async Task ManyInvitationsTakeSecondsAsync(IHubStore store)
    {
        var rows = Enumerable.Range(0, 10_000).Select(_ => Invitation()).ToList();
        using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        Assert.True(await store.AddInvitationsAsync(rows, soon.Token));
        Assert.False(soon.IsCancellationRequested);
        Assert.NotNull(await store.FindInvitationAsync(rows[^1].Id, default));
    }
}
