using System.Runtime.CompilerServices;

namespace Shoal.Engine;

/// <summary>
/// A queue in a ring that can also lose a member in the middle. What peers answer comes mostly in the order
/// it was asked, so a search from the front ends at once and removal moves nothing.
/// </summary>
/// <remarks>A struct that must not be copied: whoever has one is asked for its length all the time.</remarks>
internal struct Deque<T>()
{
    private T[] _items = [];
    private int _head;

    public int Count { get; private set; }

    public readonly ref T this[int index] => ref _items[(_head + index) & (_items.Length - 1)];

    public void Add(in T item)
    {
        if (Count == _items.Length)
        {
            Grow();
        }

        Count++;
        this[Count - 1] = item;
    }

    public T RemoveFirst()
    {
        var item = this[0];
        RemoveAt(0);
        return item;
    }

    public void RemoveAt(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
        // Move the shorter side; almost always that is nothing at all.
        if (index < Count / 2)
        {
            for (var i = index; i > 0; i--)
            {
                this[i] = this[i - 1];
            }

            Forget(0);
            _head = (_head + 1) & (_items.Length - 1);
        }
        else
        {
            for (var i = index; i < Count - 1; i++)
            {
                this[i] = this[i + 1];
            }

            Forget(Count - 1);
        }

        Count--;
        if (Count == 0)
        {
            _head = 0;
        }
    }

    /// <summary>Gives the ring back if nothing is in it: most connections rest most of the time.</summary>
    public void TrimIfEmpty()
    {
        if (Count == 0)
        {
            _items = [];
        }
    }

    public void Clear()
    {
        Array.Clear(_items);
        _head = 0;
        Count = 0;
    }

    private readonly void Forget(int index)
    {
        if (RuntimeHelpers.IsReferenceOrContainsReferences<T>())
        {
            this[index] = default!;
        }
    }

    private void Grow()
    {
        var items = new T[Math.Max(8, _items.Length * 2)];
        for (var i = 0; i < Count; i++)
        {
            items[i] = this[i];
        }

        _items = items;
        _head = 0;
    }
}
