using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Shoal.Tracker;

/// <summary>What a listed peer is.</summary>
internal enum PeerRole
{
    /// <summary>Wants pieces.</summary>
    Downloader,

    /// <summary>BEP 21: has not everything and wants no more.</summary>
    PartialSeed,
    Seed,
}

/// <summary>
/// The peers of one address family in one swarm: a dense array of packed entries, downloaders first, and a hash
/// index over it once it is long. Owned by <see cref="Swarm"/>.
/// </summary>
/// <remarks>
/// The index is hashed by address alone, so that all ports of one address lie in one probe run and counting them
/// costs nothing extra. An entry is the packed endpoint and a word: seconds last heard of, shifted by the flags.
/// </remarks>
internal sealed class PeerTable(int endPointSize, int addressKeySize)
{
    private const int StampSize = 4;
    private const uint FlagPartial = 1;
    private const uint FlagCompleted = 2;
    private const int FlagBits = 2;

    // Below this a scan of the entries is as fast as the index, and most swarms of a large tracker stay below.
    private const int IndexFrom = 16;

    private readonly int _stride = endPointSize + StampSize;
    private byte[] _entries = [];

    // Power of two; entry number + 1, 0: free. Empty while there are few entries.
    private int[] _index = [];

    public int EndPointSize => endPointSize;

    public int Count { get; private set; }

    /// <summary>Entries before this number are downloaders, from it on partial seeds and seeds.</summary>
    public int Downloaders { get; private set; }

    public int PartialSeeds { get; private set; }

    public int Seeds => Count - Downloaders - PartialSeeds;

    public ReadOnlySpan<byte> EndPoint(int entry) => _entries.AsSpan(entry * _stride, endPointSize);

    public uint LastHeard(int entry) => Word(entry) >> FlagBits;

    public PeerRole RoleOf(int entry) =>
        entry < Downloaders ? PeerRole.Downloader
        : (Word(entry) & FlagPartial) != 0 ? PeerRole.PartialSeed
        : PeerRole.Seed;

    /// <summary>
    /// The entry of the endpoint, or -1. Then also how many others share its address, and which of those was
    /// heard of longest ago.
    /// </summary>
    public int Find(ReadOnlySpan<byte> endPoint, out int sameAddress, out int oldest)
    {
        sameAddress = 0;
        oldest = -1;
        var key = endPoint[..addressKeySize];
        if (_index.Length == 0)
        {
            for (var entry = 0; entry < Count; entry++)
            {
                if (Matches(entry, endPoint, key, ref sameAddress, ref oldest))
                {
                    return entry;
                }
            }

            return -1;
        }

        var mask = _index.Length - 1;
        for (var slot = Hash(key) & mask; _index[slot] != 0; slot = (slot + 1) & mask)
        {
            var entry = _index[slot] - 1;
            if (Matches(entry, endPoint, key, ref sameAddress, ref oldest))
            {
                return entry;
            }
        }

        return -1;
    }

    /// <summary>Adds an endpoint that <see cref="Find"/> did not find, and says its entry.</summary>
    public int Add(ReadOnlySpan<byte> endPoint, PeerRole role, uint seconds)
    {
        Reserve();
        var entry = Count++;
        endPoint.CopyTo(_entries.AsSpan(entry * _stride));
        SetWord(entry, seconds << FlagBits | FlagPartial);
        PartialSeeds++;
        if (_index.Length > 0)
        {
            Link(entry);
        }

        return Update(entry, role, seconds);
    }

    /// <summary>Notes that a peer was heard of, and says its entry, which a change of role changes.</summary>
    public int Update(int entry, PeerRole role, uint seconds)
    {
        var was = RoleOf(entry);
        SetWord(
            entry,
            seconds << FlagBits | (Word(entry) & FlagCompleted) | (role == PeerRole.PartialSeed ? FlagPartial : 0)
        );
        PartialSeeds += (role == PeerRole.PartialSeed ? 1 : 0) - (was == PeerRole.PartialSeed ? 1 : 0);
        if ((was == PeerRole.Downloader) == (role == PeerRole.Downloader))
        {
            return entry;
        }

        // Over the border between downloaders and the others, by changing places with the one beside it.
        var to = role == PeerRole.Downloader ? Downloaders++ : --Downloaders;
        Swap(entry, to);
        return to;
    }

    /// <summary>Notes that the peer said "completed"; false when it has before.</summary>
    public bool MarkCompleted(int entry)
    {
        var word = Word(entry);
        SetWord(entry, word | FlagCompleted);
        return (word & FlagCompleted) == 0;
    }

