using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>How a connection ended.</summary>
internal enum UtpEnd
{
    /// <summary>It goes on.</summary>
    None,

    /// <summary>Both sides have said all, and know it of each other.</summary>
    Finished,

    /// <summary>The peer, or we, wanted no more of it.</summary>
    Reset,

    /// <summary>The peer does not answer.</summary>
    TimedOut,
}

/// <summary>
/// One connection of BEP 29 as a state machine: packets, bytes and time in, datagrams out. Not safe for several threads;
/// its owner has a lock. After anything that goes in comes <see cref="Flush"/>, once for as much as came together, and by
/// <see cref="NextDue"/> at the latest <see cref="Tick"/>.
/// </summary>
/// <remarks>
/// A packet number and what goes with it: <see cref="UtpSendQueue"/> (what we sent), <see cref="UtpReceiveQueue"/> (what
/// came), <see cref="UtpCongestion"/> (how much may be under way), <see cref="UtpPathMtu"/> (how long packets may be).
/// </remarks>
internal sealed partial class UtpConnection : IDisposable
{
    private const long Never = long.MaxValue;

    private readonly UtpLimits _limits;
    private readonly IUtpOutput _output;
    private readonly UtpBudget _budget;
    private readonly ushort _sendId;
    private readonly uint _clockOffset;
    private readonly bool _isPunch;
    private readonly UtpSendQueue _send = new();
    private readonly UtpReceiveQueue _receive;
    private readonly UtpReceiveWindow _window;
    private readonly UtpRoundTrip _trip = new();
    private readonly UtpCongestion _congestion;
    private readonly UtpPathMtu _mtu;

    private readonly ushort _synSequence;
    private int _syns;
    private long _synDue;
    private long _synSentAt;

    private bool _isWriteEnded;
    private bool _isClosed;
    private long _lingerUntil = Never;

    private UtpConnection(
        UtpSetting setting,
        ushort receiveId,
        ushort sendId,
        ushort synSequence,
        uint clockOffset,
        bool isPunch,
        TimeSpan now
    )
    {
        _limits = setting.Limits;
        _output = setting.Output;
        _budget = setting.Budget;
        _clockOffset = clockOffset;
        _isPunch = isPunch;
        (ReceiveId, _sendId, _synSequence) = (receiveId, sendId, synSequence);
        _receive = new UtpReceiveQueue(_limits);
        _window = new UtpReceiveWindow(_limits, _budget);
        _congestion = new UtpCongestion(_limits);
        _mtu = new UtpPathMtu(setting.Path);
        _lastSentAt = Micros(now);
        _advertised = _window.Size;
    }

    /// <summary>The id in packets to us.</summary>
    public ushort ReceiveId { get; }

    /// <summary>The id in packets from us, our SYN excepted.</summary>
    public ushort SendId => _sendId;

    public bool IsConnected { get; private set; }

    public UtpEnd End { get; private set; }

    /// <summary>Bytes for <see cref="Read"/>.</summary>
    public int Readable => _receive.Readable;

    /// <summary>The peer has ended its side, and everything before has been read.</summary>
    public bool IsAtEnd => _isEof && _receive.Readable == 0;

    /// <summary>Whether <see cref="Write"/> would take a sensible number of bytes.</summary>
    public bool IsWritable => Backlog() >= _limits.MinBacklog / 4;

    /// <summary>Written and not acknowledged.</summary>
    public long Outstanding => _send.HeldBytes;

    /// <summary>Bytes that may be under way.</summary>
    public long CongestionWindow => _congestion.Window;

    /// <summary>Length of a full packet as it is proven now.</summary>
    public int PacketSize => _mtu.Size;

    /// <summary>The smoothed round trip.</summary>
    public TimeSpan RoundTrip => TimeSpan.FromMicroseconds(_trip.Smoothed);

    /// <summary>Packets that had to be sent again, over its life.</summary>
    public long Retransmitted { get; private set; }

    /// <summary>When <see cref="Tick"/> is wanted at the latest.</summary>
    public TimeSpan NextDue { get; private set; }

    /// <summary>Begins a connection: the first <see cref="Flush"/> sends the SYN.</summary>
    /// <param name="setting">What it is made of.</param>
    /// <param name="secrets">Its random numbers.</param>
    /// <param name="isPunch">Both sides call at once: SYNs follow each other quickly.</param>
    /// <param name="now">The time.</param>
    public static UtpConnection Call(UtpSetting setting, UtpSecrets secrets, bool isPunch, TimeSpan now)
    {
        // BEP 29: "all subsequent packets sent on this connection (except for re-sends of the ST_SYN) are sent with the
        // connection ID + 1."
        var connection = new UtpConnection(
            setting,
            secrets.Id,
            UtpSequence.Plus(secrets.Id, 1),
            secrets.Sequence,
            secrets.ClockOffset,
            isPunch,
            now
        );
        connection._synDue = Micros(now);
        connection._send.Start(UtpSequence.Plus(secrets.Sequence, 1));
        connection.Schedule(Micros(now));
        return connection;
    }

