using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Shoal.Membership;
using Shoal.Protocol;

namespace Shoal.Hub;

/// <summary>Connects to a host and port by the way out that the user chose.</summary>
public delegate ValueTask<Stream> HubConnect(string host, int port, CancellationToken cancellation);

/// <summary>
/// Speaks with a hub. Takes it for one because its certificate was issued by the authority, whatever the machine's own
/// list of trusted authorities says. Safe to use from any thread.
/// </summary>
public sealed partial class HubClient : IDisposable
{
    private const int MaxAnswer = 64 * 1024 * 1024;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(100);

    private readonly HttpClient _http;
    private readonly X509Certificate2? _certificate;
    private MembershipFault _hubFault;

    /// <param name="hub">Where.</param>
    /// <param name="authority">Whose hub it must be; null: anybody's, to ask whose it is and nothing else.</param>
    /// <param name="certificate">Ours with its key; null: to join. Disposed of with the client.</param>
    /// <param name="revoked">The newest list known; null: none.</param>
    /// <param name="connect">The way out.</param>
    /// <param name="time">The clock that certificates are held against.</param>
    private HubClient(
        HubAddress hub,
        AuthorityCertificate? authority,
        X509Certificate2? certificate,
        RevocationList? revoked,
        HubConnect connect,
        TimeProvider time
    )
    {
        _certificate = certificate;
        var verifier = authority is null ? null : new MembershipVerifier(authority);
        var tls = new SslClientAuthenticationOptions
        {
            EnabledSslProtocols = SslProtocols.Tls13,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            CertificateChainPolicy = new X509ChainPolicy
            {
                DisableCertificateDownloads = true,
                RevocationMode = X509RevocationMode.NoCheck,
                TrustMode = X509ChainTrustMode.CustomRootTrust,
            },
            ClientCertificateContext = certificate is null
                ? null
                : SslStreamCertificateContext.Create(certificate, null, offline: true),
            RemoteCertificateValidationCallback = (_, shown, _, _) =>
                IsTrusted(shown, verifier, revoked, time.GetUtcNow()),
        };
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            MaxResponseHeadersLength = 16,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(60),
            ConnectCallback = async (context, cancellation) =>
                await connect(context.DnsEndPoint.Host, context.DnsEndPoint.Port, cancellation).ConfigureAwait(false),
            SslOptions = tls,
        };
        _http = new HttpClient(handler)
        {
            BaseAddress = new Uri($"https://{hub}"),
            Timeout = Timeout,
            MaxResponseContentBufferSize = MaxAnswer,
        };
    }

    /// <summary>Asks a hub for the certificate of its authority, and takes it only if it is the publication's.</summary>
    /// <exception cref="HubException">No answer, or another publication's hub.</exception>
    public static async Task<AuthorityCertificate> FindAuthorityAsync(
        HubAddress hub,
        PublicationId publication,
        HubConnect connect,
        TimeProvider time,
        CancellationToken cancellation
    )
    {
        // Nothing is told on this connection, and what is asked is public. The next one is held against the answer.
        using var anybody = new HubClient(hub, null, null, null, connect, time);
        var answer = await anybody
            .AskAsync("/v1/authority", HubJson.Default.AuthorityAnswer, cancellation)
            .ConfigureAwait(false);
        return
            AuthorityCertificate.TryRead(answer.Certificate, out var authority, out _)
            && authority.Publication == publication
            ? authority
            : throw new HubException("hub-not-trusted", "this is the hub of another publication than the link names");
    }

    /// <summary>To join.</summary>
    public static HubClient Anonymous(
        HubAddress hub,
        AuthorityCertificate authority,
        HubConnect connect,
        TimeProvider time
    ) => new(hub, authority, null, null, connect, time);

    /// <summary>As the member.</summary>
    public static HubClient Of(LocalMembership membership, HubConnect connect, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(membership);
        var certificate = membership.Identity.WithCertificate(membership.Certificate.Span);
        return new HubClient(membership.Hub, membership.Authority, certificate, membership.Revocations, connect, time);
    }

    public Task<MembershipAnswer> JoinAsync(InvitationLink link, byte[] request, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(link);
        var secret = link.Secret.Span.ToArray();
        var body = new JoinRequest(link.Publication.ToString(), link.Invitation.ToString(), secret, request);
        var answer = HubJson.Default.MembershipAnswer;
        return TellAsync("/v1/join", body, HubJson.Default.JoinRequest, answer, cancellation);
    }

    public Task<MembershipAnswer> RenewAsync(byte[] request, CancellationToken cancellation)
    {
        var answer = HubJson.Default.MembershipAnswer;
        return TellAsync("/v1/renew", new RenewRequest(request), HubJson.Default.RenewRequest, answer, cancellation);
    }

    /// <summary>Ends our own membership, for good.</summary>
    public Task<LeaveAnswer> LeaveAsync(LeaveRequest request, CancellationToken cancellation)
    {
        var answer = HubJson.Default.LeaveAnswer;
        return TellAsync("/v1/leave", request, HubJson.Default.LeaveRequest, answer, cancellation);
    }

    /// <summary>All of them or none; the same again changes nothing.</summary>
    public Task CreateInvitationsAsync(NewInvitations invitations, CancellationToken cancellation) =>
        DoAsync(HttpMethod.Post, "/v1/invitations", invitations, HubJson.Default.NewInvitations, cancellation);

    public Task<InvitationPage> ListInvitationsAsync(string? after, CancellationToken cancellation) =>
        AskAsync("/v1/invitations" + After(after), HubJson.Default.InvitationPage, cancellation);

    public Task RevokeInvitationAsync(InvitationId id, CancellationToken cancellation) =>
        DoAsync<object>(HttpMethod.Post, $"/v1/invitations/{id}/revoke", null, null, cancellation);

    /// <summary>Certificates for members that get their key in a file.</summary>
    public Task<IssuedCertificates> IssueAsync(NewMembers members, CancellationToken cancellation)
    {
        var answer = HubJson.Default.IssuedCertificates;
        return TellAsync("/v1/certificates", members, HubJson.Default.NewMembers, answer, cancellation);
    }

    public Task<MemberPage> ListMembersAsync(string? after, CancellationToken cancellation) =>
        AskAsync("/v1/members" + After(after), HubJson.Default.MemberPage, cancellation);

    public Task<RevokeAnswer> RevokeMembersAsync(RevokeRequest request, CancellationToken cancellation)
    {
        var answer = HubJson.Default.RevokeAnswer;
        return TellAsync("/v1/members/revoke", request, HubJson.Default.RevokeRequest, answer, cancellation);
    }

    /// <summary>Another role, which counts from the member's next certificate on; a lower one at once.</summary>
    public Task<MemberInfo> ChangeRoleAsync(MemberId member, RoleRequest request, CancellationToken cancellation)
    {
        var answer = HubJson.Default.MemberInfo;
        return TellAsync($"/v1/members/{member}/role", request, HubJson.Default.RoleRequest, answer, cancellation);
    }

    /// <summary>The newest list, when it is newer than <paramref name="after"/>; waits for it up to so long.</summary>
    public Task<RevocationAnswer> WaitForRevocationsAsync(long after, TimeSpan wait, CancellationToken cancellation) =>
        AskAsync(
            Invariant($"/v1/revocations?after={after}&wait={(long)wait.TotalSeconds}"),
            HubJson.Default.RevocationAnswer,
            cancellation
        );

    /// <summary>Reminds the hub of a list that its authority has signed, after its state went back.</summary>
    public Task RecoverRevocationsAsync(RevocationList list, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(list);
        var known = new KnownRevocations(list.Encoded.ToArray());
        return DoAsync(HttpMethod.Post, "/v1/revocations", known, HubJson.Default.KnownRevocations, cancellation);
    }

    public Task<CatalogueAnswer> ListCatalogueAsync(CancellationToken cancellation) =>
        AskAsync("/v1/catalogue", HubJson.Default.CatalogueAnswer, cancellation);

    public Task PublishAsync(PublishRequest request, CancellationToken cancellation) =>
        DoAsync(HttpMethod.Post, "/v1/catalogue", request, HubJson.Default.PublishRequest, cancellation);

    public Task WithdrawAsync(EntryId id, long version, CancellationToken cancellation) =>
        DoAsync<object>(HttpMethod.Delete, Invariant($"/v1/catalogue/{id}/{version}"), null, null, cancellation);

    /// <summary>Where members that take part in an entry's torrent are, for files that work without a hub.</summary>
    public Task<PeersAnswer> ListPeersAsync(EntryId id, long version, CancellationToken cancellation) =>
        AskAsync(Invariant($"/v1/catalogue/{id}/{version}/peers"), HubJson.Default.PeersAnswer, cancellation);

    /// <summary>The .torrent of an entry; the caller checks it against the entry's hash.</summary>
    public async Task<byte[]> ReadTorrentAsync(EntryId id, long version, CancellationToken cancellation)
    {
        var path = Invariant($"/v1/catalogue/{id}/{version}/torrent");
        using var response = await SendAsync(HttpMethod.Get, path, null, cancellation).ConfigureAwait(false);
        return await response.Content.ReadAsByteArrayAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>Announces torrents, and returns the answer of each in bencode.</summary>
    /// <param name="requests">
    /// Up to <see cref="HubLimits.AnnouncesTogether"/>. The hub lists us under the address that the connection comes from.
    /// </param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<IReadOnlyList<byte[]>> AnnounceAsync(
        IReadOnlyCollection<AnnounceRequest> requests,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(requests);
        var place = $"https://{_http.BaseAddress!.Authority}/announce";
        if (!TrackerUrl.TryParse(place, out var url))
        {
            throw new HubException("hub-unreachable", $"{_http.BaseAddress} is no place to announce to");
        }

        var queries = requests.Select(request =>
            AnnounceQuery.Build(url, request, default)[$"{url.Uri.AbsoluteUri}?".Length..]
        );
        var answer = await TellAsync(
                "/v1/announces",
                new AnnouncesRequest([.. queries]),
                HubJson.Default.AnnouncesRequest,
                HubJson.Default.AnnouncesAnswer,
                cancellation
            )
            .ConfigureAwait(false);
        return answer.Answers.Count == requests.Count
            ? answer.Answers
            : throw new HubException("bad-answer", "the hub answered another number of announces than were told");
    }

    public void Dispose()
    {
        _http.Dispose();
        _certificate?.Dispose();
    }

    private static string After(string? after) => after is null ? "" : "?after=" + Uri.EscapeDataString(after);

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private bool IsTrusted(
        X509Certificate? shown,
        MembershipVerifier? verifier,
        RevocationList? revoked,
        DateTimeOffset now
    )
    {
        if (verifier is null)
        {
            return true;
        }

        _hubFault = shown is null
            ? MembershipFault.Malformed
            : verifier.VerifyHub(shown.GetRawCertData(), revoked, now);
        return _hubFault == MembershipFault.None;
    }

    private async Task<TAnswer> TellAsync<TBody, TAnswer>(
        string path,
        TBody body,
        JsonTypeInfo<TBody> bodyType,
        JsonTypeInfo<TAnswer> answerType,
        CancellationToken cancellation
    )
        where TAnswer : class
    {
        using var content = ContentOf(body, bodyType);
        using var response = await SendAsync(HttpMethod.Post, path, content, cancellation).ConfigureAwait(false);
        return await ReadAsync(response, answerType, cancellation).ConfigureAwait(false);
    }

    private async Task<TAnswer> AskAsync<TAnswer>(
        string path,
        JsonTypeInfo<TAnswer> answerType,
        CancellationToken cancellation
    )
        where TAnswer : class
    {
        using var response = await SendAsync(HttpMethod.Get, path, null, cancellation).ConfigureAwait(false);
        return await ReadAsync(response, answerType, cancellation).ConfigureAwait(false);
    }

    private async Task DoAsync<TBody>(
        HttpMethod method,
        string path,
        TBody? body,
        JsonTypeInfo<TBody>? bodyType,
        CancellationToken cancellation
    )
        where TBody : class
    {
        using var content = body is null ? null : ContentOf(body, bodyType!);
        using var response = await SendAsync(method, path, content, cancellation).ConfigureAwait(false);
    }

    private static ByteArrayContent ContentOf<T>(T body, JsonTypeInfo<T> type)
    {
        var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body, type));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method,
        string path,
        HttpContent? content,
        CancellationToken cancellation
    )
    {
        try
        {
            using var message = new HttpRequestMessage(method, path) { Content = content };
            var response = await _http.SendAsync(message, cancellation).ConfigureAwait(false);
            if (response.IsSuccessStatusCode)
            {
                return response;
            }

            using (response)
            {
                throw await WhyNotAsync(response, cancellation).ConfigureAwait(false);
            }
        }
        catch (Exception exception)
            when (exception is HttpRequestException or IOException or AuthenticationException
                || (exception is OperationCanceledException && !cancellation.IsCancellationRequested)
            )
        {
            throw _hubFault == MembershipFault.None
                ? new HubException("hub-unreachable", $"{_http.BaseAddress!.Authority}: {Reason(exception)}", exception)
                : new HubException("hub-not-trusted", Describe(_hubFault), exception);
        }
    }

    private string Describe(MembershipFault fault) =>
        $"{_http.BaseAddress!.Authority}: "
        + fault switch
        {
            MembershipFault.Expired => "the hub's certificate has expired, or this machine's clock is wrong",
            MembershipFault.NotYetValid => "the hub's certificate is not valid yet, or this machine's clock is wrong",
            _ => $"whoever answers there is not the publication's hub ({fault})",
        };

    private static string Reason(Exception exception) =>
        exception is OperationCanceledException ? "no answer" : exception.GetBaseException().Message.TrimEnd('.');

    private static async Task<HubException> WhyNotAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        try
        {
            var problem = await ReadAsync(response, HubJson.Default.HubProblem, cancellation).ConfigureAwait(false);
            var wait = response.Headers.RetryAfter?.Delta is { } delta
                ? Invariant($"; try again in {(long)delta.TotalSeconds} s")
                : "";
            return new HubException(problem.Code, problem.Message + wait);
        }
        catch (HubException)
        {
            return new HubException("bad-answer", $"the hub answered {(int)response.StatusCode}");
        }
    }

    private static async Task<T> ReadAsync<T>(
        HttpResponseMessage response,
        JsonTypeInfo<T> type,
        CancellationToken cancellation
    )
        where T : class
    {
        try
        {
            var bytes = await response.Content.ReadAsByteArrayAsync(cancellation).ConfigureAwait(false);
            return JsonSerializer.Deserialize(bytes, type)
                ?? throw new HubException("bad-answer", "the hub's answer is empty");
        }
        catch (JsonException exception)
        {
            throw new HubException("bad-answer", "the hub's answer is not understood", exception);
        }
    }
}
