using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// How many requests a peer should have: as many as keep it busy for a round trip and a second more. Begins small and
/// grows with each block as long as the rate follows, like the slow start of TCP.
/// </summary>
internal static class RequestPacing
{
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

        // Only a request that waited behind no other tells the round trip.
        if (peer.Asks.Count == 0)
        {
            var sample = now - ask.At;
            peer.RoundTrip = peer.RoundTrip * 0.75 + sample * 0.25;
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
            // What is under way in a round trip, and a second more so that the peer's disk can plan.
            var wanted = rate * (1 + Math.Min(peer.RoundTrip.TotalSeconds, 5)) / PieceLayout.BlockSize;
            peer.QueueTarget = Math.Clamp((int)wanted, 4, peer.PeerQueueLimit);
        }
    }
}
