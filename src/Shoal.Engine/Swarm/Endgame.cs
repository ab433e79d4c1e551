using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// When every block is here or asked for, the last ones are asked of several peers, so that one slow peer does
/// not hold up the end. Only where the other peer is likely to be earlier: duplicates are paid for.
/// </summary>
internal static class Endgame
{
    private const int MaxAskers = 3;

    public static int Pick(in PickContext context, Span<BlockRef> blocks)
    {
        var peer = context.Peer;
        var queue = Math.Clamp((int)(peer.Down.Fast * 0.25 / PieceLayout.BlockSize), 1, 16);
        if (blocks.IsEmpty || peer.ActiveAsks >= queue || !IsNear(context.Content))
        {
            return 0;
        }

        var mine = SecondsUntilNext(peer, context.Now, peer.ActiveAsks + 1);
        PartialPiece? best = null;
        var bestBlock = 0;
        var worst = mine * 1.5 + 0.05;
        PeerState? lastWebSeed = null;
        foreach (var partial in context.Content.PartialOrder)
        {
            if (
                partial.Level == 0
                || partial.Requested == 0
                || partial.IsOnParole
                || !context.MayTake(partial.Piece.Value)
            )
            {
                continue;
            }

            for (var block = 0; block < partial.BlockCount; block++)
            {
                if (
                    partial[block] != BlockPhase.Requested
                    || partial.AskersOf(block) >= MaxAskers
                    || partial.SenderOf(block) is not { } asker
                    || asker == peer
                    || IsAskedOf(peer, partial, block)
                )
                {
                    continue;
                }

                if (asker.IsWebSeed)
                {
                    // Its queue is long: what is at its end comes much later than what is at its front.
                    if (asker != lastWebSeed && LastOf(asker, context) is var (last, place))
                    {
                        var until = SecondsUntilNext(asker, context.Now, place + 1);
                        (best, bestBlock, worst) =
                            until > worst ? (last.Piece, last.Block, until) : (best, bestBlock, worst);
                    }

                    lastWebSeed = asker;
                }
                else if (SecondsUntilNext(asker, context.Now, asker.ActiveAsks) is var theirs && theirs > worst)
                {
                    (best, bestBlock, worst) = (partial, block, theirs);
                }
            }
        }

        if (best is null)
        {
            return 0;
        }

        best.Ask(bestBlock, peer);
        blocks[0] = new BlockRef(best.Piece, bestBlock);
        return 1;
    }

    /// <summary>Nothing is free any more, whoever may have it.</summary>
    private static bool IsNear(ContentState content)
    {
        if (!content.Startable.IsEmpty)
        {
            return false;
        }

        foreach (var partial in content.PartialOrder)
        {
            if (partial is { Level: > 0, Free: > 0 })
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>How long a peer will take for all it was asked, judged by its rate and its silence.</summary>
    public static double SecondsUntilNext(PeerState peer, TimeSpan now, int asks)
    {
        var since = peer.LastBlockAt > peer.WaitingSince ? peer.LastBlockAt : peer.WaitingSince;
        var silence = peer.ActiveAsks == 0 ? 0 : (now - since).TotalSeconds;
        var rate = peer.Down.Fast;

        // Without a rate nothing is known but how long it has been silent.
        var work = rate < PieceLayout.BlockSize ? peer.RoundTrip.TotalSeconds : asks * PieceLayout.BlockSize / rate;
        return work + Math.Max(0, silence - 0.5);
    }

    /// <summary>The last request of a web seed that can be made again, and its place in the queue.</summary>
    private static (Ask Ask, int Place)? LastOf(PeerState webSeed, in PickContext context)
    {
        for (var i = webSeed.Asks.Count - 1; i >= 0; i--)
        {
            var ask = webSeed.Asks[i];
            if (
                ask.Phase == AskPhase.Active
                && ask.Piece is { IsGone: false, IsOnParole: false, Level: > 0 } partial
                && partial[ask.Block] == BlockPhase.Requested
                && partial.SenderOf(ask.Block) == webSeed
                && context.MayTake(partial.Piece.Value)
                && !IsAskedOf(context.Peer, partial, ask.Block)
            )
            {
                return (ask, i);
            }
        }

        return null;
    }

    private static bool IsAskedOf(PeerState peer, PartialPiece partial, int block)
    {
        for (var i = 0; i < peer.Asks.Count; i++)
        {
            ref var ask = ref peer.Asks[i];
            if (ask.Piece == partial && ask.Block == block)
            {
                return true;
            }
        }

        return false;
    }
}
