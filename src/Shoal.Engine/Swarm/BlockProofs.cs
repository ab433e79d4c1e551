using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// v2: proves blocks of a piece that is not whole yet, so that a reader need not wait for the rest of it. The disk tells
/// the leaf hash of each block of a watched piece, peers tell what they should be (<see cref="HashFetch"/>, proven against
/// the root); whichever comes first waits for the other in the piece.
/// </summary>
internal sealed class BlockProofs(SwarmState state, RequestLedger ledger)
{
    /// <summary>Set by <see cref="Swarm"/>: who sent a false block goes, and stays away.</summary>
    public required Action<PeerState> Condemn { get; init; }

    /// <summary>The disk is to tell the leaves of a piece, those that are there and those to come.</summary>
    public void Watch(ContentState content, PieceIndex piece)
    {
        if (
            content.Verifier.Hashes is not null
            && content.Partials.TryGetValue(piece.Value, out var partial)
            && partial is { IsWatched: false, BlockCount: > 1 }
        )
        {
            partial.IsWatched = true;
            state.Disk(new DiskRequest(DiskRequestKind.WatchPiece, piece));
        }
    }

    /// <summary>The disk has the block, and this is its hash.</summary>
    public void OnLeaf(uint piece, uint begin, Sha256Digest leaf)
    {
        if (
            state.Content is { } content
            && content.Partials.TryGetValue((int)piece, out var partial)
            && partial.IsWatched
        )
        {
            var block = (int)(begin / PieceLayout.BlockSize);
            partial.SetLeaf(block, leaf);
            Compare(content, partial, block);
        }
    }

    /// <summary>Peers have told what the leaves of some piece are.</summary>
    public void OnHashes()
    {
        if (state.Content is not { } content)
        {
            return;
        }

        // A lie drops nothing from the list, but who is asked next may: not by index.
        foreach (var partial in content.PartialOrder.FindAll(partial => partial.IsWatched))
        {
            for (var block = 0; block < partial.BlockCount; block++)
            {
                Compare(content, partial, block);
            }
        }
    }

    private void Compare(ContentState content, PartialPiece partial, int block)
    {
        if (
            partial[block] != BlockPhase.Received
            || partial.IsProvenAlone(block)
            || partial.LeafOf(block) is not { } leaf
        )
        {
            return;
        }

        var tree = content.Verifier.Hashes!.FileOf(partial.Piece, out var inFile);
        if (!tree.TryGetBlockHash(inFile, block, out var truth))
        {
            return;
        }

        if (leaf == truth)
        {
            partial.ProveAlone(block);
            return;
        }

        // Who sent it lied, whatever the rest of the piece is. The proven blocks of it stay, this one comes from another.
        var liar = partial.SenderOf(block);
        state.HashFailures++;
        state.Wasted += content.Layout.SizeOf(new BlockRef(partial.Piece, block));
        partial.Lose(block);
        state.Disk(new DiskRequest(DiskRequestKind.DiscardBlock, partial.Piece, block * PieceLayout.BlockSize));
        if (liar is not null)
        {
            Condemn(liar);
        }

        ledger.RefillAll();
    }
}
