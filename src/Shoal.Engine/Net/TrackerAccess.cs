namespace Shoal.Engine;

/// <summary>
/// Which addresses a URL may lead to. A torrent's author writes its URLs and we carry them out from inside the
/// user's network, where services trust whoever can reach them: so what a request could do there is narrowed to
/// what an announce is.
/// </summary>
internal static class TrackerAccess
{
    public const string AnnouncePath = "/announce";

    /// <summary>Why a host must not be asked; null if it may.</summary>
    /// <param name="reach">How far away it is.</param>
    /// <param name="path">Of the announce, also where its scrape is asked for.</param>
    /// <param name="hasQuery">Whether somebody else than we put a query into the URL.</param>
    /// <param name="cameFrom">Where the redirect came from; null: not a redirect.</param>
    /// <param name="namedBy">How near the peer is that named the tracker; null: the torrent or the user did.</param>
    public static string? WhyNot(
        NetworkReach reach,
        string path,
        bool hasQuery,
        NetworkReach? cameFrom,
        NetworkReach? namedBy = null
    ) =>
        reach switch
        {
            NetworkReach.None => "the address is no host's",
            NetworkReach.Global => null,
            _ when reach > namedBy => "a peer named it that is farther away than it",
            _ when cameFrom == NetworkReach.Global => "a redirect from the internet into the local network",
            NetworkReach.Loopback when path != AnnouncePath => $"only {AnnouncePath} is asked for on this machine",
            _ when hasQuery => "a URL with a query into the local network",
            _ => null,
        };
}
