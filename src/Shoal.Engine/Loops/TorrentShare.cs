using System.Net;

namespace Shoal.Engine;

/// <summary>What a torrent needs connections for.</summary>
internal enum ShareKind
{
    /// <summary>Paused, checking or failed: nobody is called.</summary>
    Idle,
    Seeding,

    /// <summary>Also while the metadata is being fetched.</summary>
    Downloading,
}

/// <summary>
/// What one torrent has of the engine's connections, and whom it wants to call. Guarded by <see cref="ConnectionSlots"/>
/// and <see cref="DialQueue"/>, each its own part.
/// </summary>
/// <param name="giveUp">Called from any thread: another torrent needs the place of one peer. Must not wait.</param>
internal sealed class TorrentShare(Action giveUp)
{
    public ShareKind Kind { get; set; } = ShareKind.Downloading;

    /// <summary>Places taken.</summary>
    public int Taken { get; set; }

    /// <summary>Of these, that it has been told to give up.</summary>
    public int Owed { get; set; }

    public Action GiveUp => giveUp;

    /// <summary>How well off it is with so many connections more; the poorest is next.</summary>
    public double Wealth(SharingLimits limits, int more = 0) =>
        (double)(Taken - Owed + more) / (Kind == ShareKind.Downloading ? limits.DownloadWeight : 1);

    // Of DialQueue.

    public Queue<DialWish> Wishes { get; } = new();

    /// <summary>Those that were agreed on (<see cref="DialHints.Punch"/>).</summary>
    public Queue<DialWish> Punches { get; } = new();
    public long LastDialled { get; set; }
    public long LastPunched { get; set; }
}

/// <summary>A candidate that a torrent wants to call.</summary>
/// <param name="EndPoint">Where.</param>
/// <param name="Hints">What is known of the way.</param>
/// <param name="IsAhead">Of <see cref="DialQueue"/>: it went ahead of the others' turns.</param>
internal readonly record struct DialWish(IPEndPoint EndPoint, DialHints Hints, bool IsAhead = false);
