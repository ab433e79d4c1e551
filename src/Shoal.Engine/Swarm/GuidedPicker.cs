using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// What is asked of a seed that suggests pieces (BEP 6), which means that it spreads what nobody else has: those and, while
/// there are such pieces, no others: those that nobody has were suggested to others, and would leave it twice, and what others
/// have can be had from them.
/// </summary>
internal static class GuidedPicker
{
    /// <summary>After the last suggestion: for so long the peer may have others to serve until it can make more.</summary>
    private static readonly TimeSpan Validity = TimeSpan.FromSeconds(10);

    /// <summary>
    /// A peer that brings a piece in less than this, in seconds, is asked for more at once than it can have suggested.
    /// </summary>
    private const double PieceSeconds = 0.3;

    public static bool IsGuiding(PeerState peer, TimeSpan now) =>
        peer is { IsSeed: true, IsWebSeed: false } && now - peer.SuggestedAt < Validity;

    /// <summary>Whether there is anybody to pass on to what it suggests; else it may wait for that, and suggest nothing more.</summary>
    private static bool HasOthers(IReadOnlyList<PeerState> peers)
    {
        for (var i = 0; i < peers.Count; i++)
        {
            if (!peers[i].IsSeed && !peers[i].IsWebSeed)
            {
                return true;
            }
        }

        return false;
    }

    /// <returns>How many blocks were written to <paramref name="blocks"/>; -1: the peer is to be asked for anything.</returns>
    public static int Pick(in PickContext context, Span<BlockRef> blocks)
    {
        var content = context.Content;
        var peer = context.Peer;
        if (
            !IsGuiding(peer, context.Now)
            || content.IsSequential
            || context.Readers.Count > 0
            || content.Files.UsedLevels is []
            || peer.Down.Fast * PieceSeconds >= content.Layout.PieceLength
            || !HasOthers(context.Peers)
        )
        {
            return -1;
        }

        var count = 0;
        var level = content.Files.UsedLevels[0];
        foreach (var piece in peer.Suggested)
        {
            if (
                count < blocks.Length
                && content.Startable[piece]
                && content.LevelOf(piece.Value) == level
                && content.Availability.LeechesWith(piece.Value) == 0
                && context.MayTake(piece.Value)
            )
            {
                count += Picker.Begin(context, piece, blocks[count..]);
            }
        }

        var listed = content.Availability.Listed(level);
        var isSpreading = !listed.IsEmpty && content.Availability.LeechesWith(listed[0]) == 0;
        return count == 0 && peer.ActiveAsks == 0 && !isSpreading ? -1 : count;
    }
}
