using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Shoal.Engine;

/// <summary>
/// The address of a web seed, as a torrent or a magnet link names it, and those of its files. Equal where the text is.
/// </summary>
internal sealed record WebSeedUrl
{
    private static readonly UriCreationOptions Verbatim = new() { DangerousDisablePathAndQueryCanonicalization = true };

    private readonly string _origin;

    // Path and query, ready for a request line; begins with '/'.
    private readonly string _rest;

    private WebSeedUrl(string text, string scheme, string host, int port, string rest, string? credentials)
    {
        Text = text;
        Host = host;
        Credentials = credentials;
        _origin = string.Create(CultureInfo.InvariantCulture, $"{scheme}://{host}:{port}");
        _rest = rest;
        var query = rest.IndexOf('?', StringComparison.Ordinal);
        Display = _origin + (query < 0 ? rest : rest[..query]);
    }

    /// <summary>As it was written; may hold credentials.</summary>
    public string Text { get; }

    /// <summary>For people and programs: without credentials, and without the query, which may hold some too.</summary>
    public string Display { get; }

    /// <summary>Name or address, IPv6 in brackets.</summary>
    public string Host { get; }

    /// <summary>User and password as they go into the Authorization header, decoded; null: none.</summary>
    public string? Credentials { get; }

    public bool Equals(WebSeedUrl? other) => other?.Text == Text;

    public override int GetHashCode() => Text.GetHashCode(StringComparison.Ordinal);

    /// <summary>False for what is no http or https URL of a host.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out WebSeedUrl? url)
    {
        url = null;
        if (
            !Uri.TryCreate(text, Verbatim, out var uri)
            || uri.Scheme is not ("http" or "https")
            || uri.IdnHost.Length == 0
            || uri.Port is <= 0 or > ushort.MaxValue
        )
        {
            return false;
        }

        var host = uri.HostNameType == UriHostNameType.IPv6 ? $"[{uri.IdnHost}]" : uri.IdnHost;
        var start = text.IndexOfAny(['/', '?', '#'], text.IndexOf("://", StringComparison.Ordinal) + 3);
        var rest = start < 0 ? "" : text[start..];
        var end = rest.IndexOf('#', StringComparison.Ordinal);
        rest = Escape(end < 0 ? rest : rest[..end]);
        rest = rest.StartsWith('/') ? rest : '/' + rest;
        var credentials = uri.UserInfo.Length == 0 ? null : Uri.UnescapeDataString(uri.UserInfo);
        url = new WebSeedUrl(text, uri.Scheme, host, uri.Port, rest, credentials);
        return true;
    }

    /// <summary>Where a file is.</summary>
    /// <param name="path">Percent-encoded; <see cref="Protocol.WebSeedPaths"/>. The torrent has a folder if it has a '/'.</param>
    public Uri Of(string path)
    {
        // BEP 19: "If the "url-list" URL ends in a slash, "/" the client must add the "name" from the torrent to make
        // the full URL." "In the case of multi-file torrents, the "url-list" would be a root folder where a client could
        // add the same "name" and "path/file" to create the URL for the request."
        var isFolder = path.Contains('/', StringComparison.Ordinal);
        var rest =
            _rest.EndsWith('/') ? _rest + path
            : isFolder ? $"{_rest}/{path}"
            : _rest;
        return new Uri(_origin + rest, Verbatim);
    }

    public override string ToString() => Display;

    /// <summary>What a request line cannot carry is encoded; the author's own encoding stays.</summary>
    private static string Escape(string text)
    {
        if (text.All(IsAllowed))
        {
            return text;
        }

        var escaped = new StringBuilder(text.Length + 16);
        foreach (var value in Encoding.UTF8.GetBytes(text))
        {
            _ = IsAllowed((char)value)
                ? escaped.Append((char)value)
                : escaped.Append('%').Append(value.ToString("X2", CultureInfo.InvariantCulture));
        }

        return escaped.ToString();
    }

    private static bool IsAllowed(char c) =>
        c is > ' ' and < '\x7f' and not ('"' or '<' or '>' or '\\' or '^' or '`' or '{' or '|' or '}');
}
