using System.Net;
using Microsoft.AspNetCore.Http;

namespace Shoal.Daemon;

/// <summary>Logging in and out: our tokens are the passwords, the name does not matter.</summary>
internal static class QBittorrentLogin
{
    public static IReadOnlyDictionary<string, QBittorrentRoute> Routes { get; } =
        new Dictionary<string, QBittorrentRoute>
        {
            ["auth/login"] = new(null, true, LogInAsync),
            ["auth/logout"] = new(null, true, LogOutAsync),
        };

    private static async Task LogInAsync(QBittorrentCall call)
    {
        var address = call.Context.Connection.RemoteIpAddress ?? IPAddress.None;
        if (!call.Caller.IsOwner && call.Services.Throttle.Wait(address) is { } wait)
        {
            var seconds = (int)Math.Ceiling(wait.TotalSeconds);
            call.Context.Response.Headers.RetryAfter = $"{seconds}";
            // The status that qBittorrent has for it, which apps know.
            throw new ApiException(403, "too-many-failures", $"Too many failed attempts to log in: wait {seconds} s");
        }

        if (call.Own.Sessions.Start(call.Text("password") ?? "") is not { } secret)
        {
            call.Services.Throttle.Failed(address);
            await call.WriteTextAsync("Fails.").ConfigureAwait(false);
            return;
        }

        call.Services.Throttle.Succeeded(address);
        call.Context.Response.Cookies.Append(QBittorrentApi.Cookie, secret, Options(call));
        await call.WriteTextAsync("Ok.").ConfigureAwait(false);
    }

    private static Task LogOutAsync(QBittorrentCall call)
    {
        if (call.Context.Request.Cookies.TryGetValue(QBittorrentApi.Cookie, out var secret))
        {
            call.Own.Sessions.End(secret);
            call.Context.Response.Cookies.Delete(QBittorrentApi.Cookie, Options(call));
        }

        return call.WriteTextAsync("");
    }

    private static CookieOptions Options(QBittorrentCall call) =>
        new()
        {
            HttpOnly = true,
            SameSite = SameSiteMode.Strict,
            Secure = RequestSite.IsSecure(call.Context.Request, call.Services.Settings.Current.PublicSite),
            Path = RequestSite.CookiePath(call.Context.Request, call.Services.Settings.Current.PublicSite),
        };
}
