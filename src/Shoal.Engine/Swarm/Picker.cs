using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>For whom blocks are picked, and under which conditions.</summary>
internal readonly ref struct PickContext
{
    public required ContentState Content { get; init; }
    public required PeerState Peer { get; init; }
    public required TimeSpan Now { get; init; }
    public required Random Random { get; init; }

    /// <summary>The peer chokes us: only pieces it allowed.</summary>
    public bool OnlyAllowed { get; init; }

    /// <summary>Only what somebody reads.</summary>
    public bool OnlyRead { get; init; }

    /// <summary>Who reads the content while it comes.</summary>
    public IReadOnlyList<ReaderState> Readers { get; init; } = [];
    public ReaderLimits ReaderLimits { get; init; } = DefaultReaderLimits;

    private static readonly ReaderLimits DefaultReaderLimits = new();

    public PickContext() { }

    public bool MayTake(int piece) =>
        Peer.Have![piece] && (!OnlyAllowed || Peer.AllowedToUs.Contains(Content.Layout.Piece(piece)));
}

/// <summary>
/// Answers one question: which blocks should this peer be asked for next? Blocks come out reserved: each is
/// marked as asked before the next is chosen.
/// </summary>
/// <remarks>
/// The order is a stack of small policies; each fills what is left of the answer and leaves the rest to the
/// next. What a policy may not do is skip a block that nobody is asked for while duplicating another.
/// </remarks>
internal static class Picker
{
    /// <summary>Below this many proven pieces the first ones are chosen at random: something to trade soon.</summary>
    private const int RandomFirstPieces = 4;

    /// <summary>Steps along the rarest-first list before the search turns to the peer's own pieces.</summary>
    private const int MaxSteps = 256;

    /// <summary>A peer that brings a piece within this time takes whole pieces.</summary>
    private const double WholePieceSeconds = 10;

    /// <returns>How many blocks were written to <paramref name="blocks"/>.</returns>
    public static int Pick(in PickContext context, Span<BlockRef> blocks)
    {
        var count = ReaderPicker.Pick(context, blocks);
        if (context.OnlyRead)
        {
            return count;
        }

        count += Deadlines(context, blocks[count..]);
        count += GoOn(context, blocks[count..]);
        foreach (var level in context.Content.Files.UsedLevels)
        {
            if (count == blocks.Length)
            {
                return count;
            }

            count += Begun(context, level, blocks[count..]);
            count += Begin(context, level, blocks[count..]);
        }

        count += Owned(context, blocks[count..]);
        return count == 0 ? Endgame.Pick(context, blocks) : count;
    }

    /// <summary>Pieces with a deadline, soonest first, whatever their rarity.</summary>
    private static int Deadlines(in PickContext context, Span<BlockRef> blocks)
    {
        var count = 0;
        foreach (var (piece, _) in context.Content.Deadlines)
        {
            if (count == blocks.Length)
            {
                break;
            }

            if (!context.MayTake(piece.Value))
            {
                continue;
            }

            if (context.Content.Partials.TryGetValue(piece.Value, out var partial))
            {
                count +=
                    partial.Level > 0 && !IsForbidden(context, partial) ? Take(context, partial, blocks[count..]) : 0;
            }
            else if (context.Content.Startable[piece])
            {
                count += Take(context, context.Content.Begin(piece), blocks[count..]);
            }
        }

        return count;
    }

    /// <summary>The piece the peer is busy with.</summary>
    private static int GoOn(in PickContext context, Span<BlockRef> blocks)
    {
        var current = context.Peer.Current;
        if (current is null || blocks.IsEmpty)
        {
            return 0;
        }

        if (current.IsGone || current.Free == 0 || !context.MayTake(current.Piece.Value) || IsTaken(context, current))
        {
            context.Peer.Current = null;
            return 0;
        }

        // A piece of more importance that became possible meanwhile comes first.
        return current.Level == context.Content.Files.UsedLevels[0] ? Take(context, current, blocks) : 0;
    }

    /// <summary>Pieces others have begun: the fewer are open, the sooner there is something to share.</summary>
    private static int Begun(in PickContext context, int level, Span<BlockRef> blocks)
    {
        var count = 0;
        // A peer that takes whole pieces opens one of its own while there are enough of them.
        if (IsWholePiecePeer(context) && !context.Content.Availability.Listed(level).IsEmpty)
        {
            return 0;
        }

        foreach (var partial in context.Content.PartialOrder)
        {
            if (count == blocks.Length)
            {
                break;
            }

            if (
                partial.Level == level
                && partial.Free > 0
                && !IsTaken(context, partial)
                && context.MayTake(partial.Piece.Value)
            )
            {
                count += Take(context, partial, blocks[count..]);
            }
        }

        return count;
    }

    /// <summary>New pieces: suggested ones, then in sequence, at random or rarest first.</summary>
    private static int Begin(in PickContext context, int level, Span<BlockRef> blocks)
    {
        var count = 0;
        while (count < blocks.Length)
        {
            var piece = Choose(context, level);
            if (piece < 0)
            {
                break;
            }

            var partial = context.Content.Begin(context.Content.Layout.Piece(piece));
            if (IsWholePiecePeer(context))
            {
                partial.Owner = context.Peer;
            }

            context.Peer.Current = partial;
            count += Take(context, partial, blocks[count..]);
        }

        return count;
    }

