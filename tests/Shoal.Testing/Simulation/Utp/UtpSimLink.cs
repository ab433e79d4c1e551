using System.Buffers;

namespace Shoal.Testing;

/// <summary>What a direction of a simulated path is like.</summary>
/// <param name="BitsPerSecond">Of the bottleneck.</param>
/// <param name="Delay">One way, without queueing.</param>
internal sealed record UtpSimPath(double BitsPerSecond, TimeSpan Delay)
{
    /// <summary>Room at the bottleneck, as time at its rate.</summary>
    public TimeSpan Buffer { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Of datagrams lost by chance.</summary>
    public double Loss { get; init; }

    /// <summary>Of datagrams that take longer than others.</summary>
    public double Reordering { get; init; }

    /// <summary>How much longer at most.</summary>
    public TimeSpan ReorderingDelay { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>Of datagrams that come twice.</summary>
    public double Duplication { get; init; }

    /// <summary>Longer IP packets do not get through.</summary>
    public int Mtu { get; init; } = 1500;
}

/// <summary>One direction of a path: a queue before a bottleneck, then distance. Several flows may share it.</summary>
internal sealed class UtpSimLink(UtpWorld world, UtpSimPath path)
{
    /// <summary>IPv4 and UDP.</summary>
    private const int Headers = 28;

    private long _freeAt;
    private double _freeRest;
    private long _delaySum;
    private readonly List<int> _delays = [];

    public long Bytes { get; private set; }

    public long Overflowed { get; private set; }

    /// <summary>Queueing delay that a datagram met on average since <see cref="Forget"/>.</summary>
    public TimeSpan MeanDelay => TimeSpan.FromMicroseconds(_delays.Count == 0 ? 0 : _delaySum / _delays.Count);

    /// <summary>The delay that 95 % stayed below.</summary>
    public TimeSpan HighDelay
    {
        get
        {
            _delays.Sort();
            return TimeSpan.FromMicroseconds(_delays.Count == 0 ? 0 : _delays[_delays.Count * 95 / 100]);
        }
    }

    public UtpSimPath Path { get; set; } = path;

    public void Forget()
    {
        _delays.Clear();
        _delaySum = 0;
    }

    public void Send(IUtpSimActor to, ReadOnlySpan<byte> datagram, bool isProbe = false)
    {
        var size = datagram.Length + Headers;
        if (size > Path.Mtu && isProbe)
        {
            return;
        }

        var waits = Math.Max(_freeAt - world.Now, 0);
        if (waits > Path.Buffer.TotalMicroseconds)
        {
            Overflowed++;
            return;
        }

        _delays.Add((int)waits);
        _delaySum += waits;
        Bytes += size;
        var takes = size * 8e6 / Path.BitsPerSecond + _freeRest;
        _freeAt = Math.Max(_freeAt, world.Now) + (long)takes;
        _freeRest = takes - (long)takes;
        if (world.Random.NextDouble() < Path.Loss)
        {
            return;
        }

        Deliver(to, datagram);
        if (world.Random.NextDouble() < Path.Duplication)
        {
            Deliver(to, datagram);
        }
    }

    private void Deliver(IUtpSimActor to, ReadOnlySpan<byte> datagram)
    {
        var at = _freeAt + (long)Path.Delay.TotalMicroseconds;
        if (world.Random.NextDouble() < Path.Reordering)
        {
            at += (long)(world.Random.NextDouble() * Path.ReorderingDelay.TotalMicroseconds);
        }

        var copy = ArrayPool<byte>.Shared.Rent(datagram.Length);
        datagram.CopyTo(copy);
        world.Deliver(to, copy, datagram.Length, at);
    }
}
