using System.Numerics;
using Shoal.Protocol;

namespace Shoal.Engine;

internal sealed partial class UtpConnection
{
    /// <summary>How old an acknowledgement may be, in packets, beyond what is under way: for packets that were overtaken.</summary>
    private const int OldAcks = 1024;

    /// <summary>Clocks do not drift faster than this between two packets, in microseconds; what is more is something else.</summary>
    private const int MaxDrift = 10_000;

    private const int DelaySamples = 4;

    private readonly UtpDelayBase _ourBase = new();
    private readonly UtpDelayBase _theirBase = new();
    private readonly long[] _delays = new long[DelaySamples];
    private int _delayCount;

    // What we measured of the peer's last packet, for its next header.
    private uint _reply;

    private bool _hasFin;
    private ushort _finSequence;
    private bool _isEof;

    private long _newestOrder;
    private long _newestSentAt;
    private long _patience;
    private long _recoveryOrder;
    private int _episodeLost;
    private int _episodeSpurious;

    /// <summary>Takes a packet with one of our ids.</summary>
    /// <param name="packet">Read in place.</param>
    /// <param name="now">When it came.</param>
    public void Receive(in UtpPacket packet, TimeSpan now)
    {
        var time = Micros(now);
        var header = packet.Header;
        if (header.Type == UtpPacketType.Reset)
        {
            ReceiveReset(header);
            return;
        }

        if (End == UtpEnd.Finished && header.Type is UtpPacketType.Fin or UtpPacketType.Data)
        {
            // The peer has missed our last word.
            SendBare(UtpPacketType.State, time);
            return;
        }

        if (End != UtpEnd.None || header.Type == UtpPacketType.Syn)
        {
            return;
        }

        if (!IsConnected)
        {
            ReceiveSynAnswer(header, time);
            return;
        }

        var ahead = UtpSequence.Ahead(header.Acknowledged, UtpSequence.Plus(_send.First, -1));
        // Beyond what was ever sent, or from another time: forged, or of another connection. A stranger may send it, so
        // it ends nothing.
        if (ahead > _send.Span || ahead < -OldAcks - _send.Span)
        {
            return;
        }

        _silentTimeouts = 0;
        var delay = Measure(header, time);
        if (ahead >= 0)
        {
            _peerWindow = header.Window;
            TakeAcknowledgement(header.Acknowledged, ahead, packet.SelectiveAck, delay, time);
        }

        TakeContent(header, packet.Payload, time);
        FinishIfDone(time);
    }

    private void ReceiveReset(in UtpHeader header)
    {
        // Whoever sends it knows a number that we have sent, or is guessing.
        var isOurs = IsConnected
            ? UtpSequence.Ahead(header.Acknowledged, UtpSequence.Plus(_send.First, -1)) is >= 0 and var ahead
                && ahead <= _send.Span + 1
            : _syns > 0 && header.Acknowledged == _synSequence;
        if (isOurs && End == UtpEnd.None)
        {
            Finish(UtpEnd.Reset);
        }
    }

    private void ReceiveSynAnswer(in UtpHeader header, long now)
    {
        // Until the answer to the SYN is here we cannot know with which number the data begins.
        if (header.Type != UtpPacketType.State || header.Acknowledged != _synSequence || _syns == 0)
        {
            return;
        }

        IsConnected = true;
        _peerWindow = header.Window;
        if (_syns == 1)
        {
            _trip.Add(now - _synSentAt, now);
        }

        Measure(header, now);
        // The answer has the number of the first data packet, not one of its own: BEP 29 has it otherwise in its diagram,
        // but this is what everybody does.
        _receive.Start(UtpSequence.Plus(header.Sequence, -1));
        // The other side waits for a word that proves our address.
        (_unacknowledged, _ackSince) = (1, now);
    }

    /// <summary>Takes the clocks of a packet; returns the queueing delay of our packets to the peer, -1: not known.</summary>
    private long Measure(in UtpHeader header, long now)
    {
        if (header.Timestamp != 0)
        {
            _reply = Math.Max(Clock(now) - header.Timestamp, 1);
            var (had, before) = (_theirBase.HasSample, _theirBase.Value);
            _theirBase.Add(_reply, now);
            // Their base goes down although the way is the same: their clock runs faster than ours, or a queue is gone. As
            // much as it goes down, ours would go up.
            var drift = (int)(before - _theirBase.Value);
            if (had && _ourBase.HasSample && drift is > 0 and < MaxDrift)
            {
                _ourBase.Shift((uint)drift);
            }
        }

        if (header.TimestampDifference == 0)
        {
            return -1;
        }

        // What was measured cannot be longer than there and back; if it is, somebody's clock has jumped.
        var sample = Math.Clamp(_ourBase.Add(header.TimestampDifference, now), 0, _trip.HasSample ? _trip.Latest : 0);
        _delays[_delayCount++ % DelaySamples] = sample;
        // The smallest of a few: others add what a scheduler does.
        foreach (var other in _delays.AsSpan(0, Math.Min(_delayCount, DelaySamples)))
        {
            sample = Math.Min(sample, other);
        }

        return sample;
    }

