namespace Shoal.Engine;

/// <summary>
/// Which piece a web seed begins next. BEP 19: "the client should find the biggest gap", since long requests are worth
/// their cost and short ones are not: so it takes pieces that follow each other, in the largest gap of what is missing,
/// while peers pick the rarest ones here and there.
/// </summary>
/// <remarks>
/// Where no peer has a piece, only web seeds can bring it into the swarm, and so those come first. It begins in the midst
/// of a gap, at random: receivers that have only the web seed then have different pieces to give each other.
/// </remarks>
internal static class WebSeedPicker
{
    /// <summary>Pieces that are looked at to find a gap: a few hundred microseconds.</summary>
    private const int MaxSteps = 65_536;

    /// <summary>Shorter gaps are begun at their beginning.</summary>
    private const int LongGap = 8;

    /// <returns>A piece that may be begun; -1: none of this priority.</returns>
    public static int Choose(in PickContext context, int level)
    {
        var content = context.Content;
        var onlyNew = content.Availability.LeechesWith(content.Availability.Listed(level)[0]) == 0;
        var next = context.Peer.LastBegun + 1;
        if (next == 0 || next >= content.Layout.PieceCount || !IsOpen(context, level, next, onlyNew))
        {
            next = InGap(context, level, onlyNew);
        }

        // What no leech has, the web seed may not have either.
        next = next < 0 && onlyNew ? InGap(context, level, onlyNew: false) : next;
        context.Peer.LastBegun = next;
        return next;
    }

    /// <summary>A place in the longest gap that is found.</summary>
    private static int InGap(in PickContext context, int level, bool onlyNew)
    {
        var count = context.Content.Layout.PieceCount;
        var from = count <= MaxSteps ? 0 : context.Random.Next(count);
        var (start, length) = (-1, 0);
        var run = 0;
        for (var steps = 0; steps < Math.Min(count, MaxSteps); steps++)
        {
            var piece = (from + steps) % count;
            run = piece == 0 ? 0 : run;
            run = IsOpen(context, level, piece, onlyNew) ? run + 1 : 0;
            if (run > length)
            {
                (start, length) = (piece - run + 1, run);
            }
        }

        if (length >= LongGap)
        {
            return start + context.Random.Next(length);
        }

        return start >= 0 || count <= MaxSteps ? start : FirstOpen(context, level, from, onlyNew);
    }

    /// <summary>For torrents so large that a sample may miss what is left.</summary>
    private static int FirstOpen(in PickContext context, int level, int from, bool onlyNew)
    {
        var content = context.Content;
        for (var round = 0; round < 2; round++)
        {
            var i = round == 0 ? from : 0;
            while ((i = BitScan.FirstCommon(context.Peer.Have!, content.Startable, i)) >= 0)
            {
                if (IsOpen(context, level, i, onlyNew))
                {
                    return i;
                }

                i++;
            }
        }

        return -1;
    }

    private static bool IsOpen(in PickContext context, int level, int piece, bool onlyNew) =>
        context.Content.Startable[piece]
        && context.Content.LevelOf(piece) == level
        && context.MayTake(piece)
        && (!onlyNew || context.Content.Availability.LeechesWith(piece) == 0);
}
