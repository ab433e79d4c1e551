namespace Shoal.Protocol;

/// <summary>What an announce reports. The numbers are those of BEP 15.</summary>
public enum AnnounceEvent
{
    /// <summary>One of the announces at regular intervals.</summary>
    None = 0,

    /// <summary>The download has just become complete.</summary>
    Completed = 1,
    Started = 2,
    Stopped = 3,

    /// <summary>
    /// BEP 21: incomplete and wanting no more. The BEP defines the word for HTTP only; over UDP we use 4, as
    /// libtorrent does, and trackers that do not know it take it for <see cref="None"/>.
    /// </summary>
    Paused = 4,
}
