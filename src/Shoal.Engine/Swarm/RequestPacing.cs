using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// How many requests a peer should have: as many as keep it busy for a round trip, or from one fit of answers to the next (Transmission
/// has them twice a second), and a little more. Begins small and grows with each block as long as the rate follows, like the slow start of TCP.
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

    /// <summary>No way is that long.</summary>
    private const double MostSeconds = 5;

    /// <summary>A longer silence is no habit.</summary>
    private const double MostSilenceSeconds = 2;

    public static void Begin(PeerState peer, SwarmLimits limits)
    {
        peer.QueueTarget = First(peer, limits);
        peer.PeerQueueLimit = peer.IsWebSeed ? limits.WebSeedRequestsOut : limits.DefaultRequestsOut;
    }

    public static void OnBlock(PeerState peer, in Ask ask, TimeSpan now, SwarmLimits limits)
    {
        // The square: a second of nothing and then all at once weighs more than the same second in a hundred parts.
        var silence = now - (peer.LastBlockAt > peer.WaitingSince ? peer.LastBlockAt : peer.WaitingSince);
        peer.Silences += Math.Pow(Math.Min(silence.TotalSeconds, MostSilenceSeconds), 2);
        peer.LastBlockAt = now;
        peer.IsSnubbed = false;
        peer.RejectsInRow = 0;
        if (peer.IsTimedOut)
        {
            peer.IsTimedOut = false;
            peer.IsSlowStart = true;
            peer.QueueTarget = First(peer, limits);
        }

        if (peer.IsSlowStart)
        {
            peer.QueueTarget = Math.Min(peer.QueueTarget + 1, peer.PeerQueueLimit);
        }

        // Never less than that, whatever waited before it.
        var answered = now - ask.At;
        peer.LeastAnswer = answered < peer.LeastAnswer ? answered : peer.LeastAnswer;

        // What it took, without the time in which the peer sent what was asked for before. Where our queue is what holds it up, that
        // is nothing at all, however long the way.
        var rate = Math.Max(peer.Down.Fast, peer.Down.Slow);
        if (ask.Ahead == 0 || rate >= PieceLayout.BlockSize)
        {
            var waited = ask.Ahead == 0 ? 0 : ask.Ahead * PieceLayout.BlockSize / rate;
            var sample = Math.Max(0, answered.TotalSeconds - waited);
            peer.RoundTrip = peer.RoundTrip * 0.875 + TimeSpan.FromSeconds(sample) * 0.125;
        }
    }

    public static void OnSecond(PeerState peer, TimeSpan now, SwarmLimits limits)
    {
        var seconds = Math.Max(0.1, (now - peer.LookedAt).TotalSeconds);
        var rate = (peer.Down.Total - peer.TotalAtLook) / seconds;
        peer.Silence += (peer.Silences / seconds - peer.Silence) / 2;
        peer.Silences = 0;
        if (peer.IsSlowStart && peer.RateAtLook > 0 && rate < peer.RateAtLook * 1.1)
        {
            peer.IsSlowStart = false;
        }

        (peer.TotalAtLook, peer.RateAtLook, peer.LookedAt) = (peer.Down.Total, rate, now);
        if (!peer.IsSlowStart && !peer.IsTimedOut)
        {
            var reserve = peer.IsWebSeed ? WebSeedReserveSeconds : ReserveSeconds;
            var least = peer.IsWebSeed ? limits.WebSeedFirstRequestsOut : 4;
            var way = Math.Max(peer.RoundTrip.TotalSeconds, peer.LeastAnswer.TotalSeconds);
            // Whoever answers by fits has to have enough for one, at the rate of more than one.
            var wanted = Math.Max(
                peer.Down.Fast * (reserve + Math.Min(way, MostSeconds)),
                Math.Max(rate, peer.Down.Slow) * (reserve + peer.Silence)
            );
            // A peer may keep fewer than we would ask at least.
            var length = Math.Min(Math.Max((int)(wanted / PieceLayout.BlockSize), least), peer.PeerQueueLimit);
            peer.QueueTarget = peer.IsWebSeed ? length : peer.Trial.OnSecond(peer, length, peer.PeerQueueLimit, now);
        }
    }

    private static int First(PeerState peer, SwarmLimits limits) =>
        peer.IsWebSeed ? limits.WebSeedFirstRequestsOut : limits.FirstRequestsOut;
}
