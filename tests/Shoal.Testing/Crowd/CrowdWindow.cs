namespace Shoal.Testing;

/// <summary>
/// How much of a connection may be under way, as TCP has it: it begins with ten segments and doubles in each round trip as long as it
/// is used up, and falls back when nothing was sent for a while (RFC 5681, 4.1: "a TCP SHOULD set cwnd to no more than RW before beginning
/// transmission if the TCP has not sent data in an interval exceeding the retransmission timeout").
/// </summary>
/// <remarks>
/// Loss is not modelled: Linux lets a connection have only some packets of its own in the queue of the interface, so the queue of a
/// shaped uplink hardly ever overflows.
/// </remarks>
/// <param name="most">It grows no larger.</param>
internal struct CrowdWindow(int most)
{
    /// <summary>RFC 6928: ten segments.</summary>
    private const int Initial = 10 * 1448;

    /// <summary>The least retransmission timeout of Linux, and a round trip.</summary>
    private static readonly long s_idle = TimeSpan.FromMilliseconds(300).Ticks;

    private int _size = Math.Min(Initial, most);
    private long _sentAt;

    /// <summary>Bytes of blocks sent and not acknowledged.</summary>
    public int UnderWay { get; private set; }

    public readonly bool HasRoom => UnderWay < _size;

    public void OnSent(int bytes, long now)
    {
        if (UnderWay == 0)
        {
            // Linux halves it for each timeout that has passed.
            for (var idle = now - _sentAt; idle > s_idle && _size > Initial; idle -= s_idle)
            {
                _size = Math.Max(Initial, _size / 2);
            }
        }

        UnderWay += bytes;
        _sentAt = now;
    }

    public void OnAcknowledged(int bytes)
    {
        // What is not used does not grow.
        var isUsedUp = UnderWay + bytes > _size / 2;
        UnderWay -= bytes;
        _size = isUsedUp ? Math.Min(most, _size + bytes) : _size;
    }
}
