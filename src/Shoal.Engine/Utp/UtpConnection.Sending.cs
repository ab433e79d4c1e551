using System.Buffers;
using Shoal.Protocol;

namespace Shoal.Engine;

internal sealed partial class UtpConnection
{
    /// <summary>Steps by which more memory for what is under way is asked for.</summary>
    private const int AllowanceStep = 256 * 1024;

    /// <summary>After the system had no room, so long until the next try.</summary>
    private const long NoRoomPause = 1_000;

    /// <summary>Packets that must be waiting behind a probe, so that its loss is found out quickly.</summary>
    private const int PacketsBehindProbe = 4;

    /// <summary>Two packets are acknowledged at once, as in TCP.</summary>
    private const int PacketsPerAck = 2;

    private long _sendAllowance;
    private long _peerWindow;
    private long _lastDataAt;
    private long _lastSentAt;
    private long _retryAt = Never;

    // The last packet that left without being full; another such waits for it.
    private ushort _shortSequence;
    private bool _hasShort;
    private long _coalesceSince = Never;
    private long _coalesceDue = Never;

    private int _unacknowledged;
    private long _ackSince;
    private bool _mustAck;
    private long _advertised;

    private long Backlog()
    {
        var limit = Math.Clamp(_congestion.Window / 8, _limits.MinBacklog, _limits.MaxBacklog);
        if (limit > _send.UnsentBytes && _send.HeldBytes + limit > _limits.MinReceiveWindow + _sendAllowance)
        {
            GrowAllowance();
        }

        return Math.Min(limit - _send.UnsentBytes, _limits.MinReceiveWindow + _sendAllowance - _send.HeldBytes);
    }

    private void GrowAllowance()
    {
        if (_sendAllowance < _limits.MaxReceiveWindow && _budget.TryTake(AllowanceStep))
        {
            _sendAllowance += AllowanceStep;
        }
    }

    private void SendData(long now)
    {
        (_retryAt, _coalesceDue) = (Never, Never);
        if (_send.UnsentPackets == 0 && !_send.HasLost)
        {
            return;
        }

        if (!_send.HasInFlight && !_send.HasLost && now - _lastDataAt > Timeout())
        {
            _congestion.Idle(_mtu.Size, (int)Math.Min((now - _lastDataAt) / Timeout(), 30));
        }

        while (TrySendRun(now)) { }
    }

    /// <summary>Sends what may leave with one call; false: nothing more now.</summary>
    private bool TrySendRun(long now)
    {
        var isAgain = _send.HasLost;
        if (!isAgain && (_send.UnsentPackets == 0 || _send.Span >= _limits.MaxPacketsInFlight))
        {
            return false;
        }

        var isOpen = false;
        var length = isAgain ? _send.PeekLostLength() : _send.PeekLength(out isOpen);
        if (!HasRoomFor(length, now))
        {
            return false;
        }

        var isShort = isOpen && length < _mtu.Size - UtpHeader.Size;
        if (!isShort)
        {
            _coalesceSince = Never;
        }
        else if (!MaySendShort(now))
        {
            return false;
        }

        if (
            !isAgain
            && length > 0
            && _send.UnsentPackets > PacketsBehindProbe
            && _mtu.Wanted(now) is var size
            && size >= UtpHeader.Size + UtpExtension.HeaderSize + length
        )
        {
            return TrySendProbe(size, now);
        }

        // A packet at the end that is not full stays for company, if it is not the only one.
        var stop = isShort ? _send.End : _send.EndOfFull(_mtu.Size - UtpHeader.Size);
        var room = Math.Min(_congestion.Window, _peerWindow) - _send.InFlightBytes;
        var run = _send.Prepare(
            isAgain,
            room,
            stop,
            Header(UtpPacketType.Data, 0, now),
            out var first,
            out var segment
        );
        var count = (run.Length + segment - 1) / segment;
        var sent = _output.Send(run, segment, isProbe: false);
        if (isShort && sent == count)
        {
            (_hasShort, _shortSequence, _coalesceSince) = (true, UtpSequence.Plus(first, count - 1), Never);
        }

        HasSent(first, sent, isAgain, now);
        if (sent < count)
        {
            _retryAt = now + NoRoomPause;
        }

        return sent == count;
    }

    private void HasSent(ushort first, int count, bool isAgain, long now, bool isProbe = false)
    {
        if (count <= 0)
        {
            return;
        }

        if (!_send.HasInFlight)
        {
            _timeoutSince = now;
        }

        _send.Sent(first, count, now, isProbe);
        Retransmitted += isAgain ? count : 0;
        _lastDataAt = now;
        _windowProbeSince = Never;
        HasAcknowledged(now);
    }

