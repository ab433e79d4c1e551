using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Shoal.Api;

namespace Shoal.Daemon;

/// <summary>One call: what it needs, and who does it.</summary>
/// <param name="Scope">Null: anybody may call.</param>
/// <param name="IsPost">It changes something, so GET is refused: pages of other sites can make browsers send that.</param>
internal sealed record QBittorrentRoute(AccessScope? Scope, bool IsPost, Func<QBittorrentCall, Task> Handle)
{
    /// <summary>Bytes of the body.</summary>
    public long MaxBody { get; init; } = ApiLimits.MaxBody;
}

/// <summary>What the calls of this protocol share. One for each daemon.</summary>
internal sealed record QBittorrentServices(QBittorrentSessions Sessions, QBittorrentCreator Creator);

/// <summary>
/// The Web API of qBittorrent, version 2, for the many apps that speak it. They log in with any name and a token as the
/// password, and get a cookie; a token in the Authorization header does as well. docs/compatibility.md says what is mapped,
/// what is ignored and what is refused.
/// </summary>
internal static class QBittorrentApi
{
    /// <summary>The version of qBittorrent that has the calls we have: apps choose by it what they show.</summary>
    public const string AppVersion = "v5.0.4";
    public const string ApiVersion = "2.11.2";
    public const string Cookie = "SID";

    private static readonly Dictionary<string, QBittorrentRoute> Routes = new(
        new IReadOnlyDictionary<string, QBittorrentRoute>[]
        {
            QBittorrentLogin.Routes,
            QBittorrentApp.Routes,
            QBittorrentTransfer.Routes,
            QBittorrentTorrents.Routes,
            QBittorrentDetails.Routes,
            QBittorrentActions.Routes,
            QBittorrentRenaming.Routes,
            QBittorrentNames.Routes,
            QBittorrentAdding.Routes,
            QBittorrentSync.Routes,
            QBittorrentCreator.Routes,
            QBittorrentFeeds.Routes,
            QBittorrentFeedRules.Routes,
        }.SelectMany(routes => routes),
        StringComparer.Ordinal
    );

    /// <summary>Names of all calls, for the test that compares them with the document.</summary>
    public static IEnumerable<string> Names => Routes.Keys;

    public static void Map(WebApplication web, DaemonServices services)
    {
        var own = services.QBittorrent;
        web.Map("/api/v2/{group}/{call}", context => HandleAsync(context, services, own));
    }

    private static async Task HandleAsync(HttpContext context, DaemonServices services, QBittorrentServices own)
    {
        // The protocol knows no JSON for failures: the status and a line of text.
        var call = new QBittorrentCall(
            context,
            services,
            new Caller(false, null, false),
            new QBittorrentSession(""),
            own,
            FormCollection.Empty
        );
        try
        {
            await AnswerAsync(call).ConfigureAwait(false);
        }
        catch (ApiException error) when (!context.Response.HasStarted)
        {
            await call.WriteTextAsync(error.Message, error.Status).ConfigureAwait(false);
        }
        catch (Exception error)
            when (error is InvalidDataException or IOException and not BadHttpRequestException
                && !context.Response.HasStarted
            )
        {
            // A form that is broken, ends early, or has more fields than anybody needs.
            await call.WriteTextAsync(error.Message, StatusCodes.Status400BadRequest).ConfigureAwait(false);
        }
    }

