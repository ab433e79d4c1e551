using Microsoft.AspNetCore.Http;
using Shoal.Membership;

namespace Shoal.Hub;

/// <summary>Administrators change the roles of others: within their own rights, and never of whom they have theirs from.</summary>
internal sealed class RoleEndpoints(Gate gate, IHubStore store, RoleBook roles, HubOptions options)
{
    /// <summary>Invitations from one member up to the first administrator; longer chains are nobody's.</summary>
    private const int MaxChain = 1000;

    public async Task ChangeAsync(HttpContext context)
    {
        var caller = gate.Enter(context, MemberRole.Administrator);
        var request = await Gate.ReadAsync(context, HubJson.Default.RoleRequest, options.Limits.RequestLength)
            .ConfigureAwait(false);
        var stop = context.RequestAborted;
        if (
            !RoleNames.TryParse(request.Role, out var role)
            || !GrantRules.AreQuotas(request.PublishBytes, request.Invitations)
        )
        {
            throw new RefusedException(400, "bad-request", $"that is no role, or {GrantRules.NoQuotas}");
        }

        if (
            !MemberId.TryParse(context.Request.RouteValues["id"] as string, out var id)
            || await store.FindMemberAsync(id, stop).ConfigureAwait(false) is not { RevokedAt: null } member
        )
        {
            throw new RefusedException(404, "member-unknown", "the hub knows no such member, or it was shut out");
        }

        var mine = (await store.FindMemberAsync(caller.Member, stop).ConfigureAwait(false))?.Quota ?? default;
        await CheckStandingAsync(caller.Member, member, mine, stop).ConfigureAwait(false);
        var change = new RoleChange(id, role, new MemberQuota(request.PublishBytes, request.Invitations));
        if (GrantRules.Fault(mine, change.Role, change.Quota) is { } fault)
        {
            throw new RefusedException(403, "beyond-own-rights", fault);
        }

        var charge = new InviteCharge(caller.Member, mine.Invitations);
        var now = options.Time.GetUtcNow();
        var outcome = await store.ChangeRoleAsync(change, charge, now, stop).ConfigureAwait(false);
        await roles.RefreshAsync(CancellationToken.None).ConfigureAwait(false);
        if (outcome != RoleOutcome.Changed)
        {
            throw outcome switch
            {
                RoleOutcome.QuotaExceeded => new RefusedException(
                    403,
                    "quota-exceeded",
                    $"you may invite {charge.Limit} people in all, with all whom those may invite; nothing was changed"
                ),
                RoleOutcome.NotAllowed => new RefusedException(403, "role-needed", "you are no administrator any more"),
                _ => new RefusedException(404, "member-unknown", "the hub knows no such member, or it was shut out"),
            };
        }

        await Gate.WriteAsync(context, MemberEndpoints.InfoOf(member with { Role = role }), HubJson.Default.MemberInfo)
            .ConfigureAwait(false);
    }

    /// <summary>Nobody changes himself, nor whom he came by; who has limits changes only whom he has let in, and those let in.</summary>
    private async Task CheckStandingAsync(
        MemberId caller,
        MemberRow member,
        MemberQuota mine,
        CancellationToken cancellation
    )
    {
        if (member.Id == caller)
        {
            throw new RefusedException(403, "own-role", "nobody changes his own role: ask another administrator");
        }

        var isLimited = mine.PublishBytes is not null || mine.Invitations is not null;
        if (
            await CameByAsync(caller, member.Id, cancellation).ConfigureAwait(false)
            || (isLimited && !await CameByAsync(member.Id, caller, cancellation).ConfigureAwait(false))
        )
        {
            throw new RefusedException(
                403,
                "not-yours",
                isLimited
                    ? "you may change the role of those only who came by you, or by whom you let in"
                    : "you came by this administrator, or by whom he let in: his role is not yours to change"
            );
        }
    }

    private async Task<bool> CameByAsync(MemberId member, MemberId by, CancellationToken cancellation)
    {
        for (var step = 0; step < MaxChain; step++)
        {
            var row = await store.FindMemberAsync(member, cancellation).ConfigureAwait(false);
            if (row is null || row.InvitedBy == member)
            {
                return false;
            }

            if (row.InvitedBy == by)
            {
                return true;
            }

            member = row.InvitedBy;
        }

        return false;
    }
}
