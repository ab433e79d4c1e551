using System.Net;
using System.Net.Sockets;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// One uTP connection as a stream: a <see cref="UtpConnection"/>, its lock, and whoever waits for it. Datagrams come from
/// the owner, <see cref="UtpSocket"/>; what they allow to be sent leaves on the thread that brought them.
/// </summary>
/// <remarks>
/// Everything that touches the connection holds the lock, sending included, which keeps packets in order; it never waits
/// in there. Waiting callers go on on the pool, so that the thread that receives for all connections runs for none.
/// </remarks>
internal sealed partial class UtpTransport : ITransport, IUtpOutput
{
    private readonly UtpSocket _owner;
    private readonly Lock _lock = new();
    private readonly UtpConnection _connection;
    private readonly ReadWait _reading;
    private readonly WriteWait _writing;
    private readonly TaskCompletionSource<ConnectOutcome>? _connecting;

    private List<ArraySegment<byte>>? _segments;
    private int _segment;
    private int _offset;
    private bool _isClosed;
    private bool _isListed = true;
    private long _due;
    private long _farewellUntil = long.MaxValue;

    /// <summary>Calls.</summary>
    public UtpTransport(UtpSocket owner, int socket, IPEndPoint remote, UtpSecrets secrets, bool isPunch, TimeSpan now)
        : this(owner, socket, remote)
    {
        CallNumber = isPunch ? (uint)(secrets.Id << 16 | secrets.Sequence) : null;
        _connecting = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _connection = UtpConnection.Call(owner.Setting(this, socket, remote), secrets, isPunch, now);
    }

    /// <summary>Was called.</summary>
    public UtpTransport(UtpSocket owner, int socket, IPEndPoint remote, in UtpPendingSyn syn, TimeSpan now)
        : this(owner, socket, remote) =>
        _connection = UtpConnection.Answer(owner.Setting(this, socket, remote), syn, now);

    private UtpTransport(UtpSocket owner, int socket, IPEndPoint remote)
    {
        _owner = owner;
        Socket = socket;
        Remote = remote;
        _reading = new ReadWait(this);
        _writing = new WriteWait(this);
        _connection = null!;
    }

    public TransportKind Kind => TransportKind.Utp;

    public StreamEncryption Encryption => StreamEncryption.None;

    public IPEndPoint Remote { get; }

    /// <summary>The number of our socket.</summary>
    public int Socket { get; }

    /// <summary>Of a call that both sides make at once: the larger number counts. Null: another connection.</summary>
    public uint? CallNumber { get; }

    /// <summary>Whether our call waits for its answer.</summary>
    public bool IsCalling => _connecting is { Task.IsCompleted: false };

    /// <summary>Whether the peer has all that was written, or never will.</summary>
    public bool IsDelivered
    {
        get
        {
            lock (_lock)
            {
                return _connection.Outstanding == 0 || _connection.End != UtpEnd.None;
            }
        }
    }

    /// <summary>The id in packets to us.</summary>
    public ushort ReceiveId => _connection.ReceiveId;

    /// <summary>The id in packets from us.</summary>
    public ushort SendId => _connection.SendId;

    /// <summary>When <see cref="Tick"/> is wanted, in ticks of TimeSpan. Read without the lock: late by one event at most.</summary>
    public long Due => Volatile.Read(ref _due);

    /// <summary>Whether it is on the owner's list of those to be seen to at the end of a batch. The owner's.</summary>
    public bool IsTouched { get; set; }

    /// <summary>Completes when the call is answered or given up.</summary>
    public Task<ConnectOutcome> Connected => _connecting!.Task;

    /// <summary>A packet of this connection; <see cref="EndBatch"/> follows.</summary>
    public void Receive(in UtpPacket packet, TimeSpan now)
    {
        lock (_lock)
        {
            _connection.Receive(packet, now);
        }
    }

    /// <summary>Nothing more came together with the last packets.</summary>
    public void EndBatch(TimeSpan now)
    {
        lock (_lock)
        {
            Settle(now);
        }
    }

    public void Tick(TimeSpan now)
    {
        lock (_lock)
        {
            if (now.Ticks >= _due)
            {
                _connection.Tick(now);
                Settle(now);
            }
        }
    }

    /// <summary>Ends it at once.</summary>
    public void Abort(TimeSpan now)
    {
        lock (_lock)
        {
            _connection.Abort(now);
            Settle(now);
        }
    }

    /// <summary>The peer called us meanwhile, and its call is the one that counts.</summary>
    public void Yield(TimeSpan now)
    {
        lock (_lock)
        {
            if (!_connection.IsConnected)
            {
                _connecting!.TrySetResult(new ConnectOutcome(null, DisconnectReason.Duplicate));
                _connection.Abort(now);
                Settle(now);
            }
        }
    }

