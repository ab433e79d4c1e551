namespace Shoal.Testing;

/// <summary>A transfer from one end to another over a path of its own or a shared one.</summary>
internal sealed class UtpSimPair
{
    /// <param name="world">Where.</param>
    /// <param name="there">From the sender.</param>
    /// <param name="back">To the sender.</param>
    /// <param name="bytes">What to send.</param>
    /// <param name="drift">How much faster the receiver's clock runs.</param>
    public UtpSimPair(
        UtpWorld world,
        UtpSimLink there,
        UtpSimLink back,
        long bytes = long.MaxValue / 2,
        double drift = 0
    )
    {
        Sender = new UtpSimEnd(world, there) { ToWrite = bytes };
        Receiver = new UtpSimEnd(world, back) { Drift = drift, Other = Sender };
        Sender.Other = Receiver;
    }

    public UtpSimEnd Sender { get; }

    public UtpSimEnd Receiver { get; }

    /// <summary>Runs one transfer on an otherwise empty path, and says what came of it.</summary>
    /// <param name="seed">Of chance.</param>
    /// <param name="path">Both ways; there is neither loss nor reordering on the way back.</param>
    /// <param name="warmUp">Not counted.</param>
    /// <param name="time">Counted.</param>
    /// <param name="drift">How much faster the receiver's clock runs.</param>
    public static UtpSimFigures Measure(int seed, UtpSimPath path, TimeSpan warmUp, TimeSpan time, double drift = 0)
    {
        var world = new UtpWorld(seed);
        var there = new UtpSimLink(world, path);
        var pair = new UtpSimPair(
            world,
            there,
            new UtpSimLink(world, path with { Loss = 0, Reordering = 0 }),
            drift: drift
        );
        pair.Sender.Call();
        world.Run(warmUp);
        var before = pair.Receiver.Read;
        there.Forget();
        world.Run(time);
        var goodput = (pair.Receiver.Read - before) * 8 / time.TotalSeconds;
        return new UtpSimFigures(
            goodput,
            goodput / path.BitsPerSecond,
            there.MeanDelay,
            there.HighDelay,
            pair.Sender.Connection!.Retransmitted
        );
    }
}

/// <summary>Figures of one transfer.</summary>
/// <param name="Goodput">Content, bits a second.</param>
/// <param name="Share">Of the bottleneck.</param>
/// <param name="MeanDelay">That the queue added.</param>
/// <param name="HighDelay">95 % were below.</param>
/// <param name="Retransmitted">Packets.</param>
internal readonly record struct UtpSimFigures(
    double Goodput,
    double Share,
    TimeSpan MeanDelay,
    TimeSpan HighDelay,
    long Retransmitted
);
