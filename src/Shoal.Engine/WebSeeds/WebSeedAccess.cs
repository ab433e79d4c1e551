namespace Shoal.Engine;

/// <summary>
/// Which addresses the URL of a web seed may lead to; <see cref="TrackerAccess"/> says why there must be rules. A server
/// at home or on this machine may be a web seed, and a torrent's author could name one that is not meant: so what is asked
/// of such a server is a GET without a query, never because somebody in the internet said so.
/// </summary>
internal static class WebSeedAccess
{
    /// <summary>Why a host must not be asked; null if it may.</summary>
    /// <param name="reach">How far away it is.</param>
    /// <param name="hasQuery">Whether the URL has a query.</param>
    /// <param name="cameFrom">Where the redirect came from; null: not a redirect.</param>
    public static string? WhyNot(NetworkReach reach, bool hasQuery, NetworkReach? cameFrom) =>
        reach switch
        {
            NetworkReach.None => "the address is no host's",
            NetworkReach.Global => null,
            _ when cameFrom == NetworkReach.Global => "a redirect from the internet into the local network",
            _ when hasQuery => "a URL with a query into the local network",
            _ => null,
        };
}
