using System.Numerics;
using System.Runtime.CompilerServices;
using Shoal.Protocol;

namespace Shoal.Engine;

internal enum UtpSendState : byte
{
    Unsent,
    InFlight,

    /// <summary>To be sent again.</summary>
    Lost,
    Acknowledged,
}

/// <summary>
/// What has been written, cut into packets, until the peer acknowledges it. Packets lie one after the other in slabs with
/// room for their headers, so that a run of them leaves without being copied. Owns its memory; holds none when empty.
/// </summary>
internal sealed partial class UtpSendQueue : IDisposable
{
    /// <summary>Datagrams that the system takes at once, at most.</summary>
    private const int MaxRun = 64;

    private const int NoLink = -1;

    private UtpSlab? _tail;

    // By packet number; grows with what is really under way.
    private Packet[] _packets = new Packet[16];

    // Two lists through the packets: under way in the order of sending, and lost in the order of being found out.
    private PacketList _inFlight = new();
    private PacketList _lost = new();
    private long _order;

    private struct Packet
    {
        public UtpSlab? Slab;
        public int Offset;
        public int Length;
        public int Older;
        public int Newer;
        public long SentAt;
        public long Order;
        public UtpSendState State;
        public byte Transmissions;
        public bool IsFin;
        public bool IsProbe;
    }

    private struct PacketList()
    {
        public int Oldest = NoLink;
        public int Newest = NoLink;
    }

    /// <summary>The oldest packet that is not acknowledged.</summary>
    public ushort First { get; private set; }

    /// <summary>The first packet that was never sent.</summary>
    public ushort NextToSend { get; private set; }

    /// <summary>What the next packet's number will be.</summary>
    public ushort End { get; private set; }

    public long InFlightBytes { get; private set; }
    public long UnsentBytes { get; private set; }

    /// <summary>Everything that is not acknowledged: under way, lost or not sent yet.</summary>
    public long HeldBytes { get; private set; }

    /// <summary>Packets between the oldest unacknowledged one and the newest sent.</summary>
    public int Span => UtpSequence.Ahead(NextToSend, First);

    public int UnsentPackets => UtpSequence.Ahead(End, NextToSend);
    public bool HasInFlight => _inFlight.Oldest != NoLink;
    public bool HasLost => _lost.Oldest != NoLink;
    public bool IsEmpty => First == End;

    /// <summary>The last place in the order of sending.</summary>
    public long LastOrder => _order;

    public void Start(ushort sequence) => (First, NextToSend, End) = (sequence, sequence, sequence);

    /// <summary>Cuts bytes into packets; one that was not full and not sent yet is filled first.</summary>
    /// <param name="bytes">All of them are taken.</param>
    /// <param name="packetSize">Of a full packet, with its header.</param>
    public void Append(ReadOnlySpan<byte> bytes, int packetSize)
    {
        UnsentBytes += bytes.Length;
        HeldBytes += bytes.Length;
        var full = packetSize - UtpHeader.Size;
        if (End != NextToSend)
        {
            ref var last = ref At(UtpSequence.Plus(End, -1));
            if (last.Length < full && last.Slab == _tail && !last.IsFin)
            {
                var count = Math.Min(Math.Min(full - last.Length, bytes.Length), _tail!.Room);
                bytes[..count].CopyTo(_tail.Bytes[_tail.End..]);
                _tail.End += count;
                last.Length += count;
                bytes = bytes[count..];
            }
        }

        while (!bytes.IsEmpty)
        {
            var count = Math.Min(full, bytes.Length);
            ref var packet = ref Cut(count, bytes.Length);
            bytes[..count].CopyTo(packet.Slab!.Bytes[(packet.Offset + UtpHeader.Size)..]);
            bytes = bytes[count..];
        }
    }

    /// <summary>Nothing is written any more.</summary>
    public void AppendFin() => Cut(0, 0).IsFin = true;

    /// <summary>Content of the next packet never sent, and whether more may still be added to it.</summary>
    public int PeekLength(out bool isOpen)
    {
        isOpen = UtpSequence.Plus(NextToSend, 1) == End && !At(NextToSend).IsFin;
        return At(NextToSend).Length;
    }

