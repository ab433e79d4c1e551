using System.Buffers;
using System.Numerics;

namespace Shoal.Engine;

/// <summary>
/// What has come in: in order and waiting for the reader, or ahead of a packet that is missing. Owns its memory; holds
/// none when it is empty.
/// </summary>
internal sealed class UtpReceiveQueue(UtpLimits limits) : IDisposable
{
    private readonly Queue<UtpSlab> _slabs = new();
    private UtpSlab? _tail;

    // By packet number; grows with how far ahead packets really come.
    private Held[] _ahead = [];
    private int _aheadCount;
    private ushort _farthest;

    private record struct Held(byte[]? Bytes, int Length);

    /// <summary>Everything up to this number is here.</summary>
    public ushort Last { get; private set; }

    /// <summary>Bytes for the reader.</summary>
    public int Readable { get; private set; }

    /// <summary>Bytes held ahead of their turn.</summary>
    public int Ahead { get; private set; }

    public bool HasGap => _aheadCount > 0;

    /// <summary>The number of the last packet is known by the first.</summary>
    public void Start(ushort last) => Last = last;

    /// <summary>Takes a packet's data. The caller has checked that there is room.</summary>
    /// <returns>False: it was here already, or is too far ahead.</returns>
    public bool Add(ushort sequence, ReadOnlySpan<byte> payload)
    {
        var distance = UtpSequence.Ahead(sequence, Last);
        if (distance <= 0 || distance > limits.MaxPacketsAhead)
        {
            return false;
        }

        if (distance > 1)
        {
            return Hold(sequence, distance, payload);
        }

        Append(payload);
        Last = sequence;
        while (_aheadCount > 0)
        {
            ref var held = ref _ahead[UtpSequence.Plus(Last, 1) & (_ahead.Length - 1)];
            if (held.Bytes is not { } bytes)
            {
                break;
            }

            Append(bytes.AsSpan(0, held.Length));
            Ahead -= held.Length;
            ArrayPool<byte>.Shared.Return(bytes);
            held = default;
            _aheadCount--;
            Last++;
        }

        return true;
    }

    /// <summary>Counts a packet without data (FIN) whose turn it is.</summary>
    public void Skip() => Last++;

    public int Read(Span<byte> to)
    {
        var read = 0;
        while (read < to.Length && _slabs.TryPeek(out var slab))
        {
            var count = Math.Min(to.Length - read, slab.End - slab.Start);
            slab.Bytes.Slice(slab.Start, count).CopyTo(to[read..]);
            slab.Start += count;
            read += count;
            if (slab.Start == slab.End)
            {
                _slabs.Dequeue();
                slab.Release();
                if (slab == _tail)
                {
                    _tail = null;
                }
            }
        }

        Readable -= read;
        return read;
    }

    /// <summary>Writes which packets have come ahead of the missing one (BEP 29); returns the length, 0 if none has.</summary>
    public int WriteSelectiveAck(Span<byte> to)
    {
        if (_aheadCount == 0)
        {
            return 0;
        }

        // BEP 29: "The first bit in the mask therefore represents ack_nr + 2."
        var bits = Math.Min(UtpSequence.Ahead(_farthest, Last) - 1, to.Length * 8);
        var length = (bits + 31) / 32 * 4;
        to[..length].Clear();
        for (var bit = 0; bit < bits; bit++)
        {
            if (_ahead[UtpSequence.Plus(Last, bit + 2) & (_ahead.Length - 1)].Bytes is not null)
            {
                to[bit / 8] |= (byte)(1 << (bit % 8));
            }
        }

        return length;
    }

    /// <summary>Forgets what nobody will read.</summary>
    public void DropReadable()
    {
        foreach (var slab in _slabs)
        {
            slab.Release();
        }

        _slabs.Clear();
        (_tail, Readable) = (null, 0);
    }

    /// <summary>Forgets everything.</summary>
    public void Dispose()
    {
        DropReadable();
        foreach (var held in _ahead)
        {
            if (held.Bytes is not null)
            {
                ArrayPool<byte>.Shared.Return(held.Bytes);
            }
        }

        (_ahead, _aheadCount, Ahead) = ([], 0, 0);
    }

    private bool Hold(ushort sequence, int distance, ReadOnlySpan<byte> payload)
    {
        if (distance >= _ahead.Length)
        {
            Grow(distance);
        }

        ref var held = ref _ahead[sequence & (_ahead.Length - 1)];
        if (held.Bytes is not null)
        {
            return false;
        }

        var bytes = ArrayPool<byte>.Shared.Rent(payload.Length);
        payload.CopyTo(bytes);
        held = new Held(bytes, payload.Length);
        Ahead += payload.Length;
        if (_aheadCount++ == 0 || UtpSequence.Ahead(sequence, _farthest) > 0)
        {
            _farthest = sequence;
        }

        return true;
    }

    private void Grow(int distance)
    {
        var larger = new Held[BitOperations.RoundUpToPowerOf2((uint)Math.Max(distance + 1, 64))];
        for (var i = 0; i < _ahead.Length; i++)
        {
            var sequence = UtpSequence.Plus(Last, i);
            larger[sequence & (larger.Length - 1)] = _ahead[sequence & (_ahead.Length - 1)];
        }

        _ahead = larger;
    }

    private void Append(ReadOnlySpan<byte> payload)
    {
        Readable += payload.Length;
        while (!payload.IsEmpty)
        {
            if (_tail is null || _tail.Room == 0)
            {
                // Little data gets little memory; where data waits already, or much comes at once, more will come.
                var isBusy = _slabs.Count > 0 || payload.Length > UtpSlab.SmallSize / 2;
                _tail = new UtpSlab(isBusy ? UtpSlab.LargeSize : UtpSlab.SmallSize);
                _slabs.Enqueue(_tail);
            }

            var count = Math.Min(payload.Length, _tail.Room);
            payload[..count].CopyTo(_tail.Bytes[_tail.End..]);
            _tail.End += count;
            payload = payload[count..];
        }
    }
}
