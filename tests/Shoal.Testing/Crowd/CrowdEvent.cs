using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Testing;

internal enum CrowdEventKind : byte
{
    /// <summary>The process begins.</summary>
    Start,
    Tick,

    /// <summary>The node dies, without a word.</summary>
    Die,

    /// <summary>What the uplink was sending has left it.</summary>
    Sent,

    /// <summary>A message has come to the near end of the downlink.</summary>
    Arrived,

    /// <summary>A message is through the downlink.</summary>
    Delivered,

    /// <summary>The other end has got Length bytes of blocks.</summary>
    Acknowledged,

    /// <summary>Somebody calls. Piece: the place of the link at its end.</summary>
    Called,

    /// <summary>The call was taken. Piece: the place of the link at the other end.</summary>
    Answered,

    /// <summary>The call came to nothing: there is nobody.</summary>
    Missed,

    /// <summary>The other end is gone.</summary>
    Closed,

    /// <summary>The disk has hashed the piece.</summary>
    Hashed,

    /// <summary>The tracker has answered.</summary>
    Tracked,
}

/// <summary>
/// One thing that happens at one node. Blocks travel as numbers: their bytes are the same everywhere, nothing.
/// </summary>
/// <param name="At">When, in ticks of <see cref="TimeSpan"/>.</param>
/// <param name="Link">The place of the link at the node it happens at.</param>
/// <param name="From">Who caused it; for <see cref="CrowdEventKind.Called"/>.</param>
internal readonly record struct CrowdEvent(
    CrowdEventKind Kind,
    long At,
    int Link = -1,
    int From = -1,
    MessageId MessageId = default,
    uint Piece = 0,
    uint Begin = 0,
    uint Length = 0,
    object? Payload = null
)
{
    private const int HeaderSize = 17;

    /// <summary>Bytes on the wire.</summary>
    public int Size =>
        HeaderSize
        + (
            MessageId == MessageId.Piece ? (int)Length
            : Payload is byte[] bytes ? bytes.Length
            : 0
        );

    public SwarmEvent ToSwarm(object? payload) =>
        new(SwarmEventKind.Message, new PeerHandle(Link + 1), MessageId, Piece, Begin, Length, payload);
}

/// <summary>
/// What will happen at one node, soonest first; of what happens at the same time, what was added first.
/// </summary>
/// <remarks>
/// A heap of small entries over a slab of events: half of what a node does in the simulation is to put in and take out.
/// </remarks>
internal sealed class CrowdAgenda
{
    private const int Ways = 4;

    private Entry[] _heap = new Entry[16];
    private CrowdEvent[] _events = new CrowdEvent[16];
    private int[] _free = new int[16];
    private int _count;
    private int _freeCount;
    private int _used;
    private long _order;

    private readonly record struct Entry(long At, long Order, int Place)
    {
        public bool IsBefore(in Entry other) => At < other.At || (At == other.At && Order < other.Order);
    }

    /// <summary>When the next thing happens; long.MaxValue: never.</summary>
    public long Next => _count == 0 ? long.MaxValue : _heap[0].At;

    public void Add(in CrowdEvent e)
    {
        int place;
        if (_freeCount > 0)
        {
            place = _free[--_freeCount];
        }
        else
        {
            if (_used == _events.Length)
            {
                Array.Resize(ref _events, _used * 2);
                Array.Resize(ref _free, _used * 2);
                Array.Resize(ref _heap, _used * 2);
            }

            place = _used++;
        }

        _events[place] = e;
        var entry = new Entry(e.At, _order++, place);
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
        var place = _heap[0].Place;
        var e = _events[place];
        _events[place] = default;
        _free[_freeCount++] = place;
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
        _heap = [];
        _events = [];
        _free = [];
        (_count, _freeCount, _used) = (0, 0, 0);
    }
}