    /// <summary>Pieces another peer has for itself, since there is nothing else.</summary>
    private static int Owned(in PickContext context, Span<BlockRef> blocks)
    {
        var count = 0;
        foreach (var partial in context.Content.PartialOrder)
        {
            if (count == blocks.Length)
            {
                break;
            }

            if (
                partial is { Level: > 0, Free: > 0 }
                && !IsForbidden(context, partial)
                && context.MayTake(partial.Piece.Value)
            )
            {
                count += Take(context, partial, blocks[count..]);
            }
        }

        return count;
    }

    private static int Choose(in PickContext context, int level)
    {
        var content = context.Content;
        var listed = content.Availability.Listed(level);
        if (listed.IsEmpty)
        {
            return -1;
        }

        if (context.Peer.IsWebSeed && !content.IsSequential && !context.Peer.Introduction.IsInOrder)
        {
            return WebSeedPicker.Choose(context, level);
        }

        if (content.IsSequential || context.Peer.IsWebSeed)
        {
            // What a choking peer allows and what one suggests is in no order.
            return context.OnlyAllowed ? -1 : FirstOf(context, level, 0, int.MaxValue);
        }

        foreach (var suggested in context.Peer.Suggested)
        {
            if (
                content.Startable[suggested]
                && content.Availability[suggested.Value] <= content.Availability[listed[0]] + 1
                && content.LevelOf(suggested.Value) == level
                && context.MayTake(suggested.Value)
            )
            {
                return suggested.Value;
            }
        }

        if (context.OnlyAllowed)
        {
            foreach (var allowed in context.Peer.AllowedToUs)
            {
                if (
                    content.Startable[allowed]
                    && content.LevelOf(allowed.Value) == level
                    && context.Peer.Have![allowed]
                )
                {
                    return allowed.Value;
                }
            }

            return -1;
        }

        if (content.Have.Count < RandomFirstPieces)
        {
            var start = context.Random.Next(listed.Length);
            for (var i = 0; i < Math.Min(listed.Length, MaxSteps); i++)
            {
                var piece = listed[(start + i) % listed.Length];
                if (context.Peer.Have![piece])
                {
                    return piece;
                }
            }
        }

        for (var i = 0; i < Math.Min(listed.Length, MaxSteps); i++)
        {
            if (context.Peer.Have![listed[i]])
            {
                return listed[i];
            }
        }

        return listed.Length <= MaxSteps
            ? -1
            : FirstOf(context, level, context.Random.Next(content.Layout.PieceCount), MaxSteps);
    }

    /// <summary>
    /// Walks the pieces that the peer has and we may begin, from a place on and around; the rarest of the first
    /// <paramref name="sample"/>. Fast also where the peer has almost nothing of what we look for.
    /// </summary>
    private static int FirstOf(in PickContext context, int level, int from, int sample)
    {
        var content = context.Content;
        var best = -1;
        var seen = 0;
        for (var round = 0; round < 2; round++)
        {
            var end = round == 0 ? content.Layout.PieceCount : from;
            var i = round == 0 ? from : 0;
            while ((i = BitScan.FirstCommon(context.Peer.Have!, content.Startable, i)) >= 0 && i < end)
            {
                if (content.LevelOf(i) == level)
                {
                    if (sample == int.MaxValue)
                    {
                        return i;
                    }

                    best = best < 0 || content.Availability[i] < content.Availability[best] ? i : best;
                    if (++seen == sample)
                    {
                        return best;
                    }
                }

                i++;
            }
        }

        return best;
    }

    /// <summary>Reserves free blocks of the piece.</summary>
    private static int Take(in PickContext context, PartialPiece partial, Span<BlockRef> blocks)
    {
        var count = 0;
        if (partial.IsOnParole && !IsTaken(context, partial))
        {
            partial.Owner = context.Peer;
        }

        while (count < blocks.Length && partial.NextFree() is >= 0 and var block)
        {
            partial.Ask(block, context.Peer);
            blocks[count++] = new BlockRef(partial.Piece, block);
            context.Peer.Current = partial;
        }

        return count;
    }

    /// <summary>As <see cref="Take"/>, whoever has the piece for itself: from a block on, then those before it.</summary>
    public static int TakeFrom(in PickContext context, PartialPiece partial, int first, Span<BlockRef> blocks)
    {
        if (IsForbidden(context, partial))
        {
            return 0;
        }

        var count = 0;
        for (var block = first; block < partial.BlockCount && count < blocks.Length; block++)
        {
            if (partial[block] == BlockPhase.Free)
            {
                partial.Ask(block, context.Peer);
                blocks[count++] = new BlockRef(partial.Piece, block);
            }
        }

        if (count > 0 && partial.IsOnParole && !IsTaken(context, partial))
        {
            partial.Owner = context.Peer;
        }

        return count + Take(context, partial, blocks[count..]);
    }

    /// <summary>Another peer has the piece for itself and is at work.</summary>
    private static bool IsTaken(in PickContext context, PartialPiece partial) =>
        partial.Owner is { IsGone: false, IsTimedOut: false } owner && owner != context.Peer;

    /// <summary>Another peer must bring it alone, to show what it sends.</summary>
    private static bool IsForbidden(in PickContext context, PartialPiece partial) =>
        partial.IsOnParole && IsTaken(context, partial);

    private static bool IsWholePiecePeer(in PickContext context) =>
        context.Peer.IsWebSeed || context.Peer.Down.Fast * WholePieceSeconds >= context.Content.Layout.PieceLength;
}
