namespace Shoal.Engine;

/// <summary>
/// How much metadata and how many hashes a peer may take regardless of choke: so many 16 KiB blocks a second, saved
/// up for ten seconds at most.
/// </summary>
internal static class ServeBudget
{
    private const int BlockSize = Protocol.PieceLayout.BlockSize;

    public static bool Take(PeerState peer, int bytes, SwarmState state)
    {
        var perSecond = state.Limits.ServedBlocksPerSecond * (double)BlockSize;
        var elapsed = (state.Now - peer.ServedAt).TotalSeconds;
        var saved = Math.Min(perSecond * 10, peer.ServeSavings + elapsed * perSecond);
        peer.ServedAt = state.Now;
        peer.ServeSavings = saved - bytes;
        if (peer.ServeSavings >= 0)
        {
            return true;
        }

        peer.ServeSavings = saved;
        return false;
    }
}
