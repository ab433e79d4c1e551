using System.Globalization;
using Microsoft.AspNetCore.Http;
using Shoal.Membership;

namespace Shoal.Hub;

/// <summary>Who is a member, for administrators; and who is none any more, for everybody.</summary>
internal sealed class MemberEndpoints(
    Gate gate,
    IHubStore store,
    RevocationBook revocations,
    ChallengeBook challenges,
    AuthorityCertificate authority,
    HubOptions options
)
{
    private const int PageSize = 1000;
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(50);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(20);

    /// <summary>
    /// How long who knows a newer list than we waits at most: another hub at the same database has made it, and we have it within some
    /// seconds; or our state went back, and the member can remind us.
    /// </summary>
    private static readonly TimeSpan Lag = TimeSpan.FromSeconds(10);

    private int _waiting;

    /// <summary>Requests that wait for the next list.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    public async Task ListAsync(HttpContext context)
    {
        gate.Enter(context, MemberRole.Administrator);
        MemberId? after = context.Request.Query["after"].ToString() is { Length: > 0 } text
            ? MemberId.TryParse(text, out var id)
                ? id
                : throw new RefusedException(400, "bad-request", "'after' is no member")
            : null;
        var rows = await store.ListMembersAsync(after, PageSize, context.RequestAborted).ConfigureAwait(false);
        await Gate.WriteAsync(
                context,
                new MemberPage([.. rows.Select(InfoOf)], rows.Count == PageSize ? rows[^1].Id.ToString() : null),
                HubJson.Default.MemberPage
            )
            .ConfigureAwait(false);
    }

    public async Task RevokeAsync(HttpContext context)
    {
        gate.Enter(context, MemberRole.Administrator);
        var request = await Gate.ReadAsync(context, HubJson.Default.RevokeRequest, options.Limits.BatchLength)
            .ConfigureAwait(false);
        if (request.Members.Count is 0 || request.Members.Count > options.Limits.RevocationsAtOnce)
        {
            throw new RefusedException(
                400,
                "bad-request",
                $"one request revokes 1 to {options.Limits.RevocationsAtOnce} members"
            );
        }

        var members = new List<MemberId>();
        foreach (var text in request.Members)
        {
            if (
                !MemberId.TryParse(text, out var id)
                || await store.FindMemberAsync(id, context.RequestAborted).ConfigureAwait(false) is null
            )
            {
                throw new RefusedException(
                    404,
                    "member-unknown",
                    $"the hub knows no member '{text}'; nobody was revoked"
                );
            }

            members.Add(id);
        }

        if (request.WithInvited)
        {
            await AddInvitedAsync(members, context.RequestAborted).ConfigureAwait(false);
        }

        var result = await revocations
            .RevokeAsync(members, MembershipLimits.Default.MaxRevoked, context.RequestAborted)
            .ConfigureAwait(false);
        if (result.Outcome != RevokeOutcome.Revoked)
        {
            throw result.Outcome == RevokeOutcome.ListFull
                ? new RefusedException(
                    507,
                    "list-full",
                    $"a revocation list has at most {MembershipLimits.Default.MaxRevoked} entries; nobody was revoked"
                )
                : new RefusedException(
                    409,
                    "last-administrator",
                    "the publication would have no administrator any more; nobody was revoked"
                );
        }

        await Gate.WriteAsync(
                context,
                new RevokeAnswer(result.Version, [.. result.Members!.Select(member => member.ToString())]),
                HubJson.Default.RevokeAnswer
            )
            .ConfigureAwait(false);
    }

    /// <summary>
    /// The newest list, if the member knows an older one, and whether it is challenged; else waits for either
    /// (<c>?after=VERSION&amp;wait=SECONDS</c>), as long as not too many wait.
    /// </summary>
    public async Task RevocationsAsync(HttpContext context)
    {
        var caller = gate.Enter(context, MemberRole.Member);
        var after = Number(context, "after", 0, long.MaxValue);
        var wait = TimeSpan.FromSeconds(Number(context, "wait", 0, (long)LongestWait.TotalSeconds));
        if ((revocations.Current?.Version ?? 0) < after && wait > Lag)
        {
            wait = Lag;
        }

        var isCrowded = false;
        if (
            wait > TimeSpan.Zero
            && (revocations.Current?.Version ?? 0) <= after
            && !challenges.IsChallenged(caller.Member)
        )
        {
            isCrowded = Interlocked.Increment(ref _waiting) > options.Limits.Waiting;
            try
            {
                if (!isCrowded)
                {
                    await WaitAsync(caller.Member, after, wait, context.RequestAborted).ConfigureAwait(false);
                }
            }
            finally
            {
                Interlocked.Decrement(ref _waiting);
            }
        }

        var current = revocations.Current;
        await Gate.WriteAsync(
                context,
                new RevocationAnswer(
                    current?.Version ?? 0,
                    current?.Version > after ? current.Encoded.ToArray() : null,
                    isCrowded ? (int)Pause.TotalSeconds : 0,
                    challenges.IsChallenged(caller.Member)
                ),
                HubJson.Default.RevocationAnswer
            )
            .ConfigureAwait(false);
    }

    /// <summary>
    /// A member knows a newer list than we do, or one that names whom ours does not: our state went back. What the authority has
    /// signed once is said again; nothing else is taken.
    /// </summary>
    public async Task RecoverAsync(HttpContext context)
    {
        gate.Enter(context, MemberRole.Member);
        // Base64 makes three bytes four.
        var longest = MembershipLimits.Default.MaxListLength / 3 * 4 + options.Limits.RequestLength;
        var offered = await Gate.ReadAsync(context, HubJson.Default.KnownRevocations, longest).ConfigureAwait(false);
        if (!RevocationList.TryRead(offered.List, authority, out var list, out var fault))
        {
            throw new RefusedException(400, "bad-list", $"this is no list of this authority ({fault})");
        }

        await revocations.RecoverAsync(list, context.RequestAborted).ConfigureAwait(false);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    /// <summary>For the next list or for a challenge, whichever comes first.</summary>
    private async Task WaitAsync(MemberId member, long after, TimeSpan wait, CancellationToken cancellation)
    {
        using var challenge = challenges.Wait(member);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var list = revocations.WaitAsync(after, wait, either.Token);
        await Task.WhenAny(list, challenge.WhenChallenged).ConfigureAwait(false);
        await either.CancelAsync().ConfigureAwait(false);
        try
        {
            await list.ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // There was a challenge first.
        }
    }

    private async Task AddInvitedAsync(List<MemberId> members, CancellationToken cancellation)
    {
        var all = new List<MemberRow>();
        for (MemberId? after = null; ; after = all[^1].Id)
        {
            var page = await store.ListMembersAsync(after, PageSize, cancellation).ConfigureAwait(false);
            all.AddRange(page);
            if (page.Count < PageSize)
            {
                break;
            }
        }

        var chosen = members.ToHashSet();
        for (var before = 0; before != chosen.Count; )
        {
            before = chosen.Count;
            chosen.UnionWith(all.Where(row => chosen.Contains(row.InvitedBy)).Select(row => row.Id));
        }

        members.AddRange(chosen.Except(members).ToList());
    }

    private static long Number(HttpContext context, string name, long min, long max) =>
        context.Request.Query[name].ToString() is not { Length: > 0 } text ? min
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= min
            ? Math.Min(value, max)
        : throw new RefusedException(400, "bad-request", $"'{name}' is no number");

    public static MemberInfo InfoOf(MemberRow row) =>
        new(
            row.Id.ToString(),
            row.Name,
            RoleNames.Of(row.Role),
            row.Joined.ToUnixTimeSeconds(),
            row.Invitation?.ToString(),
            row.InvitedBy.ToString(),
            row.RevokedAt?.ToUnixTimeSeconds()
        );
}
