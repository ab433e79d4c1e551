namespace Shoal.Testing;

/// <summary>
/// Events that wait at the nodes of one worker: for their time, or for an uplink. All nodes share it, so that what is held
/// follows what waits everywhere at this moment, and not what once waited at each.
/// </summary>
/// <remarks>
/// An event is known by its place, and stays there while it goes from one line to the next. A large crowd spends its time
/// waiting for memory, and places given back last are taken first: those are in the cache.
/// </remarks>
internal sealed class CrowdStore
{
    private const int ChunkBits = 12;

    private Slot[][] _chunks = [];

    // Place 0 is nobody's: it says that there is none.
    private int _used = 1;
    private int _firstFree;

    private struct Slot
    {
        public CrowdEvent Event;

        /// <summary>The event behind it in the same line, or the next free place; 0: none.</summary>
        public int Next;
    }

    /// <summary>Valid until the place is given back.</summary>
    public ref CrowdEvent this[int place] => ref At(place).Event;

    public int Add(in CrowdEvent e)
    {
        var place = _firstFree;
        if (place == 0)
        {
            place = _used++;
            if (place >> ChunkBits == _chunks.Length)
            {
                _chunks = [.. _chunks, new Slot[1 << ChunkBits]];
            }
        }

        ref var slot = ref At(place);
        _firstFree = slot.Next;
        slot.Event = e;
        slot.Next = 0;
        return place;
    }

    public void Free(int place)
    {
        ref var slot = ref At(place);
        slot.Event.Payload = null;
        slot.Next = _firstFree;
        _firstFree = place;
    }

    /// <summary>Takes the place out of its line, whose first it is. Returns the place of the one behind it.</summary>
    public int Unlink(int place)
    {
        ref var slot = ref At(place);
        var next = slot.Next;
        slot.Next = 0;
        return next;
    }

    public void Link(int tail, int place) => At(tail).Next = place;

    private ref Slot At(int place) => ref _chunks[place >> ChunkBits][place & ((1 << ChunkBits) - 1)];
}

/// <summary>Events in the order they came, in a store.</summary>
internal struct CrowdLine
{
    private int _head;
    private int _tail;

    public readonly bool IsEmpty => _head == 0;

    /// <summary>Place of the first.</summary>
    public readonly int First => _head;

    public void Add(CrowdStore store, int place)
    {
        if (_head == 0)
        {
            _head = place;
        }
        else
        {
            store.Link(_tail, place);
        }

        _tail = place;
    }

    /// <summary>All of another line, which is empty then.</summary>
    public void Add(CrowdStore store, ref CrowdLine line)
    {
        if (!line.IsEmpty)
        {
            Add(store, line._head);
            _tail = line._tail;
            line = default;
        }
    }

    /// <summary>Takes the first. The caller gives its place away.</summary>
    public int Take(CrowdStore store)
    {
        var place = _head;
        _head = store.Unlink(place);
        return place;
    }

    /// <summary>Takes out what is chosen, and leaves the rest in order.</summary>
    public void Remove(CrowdStore store, Func<CrowdEvent, bool> isChosen)
    {
        var kept = new CrowdLine();
        while (!IsEmpty)
        {
            var place = Take(store);
            if (isChosen(store[place]))
            {
                store.Free(place);
            }
            else
            {
                kept.Add(store, place);
            }
        }

        this = kept;
    }

    public void Clear(CrowdStore store)
    {
        while (!IsEmpty)
        {
            store.Free(Take(store));
        }
    }
}
