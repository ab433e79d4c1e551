using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// How many connected peers have each piece, and the pieces that may be begun in order of rarity.
/// </summary>
/// <remarks>
/// Seeds are counted once for all pieces, so their coming and going costs nothing. The pieces not begun yet
/// stand in one list for each file priority, sorted by how many (not seeds) have them; a bucket is the range
/// of those with the same count. One more or one fewer means a swap with the edge of the bucket, and within a
/// bucket the order is random, so that peers with equal knowledge do not all take the same piece.
/// </remarks>
internal sealed class Availability
{
    private const int Levels = 8;

    private readonly PieceEntry[] _pieces;
    private readonly byte[] _levels;
    private readonly List<int>?[] _orders = new List<int>?[Levels];

    // For each level: end (exclusive) of the bucket of pieces that k peers have.
    private readonly List<int>?[] _ends = new List<int>?[Levels];
    private readonly Random _random;

    private struct PieceEntry
    {
        public int Count;

        /// <summary>Place in the list of its level; -1: not listed.</summary>
        public int Place;
    }

    public Availability(int pieceCount, Random random)
    {
        _pieces = new PieceEntry[pieceCount];
        _pieces.AsSpan().Fill(new PieceEntry { Place = -1 });
        _levels = new byte[pieceCount];
        _random = random;
    }

    /// <summary>Connected peers that have everything.</summary>
    public int Seeds { get; private set; }

    /// <summary>How many connected peers have the piece.</summary>
    public int this[int piece] => _pieces[piece].Count + Seeds;

    /// <summary>How many connected peers that do not have everything have the piece.</summary>
    public int LeechesWith(int piece) => _pieces[piece].Count;

    public void AddSeed() => Seeds++;

    public void RemoveSeed() => Seeds--;

    public void Add(int piece)
    {
        ref var entry = ref _pieces[piece];
        var count = entry.Count++;
        if (entry.Place >= 0)
        {
            MoveUp(piece, _levels[piece], count);
        }
    }

    public void Remove(int piece)
    {
        ref var entry = ref _pieces[piece];
        var count = entry.Count--;
        if (entry.Place >= 0)
        {
            MoveDown(piece, _levels[piece], count);
        }
    }

    public void Add(Bitfield pieces)
    {
        for (var i = BitScan.FirstCommon(pieces, pieces, 0); i >= 0; i = BitScan.FirstCommon(pieces, pieces, i + 1))
        {
            Add(i);
        }
    }

    public void Remove(Bitfield pieces)
    {
        for (var i = BitScan.FirstCommon(pieces, pieces, 0); i >= 0; i = BitScan.FirstCommon(pieces, pieces, i + 1))
        {
            Remove(i);
        }
    }

    /// <summary>Whether the piece may be begun.</summary>
    public bool IsListed(int piece) => _pieces[piece].Place >= 0;

    /// <summary>The pieces of a file priority that may be begun, rarest first.</summary>
    public ReadOnlySpan<int> Listed(int level) =>
        _orders[level] is { } order ? System.Runtime.InteropServices.CollectionsMarshal.AsSpan(order) : [];

    /// <summary>Whether any piece may be begun.</summary>
    public bool AnyListed
    {
        get
        {
            foreach (var order in _orders)
            {
                if (order is { Count: > 0 })
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>How many connected peers have each piece, at most 255.</summary>
    public byte[] Copies()
    {
        var copies = new byte[_pieces.Length];
        for (var piece = 0; piece < copies.Length; piece++)
        {
            copies[piece] = (byte)Math.Min(byte.MaxValue, this[piece]);
        }

        return copies;
    }

    /// <summary>The piece is wanted with this priority (1 to 7) and not begun; a listed piece is moved.</summary>
    public void List(int piece, int level)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(level, 1);
        Unlist(piece);
        var order = _orders[level] ??= [];
        var ends = _ends[level] ??= [];
        _levels[piece] = (byte)level;
        var count = _pieces[piece].Count;
        while (ends.Count <= count)
        {
            ends.Add(order.Count);
        }

        order.Add(piece);
        _pieces[piece].Place = order.Count - 1;
        ends[^1]++;
        for (var bucket = ends.Count - 1; bucket > count; bucket--)
        {
            MoveDown(piece, level, bucket);
        }

        var start = count == 0 ? 0 : ends[count - 1];
        Swap(order, _pieces[piece].Place, _random.Next(start, ends[count]));
    }

    /// <summary>The piece is begun, done or not wanted.</summary>
    public void Unlist(int piece)
    {
        if (_pieces[piece].Place < 0)
        {
            return;
        }

        var level = _levels[piece];
        var order = _orders[level]!;
        var ends = _ends[level]!;
        for (var bucket = _pieces[piece].Count; bucket < ends.Count - 1; bucket++)
        {
            MoveUp(piece, level, bucket);
        }

        Swap(order, _pieces[piece].Place, order.Count - 1);
        order.RemoveAt(order.Count - 1);
        ends[^1]--;
        _pieces[piece].Place = -1;
    }

    /// <summary>
    /// Copies of the rarest piece, plus the share of pieces that have more: libtorrent and others show the same.
    /// </summary>
    public double DistributedCopies()
    {
        if (_pieces.Length == 0)
        {
            return 0;
        }

        var least = int.MaxValue;
        var more = 0;
        foreach (ref readonly var entry in _pieces.AsSpan())
        {
            if (entry.Count < least)
            {
                least = entry.Count;
                more = 0;
            }
        }

        foreach (ref readonly var entry in _pieces.AsSpan())
        {
            more += entry.Count > least ? 1 : 0;
        }

        return Seeds + least + (double)more / _pieces.Length;
    }

    /// <summary>From bucket k to bucket k + 1.</summary>
    private void MoveUp(int piece, int level, int bucket)
    {
        var ends = _ends[level]!;
        if (bucket == ends.Count - 1)
        {
            ends.Add(ends[bucket]);
        }

        Swap(_orders[level]!, _pieces[piece].Place, --ends[bucket]);
    }

    /// <summary>From bucket k to bucket k - 1.</summary>
    private void MoveDown(int piece, int level, int bucket)
    {
        var ends = _ends[level]!;
        Swap(_orders[level]!, _pieces[piece].Place, ends[bucket - 1]++);
    }

    private void Swap(List<int> order, int i, int j)
    {
        (order[i], order[j]) = (order[j], order[i]);
        _pieces[order[i]].Place = i;
        _pieces[order[j]].Place = j;
    }

    /// <summary>For tests and Debug builds: lists sorted, places true. Throws when not.</summary>
    internal void CheckInvariants(Func<int, int> countOf)
    {
        for (var i = 0; i < _pieces.Length; i++)
        {
            Invariant.Holds(_pieces[i].Count == countOf(i), "availability is the sum of the peers' bitfields");
        }

        for (var level = 0; level < Levels; level++)
        {
            if (_orders[level] is not { } order)
            {
                continue;
            }

            var ends = _ends[level]!;
            Invariant.Holds(ends[^1] == order.Count, "the last bucket ends the list");
            for (var place = 0; place < order.Count; place++)
            {
                var piece = order[place];
                var count = _pieces[piece].Count;
                Invariant.Holds(_pieces[piece].Place == place && _levels[piece] == level, "places are true");
                Invariant.Holds(place < ends[count] && (count == 0 || place >= ends[count - 1]), "buckets are true");
            }
        }
    }
}
