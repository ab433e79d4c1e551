using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// How many requests a peer should have: as many as keep it busy for a round trip and a little more. Begins small and
/// grows with each block as long as the rate follows, like the slow start of TCP.
/// </summary>
/// <remarks>
/// A longer queue makes nobody faster, and slows the swarm: what is asked of a busy peer is not asked of an idle one
/// that gets it meanwhile, and pieces are complete, and can be passed on, the later.
/// </remarks>
internal static class RequestPacing
{
    /// <summary>Beyond the round trip: for what varies in it, and for the peer's disk to plan.</summary>
    private const double ReserveSeconds = 0.25;

    public static void OnBlock(PeerState peer, in Ask ask, TimeSpan now, SwarmLimits limits)
    {
        peer.LastBlockAt = now;
        peer.IsSnubbed = false;
        peer.RejectsInRow = 0;
        if (peer.IsTimedOut)
        {
            peer.IsTimedOut = false;
            peer.QueueTarget = limits.FirstRequestsOut;
        }

        if (peer.IsSlowStart)
        {
            peer.QueueTarget = Math.Min(peer.QueueTarget + 1, peer.PeerQueueLimit);
        }

        // What it took, without the time in which the peer sent what was asked for before.
        var rate = Math.Max(peer.Down.Fast, peer.Down.Slow);
        if (ask.Ahead == 0 || rate >= PieceLayout.BlockSize)
        {
            var waited = ask.Ahead == 0 ? 0 : ask.Ahead * PieceLayout.BlockSize / rate;
            var sample = Math.Max(0, (now - ask.At).TotalSeconds - waited);
            peer.RoundTrip = peer.RoundTrip * 0.875 + TimeSpan.FromSeconds(sample) * 0.125;
        }
    }

    public static void OnSecond(PeerState peer)
    {
        var rate = peer.Down.Fast;
        var bytes = peer.Down.Total - peer.TotalAtLastSecond;
        if (peer.IsSlowStart && peer.BytesInLastSecond > 0 && bytes < peer.BytesInLastSecond * 1.1)
        {
            peer.IsSlowStart = false;
        }

        peer.TotalAtLastSecond = peer.Down.Total;
        peer.BytesInLastSecond = bytes;
        if (!peer.IsSlowStart && !peer.IsTimedOut)
        {
            var wanted = rate * (ReserveSeconds + Math.Min(peer.RoundTrip.TotalSeconds, 5)) / PieceLayout.BlockSize;
            peer.QueueTarget = Math.Clamp((int)wanted, 4, peer.PeerQueueLimit);
        }
    }
}
