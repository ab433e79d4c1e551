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

    /// <summary>The same for a web seed: its requests are worth their cost when they are long, and half are asked at once.</summary>
    private const double WebSeedReserveSeconds = 2;

    public static void Begin(PeerState peer, SwarmLimits limits)
    {
        peer.QueueTarget = First(peer, limits);
        peer.PeerQueueLimit = peer.IsWebSeed ? limits.WebSeedRequestsOut : limits.DefaultRequestsOut;
    }

    public static void OnBlock(PeerState peer, in Ask ask, TimeSpan now, SwarmLimits limits)
    {
        peer.LastBlockAt = now;
        peer.IsSnubbed = false;
        peer.RejectsInRow = 0;
        if (peer.IsTimedOut)
        {
            peer.IsTimedOut = false;
            peer.QueueTarget = First(peer, limits);
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

    public static void OnSecond(PeerState peer, SwarmLimits limits)
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
            var reserve = peer.IsWebSeed ? WebSeedReserveSeconds : ReserveSeconds;
            var least = peer.IsWebSeed ? limits.WebSeedFirstRequestsOut : 4;
            var wanted = rate * (reserve + Math.Min(peer.RoundTrip.TotalSeconds, 5)) / PieceLayout.BlockSize;
            peer.QueueTarget = Math.Clamp((int)wanted, least, peer.PeerQueueLimit);
        }
    }

    private static int First(PeerState peer, SwarmLimits limits) =>
        peer.IsWebSeed ? limits.WebSeedFirstRequestsOut : limits.FirstRequestsOut;
}
