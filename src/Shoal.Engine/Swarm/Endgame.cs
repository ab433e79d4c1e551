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
                    partial[block] == BlockPhase.Requested
                    && partial.AskersOf(block) < MaxAskers
                    && partial.SenderOf(block) is { } asker
                    && asker != peer
                    && SecondsUntilNext(asker, context.Now, asker.ActiveAsks) is var theirs
                    && theirs > worst
                    && !IsAskedOf(peer, partial, block)
                )
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
    private static double SecondsUntilNext(PeerState peer, TimeSpan now, int asks)
    {
        var since = peer.LastBlockAt > peer.WaitingSince ? peer.LastBlockAt : peer.WaitingSince;
        var silence = peer.ActiveAsks == 0 ? 0 : (now - since).TotalSeconds;
        var rate = peer.Down.Fast;

        // Without a rate nothing is known but how long it has been silent.
        var work = rate < PieceLayout.BlockSize ? peer.RoundTrip.TotalSeconds : asks * PieceLayout.BlockSize / rate;
        return work + Math.Max(0, silence - 0.5);
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
