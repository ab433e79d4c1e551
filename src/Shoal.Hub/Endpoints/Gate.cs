using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Shoal.Membership;
using Shoal.Tracker;

namespace Shoal.Hub;

/// <summary>Who asks: the holder of a certificate that is good now.</summary>
/// <param name="Until">The last second of the certificate.</param>
/// <param name="PublicKey">Its key, SubjectPublicKeyInfo in DER.</param>
internal readonly record struct Caller(
    MemberId Member,
    MemberRole Role,
    DateTimeOffset Until,
    ReadOnlyMemory<byte> PublicKey
);

/// <summary>A request that is refused; the handler that finds out throws it, and one place answers.</summary>
internal sealed class RefusedException(int status, string code, string message) : Exception(message)
{
    public int Status { get; } = status;

    public string Code { get; } = code;

    /// <summary>Null: nothing is said.</summary>
    public TimeSpan? RetryAfter { get; init; }
}

/// <summary>What all endpoints have in common: who may enter, how bodies are read and answers written.</summary>
internal sealed class Gate(
    MembershipVerifier verifier,
    RevocationBook revocations,
    RoleBook roles,
    HubLimits limits,
    TimeProvider time
)
{
    private readonly long _start = time.GetTimestamp();
    private readonly Lock _lock = new();
    private readonly MemberRates _requests = new(limits.RequestsPerMember, TimeSpan.FromMinutes(1));

    /// <summary>Time since the start.</summary>
    public TimeSpan Now => time.GetElapsedTime(_start);

    /// <summary>The member that the connection's certificate names.</summary>
    /// <remarks>
    /// The key was proven in the handshake; whether the certificate is good is asked anew for each request, since it may
    /// have been revoked or have expired on an open connection.
    /// </remarks>
    /// <exception cref="RefusedException">No certificate, not good, not enough, or too often.</exception>
    public Caller Enter(HttpContext context, MemberRole atLeast)
    {
        var certificate =
            context.Connection.ClientCertificate
            ?? throw new RefusedException(401, "no-certificate", "a member's certificate is needed");
        var verdict = verifier.Verify(certificate.RawDataMemory.Span, revocations.Current, time.GetUtcNow());
        if (!verdict.IsOk)
        {
            throw new RefusedException(403, "certificate-" + Kebab(verdict.Fault), Describe(verdict.Fault));
        }

        var role = roles.Of(verdict.Grant.Member, verdict.Grant.Role);
        if (role < atLeast)
        {
            throw new RefusedException(
                403,
                "role-needed",
                $"this needs the role {RoleNames.Of(atLeast)}, not {RoleNames.Of(role)}"
            );
        }

        lock (_lock)
        {
            if (!_requests.TryTake(verdict.Grant.Member, Now))
            {
                throw new RefusedException(429, "too-many-requests", "too many requests from this member")
                {
                    RetryAfter = TimeSpan.FromMinutes(1),
                };
            }
        }

        CallerGate.Keep(context.Features, $"{verdict.Grant.Member}", role == MemberRole.Administrator);
        return new Caller(verdict.Grant.Member, role, verdict.Grant.NotAfter, verdict.PublicKey);
    }

    /// <exception cref="RefusedException">It is not what it must be, or longer than it may be.</exception>
    public static async Task<T> ReadAsync<T>(HttpContext context, JsonTypeInfo<T> type, int maxLength)
        where T : class
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } feature)
        {
            feature.MaxRequestBodySize = maxLength;
        }

        try
        {
            return await JsonSerializer
                    .DeserializeAsync(context.Request.Body, type, context.RequestAborted)
                    .ConfigureAwait(false)
                ?? throw new RefusedException(400, "bad-request", "the body is empty");
        }
        catch (JsonException)
        {
            // Not the message: it quotes the body.
            throw new RefusedException(400, "bad-request", "the body is not the JSON that belongs here");
        }
        catch (BadHttpRequestException exception)
        {
            throw new RefusedException(exception.StatusCode, "bad-request", "the body cannot be read");
        }
    }

    public static Task WriteAsync<T>(HttpContext context, T answer, JsonTypeInfo<T> type, int status = 200)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(answer, type, null, context.RequestAborted);
    }

    public static Task RefuseAsync(HttpContext context, RefusedException refused)
    {
        if (refused.RetryAfter is { } wait)
        {
            context.Response.Headers.RetryAfter = Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds))
                .ToString(System.Globalization.CultureInfo.InvariantCulture);
        }

        return WriteAsync(
            context,
            new HubProblem(refused.Code, refused.Message),
            HubJson.Default.HubProblem,
            refused.Status
        );
    }

    public static IPAddress RemoteOf(HttpContext context) => context.Connection.RemoteIpAddress ?? IPAddress.None;

    private static string Describe(MembershipFault fault) =>
        fault switch
        {
            MembershipFault.Expired => "the certificate has expired: join again, or ask for a new invitation",
            MembershipFault.NotYetValid => "the certificate is not valid yet: does this machine's clock go right?",
            MembershipFault.Revoked => "this membership was revoked",
            MembershipFault.OtherAuthority => "the certificate is of another publication",
            _ => "the certificate is not good",
        };

    private static string Kebab(MembershipFault fault) =>
        string.Concat(
            fault
                .ToString()
                .Select((c, i) => char.IsUpper(c) ? (i > 0 ? "-" : "") + char.ToLowerInvariant(c) : c.ToString())
        );
}