    /// <summary>Goes on where a SYN was answered, whose sender has proven that it gets what we send.</summary>
    /// <param name="setting">What it is made of.</param>
    /// <param name="syn">The answered SYN.</param>
    /// <param name="now">The time.</param>
    public static UtpConnection Answer(UtpSetting setting, in UtpPendingSyn syn, TimeSpan now)
    {
        var connection = new UtpConnection(
            setting,
            UtpSequence.Plus(syn.Id, 1),
            syn.Id,
            syn.TheirSequence,
            syn.ClockOffset,
            isPunch: false,
            now
        )
        {
            IsConnected = true,
        };
        connection._synDue = Never;
        connection._send.Start(syn.OurSequence);
        connection._receive.Start(syn.TheirSequence);
        connection._trip.Add(Micros(now) - Micros(syn.AnsweredAt), Micros(now));
        connection.Schedule(Micros(now));
        return connection;
    }

    /// <summary>Takes bytes to send; fewer than given when there is no room: then <see cref="IsWritable"/> says when again.</summary>
    public int Write(ReadOnlySpan<byte> bytes)
    {
        if (_isWriteEnded || End != UtpEnd.None)
        {
            return 0;
        }

        var count = (int)Math.Min(bytes.Length, Math.Max(Backlog(), 0));
        if (count > 0)
        {
            _send.Append(bytes[..count], _mtu.Size);
        }

        return count;
    }

    /// <summary>Bytes that have come in, in order; 0: none now, or <see cref="IsAtEnd"/>.</summary>
    public int Read(Span<byte> to, TimeSpan now)
    {
        var count = _receive.Read(to);
        if (count > 0)
        {
            _window.Take(count, _trip, Micros(now));
        }

        return count;
    }

    /// <summary>Nothing more will be written; what was written is still delivered, and reading goes on.</summary>
    public void EndWriting()
    {
        if (!_isWriteEnded && End == UtpEnd.None)
        {
            _isWriteEnded = true;
            _send.AppendFin();
        }
    }

    /// <summary>Ends both directions: what was written is still delivered, what comes is thrown away.</summary>
    public void Close(TimeSpan now)
    {
        if (_isClosed || End != UtpEnd.None)
        {
            return;
        }

        _isClosed = true;
        if (!IsConnected)
        {
            Finish(UtpEnd.Reset);
            return;
        }

        EndWriting();
        _lingerUntil = Micros(now + _limits.LingerTime);
        Discard();
    }

    /// <summary>Ends at once, and says so.</summary>
    public void Abort(TimeSpan now)
    {
        if (End == UtpEnd.None)
        {
            if (IsConnected)
            {
                SendBare(UtpPacketType.Reset, Micros(now));
            }

            Finish(UtpEnd.Reset);
        }
    }

    /// <summary>Sends whatever may leave now.</summary>
    public void Flush(TimeSpan now)
    {
        var time = Micros(now);
        if (End == UtpEnd.None)
        {
            if (!IsConnected)
            {
                SendSyn(time);
            }
            else
            {
                SendData(time);
                SendAcknowledgement(time);
            }
        }

        Schedule(time);
    }

    /// <summary>Time has passed.</summary>
    public void Tick(TimeSpan now)
    {
        if (End == UtpEnd.None && IsConnected)
        {
            CheckTimers(Micros(now));
        }

        Flush(now);
    }

    /// <summary>Gives back all memory. It must not be used any more.</summary>
    public void Dispose()
    {
        Finish(End == UtpEnd.None ? UtpEnd.Reset : End);
        _receive.Dispose();
    }

    private static long Micros(TimeSpan time) => time.Ticks / TimeSpan.TicksPerMicrosecond;

    private uint Clock(long now) => (uint)now + _clockOffset;

    private void Finish(UtpEnd end)
    {
        if (End == UtpEnd.None)
        {
            _window.Shrink();
            _budget.Return(_sendAllowance);
            _sendAllowance = 0;
        }

        End = end;
        _send.Dispose();
        if (_isClosed)
        {
            Discard();
        }
    }

    // Nobody reads any more.
    private void Discard() => _receive.DropReadable();

    private void SendSyn(long now)
    {
        if (now < _synDue)
        {
            return;
        }

        if (_syns >= (_isPunch ? _limits.MaxPunchSyns : _limits.MaxSyns))
        {
            Finish(UtpEnd.TimedOut);
            return;
        }

        Span<byte> datagram = stackalloc byte[UtpHeader.Size];
        new UtpHeader(UtpPacketType.Syn, ReceiveId, Clock(now), 0, (uint)_window.Size, _synSequence, 0).Write(datagram);
        _output.Send(datagram, datagram.Length, isProbe: false);
        _synSentAt = now;
        _synDue = now + (_isPunch ? Micros(_limits.PunchTimeout) : Micros(_limits.SynTimeout) << _syns);
        _syns++;
    }
}

/// <summary>What a connection is made of.</summary>
/// <param name="Limits">Bounds.</param>
/// <param name="Path">How long packets may be.</param>
/// <param name="Output">Where datagrams go.</param>
/// <param name="Budget">Memory for windows.</param>
internal sealed record UtpSetting(UtpLimits Limits, UtpPath Path, IUtpOutput Output, UtpBudget Budget);
