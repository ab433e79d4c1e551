namespace Shoal.Testing;

/// <summary>Several flows over one bottleneck of 30 ms.</summary>
internal static class UtpSimSharing
{
    private static readonly TimeSpan OneWay = TimeSpan.FromMilliseconds(15);

    /// <summary>
    /// uTP alone for 20 s, then a TCP beside it for a minute, then alone again: bits a second of both in the last half of
    /// the time together, and of uTP when TCP has left and its queue is gone.
    /// </summary>
    public static (double Utp, double Tcp, double UtpAfter) WithTcp(int seed, double bitsPerSecond, TimeSpan buffer)
    {
        var world = new UtpWorld(seed);
        var path = new UtpSimPath(bitsPerSecond, OneWay) { Buffer = buffer };
        var (there, back) = (new UtpSimLink(world, path), new UtpSimLink(world, path));
        var pair = new UtpSimPair(world, there, back);
        var tcp = new RenoSimFlow(world, there, back);
        pair.Sender.Call();
        world.Run(TimeSpan.FromSeconds(20));
        tcp.Start();
        world.Run(TimeSpan.FromSeconds(30));
        var (utpBefore, tcpBefore) = (pair.Receiver.Read, tcp.Received);
        world.Run(TimeSpan.FromSeconds(30));
        var (utpBytes, tcpBytes) = (pair.Receiver.Read - utpBefore, tcp.Received - tcpBefore);
        tcp.IsStopped = true;
        // The queue that TCP has left must go first, and what was lost in it be missed.
        world.Run(TimeSpan.FromSeconds(15) + 3 * buffer);
        var utpThen = pair.Receiver.Read;
        world.Run(TimeSpan.FromSeconds(10));
        return (utpBytes * 8 / 30.0, tcpBytes * 8 / 30.0, (pair.Receiver.Read - utpThen) * 8 / 10.0);
    }

    /// <summary>
    /// Two flows, the second beginning later: bits a second of both in the last minute of two together, and the delay that
    /// their queue adds.
    /// </summary>
    public static (double First, double Second, TimeSpan Delay) TwoFlows(int seed, double bitsPerSecond, TimeSpan later)
    {
        var world = new UtpWorld(seed);
        var path = new UtpSimPath(bitsPerSecond, OneWay) { Buffer = TimeSpan.FromSeconds(2) };
        var (there, back) = (new UtpSimLink(world, path), new UtpSimLink(world, path));
        var (one, two) = (new UtpSimPair(world, there, back), new UtpSimPair(world, there, back));
        one.Sender.Call();
        world.Run(later);
        two.Sender.Call();
        world.Run(TimeSpan.FromMinutes(1));
        var (before, secondBefore) = (one.Receiver.Read, two.Receiver.Read);
        there.Forget();
        world.Run(TimeSpan.FromMinutes(1));
        return (
            (one.Receiver.Read - before) * 8 / 60.0,
            (two.Receiver.Read - secondBefore) * 8 / 60.0,
            there.MeanDelay
        );
    }
}
