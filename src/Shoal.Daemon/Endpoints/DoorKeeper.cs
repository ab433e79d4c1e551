using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Shoal.Api;
using Shoal.Tracker;

namespace Shoal.Daemon;

/// <summary>What is known of a caller.</summary>
/// <param name="IsOwner">Came by the Unix socket.</param>
/// <param name="Scope">What it may do; null: it has said nothing that lets it in.</param>
/// <param name="IsBrowser">It is let in by a cookie, which browsers send by themselves.</param>
/// <param name="TokenId">The id of the token or login it came with; null: the owner, or nobody.</param>
internal sealed record Caller(bool IsOwner, AccessScope? Scope, bool IsBrowser, string? TokenId = null);

/// <summary>
/// Stands before all endpoints: is the request meant for us, does it come from our own page, who is it, and what has to stand
/// on every answer. What each call needs is asked by <see cref="ApiRoutes"/>.
/// </summary>
internal static class DoorKeeper
{
    public const string Cookie = "shoal_session";

    private const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        + "media-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    public static void Install(WebApplication web, DaemonServices services)
    {
        var log = services.Logs.CreateLogger(LogParts.Api);
        web.Use((context, next) => AnswerAsync(context, services, log, next));
        // After it, not before: it takes the path of the proxy off.
        web.UseRouting();
    }

    private static async Task AnswerAsync(
        HttpContext context,
        DaemonServices services,
        ILogger log,
        RequestDelegate next
    )
    {
        var began = services.Time.GetTimestamp();
        Harden(context.Response.Headers);
        try
        {
            if (Enter(context, services.Settings.Current))
            {
                return;
            }

            if (!IsOwner(context))
            {
                CheckSite(context, services);
            }

            await next(context).ConfigureAwait(false);
            await TellWhatIsMissingAsync(context).ConfigureAwait(false);
        }
        catch (ApiException error)
        {
            await Problems.WriteAsync(context, error).ConfigureAwait(false);
        }
        catch (BadHttpRequestException error)
        {
            var code = error.StatusCode == StatusCodes.Status413PayloadTooLarge ? "too-large" : "bad-request";
            await Problems
                .WriteAsync(context, new ApiException(error.StatusCode, code, error.Message))
                .ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The caller is gone.
        }
        catch (Exception error) when (!context.Response.HasStarted)
        {
            // A bug of ours costs this call only.
            Log.CallBug(log, context.Request.Method, PathOf(context), error);
            await Problems
                .WriteAsync(
                    context,
                    new ApiException(
                        500,
                        "internal-error",
                        $"this is a bug in Shoal, please report it: {error.GetType().Name}: {error.Message}"
                    )
                )
                .ConfigureAwait(false);
        }

        var took = services.Time.GetElapsedTime(began);
        services.CallTimes.Add(context, took);
        if (log.IsEnabled(LogLevel.Debug))
        {
            Log.Call(
                log,
                context.Request.Method,
                PathOf(context),
                context.Response.StatusCode,
                Math.Round(took.TotalMilliseconds, 2),
                context.Connection.RemoteIpAddress?.ToString() ?? "the socket",
                CallerOf(context)
            );
        }
    }

    /// <summary>Finds out how the request came to us, and takes off what is the proxy's.</summary>
    /// <returns>It is answered.</returns>
    private static bool Enter(HttpContext context, DaemonSettings settings)
    {
        if (!IsOwner(context))
        {
            ForwardedRequest.Apply(context, settings.TrustedProxies);
        }

        if (settings.PublicSite?.Enter(context.Request) != true)
        {
            return false;
        }

        var path = context.Request.PathBase.Value!;
        context.Response.StatusCode = StatusCodes.Status308PermanentRedirect;
        context.Response.Headers.Location = path[(path.LastIndexOf('/') + 1)..] + "/";
        return true;
    }

    // Without the query: there are keys of streams in it, and codes that log in.
    private static string PathOf(HttpContext context) => Shorten(context.Request.Path.Value ?? "");

    private static string CallerOf(HttpContext context) =>
        context.Items[typeof(Caller)] is not Caller caller ? "nobody"
        : caller.IsOwner ? "owner"
        : caller.TokenId ?? "nobody";

    /// <summary>Who calls.</summary>
    /// <exception cref="ApiException">It has tried too often, or what it says is wrong.</exception>
    public static Caller Identify(HttpContext context, DaemonServices services)
    {
        var caller = Know(context, services);
        // For the log.
        context.Items[typeof(Caller)] = caller;
        return caller;
    }

