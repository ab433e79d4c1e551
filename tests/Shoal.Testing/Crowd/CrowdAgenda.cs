namespace Shoal.Testing;

/// <summary>
/// Events that wait at the nodes of one worker: for their time, or for an uplink. All nodes share it, so that what is held
/// follows what waits everywhere at this moment, and not what once waited at each.
/// </summary>
internal sealed class CrowdStore
{
    private const int ChunkBits = 12;

    private readonly List<Slot[]> _chunks = [];
    private int _firstFree = -1;
    private int _used;

    private struct Slot
    {
        public CrowdEvent Event;

        /// <summary>The event behind it in the same line, or the next free place; -1: none.</summary>
        public int Next;
    }

    public int Add(in CrowdEvent e)
    {
        var place = _firstFree;
        if (place >= 0)
        {
            _firstFree = At(place).Next;
        }
        else
        {
            place = _used++;
            if (place >> ChunkBits == _chunks.Count)
            {
                _chunks.Add(new Slot[1 << ChunkBits]);
            }
        }

        ref var slot = ref At(place);
        slot.Event = e;
        slot.Next = -1;
        return place;
    }

    /// <summary>Reads the event and gives its place away. Returns the place of the one behind it.</summary>
    public int Take(int place, out CrowdEvent e)
    {
        ref var slot = ref At(place);
        e = slot.Event;
        slot.Event = default;
        var next = slot.Next;
        slot.Next = _firstFree;
        _firstFree = place;
        return next;
    }

    public ref readonly CrowdEvent Peek(int place) => ref At(place).Event;

    public void Append(int tail, int place) => At(tail).Next = place;

    private ref Slot At(int place) => ref _chunks[place >> ChunkBits][place & ((1 << ChunkBits) - 1)];
}

/// <summary>Events in the order they came, in a store.</summary>
internal struct CrowdLine()
{
    private int _head = -1;
    private int _tail = -1;

    public readonly bool IsEmpty => _head < 0;

    public void Add(CrowdStore store, in CrowdEvent e)
    {
        var place = store.Add(e);
        if (_head < 0)
        {
            _head = place;
        }
        else
        {
            store.Append(_tail, place);
        }

        _tail = place;
    }

    public readonly ref readonly CrowdEvent First(CrowdStore store) => ref store.Peek(_head);

    public CrowdEvent Take(CrowdStore store)
    {
        _head = store.Take(_head, out var e);
        return e;
    }

    /// <summary>Takes out what is chosen, and leaves the rest in order.</summary>
    public void Remove(CrowdStore store, Func<CrowdEvent, bool> isChosen)
    {
        var kept = new CrowdLine();
        while (!IsEmpty)
        {
            var e = Take(store);
            if (!isChosen(e))
            {
                kept.Add(store, e);
            }
        }

        this = kept;
    }

    public void Clear(CrowdStore store)
    {
        while (!IsEmpty)
        {
            Take(store);
        }
    }
}

/// <summary>
/// What will happen at one node, soonest first; of what happens at the same time, what was added first.
/// </summary>
/// <remarks>
/// A heap of small entries over a store of events: half of what a node does in the simulation is to put in and take out.
/// </remarks>
internal sealed class CrowdAgenda(CrowdStore store)
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
    public long Next => _count == 0 ? long.MaxValue : _heap[0].At;

    public void Add(in CrowdEvent e)
    {
        if (_count == _heap.Length)
        {
            Array.Resize(ref _heap, Math.Max(16, _count * 2));
        }

        var entry = new Entry(e.At, _order++, store.Add(e));
        var at = _count++;
        while (at > 0 && entry.IsBefore(_heap[(at - 1) / Ways]))
        {
            _heap[at] = _heap[(at - 1) / Ways];
            at = (at - 1) / Ways;
        }

        _heap[at] = entry;
    }

    public CrowdEvent Take()
    {
        store.Take(_heap[0].Place, out var e);
        var last = _heap[--_count];
        var at = 0;
        while (true)
        {
            var first = at * Ways + 1;
            if (first >= _count)
            {
                break;
            }

            var best = first;
            for (var i = first + 1; i < Math.Min(first + Ways, _count); i++)
            {
                best = _heap[i].IsBefore(_heap[best]) ? i : best;
            }

            if (!_heap[best].IsBefore(last))
            {
                break;
            }

            _heap[at] = _heap[best];
            at = best;
        }

        _heap[at] = last;
        return e;
    }

    /// <summary>Nothing happens here any more.</summary>
    public void Clear()
    {
        for (var i = 0; i < _count; i++)
        {
            store.Take(_heap[i].Place, out _);
        }

        _heap = [];
        _count = 0;
    }
}
