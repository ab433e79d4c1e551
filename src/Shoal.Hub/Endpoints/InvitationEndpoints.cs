using System.Globalization;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Shoal.Membership;

namespace Shoal.Hub;

/// <summary>How administrators invite.</summary>
internal sealed class InvitationEndpoints(Gate gate, IHubStore store, Issuer issuer, HubOptions options)
{
    private const int PageSize = 1000;

    /// <summary>All of them or none. The same batch again (an answer that got lost) is answered as the first time.</summary>
    public async Task CreateAsync(HttpContext context)
    {
        var caller = gate.Enter(context, MemberRole.Administrator);
        var request = await Gate.ReadAsync(context, HubJson.Default.NewInvitations, options.Limits.BatchLength)
            .ConfigureAwait(false);
        var now = options.Time.GetUtcNow();
        CheckCount(request.Invitations.Count, options.Limits.InvitationsAtOnce);
        var rows = request.Invitations.Select((one, at) => Read(one, at, caller.Member, now)).ToList();
        var quota = await QuotaOfAsync(caller.Member, context.RequestAborted).ConfigureAwait(false);
        foreach (var (at, row) in rows.Index())
        {
            CheckGrant(quota, row.Role, row.Quota, at);
        }

        var charge = new InviteCharge(caller.Member, quota.Invitations);
        var outcome = await store.InviteAsync(charge, rows, [], now, context.RequestAborted).ConfigureAwait(false);
        if (outcome != InviteOutcome.Taken || !await AreThereAsync(rows, context.RequestAborted).ConfigureAwait(false))
        {
            await CheckAsync(outcome, charge, now, context.RequestAborted).ConfigureAwait(false);
        }

        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    public async Task ListAsync(HttpContext context)
    {
        gate.Enter(context, MemberRole.Administrator);
        InvitationId? after = context.Request.Query["after"].ToString() is { Length: > 0 } text
            ? InvitationId.TryParse(text, out var id)
                ? id
                : throw new RefusedException(400, "bad-request", "'after' is no invitation")
            : null;
        var rows = await store.ListInvitationsAsync(after, PageSize, context.RequestAborted).ConfigureAwait(false);
        await Gate.WriteAsync(
                context,
                new InvitationPage([.. rows.Select(InfoOf)], rows.Count == PageSize ? rows[^1].Id.ToString() : null),
                HubJson.Default.InvitationPage
            )
            .ConfigureAwait(false);
    }

    public async Task RevokeAsync(HttpContext context)
    {
        gate.Enter(context, MemberRole.Administrator);
        if (
            !InvitationId.TryParse(context.Request.RouteValues["id"] as string, out var id)
            || !await store.RevokeInvitationAsync(id, context.RequestAborted).ConfigureAwait(false)
        )
        {
            throw new RefusedException(404, "invitation-unknown", "the hub knows no such invitation");
        }

        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    /// <summary>Certificates for files that need no hub: the keys were made by the administrator.</summary>
    public async Task IssueAsync(HttpContext context)
    {
        var caller = gate.Enter(context, MemberRole.Administrator);
        var request = await Gate.ReadAsync(context, HubJson.Default.NewMembers, options.Limits.BatchLength)
            .ConfigureAwait(false);
        CheckCount(request.Members.Count, options.Limits.CertificatesAtOnce);
        var mine = await QuotaOfAsync(caller.Member, context.RequestAborted).ConfigureAwait(false);
        var now = options.Time.GetUtcNow();
        var wishes = new List<IssueWish>(request.Members.Count);
        var rows = new List<MemberRow>(request.Members.Count);
        foreach (var (at, one) in request.Members.Index())
        {
            var role = ReadRole(one.Role, at);
            var name = ReadName(one.Name, at);
            var lifetime = DateTimeOffset.FromUnixTimeSeconds(Math.Clamp(one.NotAfter, 0, 253402300799)) - now;
            if (lifetime <= TimeSpan.Zero || lifetime > MaxFileLifetime)
            {
                throw BadRow(at, $"it shall be good until between now and in {MaxFileLifetime.Days} days");
            }

            var quota = ReadQuota(one.PublishBytes, one.Invitations, at);
            CheckGrant(mine, role, quota, at);
            var id = Issuer.NewMember();
            wishes.Add(new IssueWish(one.Request, id, role, lifetime));
            rows.Add(new MemberRow(id, null, [], name, role, quota, caller.Member, now, null));
        }

        var certificates = new List<byte[]>(wishes.Count);
        foreach (var (at, issued) in issuer.IssueMany(wishes).Index())
        {
            if (issued is null)
            {
                throw BadRow(at, "the request is not good");
            }

            certificates.Add(issued.Der);
            rows[at] = rows[at] with { KeyHash = issued.KeyHash };
        }

        var charge = new InviteCharge(caller.Member, mine.Invitations);
        var outcome = await store.InviteAsync(charge, [], rows, now, context.RequestAborted).ConfigureAwait(false);
        await CheckAsync(outcome, charge, now, context.RequestAborted).ConfigureAwait(false);
        await Gate.WriteAsync(context, new IssuedCertificates(certificates), HubJson.Default.IssuedCertificates)
            .ConfigureAwait(false);
    }

    private static TimeSpan MaxFileLifetime =>
        MembershipLimits.Default.MaxLifetime - MembershipLimits.Default.Backdating - TimeSpan.FromDays(1);

    private InvitationRow Read(NewInvitation one, int at, MemberId madeBy, DateTimeOffset now)
    {
        if (!InvitationId.TryParse(one.Id, out var id))
        {
            throw BadRow(at, "the id is none");
        }

        if (one.SecretHash.Length != SHA256.HashSizeInBytes)
        {
            throw BadRow(at, "the hash of the secret has not 32 bytes");
        }

        var lifetime = DateTimeOffset.FromUnixTimeSeconds(Math.Clamp(one.Expires, 0, 253402300799)) - now;
        if (lifetime <= TimeSpan.Zero || lifetime > options.Limits.InvitationLifetime)
        {
            throw BadRow(at, $"it shall expire between now and in {options.Limits.InvitationLifetime.Days} days");
        }

        if (one.Uses is < 1 or > HubLimits.MaxUses)
        {
            throw BadRow(at, $"uses are from 1 to {HubLimits.MaxUses}");
        }

        return new InvitationRow(
            id,
            one.SecretHash,
            ReadName(one.Name, at),
            ReadRole(one.Role, at),
            ReadQuota(one.PublishBytes, one.Invitations, at),
            now,
            DateTimeOffset.FromUnixTimeSeconds(one.Expires),
            one.Uses,
            0,
            madeBy,
            false
        );
    }

    private static string ReadName(string name, int at) =>
        name.Length > HubLimits.MaxName ? throw BadRow(at, $"the name has more than {HubLimits.MaxName} characters")
        : name.Any(char.IsControl) || !IsWellFormed(name) ? throw BadRow(at, "the name has control characters")
        : name;

    // PostgreSQL takes neither NUL nor half a surrogate pair.
    private static bool IsWellFormed(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsSurrogate(text[i]) && (i + 1 >= text.Length || !char.IsSurrogatePair(text[i], text[++i])))
            {
                return false;
            }
        }

        return true;
    }

