namespace Shoal.Testing;

/// <summary>Virtual time for links and the ends of uTP connections: everything from one seed, in microseconds.</summary>
internal sealed class UtpWorld(int seed)
{
    private readonly PriorityQueue<Event, (long At, long Order)> _queue = new();
    private long _order;

    private readonly record struct Event(IUtpSimActor Actor, byte[]? Datagram, int Length);

    public Random Random { get; } = new(seed);

    public long Now { get; private set; }

    public TimeSpan Time => TimeSpan.FromMicroseconds(Now);

    /// <summary>Says that the actor wants to be woken.</summary>
    public void Wake(IUtpSimActor actor, long at) => Post(new Event(actor, null, 0), at);

    /// <summary>Delivers a datagram; the array is the receiver's until it returns.</summary>
    public void Deliver(IUtpSimActor to, byte[] datagram, int length, long at) =>
        Post(new Event(to, datagram, length), at);

    public void Run(TimeSpan duration) => RunUntil(() => false, duration);

    /// <summary>Runs until the condition holds or the time is over; returns whether it holds.</summary>
    public bool RunUntil(Func<bool> condition, TimeSpan duration)
    {
        var end = Now + (long)duration.TotalMicroseconds;
        while (_queue.TryPeek(out var next, out var priority) && priority.At <= end)
        {
            _queue.Dequeue();
            Now = Math.Max(Now, priority.At);
            if (next.Datagram is { } datagram)
            {
                next.Actor.Arrive(datagram, next.Length);
            }
            else
            {
                next.Actor.Wake();
            }

            if (condition())
            {
                return true;
            }
        }

        Now = end;
        return condition();
    }

    private void Post(Event happening, long at) => _queue.Enqueue(happening, (Math.Max(at, Now), _order++));
}

/// <summary>Somebody to whom something happens.</summary>
internal interface IUtpSimActor
{
    void Arrive(byte[] datagram, int length);

    void Wake();
}