    /// <summary>The first packet that is not full, if nothing of it was sent and more may be added; else the end.</summary>
    public ushort EndOfFull(int full)
    {
        var last = UtpSequence.Plus(End, -1);
        return End != NextToSend && !At(last).IsFin && At(last).Length < full ? last : End;
    }

    /// <summary>Content of the packet to send again next.</summary>
    public int PeekLostLength() => _packets[_lost.Oldest].Length;

    /// <summary>The longest run of packets that may leave with one call, all of one length but the last.</summary>
    /// <param name="isAgain">Lost packets, or new ones.</param>
    /// <param name="budget">Content that may leave; at least one packet is taken whatever it is.</param>
    /// <param name="stop">The first packet that may not leave.</param>
    /// <param name="header">What all headers have in common; written to each with its own type and number.</param>
    /// <param name="first">The number of the first.</param>
    /// <param name="segment">Length of each datagram.</param>
    public ReadOnlySpan<byte> Prepare(
        bool isAgain,
        long budget,
        ushort stop,
        UtpHeader header,
        out ushort first,
        out int segment
    )
    {
        first = isAgain ? SequenceOf(_lost.Oldest) : NextToSend;
        var state = isAgain ? UtpSendState.Lost : UtpSendState.Unsent;
        ref var head = ref At(first);
        segment = UtpHeader.Size + head.Length;
        var end = head.Offset;
        var sequence = first;
        for (var count = 0; count < MaxRun && (count == 0 || sequence != stop); count++, sequence++)
        {
            ref var packet = ref At(sequence);
            var size = UtpHeader.Size + packet.Length;
            if (
                packet.State != state
                || packet.Slab != head.Slab
                || packet.Offset != end
                || size > segment
                || (count > 0 && packet.Length > budget)
            )
            {
                break;
            }

            header = header with { Type = packet.IsFin ? UtpPacketType.Fin : UtpPacketType.Data, Sequence = sequence };
            header.Write(head.Slab!.Bytes[end..]);
            end += size;
            budget -= packet.Length;
            if (size < segment)
            {
                break;
            }
        }

        return head.Slab!.Bytes[head.Offset..end];
    }

    /// <summary>So many of the prepared packets have left.</summary>
    public void Sent(ushort first, int count, long now, bool isProbe = false)
    {
        for (var sequence = first; count > 0; sequence++, count--)
        {
            var index = IndexOf(sequence);
            ref var packet = ref _packets[index];
            if (packet.State == UtpSendState.Lost)
            {
                Unlink(ref _lost, index);
            }
            else
            {
                NextToSend++;
                UnsentBytes -= packet.Length;
            }

            packet.State = UtpSendState.InFlight;
            packet.Transmissions = (byte)Math.Min(packet.Transmissions + 1, byte.MaxValue);
            packet.SentAt = now;
            packet.Order = ++_order;
            packet.IsProbe = isProbe;
            InFlightBytes += packet.Length;
            Link(ref _inFlight, index);
        }
    }

    /// <summary>The peer has this packet.</summary>
    public void Acknowledge(ushort sequence, UtpRoundTrip trip, long now, ref UtpAcked acked)
    {
        var index = IndexOf(sequence);
        ref var packet = ref _packets[index];
        if (packet.State == UtpSendState.Acknowledged)
        {
            return;
        }

        var age = now - packet.SentAt;
        // An answer sooner than any can be is one to the sending before.
        var isOfFirst = packet.Transmissions > 1 && trip.HasSample && age < trip.Min - trip.Min / 8;
        if (packet.State == UtpSendState.InFlight)
        {
            InFlightBytes -= packet.Length;
            Unlink(ref _inFlight, index);
            if (isOfFirst)
            {
                acked.Spurious++;
            }
            else if (packet.Order > acked.NewestOrder)
            {
                (acked.NewestOrder, acked.NewestSentAt) = (packet.Order, packet.SentAt);
            }
        }
        else
        {
            acked.Spurious++;
            Unlink(ref _lost, index);
        }

        // BEP 29: "The rtt and rtt_var is only updated for packets that were sent only once."
        if (packet.Transmissions == 1)
        {
            trip.Add(age, now);
            acked.HasSample = true;
        }

        acked.HasProbe |= packet.IsProbe;
        acked.Bytes += packet.Length;
        acked.Packets++;
        HeldBytes -= packet.Length;
        packet.State = UtpSendState.Acknowledged;
        Drop(ref packet);
    }

