using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>What the swarm knows of one reader. All places are offsets in the torrent's range, in bytes.</summary>
internal sealed class ReaderState(int id, long position, long end)
{
    public int Id => id;

    /// <summary>Where what it reads ends, exclusive.</summary>
    public long End => end;

    /// <summary>The next byte it wants.</summary>
    public long Position { get; set; } = position;

    /// <summary>From <see cref="Position"/> up to here everything is proven; never beyond what is read ahead.</summary>
    public long Ready { get; set; } = position;

    /// <summary>From <see cref="Position"/> up to here all pieces are proven as a whole; up to <see cref="Ready"/> by blocks.</summary>
    public long Whole { get; set; } = position;

    /// <summary>Where it jumped to last: blocks there are proven alone where that is possible.</summary>
    public long JumpedTo { get; set; } = position;

    /// <summary>How fast it takes what it gets.</summary>
    public RateMeter Rate;

    /// <summary>Peers with less are not asked for what is urgent; bytes a second.</summary>
    public double QuickRate { get; set; }

    /// <summary><see cref="ContentState.Losses"/> as of <see cref="Ready"/>.</summary>
    public int Losses { get; set; }

    /// <summary>The shell has been told once.</summary>
    public bool IsTold { get; set; }

    /// <summary>What is fetched for it ends here.</summary>
    public long AheadEnd(PieceLayout layout, ReaderLimits limits)
    {
        var least = Math.Max(limits.MinAhead, 2L * layout.PieceLength);
        var byRate = (long)(Rate.Slow * limits.Ahead.TotalSeconds);
        return Math.Min(End, Position + Math.Clamp(byRate, least, Math.Max(least, limits.MaxAhead)));
    }

    /// <summary>What is urgent for it ends here; nothing is while it has enough in hand.</summary>
    public long UrgentEnd(PieceLayout layout, ReaderLimits limits)
    {
        if (Ready >= End)
        {
            return Ready;
        }

        var soon = Math.Max(limits.LeastInHand, (long)(Rate.Slow * limits.Urgent.TotalSeconds));
        if (Ready - Position > soon && Ready > Position)
        {
            return Ready;
        }

        var piece = layout.PieceAt(Ready);
        var pieceEnd = layout.OffsetOf(piece) + layout.PieceLength;
        var urgent = Math.Max(pieceEnd, Math.Min(Position + soon, pieceEnd + limits.MaxUrgent));
        return Math.Min(AheadEnd(layout, limits), urgent);
    }

    public bool Covers(long from, long to, PieceLayout layout, ReaderLimits limits)
    {
        // The piece it stands in is needed from its beginning: until it is whole it may not be proven.
        var first = Ready < End ? Math.Min(Position, layout.OffsetOf(layout.PieceAt(Ready))) : Position;
        return to > first && from < AheadEnd(layout, limits);
    }
}

/// <summary>How far a reader may read.</summary>
/// <param name="Reader">Its number.</param>
/// <param name="Ready">Up to there everything from its place on is proven; an offset in the torrent's range.</param>
/// <param name="Whole">Up to there by whole pieces, beyond by blocks.</param>
/// <param name="Losses">
/// Grows when anything proven is no longer so: what was read while it grew must be read again.
/// </param>
internal sealed record ReaderProgress(int Reader, long Ready, long Whole, int Losses);
