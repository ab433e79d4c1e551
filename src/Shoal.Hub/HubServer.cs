using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Shoal.Membership;
using Shoal.Tracker;

namespace Shoal.Hub;

/// <summary>
/// A hub: issues certificates, keeps the catalogue and the revocation list, and tells members of each other, over HTTPS.
/// Nothing is logged, and addresses are in memory only. Safe to use from any thread.
/// </summary>
public sealed class HubServer : IAsyncDisposable
{
    private const string RevocationsRoute = "/v1/revocations";
    private static readonly TimeSpan ServerLifetime = TimeSpan.FromDays(60);

    private readonly HubParts _parts;
    private readonly HubCounters _counters = new();
    private readonly DateTimeOffset _started;
    private readonly CancellationTokenSource _stop = new();
    private MetricsServer? _metrics;
    private WebApplication? _application;
    private SslStreamCertificateContext _certificate;
    private DateTimeOffset _renewAt;
    private Task _ticks = Task.CompletedTask;

    private HubServer(HubParts parts)
    {
        _parts = parts;
        _started = parts.Options.Time.GetUtcNow();
        _certificate = NewCertificate();
    }

    /// <summary>Where it answers; ports that the system chose are filled in.</summary>
    public IReadOnlyList<IPEndPoint> EndPoints { get; private set; } = [];

    public PublicationId Publication => _parts.Issuer.Publication;

    /// <summary>Where it answers Prometheus; null: nowhere.</summary>
    public IPEndPoint? MetricsEndPoint => _metrics?.EndPoint;

    /// <summary>What it has to do with at the moment.</summary>
    public HubStatus Status => _parts.Status;

    /// <summary>Opens keys and store, and answers from then on.</summary>
    /// <exception cref="HubStoreException">Keys or store cannot be used.</exception>
    /// <exception cref="IOException">An endpoint is taken or not of this machine.</exception>
    public static Task<HubServer> StartAsync(HubOptions options, CancellationToken cancellation = default) =>
        StartAsync(options, null, cancellation);

