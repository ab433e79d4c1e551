using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>A tracker that a peer named, and how near to us that peer is: it may name nothing nearer than itself.</summary>
internal sealed record HearsayTracker(TrackerUrl Url, NetworkReach By);

/// <summary>Which trackers of strangers are worth asking, and which of ours are for strangers to know.</summary>
internal static class TrackerManners
{
    private const string AnnouncePath = "/announce";

    /// <summary>
    /// The tracker behind a URL that a peer named; null: not to be asked. One of the three schemes, the usual path, no
    /// query and no credentials: so what a stranger can make us send is an announce and nothing else, wherever he sends
    /// it. Names may lead nearer than they look, which is asked again where they are looked up.
    /// </summary>
    public static HearsayTracker? Read(string text, NetworkReach by) =>
        TrackerUrl.TryParse(text, out var url) && IsPlain(url) && NetworkReaches.OfName(url.Host) <= by
            ? new HearsayTracker(url, by)
            : null;

    /// <summary>
    /// Whether a tracker of ours may be named to peers: what is in its path, query or credentials may be a secret between
    /// its operator and us.
    /// </summary>
    public static bool MayBeTold(TrackerUrl url, NetworkReach to) =>
        IsPlain(url) && NetworkReaches.OfName(url.Host) <= to;

    private static bool IsPlain(TrackerUrl url) =>
        !url.HasQuery
        && url.Uri.UserInfo.Length == 0
        && (url.Uri.AbsolutePath == AnnouncePath || (url.Scheme == TrackerScheme.Udp && url.PathAndQuery.Length == 0));
}
