using System.Net;

namespace Shoal.Daemon;

/// <summary>
/// Which requests of browsers are ours. A page of another site can make a browser send requests to us; these rules tell
/// them from those of our own page.
/// </summary>
internal static class HostRules
{
    /// <summary>
    /// Whether the Host header names us. A site that lets its own name lead to our address (DNS rebinding) comes with that
    /// name; an address in its place cannot be rebound.
    /// </summary>
    /// <param name="host">Without the port.</param>
    /// <param name="allowed">What the settings allow besides.</param>
    public static bool IsOurs(string host, IReadOnlyList<string> allowed)
    {
        var name = host.Trim('[', ']').TrimEnd('.');
        return name.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || IPAddress.TryParse(name, out _)
            || allowed.Contains(name, StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>Whether an Origin header names the site that the request goes to.</summary>
    /// <param name="origin">As sent; "null" is nobody.</param>
    /// <param name="scheme">Of the request.</param>
    /// <param name="host">With the port, as the Host header says.</param>
    public static bool IsSameOrigin(string origin, string scheme, string host) =>
        Uri.TryCreate(origin, UriKind.Absolute, out var url)
        && Uri.TryCreate($"{scheme}://{host}", UriKind.Absolute, out var own)
        && url.Scheme == own.Scheme
        && url.Port == own.Port
        && url.Host.Equals(own.Host, StringComparison.OrdinalIgnoreCase);
}