    private bool HasRoomFor(int length, long now)
    {
        var inFlight = _send.InFlightBytes;
        if (length > _peerWindow - inFlight && !_isWindowProbeDue)
        {
            // Nothing under way and no room there: we must ask now and then, since word of room may be lost.
            if (!_send.HasInFlight && _windowProbeSince == Never)
            {
                _windowProbeSince = now;
            }

            return false;
        }

        // The window is small and the packet not: one at a time always may.
        return length <= _congestion.Window - inFlight || !_send.HasInFlight || _isTailProbeDue;
    }

    private bool MaySendShort(long now)
    {
        if (_isWriteEnded || !_hasShort || !_send.IsInFlight(_shortSequence))
        {
            return true;
        }

        if (_coalesceSince == Never)
        {
            _coalesceSince = now;
        }

        var due = _coalesceSince + Micros(_limits.CoalesceDelay);
        _coalesceDue = now < due ? due : Never;
        return now >= due;
    }

    /// <summary>Sends the next packet with padding, to see whether one so long arrives.</summary>
    private bool TrySendProbe(int size, long now)
    {
        var header = Header(UtpPacketType.Data, 0, now);
        var plain = _send.Prepare(false, 0, UtpSequence.Plus(_send.NextToSend, 1), header, out var first, out _);
        var probe = ArrayPool<byte>.Shared.Rent(size);
        (header with { Sequence = first }).Write(probe, UtpExtension.Padding);
        var payload = plain[UtpHeader.Size..];
        UtpExtension.WritePadding(probe.AsSpan(UtpHeader.Size, size - plain.Length));
        payload.CopyTo(probe.AsSpan(size - payload.Length));
        var sent = _output.Send(probe.AsSpan(0, size), size, isProbe: true);
        ArrayPool<byte>.Shared.Return(probe);
        if (sent == 0)
        {
            _retryAt = now + NoRoomPause;
            return false;
        }

        _mtu.Sent();
        if (sent < 0)
        {
            _mtu.Fail(isCertain: true, now);
        }
        else
        {
            HasSent(first, 1, isAgain: false, now, isProbe: true);
        }

        return true;
    }

    private void SendAcknowledgement(long now)
    {
        // Word of room for more comes by itself when the peer may be waiting for it.
        var room = Room();
        var isOpening = _advertised < _window.Size / 2 && room - _advertised >= _window.Size / 4;
        if (_mustAck || isOpening || _unacknowledged >= PacketsPerAck || IsAckDue(now))
        {
            SendBare(UtpPacketType.State, now);
        }
    }

    private bool IsAckDue(long now) => _unacknowledged > 0 && now - _ackSince >= Micros(_limits.AckDelay);

    /// <summary>Sends a packet without data.</summary>
    private void SendBare(UtpPacketType type, long now)
    {
        Span<byte> datagram = stackalloc byte[UtpHeader.Size + UtpExtension.HeaderSize + UtpExtension.MaxSelectiveAck];
        // After our FIN its number counts as the next one: so others do, and ignore what is beyond it.
        var sequence = _isWriteEnded && _send.UnsentPackets == 0 ? _send.End - 1 : _send.NextToSend;
        var header = Header(type, (ushort)sequence, now);
        var length = UtpHeader.Size;
        var mask =
            type == UtpPacketType.State
                ? _receive.WriteSelectiveAck(datagram[(UtpHeader.Size + UtpExtension.HeaderSize)..])
                : 0;
        if (mask > 0)
        {
            UtpExtension.WriteHeader(datagram[UtpHeader.Size..], mask);
            length += UtpExtension.HeaderSize + mask;
        }

        header.Write(datagram, mask > 0 ? UtpExtension.SelectiveAck : (byte)0);
        _output.Send(datagram[..length], length, isProbe: false);
        HasAcknowledged(now);
        _mustAck = false;
        _unacknowledged = 0;
    }

    private UtpHeader Header(UtpPacketType type, ushort sequence, long now) =>
        new(type, _sendId, Clock(now), _reply, (uint)Room(), sequence, _receive.Last);

    /// <summary>Every packet acknowledges; but what came out of order only one with a mask.</summary>
    private void HasAcknowledged(long now)
    {
        _lastSentAt = now;
        _advertised = Room();
        if (!_receive.HasGap)
        {
            _mustAck = false;
            _unacknowledged = 0;
        }
    }

    private long Room() => _isClosed ? _window.Size : Math.Max(_window.Size - _receive.Readable - _receive.Ahead, 0);
}
