using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Shoal.Membership;

namespace Shoal.Hub;

/// <summary>
/// A member ends its membership. Whose it is says the certificate of the connection and nothing else, so nobody can end
/// another's; the revocation list says it to all others.
/// </summary>
internal sealed class LeaveEndpoint(
    Gate gate,
    IHubStore store,
    RevocationBook revocations,
    CatalogueBook catalogue,
    HubOptions options
)
{
    private readonly Lock _lock = new();

    /// <summary>All members together: each that goes is another list for everybody.</summary>
    private readonly MemberRates _leaves = new(options.Limits.LeavesAtOnce, TimeSpan.FromMinutes(5));

    public async Task LeaveAsync(HttpContext context)
    {
        var caller = gate.Enter(context, MemberRole.Member);
        var request = await Gate.ReadAsync(context, HubJson.Default.LeaveRequest, options.Limits.RequestLength)
            .ConfigureAwait(false);
        await CheckKeyAsync(caller, context.RequestAborted).ConfigureAwait(false);
        var published = catalogue.Lines.Where(line => line.Row.Publisher == caller.Member).ToList();
        if (published.Count > 0 && !request.WithPublished)
        {
            throw new RefusedException(
                409,
                "has-published",
                $"the catalogue has {published.Count} of yours, which would leave it with you; you are still a member"
            );
        }

        CountLeave();
        // From here on to the end, also when the caller hangs up.
        var result = await revocations
            .RevokeAsync([caller.Member], options.Limits.RevokedWithLeaves, CancellationToken.None)
            .ConfigureAwait(false);
        if (result.Outcome != RevokeOutcome.Revoked)
        {
            throw result.Outcome == RevokeOutcome.NoAdministrator
                ? new RefusedException(
                    409,
                    "last-administrator",
                    "you are the only administrator: nobody could invite or shut out any more; you are still a member"
                )
                : new RefusedException(
                    507,
                    "list-full",
                    "the list of former members has no room for who leaves; an administrator can shut you out"
                );
        }

        foreach (var line in published)
        {
            await store.WithdrawAsync(line.Row.Id, line.Row.Version, CancellationToken.None).ConfigureAwait(false);
        }

        if (published.Count > 0)
        {
            await catalogue.RefreshAsync(CancellationToken.None).ConfigureAwait(false);
        }

        await Gate.WriteAsync(context, new LeaveAnswer(result.Version), HubJson.Default.LeaveAnswer)
            .ConfigureAwait(false);
    }

    /// <summary>
    /// The key of a file is that of whoever has the file, until the invited has put his own in its place: it ends nothing from
    /// then on, though its certificate is good until it ends.
    /// </summary>
    private async Task CheckKeyAsync(Caller caller, CancellationToken cancellation)
    {
        var member =
            await store.FindMemberAsync(caller.Member, cancellation).ConfigureAwait(false)
            ?? throw new RefusedException(403, "not-a-member", "the hub does not know this member");
        if (member.Invitation is null && !SHA256.HashData(caller.PublicKey.Span).AsSpan().SequenceEqual(member.KeyHash))
        {
            throw new RefusedException(
                409,
                "key-replaced",
                "this membership was taken over with another key, and only who has that ends it"
            );
        }
    }

    private void CountLeave()
    {
        lock (_lock)
        {
            if (!_leaves.TryTake(default, gate.Now))
            {
                throw new RefusedException(429, "too-many-leaves", "many leave at the moment: try again")
                {
                    RetryAfter = TimeSpan.FromSeconds(10),
                };
            }
        }
    }
}
