using Microsoft.AspNetCore.Http;
using Shoal.Membership;

namespace Shoal.Hub;

/// <summary>Takes receipts of members that agreed, and passes challenges and answers on.</summary>
internal sealed class CustodyEndpoints(
    Gate gate,
    ICustodyStore store,
    CatalogueBook catalogue,
    ChallengeBook challenges,
    ReceiptTags tags,
    MembershipVerifier verifier,
    RevocationBook revocations,
    MemberTracker tracker,
    HubOptions options
)
{
    private const int PageSize = 1000;
    private readonly Lock _lock = new();
    private readonly MemberRates _receipts = new(options.Limits.ReceiptsPerMember, TimeSpan.FromHours(1));
    private readonly MemberRates _challenged = new(CustodyLimits.AnswersPerHour, TimeSpan.FromHours(1));

    public async Task TakeReceiptAsync(HttpContext context)
    {
        var caller = gate.Enter(context, MemberRole.Member);
        if (options.Receipts == ReceiptRetention.None)
        {
            throw new RefusedException(403, "receipts-off", "this hub takes no receipts");
        }

        Count(_receipts, caller.Member, "too many receipts from this member");
        var request = await Gate.ReadAsync(context, CustodyJson.Default.ReceiptRequest, LongestReceipt)
            .ConfigureAwait(false);
        if (!RetentionNames.TryParse(request.Agreed, out var agreed) || agreed < options.Receipts)
        {
            throw new RefusedException(
                403,
                "not-agreed",
                $"this hub keeps {RetentionNames.Of(options.Receipts)} of receipts, to which this member has not agreed"
            );
        }

        var (receipt, line) = ReadReceipt(request.Receipt, caller);
        var fields = receipt.Fields;
        var senders = fields.Senders.Select(share => share.Sender).ToList();
        if (await store.CountMembersAsync(senders, context.RequestAborted).ConfigureAwait(false) != senders.Count)
        {
            throw new RefusedException(400, "bad-receipt", "a sender is no member");
        }

        var fromOrigin = fields.From(line.Entry.Publisher);
        var row = new ReceiptRow(
            fields.Content.Entry,
            fields.Content.Version,
            tags.Of(caller.Member),
            fields.Number,
            fromOrigin,
            fields.Total - fromOrigin,
            fields.IsComplete,
            options.Receipts == ReceiptRetention.Signed ? new SignedRow(caller.Member, request.Receipt) : null
        );
        if (await store.TakeReceiptAsync(row, context.RequestAborted).ConfigureAwait(false) == ReceiptOutcome.Old)
        {
            throw new RefusedException(409, "old-receipt", "a later receipt of this member is known");
        }

        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    /// <summary>What is kept here of the member that asks.</summary>
    public async Task OwnReceiptsAsync(HttpContext context)
    {
        var caller = gate.Enter(context, MemberRole.Member);
        var rows = await store
            .ListOwnReceiptsAsync(tags.Of(caller.Member), context.RequestAborted)
            .ConfigureAwait(false);
        var own = rows.Select(row => new OwnReceipt(
            row.Entry.ToString(),
            row.Version,
            row.FromOrigin,
            row.FromMembers,
            row.IsComplete,
            row.Signed is not null
        ));
        await Gate.WriteAsync(
                context,
                new OwnReceipts(RetentionNames.Of(options.Receipts), [.. own]),
                CustodyJson.Default.OwnReceipts
            )
            .ConfigureAwait(false);
    }

    /// <summary>A member that does not agree any more takes back what it said.</summary>
    public async Task ForgetReceiptsAsync(HttpContext context)
    {
        var caller = gate.Enter(context, MemberRole.Member);
        await store
            .ForgetReceiptsAsync(tags.Of(caller.Member), caller.Member, context.RequestAborted)
            .ConfigureAwait(false);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    public async Task FiguresAsync(HttpContext context)
    {
        var line = EnterAsKeeper(context);
        var (id, version) = (line.Row.Id, line.Row.Version);
        var sums = await store.SumReceiptsAsync(id, version, context.RequestAborted).ConfigureAwait(false);
        var revoked = tags.Of(revocations.Current);
        var (complete, incomplete) = tracker.Count(line.Entry.Fields.InfoHashes);
        var figures = new CustodyFigures(
            RetentionNames.Of(options.Receipts),
            sums.Receivers,
            sums.FromOrigin,
            sums.FromMembers,
            sums.Complete.Count(tag => !revoked.Contains(tag)),
            complete,
            incomplete
        );
        await Gate.WriteAsync(context, figures, CustodyJson.Default.CustodyFigures).ConfigureAwait(false);
    }

    /// <summary>What each member signed, in pages; where no more than sums are kept there is nothing to tell.</summary>
    public async Task ClaimsAsync(HttpContext context)
    {
        var line = EnterAsKeeper(context);
        NeedSigned();
        MemberId? after =
            context.Request.Query["after"].ToString() is not { Length: > 0 } text ? null
            : MemberId.TryParse(text, out var read) ? read
            : throw new RefusedException(400, "bad-request", "'after' is no member");
        var rows = await store
            .ListReceiptsAsync(line.Row.Id, line.Row.Version, after, PageSize, context.RequestAborted)
            .ConfigureAwait(false);
        var claims = rows.Select(one => new CustodyClaim(one.Row.Member.ToString(), one.IsRevoked, one.Row.Receipt));
        var next = rows.Count == PageSize ? rows[^1].Row.Member.ToString() : null;
        await Gate.WriteAsync(context, new CustodyClaims([.. claims], next), CustodyJson.Default.CustodyClaims)
            .ConfigureAwait(false);
    }

    /// <summary>Lays a challenge down for a member that claims a copy.</summary>
    public async Task ChallengeAsync(HttpContext context)
    {
        var caller = gate.Enter(context, MemberRole.Publisher);
        NeedSigned();
        var request = await Gate.ReadAsync(context, CustodyJson.Default.ChallengeRequest, options.Limits.RequestLength)
            .ConfigureAwait(false);
        var now = options.Time.GetUtcNow();
        var challenge = ReadChallenge(request.Challenge, caller, now);
        var (member, content) = (challenge.Fields.Member, challenge.Fields.Content);
        if (
            !await store
                .ClaimsCopyAsync(content.Entry, content.Version, member, context.RequestAborted)
                .ConfigureAwait(false)
        )
        {
            throw new RefusedException(404, "no-such-copy", $"'{member}' does not claim to have all of it");
        }

        Count(_challenged, member, "this member was challenged often enough for now");
        var row = new ChallengeRow(
            challenge.Id.ToArray(),
            caller.Member,
            member,
            content.Entry,
            content.Version,
            request.Challenge,
            // By our clock, whatever the challenger's says.
            now + (challenge.Fields.Expires - challenge.Fields.Made),
            null,
            null,
            null
        );
        await store.AddChallengeAsync(row, context.RequestAborted).ConfigureAwait(false);
        await challenges.RefreshAsync(CancellationToken.None).ConfigureAwait(false);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    /// <summary>What waits for the caller, about one content (<c>?entry=ID&amp;version=N</c>) or all.</summary>
    public async Task ChallengesAsync(HttpContext context)
    {
        var caller = gate.Enter(context, MemberRole.Member);
        var entry = context.Request.Query["entry"].ToString();
        (EntryId Id, long Version)? about =
            entry.Length == 0 ? null : CatalogueEndpoints.ReadName(entry, context.Request.Query["version"].ToString());
        var open = await store
            .FetchChallengesAsync(
                caller.Member,
                about?.Id,
                about?.Version ?? 0,
                options.Time.GetUtcNow(),
                context.RequestAborted
            )
            .ConfigureAwait(false);
        await challenges.RefreshAsync(CancellationToken.None).ConfigureAwait(false);
        await Gate.WriteAsync(context, new ChallengesAnswer(open), CustodyJson.Default.ChallengesAnswer)
            .ConfigureAwait(false);
    }

    /// <summary>Whether an answer is right only who asked can tell; here it is passed on.</summary>
    public async Task ReplyAsync(HttpContext context)
    {
        var caller = gate.Enter(context, MemberRole.Member);
        var request = await Gate.ReadAsync(context, CustodyJson.Default.ChallengeReply, options.Limits.RequestLength)
            .ConfigureAwait(false);
        if (
            CustodyAnswer.ChallengeOf(request.Answer) is not { } id
            || !await store
                .AnswerChallengeAsync(
                    id.ToArray(),
                    caller.Member,
                    request.Answer,
                    options.Time.GetUtcNow(),
                    context.RequestAborted
                )
                .ConfigureAwait(false)
        )
        {
            throw NoChallenge();
        }

        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    /// <summary>How far a challenge of the caller is.</summary>
    public async Task StateAsync(HttpContext context)
    {
        var caller = gate.Enter(context, MemberRole.Publisher);
        var row =
            context.Request.RouteValues["id"] is string { Length: 64 } text && text.All(char.IsAsciiHexDigit)
                ? await store
                    .CollectChallengeAsync(Convert.FromHexString(text), caller.Member, context.RequestAborted)
                    .ConfigureAwait(false)
                : null;
        var state = row switch
        {
            null => throw NoChallenge(),
            { Answer: not null } => "answered",
            { Fetched: not null } => "fetched",
            _ => "waiting",
        };
        var took = row.Answered - row.Fetched;
        await Gate.WriteAsync(
                context,
                new ChallengeState(state, row.Answer, (long?)took?.TotalMilliseconds),
                CustodyJson.Default.ChallengeState
            )
            .ConfigureAwait(false);
    }

    // Base64 makes three bytes four.
    private static int LongestReceipt => CustodyLimits.MaxReceiptLength / 3 * 4 + 1024;

    private (TransferReceipt Receipt, CatalogueLine Line) ReadReceipt(byte[] encoded, Caller caller)
    {
        if (!TransferReceipt.TryRead(encoded, verifier, revocations.Current, out var receipt, out var fault))
        {
            throw new RefusedException(400, "bad-receipt", $"the receipt is not good ({fault})");
        }

        if (receipt.Receiver != caller.Member)
        {
            throw new RefusedException(403, "not-yours", "another member has signed that receipt");
        }

        var line = Find(receipt.Fields.Content);
        if ((receipt.Fields.Until - options.Time.GetUtcNow()).Duration() > CustodyLimits.MaxSkew)
        {
            throw new RefusedException(
                400,
                "bad-receipt",
                "the receipt was not signed today: does this machine's clock go right?"
            );
        }

        return receipt.WhatIsWrong(line.Row.Size) is { } wrong
            ? throw new RefusedException(400, "bad-receipt", $"the receipt cannot be true: {wrong}")
            : (receipt, line);
    }

    private CustodyChallenge ReadChallenge(byte[] encoded, Caller caller, DateTimeOffset now)
    {
        if (!CustodyChallenge.TryRead(encoded, verifier, revocations.Current, out var challenge, out var fault))
        {
            throw new RefusedException(400, "bad-challenge", $"the challenge is not good ({fault})");
        }

        var line = Find(challenge.Fields.Content);
        if (
            challenge.Challenger.Member != caller.Member
            || !CustodyChallenge.MayAsk(caller.Member, caller.Role, line.Entry.Publisher)
        )
        {
            throw new RefusedException(403, "not-yours", "only its publisher and administrators ask about an entry");
        }

        return (challenge.Fields.Made - now).Duration() <= CustodyLimits.MaxSkew
            ? challenge
            : throw new RefusedException(400, "bad-challenge", "the challenge was not made today");
    }

    private CatalogueLine Find(ReceiptContent content) =>
        catalogue.Lines.FirstOrDefault(line =>
            line.Row.Id == content.Entry
            && line.Row.Version == content.Version
            && line.Entry.Fields.Torrent.Equals(content.Torrent)
        ) ?? throw CatalogueEndpoints.NoEntry();

    /// <summary>The entry that the path names, for who may know of its copies.</summary>
    private CatalogueLine EnterAsKeeper(HttpContext context)
    {
        var caller = gate.Enter(context, MemberRole.Publisher);
        var (id, version) = CatalogueEndpoints.ReadName(
            context.Request.RouteValues["id"] as string,
            context.Request.RouteValues["version"] as string
        );
        var line =
            catalogue.Lines.FirstOrDefault(line => line.Row.Id == id && line.Row.Version == version)
            ?? throw CatalogueEndpoints.NoEntry();
        return CustodyChallenge.MayAsk(caller.Member, caller.Role, line.Entry.Publisher)
            ? line
            : throw new RefusedException(403, "not-yours", "another publisher has that entry");
    }

    private void NeedSigned()
    {
        if (options.Receipts != ReceiptRetention.Signed)
        {
            throw new RefusedException(
                409,
                "sums-only",
                $"this hub keeps {RetentionNames.Of(options.Receipts)} of receipts, so it does not know who has a copy; "
                    + "its operator can change that: 'shoal hub --receipts signed'"
            );
        }
    }

    private void Count(MemberRates rates, MemberId member, string message)
    {
        lock (_lock)
        {
            if (!rates.TryTake(member, gate.Now))
            {
                throw new RefusedException(429, "too-many-requests", message) { RetryAfter = TimeSpan.FromMinutes(10) };
            }
        }
    }

    private static RefusedException NoChallenge() =>
        new(404, "challenge-unknown", "there is no such challenge, or it has ended");
}