    private void TakeAcknowledgement(ushort last, int ahead, ReadOnlySpan<byte> mask, long delay, long now)
    {
        if (ahead == 0 && mask.IsEmpty)
        {
            return;
        }

        var acked = new UtpAcked { NewestOrder = _newestOrder, NewestSentAt = _newestSentAt };
        var wasLimited = _send.InFlightBytes + _mtu.Size > _congestion.Window;
        for (var i = 0; i < ahead; i++)
        {
            _send.Acknowledge(UtpSequence.Plus(_send.First, i), _trip, now, ref acked);
        }

        _send.Advance(last);
        TakeMask(mask, now, ref acked);
        if (acked.Packets == 0)
        {
            return;
        }

        (_newestOrder, _newestSentAt) = (acked.NewestOrder, acked.NewestSentAt);
        (_timeoutSince, _isTailProbeSent, _windowProbes) = (now, false, 0);
        if (acked.HasSample)
        {
            // Not before: where a round trip has become longer than our patience, everything is sent twice, and only more
            // patience shows how long it is.
            _timeouts = 0;
        }

        if (acked.HasProbe)
        {
            _mtu.Succeed();
            _congestion.FitPacket(_mtu.Size);
        }

        if (delay > _trip.Latest)
        {
            delay = _trip.Latest;
        }

        _congestion.Acknowledge(acked.Bytes, delay, _trip, _mtu.Size, wasLimited, now);
        NoticeSpurious(acked.Spurious);
        GiveUpOvertaken(now);
    }

    private void TakeMask(ReadOnlySpan<byte> mask, long now, ref UtpAcked acked)
    {
        // BEP 29: "The first bit in the mask therefore represents ack_nr + 2."
        var number = UtpSequence.Plus(_send.First, 1);
        foreach (var some in mask)
        {
            for (uint bits = some; bits != 0; bits &= bits - 1)
            {
                var sequence = UtpSequence.Plus(number, BitOperations.TrailingZeroCount(bits));
                // BEP 29: "Bits that are outside of the send window are ignored."
                if (UtpSequence.Ahead(sequence, _send.NextToSend) >= 0 || UtpSequence.Ahead(sequence, _send.First) < 0)
                {
                    return;
                }

                _send.Acknowledge(sequence, _trip, now, ref acked);
            }

            number = UtpSequence.Plus(number, 8);
        }
    }

    private void NoticeSpurious(int count)
    {
        if (count == 0 || _episodeLost == 0)
        {
            return;
        }

        // Packets overtake each other on this path: be more patient, and take back what was done for nothing.
        _patience = Math.Min(Math.Max(_patience * 2, _trip.Min / 4), _trip.Smoothed);
        _episodeSpurious += count;
        if (_episodeSpurious >= _episodeLost)
        {
            _congestion.Undo();
            (_episodeLost, _episodeSpurious) = (0, 0);
        }
    }

    private void GiveUpOvertaken(long now)
    {
        _overtakenDue = Never;
        if (!_send.HasInFlight)
        {
            return;
        }

        var sentAt = Math.Max(_newestSentAt, now - _trip.Smoothed);
        var losses = _send.GiveUpOvertaken(_newestOrder, sentAt, _patience);
        if (losses.UndecidedSentAt != Never)
        {
            _overtakenDue = losses.UndecidedSentAt + _trip.Smoothed + _patience;
        }

        TakeLosses(losses, now);
    }

    private void TakeLosses(in UtpLosses losses, long now)
    {
        if (losses.HasProbe)
        {
            _mtu.Fail(isCertain: false, now);
        }

        if (losses.Packets == 0)
        {
            return;
        }

        if (losses.NewestOrder > _recoveryOrder)
        {
            // One answer to all losses of one window: what was sent before it could not know.
            _recoveryOrder = _send.LastOrder;
            (_episodeLost, _episodeSpurious) = (0, 0);
            _congestion.Lose(_mtu.Size, now);
        }

        _episodeLost += losses.Packets;
    }

    private void TakeContent(in UtpHeader header, ReadOnlySpan<byte> payload, long now)
    {
        if (header.Type == UtpPacketType.State)
        {
            return;
        }

        var distance = UtpSequence.Ahead(header.Sequence, _receive.Last);
        if (distance > _limits.MaxPacketsAhead)
        {
            return;
        }

        if (header.Type == UtpPacketType.Fin)
        {
            // BEP 29: "This connection will never have a sequence number greater than the sequence number in this packet."
            if (!_hasFin && distance > 0)
            {
                (_hasFin, _finSequence) = (true, header.Sequence);
            }

            _mustAck = true;
        }
        else if (distance <= 0)
        {
            // Ours was lost.
            _mustAck = true;
        }
        else if (!_hasFin || UtpSequence.Ahead(header.Sequence, _finSequence) < 0)
        {
            Keep(header.Sequence, distance, payload, now);
        }

        if (_hasFin && !_isEof && UtpSequence.Ahead(_finSequence, _receive.Last) == 1)
        {
            _receive.Skip();
            _isEof = true;
        }
    }

    private void Keep(ushort sequence, int distance, ReadOnlySpan<byte> payload, long now)
    {
        // The next in line always has room while the reader has not fallen behind: it may be what makes the rest readable.
        var used = distance == 1 ? _receive.Readable : _receive.Readable + _receive.Ahead;
        if (used >= _window.Size || (payload.IsEmpty && distance > 1))
        {
            _mustAck |= used >= _window.Size;
            return;
        }

        var hadGap = _receive.HasGap;
        _mustAck |= !_receive.Add(sequence, payload) || hadGap || _receive.HasGap;
        if (_unacknowledged++ == 0)
        {
            _ackSince = now;
        }

        if (_isClosed)
        {
            Discard();
        }
    }

    private void FinishIfDone(long now)
    {
        if (!_isWriteEnded || !_send.IsEmpty)
        {
            return;
        }

        if (_isEof)
        {
            SendBare(UtpPacketType.State, now);
            Finish(UtpEnd.Finished);
        }
        else if (_isClosed && _receive.HasGap | _unacknowledged > 0)
        {
            // The peer knows that we have ended and goes on sending: nobody reads that.
            Abort(TimeSpan.FromMicroseconds(now));
        }
    }
}
