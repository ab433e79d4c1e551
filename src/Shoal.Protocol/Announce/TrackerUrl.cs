using System.Diagnostics.CodeAnalysis;

namespace Shoal.Protocol;

public enum TrackerScheme
{
    Http,
    Https,
    Udp,
}

/// <summary>The address of a tracker, checked: one of the three schemes, a host, a port, nothing unprintable.</summary>
public sealed record TrackerUrl
{
    private TrackerUrl(TrackerScheme scheme, Uri uri)
    {
        Scheme = scheme;
        Uri = uri;
    }

    public TrackerScheme Scheme { get; }

    /// <summary>Absolute, canonical, without fragment.</summary>
    public Uri Uri { get; }

    /// <summary>A name or an address, without brackets.</summary>
    public string Host => Uri.IdnHost;

    public int Port => Uri.Port;

    /// <summary>Path and query as they go to the tracker; for UDP empty when the URL has neither (BEP 41).</summary>
    public string PathAndQuery => Scheme == TrackerScheme.Udp && Uri.PathAndQuery == "/" ? "" : Uri.PathAndQuery;

    /// <summary>Whether the URL itself has a query.</summary>
    public bool HasQuery => Uri.Query.Length > 1;

    /// <summary>
    /// BEP 48: "This is done by locating the string announce in the path section of the announce URL and replacing
    /// it with the string scrape." As everywhere, only where it begins the last part of the path. Null: the
    /// tracker cannot be scraped. For UDP the URL itself.
    /// </summary>
    public TrackerUrl? Scrape
    {
        get
        {
            const string announce = "announce";
            if (Scheme == TrackerScheme.Udp)
            {
                return this;
            }

            var path = Uri.AbsolutePath;
            var last = path.LastIndexOf('/') + 1;
            if (!path.AsSpan(last).StartsWith(announce, StringComparison.Ordinal))
            {
                return null;
            }

            var authority = Uri.GetComponents(
                UriComponents.SchemeAndServer | UriComponents.UserInfo,
                UriFormat.UriEscaped
            );
            return TryParse(
                $"{authority}{path[..last]}scrape{path[(last + announce.Length)..]}{Uri.Query}",
                out var scrape
            )
                ? scrape
                : null;
        }
    }

    public static bool TryParse(string? text, [NotNullWhen(true)] out TrackerUrl? url)
    {
        url = null;
        // Control characters would reach request lines and logs.
        if (text is null || text.Length > AnnounceLimits.MaxUrlLength || text.Any(c => c <= ' ' || c == 0x7F))
        {
            return false;
        }

        var hash = text.IndexOf('#', StringComparison.Ordinal);
        if (hash >= 0)
        {
            text = text[..hash];
        }

        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.IdnHost.Length == 0)
        {
            return false;
        }

        TrackerScheme? scheme = uri.Scheme switch
        {
            "http" => TrackerScheme.Http,
            "https" => TrackerScheme.Https,
            "udp" => TrackerScheme.Udp,
            _ => null,
        };
        if (scheme is not { } known || uri.Port is <= 0 or > ushort.MaxValue)
        {
            return false;
        }

        url = new TrackerUrl(known, uri);
        return true;
    }

    public override string ToString() => Uri.AbsoluteUri;
}