    /// <param name="options">What the operator decides.</param>
    /// <param name="inMemory">Puts another server in the place of Kestrel, for tests; null: Kestrel.</param>
    /// <param name="cancellation">Gives up.</param>
    internal static async Task<HubServer> StartAsync(
        HubOptions options,
        Action<IWebHostBuilder>? inMemory,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(options);
        var parts = await HubParts.OpenAsync(options, cancellation).ConfigureAwait(false);
        var server = new HubServer(parts);
        try
        {
            var application = server._application = server.Build(inMemory);
            await HttpDoors.OpenAsync(() => application.StartAsync(cancellation), options.Listen).ConfigureAwait(false);
            var addresses = server.Server.Features.Get<IServerAddressesFeature>()?.Addresses ?? [];
            server.EndPoints = inMemory is null
                ? [.. addresses.Select(address => IPEndPoint.Parse(new Uri(address).Authority))]
                : [];
            if (options.Metrics is { } metrics)
            {
                server._metrics = await MetricsServer
                    .StartAsync(metrics, () => server.Metrics, cancellation)
                    .ConfigureAwait(false);
            }

            server._ticks = server.TickAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// Makes a member on this machine, without an invitation: for whoever can read the authority's keys and so decides
    /// anyway.
    /// </summary>
    public Task<MembershipAnswer> AddMemberAsync(
        ReadOnlyMemory<byte> request,
        string name,
        MemberRole role,
        CancellationToken cancellation
    ) => _parts.AddMemberAsync(request, name, role, cancellation);

    /// <summary>What Prometheus gets.</summary>
    internal string Metrics => _counters.Write(Status, _started);

    /// <summary>What answers requests.</summary>
    internal IServer Server => _application!.Services.GetRequiredService<IServer>();

    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
        {
            return;
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        if (_metrics is not null)
        {
            await _metrics.DisposeAsync().ConfigureAwait(false);
        }

        if (_application is not null)
        {
            using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(2));
            await _application.StopAsync(soon.Token).ConfigureAwait(false);
            await _application.DisposeAsync().ConfigureAwait(false);
        }

        await _ticks.ConfigureAwait(false);
        await _parts.DisposeAsync().ConfigureAwait(false);
        _stop.Dispose();
    }

    private WebApplication Build(Action<IWebHostBuilder>? inMemory)
    {
        // The empty builder: no configuration from files or the environment, no logging. What is not there keeps nothing.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        if (inMemory is not null)
        {
            inMemory(builder.WebHost);
        }
        else
        {
            builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
            builder.WebHost.ConfigureKestrel(Configure);
        }

        builder.Services.AddRoutingCore();
        var application = builder.Build();
        application.UseRouting();
        application.Use(CountAsync);
        application.Use(AnswerRefusalsAsync);
        Map(application);
        return application;
    }

    private void Map(WebApplication to)
    {
        var (joining, inviting) = (_parts.Join, _parts.Invitations);
        var (members, catalogue) = (_parts.Members, _parts.Catalogue);
        to.MapGet("/join", JoinPage.AnswerAsync);
        to.MapGet("/v1/authority", joining.AuthorityAsync);
        to.MapPost("/v1/join", joining.JoinAsync);
        to.MapPost("/v1/renew", joining.RenewAsync);
        to.MapPost("/v1/leave", _parts.Leaving.LeaveAsync);
        to.MapPost("/v1/invitations", inviting.CreateAsync);
        to.MapGet("/v1/invitations", inviting.ListAsync);
        to.MapPost("/v1/invitations/{id}/revoke", inviting.RevokeAsync);
        to.MapPost("/v1/certificates", inviting.IssueAsync);
        to.MapGet("/v1/members", members.ListAsync);
        to.MapPost("/v1/members/revoke", members.RevokeAsync);
        to.MapPost("/v1/members/{id}/role", _parts.Roles.ChangeAsync);
        to.MapGet(RevocationsRoute, members.RevocationsAsync);
        to.MapPost(RevocationsRoute, members.RecoverAsync);
        to.MapGet("/v1/catalogue", catalogue.ListAsync);
        to.MapPost("/v1/catalogue", catalogue.PublishAsync);
        to.MapGet("/v1/catalogue/{id}/{version}/torrent", catalogue.TorrentAsync);
        to.MapGet("/v1/catalogue/{id}/{version}/peers", catalogue.PeersAsync);
        to.MapDelete("/v1/catalogue/{id}/{version}", catalogue.WithdrawAsync);
        to.MapGet("/announce", catalogue.AnnounceAsync);
        to.MapPost("/v1/announces", catalogue.AnnounceManyAsync);
        var custody = _parts.Custody;
        to.MapPost("/v1/receipts", custody.TakeReceiptAsync);
        to.MapGet("/v1/receipts", custody.OwnReceiptsAsync);
        to.MapDelete("/v1/receipts", custody.ForgetReceiptsAsync);
        to.MapGet("/v1/catalogue/{id}/{version}/custody", custody.FiguresAsync);
        to.MapGet("/v1/catalogue/{id}/{version}/claims", custody.ClaimsAsync);
        to.MapPost("/v1/challenges", custody.ChallengeAsync);
        to.MapGet("/v1/challenges", custody.ChallengesAsync);
        to.MapPost("/v1/challenges/reply", custody.ReplyAsync);
        to.MapGet("/v1/challenges/{id}", custody.StateAsync);
    }

    private void Configure(KestrelServerOptions kestrel)
    {
        var limits = _parts.Options.Limits;
        kestrel.AddServerHeader = false;
        // Those that are pushed out take a moment to end.
        kestrel.Limits.MaxConcurrentConnections = 2 * limits.Connections;
        var places = new CallerPlaces(limits.Connections, limits.ConnectionsPerMember);
        kestrel.Limits.MaxRequestBodySize = limits.RequestLength;
        kestrel.Limits.MaxRequestLineSize = 4 * 1024;
        kestrel.Limits.MaxRequestHeadersTotalSize = 8 * 1024;
        kestrel.Limits.MaxRequestHeaderCount = 40;
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        kestrel.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(75);
        foreach (var endPoint in _parts.Options.Listen)
        {
            kestrel.Listen(
                endPoint,
                listen =>
                {
                    listen.Protocols = HttpProtocols.Http1;
                    CallerGate.Use(listen, places);
                    listen.UseHttps(
                        new TlsHandshakeCallbackOptions
                        {
                            HandshakeTimeout = TimeSpan.FromSeconds(10),
                            OnConnection = _ => new ValueTask<SslServerAuthenticationOptions>(TlsOptions()),
                        }
                    );
                }
            );
        }
    }

    /// <summary>
    /// A certificate is asked for and taken from whoever has one; that its holder has the key is proven here, what it is
    /// worth is decided by <see cref="Gate"/>, which can say why not.
    /// </summary>
    private SslServerAuthenticationOptions TlsOptions() =>
        new()
        {
            ServerCertificateContext = Volatile.Read(ref _certificate),
            ClientCertificateRequired = true,
            EnabledSslProtocols = SslProtocols.Tls13,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            CertificateChainPolicy = new X509ChainPolicy
            {
                DisableCertificateDownloads = true,
                RevocationMode = X509RevocationMode.NoCheck,
                TrustMode = X509ChainTrustMode.CustomRootTrust,
            },
#pragma warning disable CA5359 // decided by Gate, for each request
            RemoteCertificateValidationCallback = (_, _, _, _) => true,
#pragma warning restore CA5359
        };

    private SslStreamCertificateContext NewCertificate()
    {
        var options = _parts.Options;
        _renewAt = options.Time.GetUtcNow() + ServerLifetime / 2;
        return SslStreamCertificateContext.Create(
            _parts.Issuer.IssueHub(options.Hosts, ServerLifetime),
            additionalCertificates: null,
            offline: true
        );
    }

    private async Task CountAsync(HttpContext context, RequestDelegate next)
    {
        var time = _parts.Options.Time;
        var begin = time.GetTimestamp();
        try
        {
            await next(context).ConfigureAwait(false);
        }
        finally
        {
            var route = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText;
            var isWait = route == RevocationsRoute && context.Request.Query.ContainsKey("wait");
            _counters.Count(route, context.Response.StatusCode, isWait ? null : time.GetElapsedTime(begin));
        }
    }

    private static async Task AnswerRefusalsAsync(HttpContext context, RequestDelegate next)
    {
        context.Response.Headers.CacheControl = "no-store";
        try
        {
            await next(context).ConfigureAwait(false);
        }
        catch (RefusedException refused) when (!context.Response.HasStarted)
        {
            await Gate.RefuseAsync(context, refused).ConfigureAwait(false);
        }
        catch (Exception failure)
            when (failure is System.Data.Common.DbException or HubStoreException or IOException or TimeoutException
                && !context.Response.HasStarted
                && !context.RequestAborted.IsCancellationRequested
            )
        {
            var refused = new RefusedException(503, "store-unavailable", "the hub's store does not work at the moment")
            {
                RetryAfter = TimeSpan.FromSeconds(10),
            };
            await Gate.RefuseAsync(context, refused).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // Whoever asked is gone.
        }
    }

    private async Task TickAsync()
    {
        using var timer = new PeriodicTimer(_parts.Options.TickPeriod, _parts.Options.Time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false))
            {
                if (_parts.Options.Time.GetUtcNow() >= _renewAt)
                {
                    Volatile.Write(ref _certificate, NewCertificate());
                }

                await _parts.TickAsync(_stop.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The hub stops.
        }
    }
}
