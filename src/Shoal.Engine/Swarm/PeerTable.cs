namespace Shoal.Engine;

/// <summary>
/// Peers by handle. Asked for each message: open addressing, so that one look mostly does. Handles are given out one after
/// the other, so they are spread as they are.
/// </summary>
internal sealed class PeerTable
{
    // A power of two, and more than half of them null.
    private PeerState?[] _slots = new PeerState?[1];
    private int _count;

    public PeerState? Find(PeerHandle handle)
    {
        var slots = _slots;
        for (var i = Home(slots, handle); slots[i] is { } peer; i = Next(slots, i))
        {
            if (peer.Handle == handle)
            {
                return peer;
            }
        }

        return null;
    }

    /// <summary>A peer whose handle nobody here has.</summary>
    public void Add(PeerState peer)
    {
        if (Find(peer.Handle) is not null)
        {
            throw new ArgumentException("two peers have one handle", nameof(peer));
        }

        if (++_count * 2 >= _slots.Length)
        {
            var before = _slots;
            _slots = new PeerState?[Math.Max(8, before.Length * 2)];
            foreach (var other in before)
            {
                if (other is not null)
                {
                    Put(other);
                }
            }
        }

        Put(peer);
    }

    public void Remove(PeerState peer)
    {
        var slots = _slots;
        var hole = Home(slots, peer.Handle);
        while (slots[hole] != peer)
        {
            if (slots[hole] is null)
            {
                return;
            }

            hole = Next(slots, hole);
        }

        _count--;
        slots[hole] = null;
        // Those behind it may have been looked for across the hole.
        for (var i = Next(slots, hole); slots[i] is { } other; i = Next(slots, i))
        {
            slots[i] = null;
            Put(other);
        }
    }

    private void Put(PeerState peer)
    {
        var i = Home(_slots, peer.Handle);
        while (_slots[i] is not null)
        {
            i = Next(_slots, i);
        }

        _slots[i] = peer;
    }

    private static int Home(PeerState?[] slots, PeerHandle handle) => handle.Value & (slots.Length - 1);

    private static int Next(PeerState?[] slots, int i) => (i + 1) & (slots.Length - 1);
}
