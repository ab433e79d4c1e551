using System.Security.Cryptography;
using Shoal.Hub;
using Shoal.Membership;

namespace Shoal.UnitTests;

/// <summary>What every store must do with receipts and challenges. As <see cref="HubStoreContract"/>.</summary>
internal static class CustodyStoreContract
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public static async Task HoldsAsync(SqlHubStore store)
    {
        await TheHighestNumberCountsAsync(store);
        await ManyReceiptsAtOnceLeaveTheHighestAsync(store);
        await SignedOnesComeInPagesAsync(store);
        await SendersAreCountedAsync(store);
        await ChallengesTakeOneWayAsync(store);
        await OneAnswerOfManyAtOnceCountsAsync(store);
        await WhatIsKeptCanBecomeLessAsync(store);
    }

    private static EntryId NewEntry() => new(RandomNumberGenerator.GetBytes(EntryId.Size));

    private static ReceiptRow Row(EntryId entry, long number = 1, UInt128? tag = null, SignedRow? signed = null) =>
        new(entry, 1, tag ?? NewEntry().Value, number, 10 * number, number, true, signed);

    private static async Task TheHighestNumberCountsAsync(SqlHubStore store)
    {
        var (entry, tag) = (NewEntry(), NewEntry().Value);
        Task<ReceiptOutcome> Take(ReceiptRow row) => store.TakeReceiptAsync(row, default);
        Assert.Equal(ReceiptOutcome.Taken, await Take(Row(entry, 5, tag)));
        Assert.Equal(ReceiptOutcome.Repeated, await Take(Row(entry, 5, tag)));
        Assert.Equal(ReceiptOutcome.Old, await Take(Row(entry, 4, tag)));
        Assert.Equal(ReceiptOutcome.Old, await Take(Row(entry, 5, tag) with { FromOrigin = 7 }));
        Assert.Equal(ReceiptOutcome.Taken, await Take(Row(entry, 6, tag) with { IsComplete = false }));
        Assert.Equal(ReceiptOutcome.Taken, await Take(Row(entry, 1)));
        Assert.Equal(ReceiptOutcome.Taken, await Take(Row(NewEntry(), 1, tag)));
        var sums = await store.SumReceiptsAsync(entry, 1, default);
        Assert.Equal((2, 70, 7, 1), (sums.Receivers, sums.FromOrigin, sums.FromMembers, sums.Complete.Count));
        Assert.DoesNotContain(tag, sums.Complete);
        Assert.Equal(0, (await store.SumReceiptsAsync(entry, 2, default)).Receivers);
        Assert.Equal(2, (await store.ListOwnReceiptsAsync(tag, default)).Count);
        await store.ForgetReceiptsAsync(tag, HubStoreContract.Newcomer().Id, default);
        Assert.Empty(await store.ListOwnReceiptsAsync(tag, default));
        Assert.Equal(1, (await store.SumReceiptsAsync(entry, 1, default)).Receivers);
        // Sums beyond 32 bits, and the largest tag.
        await Take(Row(entry, 1, UInt128.MaxValue) with { FromOrigin = 1L << 60 });
        Assert.Equal((1L << 60) + 10, (await store.SumReceiptsAsync(entry, 1, default)).FromOrigin);
        await store.WithdrawAsync(entry, 1, default);
        Assert.Equal(0, (await store.SumReceiptsAsync(entry, 1, default)).Receivers);
    }

    private static async Task ManyReceiptsAtOnceLeaveTheHighestAsync(SqlHubStore store)
    {
        var (entry, tag) = (NewEntry(), NewEntry().Value);
        await Task.WhenAll(
            Enumerable
                .Range(1, 20)
                .Select(number => Task.Run(() => store.TakeReceiptAsync(Row(entry, number, tag), default)))
        );
        Assert.Equal(20, Assert.Single(await store.ListOwnReceiptsAsync(tag, default)).Number);
    }

    private static async Task SignedOnesComeInPagesAsync(SqlHubStore store)
    {
        var entry = NewEntry();
        var members = Enumerable.Range(0, 5).Select(_ => HubStoreContract.Newcomer()).OrderBy(row => row.Id).ToList();
        await store.AddMembersAsync(members, default);
        foreach (var member in members)
        {
            await store.TakeReceiptAsync(Row(entry, signed: new SignedRow(member.Id, [1, 2])), default);
        }

        await store.TakeReceiptAsync(Row(entry), default);
        var first = await store.ListReceiptsAsync(entry, 1, null, 3, default);
        Assert.Equal(members.Take(3).Select(row => row.Id), first.Select(one => one.Row.Member));
        Assert.All(first, one => Assert.Equal([1, 2], one.Row.Receipt));
        var list = await store.ReadRevocationsAsync(default);
        var next = new StoredRevocations((list?.Number ?? 0) + 1, [1]);
        await store.ReplaceRevocationsAsync(list?.Number ?? 0, next, [members[4].Id], true, Now, default);
        var rest = await store.ListReceiptsAsync(entry, 1, first[^1].Row.Member, 3, default);
        Assert.Equal(
            [(members[3].Id, false), (members[4].Id, true)],
            rest.Select(one => (one.Row.Member, one.IsRevoked))
        );
        Assert.True(await store.ClaimsCopyAsync(entry, 1, members[0].Id, default));
        Assert.False(await store.ClaimsCopyAsync(entry, 1, members[4].Id, default));
        Assert.False(await store.ClaimsCopyAsync(entry, 2, members[0].Id, default));
    }

    private static async Task SendersAreCountedAsync(SqlHubStore store)
    {
        var members = Enumerable.Range(0, 1000).Select(_ => HubStoreContract.Newcomer()).ToList();
        await store.AddMembersAsync(members, default);
        var ids = members.Select(row => row.Id).ToList();
        Assert.Equal(1000, await store.CountMembersAsync(ids, default));
        Assert.Equal(1000, await store.CountMembersAsync([.. ids, HubStoreContract.Newcomer().Id, ids[0]], default));
        Assert.Equal(0, await store.CountMembersAsync([], default));
    }

    private static ChallengeRow NewChallenge(EntryId entry, MemberId member) =>
        new(
            RandomNumberGenerator.GetBytes(32),
            HubStoreContract.Newcomer().Id,
            member,
            entry,
            1,
            [7, 8],
            Now.AddMinutes(2),
            null,
            null,
            null
        );

    private static async Task ChallengesTakeOneWayAsync(SqlHubStore store)
    {
        var (entry, member) = (NewEntry(), HubStoreContract.Newcomer().Id);
        var row = NewChallenge(entry, member);
        Assert.True(await store.AddChallengeAsync(row, default));
        Assert.False(await store.AddChallengeAsync(row, default));
        Assert.Contains(member, await store.ListChallengedAsync(Now, default));
        Assert.DoesNotContain(member, await store.ListChallengedAsync(Now.AddMinutes(2), default));
        Assert.False(await store.AnswerChallengeAsync(row.Id, member, [1], Now, default));
        Assert.Empty(await store.FetchChallengesAsync(member, NewEntry(), 1, Now, default));
        Assert.Empty(await store.FetchChallengesAsync(member, entry, 1, Now.AddMinutes(2), default));
        Assert.Empty(await store.FetchChallengesAsync(row.Challenger, null, 0, Now, default));
        Assert.Empty(await store.FetchChallengesAsync(member, null, 0, Now.AddMinutes(2), default));
        Assert.Equal([7, 8], Assert.Single(await store.FetchChallengesAsync(member, entry, 1, Now, default)));
        Assert.Equal([7, 8], Assert.Single(await store.FetchChallengesAsync(member, null, 0, Now, default)));
        Assert.DoesNotContain(member, await store.ListChallengedAsync(Now, default));
        Assert.False(await store.AnswerChallengeAsync(row.Id, row.Challenger, [1], Now, default));
        Assert.False(await store.AnswerChallengeAsync(row.Id, member, [1], Now.AddMinutes(2), default));
        Assert.True(await store.AnswerChallengeAsync(row.Id, member, [1], Now.AddMilliseconds(250), default));
        Assert.Empty(await store.FetchChallengesAsync(member, entry, 1, Now, default));
        Assert.Null(await store.CollectChallengeAsync(row.Id, member, default));
        var collected = await store.CollectChallengeAsync(row.Id, row.Challenger, default);
        Assert.Equal([1], collected!.Answer);
        Assert.Equal(TimeSpan.FromMilliseconds(250), collected.Answered - collected.Fetched);
        Assert.Null(await store.CollectChallengeAsync(row.Id, row.Challenger, default));

        var over = NewChallenge(entry, member);
        await store.AddChallengeAsync(over, default);
        await store.ExpireChallengesAsync(Now.AddMinutes(2), default);
        Assert.Null(await store.CollectChallengeAsync(over.Id, over.Challenger, default));
    }

    private static async Task OneAnswerOfManyAtOnceCountsAsync(SqlHubStore store)
    {
        var (entry, member) = (NewEntry(), HubStoreContract.Newcomer().Id);
        var row = NewChallenge(entry, member);
        await store.AddChallengeAsync(row, default);
        await store.FetchChallengesAsync(member, entry, 1, Now, default);
        var outcomes = await Task.WhenAll(
            Enumerable
                .Range(0, 10)
                .Select(i => Task.Run(() => store.AnswerChallengeAsync(row.Id, member, [(byte)i], Now, default)))
        );
        Assert.Single(outcomes, taken => taken);
    }

    private static async Task WhatIsKeptCanBecomeLessAsync(SqlHubStore store)
    {
        var (entry, tag) = (NewEntry(), NewEntry().Value);
        var member = HubStoreContract.Newcomer();
        await store.AddMembersAsync([member], default);
        await store.TakeReceiptAsync(Row(entry, 1, tag, new SignedRow(member.Id, [1])), default);
        var challenge = NewChallenge(entry, member.Id);
        await store.AddChallengeAsync(challenge, default);
        await store.KeepAsync(ReceiptRetention.Signed, default);
        Assert.NotNull(Assert.Single(await store.ListOwnReceiptsAsync(tag, default)).Signed);
        await store.KeepAsync(ReceiptRetention.Sums, default);
        Assert.Null(Assert.Single(await store.ListOwnReceiptsAsync(tag, default)).Signed);
        Assert.Empty(await store.ListReceiptsAsync(entry, 1, null, 10, default));
        Assert.Null(await store.CollectChallengeAsync(challenge.Id, challenge.Challenger, default));
        Assert.Equal(1, (await store.SumReceiptsAsync(entry, 1, default)).Receivers);
        await store.KeepAsync(ReceiptRetention.None, default);
        Assert.Empty(await store.ListOwnReceiptsAsync(tag, default));
    }
}