    private static async Task AnswerAsync(QBittorrentCall call)
    {
        var request = call.Context.Request;
        var name = $"{request.RouteValues["group"]}/{request.RouteValues["call"]}";
        if (!Routes.TryGetValue(name, out var route))
        {
            throw new ApiException(404, "no-such-call", "Not Found");
        }

        var isPost = HttpMethods.IsPost(request.Method);
        if (route.IsPost ? !isPost : !isPost && !HttpMethods.IsGet(request.Method))
        {
            call.Context.Response.Headers.Allow = route.IsPost ? "POST" : "GET, POST";
            throw new ApiException(405, "no-such-method", "Method Not Allowed");
        }

        var (caller, session) = Identify(call);
        if (route.Scope is { } needed)
        {
            if (caller.Scope is not { } has)
            {
                throw new ApiException(403, "not-logged-in", "Forbidden");
            }

            if (has < needed)
            {
                throw new ApiException(403, "scope", $"Forbidden: this needs a token with the scope {needed}");
            }
        }

        ApiCall.Limit(call.Context, route.MaxBody);
        await route
            .Handle(call with { Caller = caller, Session = session, Form = await FormAsync(call.Context, route) })
            .ConfigureAwait(false);
    }

    private static (Caller Caller, QBittorrentSession Session) Identify(QBittorrentCall call)
    {
        var request = call.Context.Request;
        if (DoorKeeper.IsOwner(call.Context))
        {
            return (new Caller(true, AccessScope.Admin, false), call.Own.Sessions.OfCaller("owner"));
        }

        CheckReferer(request, call.Services.Settings.Current.PublicSite);
        if (
            request.Headers.Authorization.Count == 0
            && request.Cookies.TryGetValue(Cookie, out var secret)
            && call.Own.Sessions.Find(secret) is { } known
        )
        {
            CheckSite(request);
            DoorKeeper.Keep(call.Context, known.Session.TokenId, known.Scope);
            return (new Caller(false, known.Scope, true), known.Session);
        }

        var caller = DoorKeeper.Identify(call.Context, call.Services);
        return caller.Scope is null ? (caller, call.Session) : (caller, call.Own.Sessions.OfCaller(KeyOf(request)));
    }

    private static string KeyOf(HttpRequest request) =>
        Convert.ToHexString(
            SHA256.HashData(
                Encoding.UTF8.GetBytes($"{request.Headers.Authorization} {request.Cookies[DoorKeeper.Cookie]}")
            )
        );

    /// <summary>
    /// A browser sends the cookie by itself. What it says of the page is right where it says it; apps say nothing. Cookies are
    /// SameSite=Strict besides, the Origin is compared for all calls, and nothing changes by GET.
    /// </summary>
    private static void CheckSite(HttpRequest request)
    {
        if (
            request.Headers["Sec-Fetch-Site"].ToString() is { Length: > 0 } site
            && site is not ("same-origin" or "none")
        )
        {
            throw new ApiException(403, "cross-site", "requests from pages of other sites are refused");
        }
    }

    private static void CheckReferer(HttpRequest request, PublicSite? site)
    {
        // As qBittorrent does: apps of many years send their own address as the referer, or nothing.
        if (
            request.Headers.Referer.ToString() is { Length: > 0 } referer
            && !(
                Uri.TryCreate(referer, UriKind.Absolute, out var page)
                && RequestSite.IsOurs(page.GetLeftPart(UriPartial.Authority), request, site)
            )
        )
        {
            throw new ApiException(403, "cross-site", "requests from pages of other sites are refused");
        }
    }

    private static async Task<IFormCollection> FormAsync(HttpContext context, QBittorrentRoute route)
    {
        if (!HttpMethods.IsPost(context.Request.Method) || !context.Request.HasFormContentType)
        {
            return FormCollection.Empty;
        }

        var limits = new FormOptions
        {
            // In memory: the body is bounded already, and the system's temporary folder is not ours to fill.
            MemoryBufferThreshold = (int)route.MaxBody + 1,
            BufferBodyLengthLimit = route.MaxBody,
            MultipartBodyLengthLimit = route.MaxBody,
            ValueLengthLimit = (int)ApiLimits.MaxBody,
            ValueCountLimit = 1024,
            MultipartHeadersLengthLimit = 16 * 1024,
        };
        return await context.Request.ReadFormAsync(limits, context.RequestAborted).ConfigureAwait(false);
    }
}
