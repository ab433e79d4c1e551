namespace Shoal.Testing;

/// <summary>
/// What will happen at one node, soonest first; of what happens at the same time, what was added first.
/// </summary>
/// <remarks>
/// A heap of small entries over a store of events: half of what a node does in the simulation is to put in and take out.
/// What needs no more than its kind has no place in the store.
/// </remarks>
internal struct CrowdAgenda()
{
    private const int Ways = 4;

    private Entry[] _heap = new Entry[16];
    private int _count;
    private int _order;

    private readonly record struct Entry(long At, int Order, int Place)
    {
        public bool IsBefore(in Entry other) => At < other.At || (At == other.At && Order < other.Order);
    }

    /// <summary>When the next thing happens; long.MaxValue: never.</summary>
    public readonly long Next => _count == 0 ? long.MaxValue : _heap[0].At;

    public void Add(CrowdStore store, in CrowdEvent e) => Add(e.At, store.Add(e));

    /// <summary>Something about which there is no more to say.</summary>
    public void Add(long at, CrowdEventKind kind) => Add(at, -(int)kind);

    public void Add(long time, int place)
    {
        if (_count == _heap.Length)
        {
            Array.Resize(ref _heap, Math.Max(16, _count * 2));
        }

        var heap = _heap;
        var entry = new Entry(time, _order++, place);
        var at = _count++;
        while (at > 0 && entry.IsBefore(heap[(at - 1) / Ways]))
        {
            heap[at] = heap[(at - 1) / Ways];
            at = (at - 1) / Ways;
        }

        heap[at] = entry;
    }

    /// <summary>Takes the first: its place in the store, which the caller gives away, or its kind, negated.</summary>
    public int Take(out long time)
    {
        var heap = _heap;
        var place = heap[0].Place;
        time = heap[0].At;
        var last = heap[--_count];
        var at = 0;
        while (true)
        {
            var first = at * Ways + 1;
            if (first >= _count)
            {
                break;
            }

            var best = first;
            var end = Math.Min(first + Ways, _count);
            for (var i = first + 1; i < end; i++)
            {
                best = heap[i].IsBefore(heap[best]) ? i : best;
            }

            if (!heap[best].IsBefore(last))
            {
                break;
            }

            heap[at] = heap[best];
            at = best;
        }

        heap[at] = last;
        return place;
    }

    /// <summary>Nothing happens here any more.</summary>
    public void Clear(CrowdStore store)
    {
        for (var i = 0; i < _count; i++)
        {
            if (_heap[i].Place > 0)
            {
                store.Free(_heap[i].Place);
            }
        }

        _heap = [];
        _count = 0;
    }
}