    private static Caller Know(HttpContext context, DaemonServices services)
    {
        if (IsOwner(context))
        {
            return new Caller(IsOwner: true, AccessScope.Admin, IsBrowser: false);
        }

        var (secret, isBrowser) = SecretOf(context.Request);
        if (secret is null)
        {
            return new Caller(IsOwner: false, Scope: null, IsBrowser: false);
        }

        var address = context.Connection.RemoteIpAddress ?? IPAddress.None;
        Admit(context, services.Throttle, address);
        var (tokenId, scope) = services.Access.Know(secret);
        if (scope is { } allowed)
        {
            services.Throttle.Succeeded(address);
            Keep(context, tokenId!, allowed);
        }
        else if (!isBrowser)
        {
            // A cookie of a former state folder is no attack; nobody can guess with cookies either, they count where they are wrong too.
            services.Throttle.Failed(address);
        }

        if (scope is not null && isBrowser)
        {
            CheckSameSite(context.Request);
        }

        return new Caller(IsOwner: false, scope, isBrowser, tokenId);
    }

    /// <summary>The connection of who has shown a token is not one of a stranger any more.</summary>
    public static void Keep(HttpContext context, string tokenId, AccessScope scope) =>
        CallerGate.Keep(context.Features, tokenId, scope == AccessScope.Admin);

    /// <exception cref="ApiException">The address has failed too often.</exception>
    public static void Admit(HttpContext context, LoginThrottle throttle, IPAddress address)
    {
        if (throttle.Wait(address) is { } wait)
        {
            var seconds = (int)Math.Ceiling(wait.TotalSeconds);
            context.Response.Headers.RetryAfter = $"{seconds}";
            throw new ApiException(429, "too-many-failures", $"too many failed attempts; wait {seconds} s");
        }
    }

    public static bool IsOwner(HttpContext context) =>
        context.Features.Get<IConnectionItemsFeature>()?.Items.ContainsKey(DaemonHost.OwnerMark) == true;

    private static void CheckSite(HttpContext context, DaemonServices services)
    {
        var request = context.Request;
        if (!HostRules.IsOurs(request.Host.Host, services.Settings.Current.HttpHosts))
        {
            throw new ApiException(
                421,
                "bad-host",
                $"the name '{Shorten(request.Host.Host)}' is not one of ours: use an address, localhost, or add it to http.hosts"
            );
        }

        if (
            request.Headers.TryGetValue("Origin", out var origin)
            && !RequestSite.IsOurs(origin.ToString(), request, services.Settings.Current.PublicSite)
        )
        {
            throw new ApiException(403, "cross-site", "requests from pages of other sites are refused");
        }
    }

    /// <summary>
    /// A browser sends cookies by itself, whoever made it send the request: what changes something must come from our page.
    /// </summary>
    private static void CheckSameSite(HttpRequest request)
    {
        var isSafe = HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method);
        var site = request.Headers["Sec-Fetch-Site"].ToString();
        var isOurs =
            site.Length > 0 ? site is "same-origin" or "none" : isSafe || request.Headers.ContainsKey("Origin");
        if (!isOurs || (!isSafe && site == "none"))
        {
            throw new ApiException(403, "cross-site", "requests from pages of other sites are refused");
        }
    }

    private static (string? Secret, bool IsBrowser) SecretOf(HttpRequest request)
    {
        var header = request.Headers.Authorization.ToString();
        if (header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase))
        {
            return (header[7..].Trim(), false);
        }

        if (header.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase))
        {
            // Programs that know only names and passwords: any name, and a token as the password.
            return (PasswordOf(header[6..].Trim()), false);
        }

        return request.Cookies.TryGetValue(Cookie, out var cookie) ? (cookie, true) : (null, false);
    }

    private static string PasswordOf(string basic)
    {
        var bytes = new byte[basic.Length];
        if (!Convert.TryFromBase64String(basic, bytes, out var length))
        {
            return "";
        }

        var pair = Encoding.UTF8.GetString(bytes, 0, length);
        return pair[(pair.IndexOf(':', StringComparison.Ordinal) + 1)..];
    }

    internal static void Harden(IHeaderDictionary headers)
    {
        headers.ContentSecurityPolicy = ContentSecurityPolicy;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        // With no-referrer browsers send "Origin: null" with forms of our own page, and nobody could log in.
        headers["Referrer-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers.CacheControl = "no-store";
    }

    private static Task TellWhatIsMissingAsync(HttpContext context)
    {
        if (context.Response.HasStarted || context.Response.ContentLength is not null)
        {
            return Task.CompletedTask;
        }

        return context.Response.StatusCode switch
        {
            404 => Problems.WriteAsync(
                context,
                new ApiException(404, "no-such-call", $"there is no {Shorten(context.Request.Path.Value ?? "")}")
            ),
            405 => Problems.WriteAsync(
                context,
                new ApiException(405, "no-such-method", $"{context.Request.Method} cannot be used here")
            ),
            _ => Task.CompletedTask,
        };
    }

    private static string Shorten(string text) => text.Length > 100 ? text[..100] + "..." : text;
}
