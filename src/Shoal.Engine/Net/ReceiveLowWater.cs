using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>Keeps a link from being woken for each packet of a block, which is of no use before it is whole.</summary>
/// <remarks>
/// A block is twelve packets. Where many peers share a line each packet comes by itself, and each would wake the engine's thread for
/// sockets, and that one of the pool.
/// </remarks>
/// <param name="transport">What is received from.</param>
internal sealed class ReceiveLowWater(ITransport transport)
{
    /// <summary>
    /// In bytes a second. To quicker links the next packet has often come before a thread of ours has looked, and two more system calls
    /// for a block only cost: from libtorrent at 500 MB/s a tenth.
    /// </summary>
    public const double SlowRate = 2_000_000;

    /// <summary>Less than that is a packet or two.</summary>
    public const int LeastBytes = 2 * 1024;

    /// <summary>A peer may claim any length; no more than a block is waited for.</summary>
    private const int MostBytes = PeerWireLimits.MaxBlockLength;

    /// <summary>At the pace so far no wait is longer, in seconds: whoever sends next to nothing is still heard to send.</summary>
    private const double MostSeconds = 5;

    private int _least = 1;

    /// <summary>To be called before each receive.</summary>
    /// <param name="received">Bytes that the last one brought.</param>
    /// <param name="passed">Since the one before that.</param>
    /// <param name="missing">Bytes that the message has not got yet which has begun to come.</param>
    public void Set(int received, TimeSpan passed, int missing)
    {
        var rate = passed > TimeSpan.Zero ? received / passed.TotalSeconds : double.PositiveInfinity;
        var worth = Math.Min(Math.Min(missing, MostBytes), rate * MostSeconds);
        var least = rate < SlowRate && worth >= LeastBytes ? (int)worth : 1;
        if (least != _least)
        {
            _least = least;
            transport.AwaitAtLeast(least);
        }
    }
}
