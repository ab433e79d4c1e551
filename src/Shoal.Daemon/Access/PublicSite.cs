using Microsoft.AspNetCore.Http;

namespace Shoal.Daemon;

/// <summary>Where the daemon is reached through a reverse proxy, as http.public-url says: an origin, and the path below it.</summary>
/// <param name="Origin">Scheme, host and port, without a slash at the end.</param>
/// <param name="Path">With a slash before and none behind; empty: the proxy gives us the whole host.</param>
internal sealed record PublicSite(string Origin, string Host, string Path)
{
    /// <summary>Null: it is no such address.</summary>
    public static PublicSite? TryParse(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url)
        && url.Scheme is "http" or "https"
        && url.UserInfo.Length == 0
        && url.Query.Length == 0
        && url.Fragment.Length == 0
        && !url.AbsolutePath.Contains("//", StringComparison.Ordinal)
            ? new PublicSite(url.GetLeftPart(UriPartial.Authority), url.Host, url.AbsolutePath.TrimEnd('/'))
            : null;

    public string Url => Origin + Path;

    /// <summary>Whether it is encrypted between the browser and the proxy.</summary>
    public bool IsHttps => Origin.StartsWith("https:", StringComparison.Ordinal);

    /// <summary>Takes our path off a request that came with it, as it does from a proxy that passes addresses on as they are.</summary>
    /// <returns>The request names our path without a slash at the end, from where relative links lead astray.</returns>
    public bool Enter(HttpRequest request)
    {
        if (Path.Length == 0 || !request.Path.StartsWithSegments(Path, StringComparison.Ordinal, out var rest))
        {
            return false;
        }

        request.PathBase += new PathString(Path);
        request.Path = rest;
        return !rest.HasValue;
    }

    /// <summary>Whether a request came by the proxy, as far as its headers tell: it is meant for this host, or comes from a page of it.</summary>
    public bool IsMeantBy(HttpRequest request) =>
        HostRules.IsSameOrigin(Origin, new Uri(Origin).Scheme, request.Host.Value ?? "")
        || HostRules.IsSameOrigin(request.Headers.Origin.ToString(), new Uri(Origin).Scheme, new Uri(Origin).Authority);
}

/// <summary>How a request reached us: what our answer has to say of addresses and cookies.</summary>
internal static class RequestSite
{
    /// <summary>Where the browser finds us, below its host: for cookies. With a slash at the end.</summary>
    public static string CookiePath(HttpRequest request, PublicSite? site) =>
        request.PathBase is { HasValue: true } path ? path.Value + "/"
        : site?.IsMeantBy(request) == true ? site.Path + "/"
        : "/";

    /// <summary>Whether a cookie must not travel unencrypted: the caller came by HTTPS, to us or to the proxy.</summary>
    public static bool IsSecure(HttpRequest request, PublicSite? site) =>
        request.IsHttps || (site is { IsHttps: true } && site.IsMeantBy(request));

    /// <summary>Where the caller reaches us, without a slash at the end.</summary>
    public static string Url(HttpRequest request, PublicSite? site) =>
        site?.IsMeantBy(request) == true ? site.Url : $"{request.Scheme}://{request.Host}{request.PathBase}";

    /// <summary>Whether an origin that a browser names is that of our own page.</summary>
    public static bool IsOurs(string origin, HttpRequest request, PublicSite? site) =>
        HostRules.IsSameOrigin(origin, request.Scheme, request.Host.Value ?? "")
        || (
            site is not null
            && HostRules.IsSameOrigin(origin, new Uri(site.Origin).Scheme, new Uri(site.Origin).Authority)
        );
}
