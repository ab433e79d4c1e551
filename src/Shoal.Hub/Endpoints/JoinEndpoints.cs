using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Shoal.Membership;

namespace Shoal.Hub;

/// <summary>How somebody becomes a member, and stays one.</summary>
internal sealed class JoinEndpoints(
    Gate gate,
    IHubStore store,
    Issuer issuer,
    RevocationBook revocations,
    HubOptions options
)
{
    private static readonly byte[] NoHash = new byte[SHA256.HashSizeInBytes];

    private readonly Lock _lock = new();
    private readonly JoinLimiter _limiter = new(options.Limits);
    private readonly MemberRates _renewals = new(options.Limits.RenewalsPerMember, TimeSpan.FromHours(1));
    private int _joining;

    /// <summary>The only thing that is told to everybody: whose hub this is.</summary>
    public Task AuthorityAsync(HttpContext context) =>
        Gate.WriteAsync(
            context,
            new AuthorityAnswer(issuer.Publication.ToString(), issuer.Authority.Der.ToArray()),
            HubJson.Default.AuthorityAnswer
        );

    public async Task JoinAsync(HttpContext context)
    {
        var from = Gate.RemoteOf(context);
        TimeSpan wait;
        lock (_lock)
        {
            wait = _limiter.WaitOf(from, gate.Now);
        }

        if (wait > TimeSpan.Zero)
        {
            throw new RefusedException(429, "too-many-attempts", "too many attempts from this address")
            {
                RetryAfter = wait,
            };
        }

        if (Interlocked.Increment(ref _joining) > options.Limits.JoinsAtOnce)
        {
            Interlocked.Decrement(ref _joining);
            throw new RefusedException(503, "busy", "many join at the moment: try again")
            {
                RetryAfter = TimeSpan.FromSeconds(1),
            };
        }

        try
        {
            var request = await Gate.ReadAsync(context, HubJson.Default.JoinRequest, options.Limits.RequestLength)
                .ConfigureAwait(false);
            var certificate = await RedeemAsync(request, context.RequestAborted).ConfigureAwait(false);
            await AnswerAsync(context, certificate).ConfigureAwait(false);
        }
        catch (RefusedException refused) when (refused.Status is 400 or 403 or 404 or 410)
        {
            lock (_lock)
            {
                _limiter.CountFailure(from, gate.Now);
            }

            throw;
        }
        finally
        {
            Interlocked.Decrement(ref _joining);
        }
    }

    public async Task RenewAsync(HttpContext context)
    {
        var caller = gate.Enter(context, MemberRole.Member);
        lock (_lock)
        {
            if (!_renewals.TryTake(caller.Member, gate.Now))
            {
                throw new RefusedException(429, "too-many-renewals", "this member has renewed often within an hour")
                {
                    RetryAfter = TimeSpan.FromMinutes(10),
                };
            }
        }

        var request = await Gate.ReadAsync(context, HubJson.Default.RenewRequest, options.Limits.RequestLength)
            .ConfigureAwait(false);
        // The role may have changed since, and a database that went back may not know the member: then nobody is renewed.
        var member = await store.FindMemberAsync(caller.Member, context.RequestAborted).ConfigureAwait(false);
        if (member is not { RevokedAt: null })
        {
            throw new RefusedException(403, "not-a-member", "the hub does not know this member");
        }

        // What was granted for longer (in a file, or before the operator made certificates shorter) is not made shorter.
        var left = caller.Until - options.Time.GetUtcNow();
        var lifetime = left > options.CertificateLifetime ? left : options.CertificateLifetime;
        var issued = Issue(request.Request, member, lifetime);
        // Who came without a link has a key that others have seen (the administrator who made the file, whoever found it).
        // The first that comes with one of its own keeps the membership.
        if (
            member.Invitation is null
            && !await store
                .ReplaceKeyAsync(
                    member.Id,
                    SHA256.HashData(caller.PublicKey.Span),
                    issued.KeyHash,
                    context.RequestAborted
                )
                .ConfigureAwait(false)
        )
        {
            throw new RefusedException(
                409,
                "key-replaced",
                "this membership was taken over with another key: its file was used elsewhere too; if that was not you, tell whoever invited you"
            );
        }

        await AnswerAsync(context, issued).ConfigureAwait(false);
    }

    private async Task<IssuedCertificate> RedeemAsync(JoinRequest request, CancellationToken cancellation)
    {
        if (
            !PublicationId.TryParse(request.Publication, out var publication)
            || publication != issuer.Publication
            || !InvitationId.TryParse(request.Invitation, out var id)
            || request.Secret.Length != InvitationSecret.Size
        )
        {
            throw Unknown();
        }

        var row = await store.FindInvitationAsync(id, cancellation).ConfigureAwait(false);
        var hash = new InvitationSecret(request.Secret).Hash(publication, id);
        // The same work whether there is such an invitation or not.
        if (!CryptographicOperations.FixedTimeEquals(hash, row?.SecretHash ?? NoHash) || row is null)
        {
            throw Unknown();
        }

        // The request is looked at before anything is counted: one that is no good costs no use.
        var newcomer = Issuer.NewMember();
        var first =
            issuer.Issue(request.Request, newcomer, row.Role, options.CertificateLifetime)
            ?? throw new RefusedException(400, "bad-request", "the request for a certificate is not good");
        var now = options.Time.GetUtcNow();
        var redemption = await store
            .RedeemAsync(
                id,
                new MemberRow(newcomer, id, first.KeyHash, row.Name, row.Role, row.Quota, row.MadeBy, now, null),
                now,
                cancellation
            )
            .ConfigureAwait(false);
        return redemption.Outcome switch
        {
            RedemptionOutcome.Joined => first,
            RedemptionOutcome.Repeated => Issue(request.Request, redemption.Member!, options.CertificateLifetime),
            RedemptionOutcome.UsedUp => throw new RefusedException(
                410,
                "invitation-used",
                row.Uses == 1
                    ? "this invitation was used already; if that was not you, tell whoever invited you"
                    : "this invitation was used as often as it can be"
            ),
            RedemptionOutcome.Expired => throw new RefusedException(
                410,
                "invitation-expired",
                "this invitation has expired"
            ),
            RedemptionOutcome.Revoked => throw new RefusedException(
                410,
                "invitation-revoked",
                "this invitation was taken back"
            ),
            _ => throw Unknown(),
        };
    }

    private IssuedCertificate Issue(byte[] request, MemberRow member, TimeSpan lifetime) =>
        issuer.Issue(request, member.Id, member.Role, lifetime)
        ?? throw new RefusedException(400, "bad-request", "the request for a certificate is not good");

    private Task AnswerAsync(HttpContext context, IssuedCertificate certificate) =>
        Gate.WriteAsync(
            context,
            new MembershipAnswer(
                certificate.Der,
                issuer.Authority.Der.ToArray(),
                issuer.PublicationKey.ToArray(),
                revocations.Current?.Encoded.ToArray(),
                certificate.Grant.Member.ToString(),
                RoleNames.Of(certificate.Grant.Role),
                certificate.Grant.NotAfter.ToUnixTimeSeconds()
            ),
            HubJson.Default.MembershipAnswer
        );

    // One answer for a wrong secret, another publication and what never was: guessing learns nothing.
    private static RefusedException Unknown() => new(404, "invitation-unknown", "the hub knows no such invitation");
}