    private static MemberRole ReadRole(string role, int at) =>
        RoleNames.TryParse(role, out var read)
            ? read
            : throw BadRow(at, "the role is not member, publisher or administrator");

    private static void CheckCount(int count, int limit)
    {
        if (count == 0 || count > limit)
        {
            throw new RefusedException(400, "bad-request", $"one request takes 1 to {limit}");
        }
    }

    private static MemberQuota ReadQuota(long? publishBytes, long? invitations, int at) =>
        GrantRules.AreQuotas(publishBytes, invitations)
            ? new MemberQuota(publishBytes, invitations)
            : throw BadRow(at, GrantRules.NoQuotas);

    private async Task<MemberQuota> QuotaOfAsync(MemberId caller, CancellationToken cancellation) =>
        (await store.FindMemberAsync(caller, cancellation).ConfigureAwait(false))?.Quota ?? default;

    private static void CheckGrant(in MemberQuota mine, MemberRole role, in MemberQuota given, int at)
    {
        if (GrantRules.Fault(mine, role, given) is { } fault)
        {
            throw BadRow(at, fault);
        }
    }

    private async Task CheckAsync(
        InviteOutcome outcome,
        InviteCharge charge,
        DateTimeOffset now,
        CancellationToken cancellation
    )
    {
        switch (outcome)
        {
            case InviteOutcome.Taken:
                throw new RefusedException(
                    409,
                    "invitation-taken",
                    "an invitation with one of these ids is there already"
                );
            case InviteOutcome.NotAMember:
                throw new RefusedException(403, "certificate-revoked", "this membership was revoked");
            case InviteOutcome.QuotaExceeded:
                var invited = await store.CountInvitedAsync(charge.By, now, cancellation).ConfigureAwait(false);
                throw new RefusedException(
                    403,
                    "quota-exceeded",
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"you may invite {charge.Limit} people in all and have invited {invited}; nobody was invited"
                    )
                );
            default:
                return;
        }
    }

    private async Task<bool> AreThereAsync(IReadOnlyList<InvitationRow> rows, CancellationToken cancellation)
    {
        foreach (var row in rows)
        {
            var there = await store.FindInvitationAsync(row.Id, cancellation).ConfigureAwait(false);
            if (there is null || there.MadeBy != row.MadeBy || !there.SecretHash.AsSpan().SequenceEqual(row.SecretHash))
            {
                return false;
            }
        }

        return true;
    }

    private static RefusedException BadRow(int at, string what) =>
        new(400, "bad-row", string.Create(CultureInfo.InvariantCulture, $"row {at + 1}: {what}; nothing was made"));

    private static InvitationInfo InfoOf(InvitationRow row) =>
        new(
            row.Id.ToString(),
            row.Name,
            RoleNames.Of(row.Role),
            row.Made.ToUnixTimeSeconds(),
            row.Expires.ToUnixTimeSeconds(),
            row.Uses,
            row.Used,
            row.MadeBy.ToString(),
            row.IsRevoked,
            row.Quota.PublishBytes,
            row.Quota.Invitations
        );
}