    public ValueTask<int> ReceiveAsync(Memory<byte> buffer)
    {
        lock (_lock)
        {
            return CanRead ? ValueTask.FromResult(Read(buffer)) : _reading.Begin(buffer);
        }
    }

    public ValueTask SendAsync(List<ArraySegment<byte>> segments)
    {
        lock (_lock)
        {
            ThrowIfOver();
            (_segments, _segment, _offset) = (segments, 0, 0);
            var now = _owner.Now;
            WriteMore();
            Settle(now, wakeWriter: false);
            return _segments is null ? default : _writing.Begin();
        }
    }

    public void Close()
    {
        lock (_lock)
        {
            if (_isClosed)
            {
                return;
            }

            _isClosed = true;
            _segments = null;
            var now = _owner.Now;
            _connection.Close(now);
            Settle(now);
        }
    }

    public void Dispose() => Close();

    int IUtpOutput.Send(ReadOnlySpan<byte> datagrams, int segmentSize, bool isProbe)
    {
        if (!isProbe)
        {
            return _owner.Port.Send(Socket, Remote, datagrams, segmentSize);
        }

        return _owner.Port.Probe(Socket, Remote, datagrams) switch
        {
            ProbeOutcome.Sent => 1,
            ProbeOutcome.TooLong => -1,
            _ => 0,
        };
    }

    private bool CanRead =>
        _connection.Readable > 0 || _connection.IsAtEnd || _connection.End != UtpEnd.None || _isClosed;

    private int Read(Memory<byte> buffer)
    {
        if (_isClosed || (_connection.Readable == 0 && !_connection.IsAtEnd))
        {
            ThrowIfOver();
        }

        if (buffer.IsEmpty)
        {
            return 0;
        }

        var now = _owner.Now;
        var count = _connection.Read(buffer.Span, now);
        // It may have made room that the peer waits for.
        Settle(now);
        return count;
    }

    private int EndRead(Memory<byte> buffer)
    {
        lock (_lock)
        {
            return Read(buffer);
        }
    }

    private void EndWrite()
    {
        lock (_lock)
        {
            ThrowIfOver();
        }
    }

    private void ThrowIfOver()
    {
        if (_isClosed)
        {
            throw new IOException("closed on this side");
        }

        if (_connection.End is UtpEnd.Reset or UtpEnd.TimedOut)
        {
            throw new SocketException(
                (int)(_connection.End == UtpEnd.TimedOut ? SocketError.TimedOut : SocketError.ConnectionReset)
            );
        }
    }

    private void WriteMore()
    {
        while (_segments is { } segments)
        {
            if (_segment == segments.Count)
            {
                _segments = null;
                return;
            }

            var rest = segments[_segment].AsSpan(_offset);
            var count = _connection.Write(rest);
            _offset += count;
            if (count < rest.Length)
            {
                return;
            }

            (_segment, _offset) = (_segment + 1, 0);
        }
    }

    /// <summary>After anything has happened: writes what waits, sends what may leave, wakes whoever can go on.</summary>
    private void Settle(TimeSpan now, bool wakeWriter = true)
    {
        if (_segments is not null && _connection.IsWritable)
        {
            WriteMore();
        }

        _connection.Flush(now);
        if (_connection.End != UtpEnd.None)
        {
            SettleEnd(now);
        }
        else if (_connection.IsConnected)
        {
            _connecting?.TrySetResult(new ConnectOutcome(this));
        }

        if (wakeWriter && (_segments is null || _connection.End != UtpEnd.None))
        {
            _writing.Wake();
        }

        if (CanRead)
        {
            _reading.Wake();
        }

        Volatile.Write(ref _due, Math.Min(_connection.NextDue.Ticks, _farewellUntil));
        _owner.WakeBy(_due);
    }

    private void SettleEnd(TimeSpan now)
    {
        _segments = null;
        _connecting?.TrySetResult(
            new ConnectOutcome(
                null,
                _connection.End == UtpEnd.TimedOut ? DisconnectReason.ConnectTimeout : DisconnectReason.ConnectFailed
            )
        );
        if (_isClosed)
        {
            _connection.Dispose();
        }

        if (!_isListed)
        {
            return;
        }

        if (_connection.End == UtpEnd.Finished && _farewellUntil == long.MaxValue)
        {
            // The peer may have missed our last word, and say its own again.
            _farewellUntil = (now + UtpLimits.Default.FarewellTime).Ticks;
        }

        if (_connection.End != UtpEnd.Finished || now.Ticks >= _farewellUntil)
        {
            (_isListed, _farewellUntil) = (false, long.MaxValue);
            _owner.Remove(this);
        }
    }
}
