namespace Shoal.Daemon;

/// <summary>
/// When a daemon at rest gives memory back. What starting or listing thousands of torrents took is garbage soon, but the collector
/// keeps it for more of the same, and at rest nothing makes it look.
/// </summary>
internal sealed class TrimRule
{
    /// <summary>Looks without any change of the list before a pause disturbs nobody.</summary>
    private const int QuietLooks = 3;

    /// <summary>Bytes made since the last time that are worth a pause. At rest they take an hour.</summary>
    private const long LeastMade = 64 * 1024 * 1024;

    private static readonly TimeSpan s_least = TimeSpan.FromMinutes(5);

    private TimeSpan _next = TimeSpan.MinValue;
    private long _revision = -1;
    private long _made;
    private int _quiet;

    /// <param name="now">Of any clock that only goes forward.</param>
    /// <param name="revision">Of the list of torrents: another one, and something moves.</param>
    /// <param name="made">Bytes that have ever been allocated.</param>
    /// <returns>Whether now is the time.</returns>
    public bool Look(TimeSpan now, long revision, long made)
    {
        _quiet = revision == _revision ? _quiet + 1 : 0;
        _revision = revision;
        if (_quiet < QuietLooks || made - _made < LeastMade || now < _next)
        {
            return false;
        }

        _made = made;
        _next = now + s_least;
        return true;
    }
}