    /// <summary>Everything up to this number has been acknowledged, and is forgotten.</summary>
    public void Advance(ushort last) => First = UtpSequence.Plus(last, 1);

    /// <summary>Whether the peer lacks this packet, as far as we know, and it was sent.</summary>
    public bool IsInFlight(ushort sequence) =>
        UtpSequence.Ahead(sequence, First) >= 0
        && UtpSequence.Ahead(sequence, NextToSend) < 0
        && At(sequence).State != UtpSendState.Acknowledged;

    public void Dispose()
    {
        for (var sequence = First; sequence != End; sequence++)
        {
            ref var packet = ref At(sequence);
            if (packet.State != UtpSendState.Acknowledged)
            {
                packet.State = UtpSendState.Acknowledged;
                Drop(ref packet);
            }
        }

        ReleaseTail();
        (First, NextToSend) = (End, End);
        (_inFlight, _lost) = (new PacketList(), new PacketList());
        (InFlightBytes, UnsentBytes, HeldBytes) = (0, 0, 0);
    }

    private int IndexOf(ushort sequence) => sequence & (_packets.Length - 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref Packet At(ushort sequence) => ref _packets[sequence & (_packets.Length - 1)];

    // Only packets between First and End are on lists, and there are no two with the same index.
    private ushort SequenceOf(int index) => UtpSequence.Plus(First, (index - First) & (_packets.Length - 1));

    private ref Packet Cut(int length, int more)
    {
        var size = UtpHeader.Size + length;
        if (_tail is null || _tail.Room < size)
        {
            ReleaseTail();
            var isSmall = size <= UtpSlab.SmallSize && more <= UtpSlab.SmallSize / 2 && IsEmpty;
            _tail = new UtpSlab(isSmall ? UtpSlab.SmallSize : UtpSlab.LargeSize);
        }

        if (UtpSequence.Ahead(End, First) + 1 >= _packets.Length)
        {
            Grow();
        }

        ref var packet = ref At(End);
        packet = new Packet
        {
            Slab = _tail,
            Offset = _tail.End,
            Length = length,
            Older = NoLink,
            Newer = NoLink,
        };
        _tail.End += size;
        _tail.Users++;
        End++;
        return ref packet;
    }

    private void Grow()
    {
        var larger = new Packet[BitOperations.RoundUpToPowerOf2((uint)_packets.Length * 2)];
        var mask = larger.Length - 1;
        for (var sequence = First; sequence != End; sequence++)
        {
            var packet = At(sequence);
            packet.Older = packet.Older == NoLink ? NoLink : SequenceOf(packet.Older) & mask;
            packet.Newer = packet.Newer == NoLink ? NoLink : SequenceOf(packet.Newer) & mask;
            larger[sequence & mask] = packet;
        }

        _inFlight = Moved(_inFlight, mask);
        _lost = Moved(_lost, mask);
        _packets = larger;
    }

    private PacketList Moved(PacketList list, int mask) =>
        list.Oldest == NoLink
            ? list
            : new PacketList { Oldest = SequenceOf(list.Oldest) & mask, Newest = SequenceOf(list.Newest) & mask };

    private void Drop(ref Packet packet)
    {
        var slab = packet.Slab!;
        packet.Slab = null;
        if (--slab.Users > 0)
        {
            return;
        }

        if (slab == _tail)
        {
            // Empty: used from the front again, or given back when the connection is quiet.
            _tail = null;
        }

        slab.Release();
    }

    private void ReleaseTail()
    {
        if (_tail is { Users: 0 })
        {
            _tail.Release();
        }

        _tail = null;
    }
}