    public void Remove(int entry)
    {
        // To the end of the others first: the last entry then fills the hole.
        entry = Update(entry, PeerRole.Seed, LastHeard(entry));
        Swap(entry, Count - 1);
        Unlink(Count - 1);
        Count--;
        Shrink();
    }

    private bool Matches(
        int entry,
        ReadOnlySpan<byte> endPoint,
        ReadOnlySpan<byte> key,
        ref int sameAddress,
        ref int oldest
    )
    {
        var other = EndPoint(entry);
        if (!other[..key.Length].SequenceEqual(key))
        {
            return false;
        }

        if (other.SequenceEqual(endPoint))
        {
            return true;
        }

        sameAddress++;
        if (oldest < 0 || LastHeard(entry) < LastHeard(oldest))
        {
            oldest = entry;
        }

        return false;
    }

    private uint Word(int entry) =>
        MemoryMarshal.Read<uint>(_entries.AsSpan(entry * _stride + endPointSize, StampSize));

    private void SetWord(int entry, uint value) =>
        MemoryMarshal.Write(_entries.AsSpan(entry * _stride + endPointSize, StampSize), in value);

    private void Swap(int a, int b)
    {
        if (a == b)
        {
            return;
        }

        if (_index.Length > 0)
        {
            var slotA = SlotOf(a);
            var slotB = SlotOf(b);
            (_index[slotA], _index[slotB]) = (b + 1, a + 1);
        }

        Span<byte> held = stackalloc byte[32];
        held = held[.._stride];
        var first = _entries.AsSpan(a * _stride, _stride);
        var second = _entries.AsSpan(b * _stride, _stride);
        first.CopyTo(held);
        second.CopyTo(first);
        held.CopyTo(second);
    }

    private int SlotOf(int entry)
    {
        var mask = _index.Length - 1;
        var slot = Hash(EndPoint(entry)[..addressKeySize]) & mask;
        while (_index[slot] != entry + 1)
        {
            slot = (slot + 1) & mask;
        }

        return slot;
    }

    private void Link(int entry)
    {
        var mask = _index.Length - 1;
        var slot = Hash(EndPoint(entry)[..addressKeySize]) & mask;
        while (_index[slot] != 0)
        {
            slot = (slot + 1) & mask;
        }

        _index[slot] = entry + 1;
    }

    /// <summary>Frees a slot and moves later ones of the run back, so that no run is ever broken.</summary>
    private void Unlink(int entry)
    {
        if (_index.Length == 0)
        {
            return;
        }

        var mask = _index.Length - 1;
        var hole = SlotOf(entry);
        for (var slot = (hole + 1) & mask; _index[slot] != 0; slot = (slot + 1) & mask)
        {
            var home = Hash(EndPoint(_index[slot] - 1)[..addressKeySize]) & mask;
            if (((slot - home) & mask) >= ((slot - hole) & mask))
            {
                _index[hole] = _index[slot];
                hole = slot;
            }
        }

        _index[hole] = 0;
    }

    private void Reserve()
    {
        if ((Count + 1) * _stride > _entries.Length)
        {
            // By half, not twofold: a million peers shall not cost the memory of two.
            var room = Math.Max(Count + Math.Max(Count / 2, 1), 1);
            Array.Resize(ref _entries, room * _stride);
        }

        if (Count + 1 > IndexFrom && (Count + 1) * 4L > _index.Length * 3L)
        {
            Rebuild(Math.Max(_index.Length * 2, IndexFrom * 4));
        }
    }

    private void Shrink()
    {
        if (Count * _stride * 4 < _entries.Length)
        {
            Array.Resize(ref _entries, Count * 2 * _stride);
        }

        if (_index.Length > 0 && Count < _index.Length / 8)
        {
            Rebuild(Count < IndexFrom ? 0 : _index.Length / 2);
        }
    }

    private void Rebuild(int size)
    {
        _index = size == 0 ? [] : new int[size];
        for (var entry = 0; size > 0 && entry < Count; entry++)
        {
            Link(entry);
        }
    }

    /// <summary>
    /// Addresses are proven before they get here, so nobody chooses them freely; a multiplication spreads
    /// neighbours well enough.
    /// </summary>
    private static int Hash(ReadOnlySpan<byte> key)
    {
        var value = key.Length >= 8 ? MemoryMarshal.Read<ulong>(key) : BinaryPrimitives.ReadUInt32LittleEndian(key);
        value *= 0x9E3779B97F4A7C15;
        return (int)(value >> 33);
    }
}
