using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Shoal.Daemon;

/// <summary>
/// The page that a login link leads to: a button, so that a program that only looks at links does not use the code up, and a
/// field for a token where there is no code.
/// </summary>
internal static class LoginPages
{
    private const int MaxForm = 16 * 1024;

    public static void Map(WebApplication web, DaemonServices services)
    {
        web.MapMethods(
            "/login",
            ["GET"],
            context => ShowAsync(context, context.Request.Query["code"].ToString(), null)
        );
        web.MapMethods("/login", ["POST"], context => LogInAsync(context, services));
        web.MapMethods("/logout", ["POST"], context => LogOutAsync(context, services));
    }

    private static async Task LogInAsync(HttpContext context, DaemonServices services)
    {
        ApiCall.Limit(context, MaxForm);
        var request = context.Request;
        if (!request.HasFormContentType)
        {
            throw new ApiException(415, "not-a-form", "the body must be a form");
        }

        // The browser sends neither where it obeys no rules at all; then there is no other page that could have sent this.
        if (request.Headers["Sec-Fetch-Site"].ToString() is not ("" or "same-origin" or "none"))
        {
            throw new ApiException(403, "cross-site", "requests from pages of other sites are refused");
        }

        var form = await request.ReadFormAsync(context.RequestAborted).ConfigureAwait(false);
        var address = context.Connection.RemoteIpAddress ?? IPAddress.None;
        DoorKeeper.Admit(context, services.Throttle, address);
        var browser = Browser(request.Headers.UserAgent.ToString());
        var session = form["code"].ToString() is { Length: > 0 } code
            ? services.Access.Redeem(code, browser)
            : services.Access.LogIn(form["token"].ToString(), browser);
        if (session is not { } granted)
        {
            services.Throttle.Failed(address);
            await ShowAsync(context, "", "That did not let you in: a link works once, within a day.")
                .ConfigureAwait(false);
            return;
        }

        services.Throttle.Succeeded(address);
        Log.LoggedIn(services.AccessLog, address);
        context.Response.Cookies.Append(
            DoorKeeper.Cookie,
            granted.Secret,
            Options(context, services, granted.Lifetime)
        );
        context.Response.StatusCode = StatusCodes.Status303SeeOther;
        // Relative: where that is only the browser knows for sure.
        context.Response.Headers.Location = "./";
    }

    private static Task LogOutAsync(HttpContext context, DaemonServices services)
    {
        if (
            DoorKeeper.Identify(context, services).IsBrowser && context.Request.Cookies[DoorKeeper.Cookie] is { } secret
        )
        {
            services.Access.LogOut(secret);
        }

        context.Response.Cookies.Delete(DoorKeeper.Cookie, Options(context, services, TimeSpan.Zero));
        context.Response.StatusCode = StatusCodes.Status303SeeOther;
        context.Response.Headers.Location = "login";
        return Task.CompletedTask;
    }

    private static CookieOptions Options(HttpContext context, DaemonServices services, TimeSpan lifetime) =>
        new()
        {
            HttpOnly = true,
            SameSite = SameSiteMode.Strict,
            Secure = RequestSite.IsSecure(context.Request, services.Settings.Current.PublicSite),
            Path = RequestSite.CookiePath(context.Request, services.Settings.Current.PublicSite),
            MaxAge = lifetime,
        };

    private static Task ShowAsync(HttpContext context, string code, string? problem)
    {
        var field =
            code.Length > 0
                ? $"<input type=\"hidden\" name=\"code\" value=\"{WebUtility.HtmlEncode(code)}\">"
                : "<p><label>Token <input type=\"password\" name=\"token\" autocomplete=\"current-password\" autofocus></label></p>";
        var trouble = problem is null ? "" : $"<p role=\"alert\">{WebUtility.HtmlEncode(problem)}</p>";
        var hint =
            code.Length > 0 ? "" : "<p>Or run <code>shoal login</code> where the daemon runs: it prints a link.</p>";
        var page = $"""
            <!doctype html>
            <html lang="en">
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>Shoal: log in</title>
            <meta name="color-scheme" content="light dark">
            <link rel="icon" href="icon.svg" type="image/svg+xml">
            <link rel="stylesheet" href="app.css">
            <main class="login">
            <h1>Shoal</h1>
            {trouble}
            <form method="post" action="login">
            {field}
            <p><button>Log in on this browser</button></p>
            </form>
            {hint}
            </main>
            </html>

            """;
        context.Response.StatusCode = problem is null ? StatusCodes.Status200OK : StatusCodes.Status403Forbidden;
        context.Response.ContentType = "text/html; charset=utf-8";
        var bytes = Encoding.UTF8.GetBytes(page);
        context.Response.ContentLength = bytes.Length;
        return context.Response.Body.WriteAsync(bytes, context.RequestAborted).AsTask();
    }

    private static string Browser(string agent)
    {
        var name = new string([.. agent.Where(c => !char.IsControl(c)).Take(100)]);
        return name.Length > 0 ? name : "a browser";
    }
}
