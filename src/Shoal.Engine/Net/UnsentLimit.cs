namespace Shoal.Engine;

/// <summary>
/// How much of one connection's payload may be in the system's buffer and not on its way: some milliseconds of its rate.
/// </summary>
/// <remarks>
/// What is there cannot be taken back, and everything else comes behind it: a block that a player waits for after a jump
/// waited for the megabytes that the system likes to take at once. Too little would let a fast line run dry until a thread
/// of ours is woken, so the limit follows the rate. It grows at once and shrinks by halves.
/// </remarks>
internal sealed class UnsentLimit
{
    /// <summary>Of 100 Mbit/s 125 kB. To wake a thread takes some tens of microseconds, on a busy machine a few milliseconds.</summary>
    private const double Seconds = 0.01;

    /// <summary>Before a rate is known, and of slow connections: 6 MB/s with 10 ms.</summary>
    private const int Least = 64 * 1024;

    /// <summary>As much as Linux keeps for one connection, so the same as no limit. 400 MB/s with 10 ms.</summary>
    private const int Most = 4 * 1024 * 1024;

    /// <summary>The rate is measured over at least so long.</summary>
    private static readonly TimeSpan Window = TimeSpan.FromMilliseconds(50);

    private TimeSpan _since;
    private long _sent;

    public int Bytes { get; private set; } = Least;

    /// <summary>So much payload more has been sent. Returns whether the limit is another one now.</summary>
    /// <param name="payload">In bytes.</param>
    /// <param name="now">Of any clock that does not go back.</param>
    public bool OnSent(int payload, TimeSpan now)
    {
        _sent += payload;
        var passed = now - _since;
        if (passed < Window)
        {
            return false;
        }

        var wanted = (int)Math.Clamp(_sent / passed.TotalSeconds * Seconds, Least, Most);
        var before = Bytes;
        Bytes = wanted > before ? wanted : Math.Max(wanted, before / 2);
        (_since, _sent) = (now, 0);
        // Each change is a call of the system: small ones are not worth it.
        if (Bytes > before - before / 8 && Bytes < before + before / 8)
        {
            Bytes = before;
        }

        return Bytes != before;
    }
}
