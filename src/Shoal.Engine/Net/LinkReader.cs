using System.Buffers;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// The read loop of a link: receives, parses in place, copies each block once into a pooled buffer, and posts what
/// one receive brought as one batch.
/// </summary>
internal sealed class LinkReader : IDisposable
{
    /// <summary>A receive smaller than this is followed by a wait without a buffer.</summary>
    private const int QuietBytes = 2 * 1024;

    private readonly PeerHandle _peer;
    private readonly ITransport _transport;
    private readonly ISwarmMailbox _mailbox;
    private readonly BlockPool _pool;
    private readonly PeerLinkLimits _limits;
    private readonly TimeProvider _time;
    private readonly CancellationToken _closing;
    private readonly RateGate _gate;
    private readonly RateTurn _turn;
    private readonly ReadingHold _hold;
    private readonly ReceiveLowWater _lowWater;
    private readonly AsyncSignal _turnCame = new();
    private int _granted;

    private byte[] _buffer = [];
    private int _start;
    private int _end;
    private int _size;
    private int _missing;
    private SwarmEvent[] _events = [];
    private int _eventCount;
    private int _payloadBytes;
    private int _idleMessages;
    private long _lastReceived;

    public LinkReader(
        PeerHandle peer,
        ITransport transport,
        ILinkHost host,
        PeerLinkLimits limits,
        TimeProvider time,
        CancellationToken closing
    )
    {
        _peer = peer;
        _transport = transport;
        _lowWater = new ReceiveLowWater(transport);
        _mailbox = host.Mailbox;
        _pool = host.ReceivePool;
        _limits = limits;
        _time = time;
        _closing = closing;
        _gate = host.DownloadGate.CreateChild();
        _turn = new RateTurn(OnGranted);
        _hold = new ReadingHold(closing);
        _size = limits.MinReceiveBuffer;
        _lastReceived = time.GetTimestamp();
    }

    private enum Step
    {
        NeedMore,
        BatchFull,
        NoBuffer,
        TooLong,
        Malformed,
        Flood,
    }

    /// <summary>The link's own limit.</summary>
    public RateGate Gate => _gate;

    /// <summary>The swarm's way to keep it from reading on.</summary>
    public ReadingHold Hold => _hold;

    /// <summary>How long nothing has been heard; zero while nobody listens.</summary>
    public TimeSpan Silence(long now) =>
        _hold.IsHeld ? TimeSpan.Zero : _time.GetElapsedTime(Volatile.Read(ref _lastReceived), now);

    /// <summary>Starts a new interval in which idle messages are counted.</summary>
    public void ForgetIdleMessages() => Volatile.Write(ref _idleMessages, 0);

    /// <summary>
    /// Reads until the peer ends the connection or breaks the protocol; throws when the network fails.
    /// </summary>
    public async Task<DisconnectReason> RunAsync()
    {
        var last = 0;
        while (true)
        {
            if (_start == _end && last < QuietBytes)
            {
                GiveBackBuffer();
            }

            var received = await ReceiveAsync().ConfigureAwait(false);
            if (received == 0)
            {
                return DisconnectReason.ClosedByPeer;
            }

            var now = _time.GetTimestamp();
            var passed = _time.GetElapsedTime(_lastReceived, now);
            Volatile.Write(ref _lastReceived, now);
            last = received;
            _payloadBytes = 0;
            while (true)
            {
                var step = Parse();
                if (_eventCount > 0)
                {
                    await PostAsync().ConfigureAwait(false);
                    await WhileHeldAsync().ConfigureAwait(false);
                }

                if (step == Step.NeedMore)
                {
                    break;
                }

                switch (step)
                {
                    case Step.NoBuffer:
                        // What is in the socket stays there until the disk has caught up.
                        await _pool.WhenAvailable(_closing).ConfigureAwait(false);
                        break;
                    case Step.TooLong:
                        return DisconnectReason.MessageTooLong;
                    case Step.Malformed:
                        return DisconnectReason.MalformedMessage;
                    case Step.Flood:
                        return DisconnectReason.Flood;
                }
            }

            Settle();
            _lowWater.Set(received, passed, _missing);
        }
    }

    /// <summary>To be called when <see cref="RunAsync"/> has ended.</summary>
    public void Dispose()
    {
        _gate.Cancel(_turn);
        _gate.Return(Interlocked.Exchange(ref _granted, 0));
        GiveBackBuffer();
        if (_events.Length > 0)
        {
            ArrayPool<SwarmEvent>.Shared.Return(_events, clearArray: true);
            _events = [];
        }
    }

    /// <summary>Ends a wait for the rate gate or the swarm, when the link closes.</summary>
    public void Stop()
    {
        _hold.End();
        // Whoever takes the turn out of the line decides who ends the wait: it happens once.
        if (_gate.Cancel(_turn))
        {
            _turnCame.Set();
        }
    }

    private async ValueTask<int> ReceiveAsync()
    {
        var isLimited = _gate.IsLimited;
        if (_buffer.Length == 0 || isLimited)
        {
            await _transport.ReceiveAsync(Memory<byte>.Empty).ConfigureAwait(false);
        }

        MakeRoom();
        var room = _buffer.AsMemory(_end, Math.Min(_buffer.Length, _size) - _end);
        if (isLimited)
        {
            // Only now that there is something to read, so that quiet links do not hold what others could use.
            _granted = await TakeTurnAsync(room.Length).ConfigureAwait(false);
            room = room[..Math.Min(room.Length, Math.Max(_granted, 1))];
        }

        var received = await _transport.ReceiveAsync(room).ConfigureAwait(false);
        _end += received;
        Adapt(received, room.Length, isLimited);
        return received;
    }

    /// <summary>A full receive means more is waiting: ask for twice as much. A small one: for half.</summary>
    private void Adapt(int received, int room, bool isLimited)
    {
        if (received == room && !isLimited)
        {
            _size = Math.Min(_size * 2, Math.Max(_size, _limits.MaxReceiveBuffer));
        }
        else if (received < _size / 8)
        {
            _size = Math.Max(_size / 2, _limits.MinReceiveBuffer);
        }
    }

    /// <summary>Moves what is left to the front and sees to it that at least one byte more fits.</summary>
    private void MakeRoom()
    {
        var left = _end - _start;
        // A message longer than the buffer is arriving: room is made as its bytes come, not as it claims.
        var size = left >= _size ? Math.Min(left * 2, PeerMessageReader.PrefixLength + _limits.Wire.MaxLength) : _size;
        if (left >= _size)
        {
            _size = size;
        }

        if (_buffer.Length < size || _buffer.Length >= size * 4)
        {
            var other = ArrayPool<byte>.Shared.Rent(size);
            _buffer.AsSpan(_start, left).CopyTo(other);
            GiveBackBuffer();
            _buffer = other;
        }
        else if (_start > 0)
        {
            _buffer.AsSpan(_start, left).CopyTo(_buffer);
        }

        _start = 0;
        _end = left;
    }

    private Step Parse()
    {
        var isSteady = true;
        while (isSteady)
        {
            var input = _buffer.AsSpan(_start, _end - _start);
            var status = PeerMessageReader.Read(
                input,
                _limits.Wire,
                out var message,
                out var taken,
                out var needed,
                out var fault
            );
            if (status == ReadStatus.NeedMore)
            {
                _missing = needed - input.Length;
                return Step.NeedMore;
            }

            if (status == ReadStatus.Malformed)
            {
                return fault == WireFault.TooLong ? Step.TooLong : Step.Malformed;
            }

            if (message.Kind != PeerMessageKind.Known)
            {
                if (Interlocked.Increment(ref _idleMessages) > _limits.MaxIdleMessages)
                {
                    return Step.Flood;
                }

                _start += taken;
                continue;
            }

            if (!TryMakePayload(message, out var payload))
            {
                return Step.NoBuffer;
            }

            _start += taken;
            isSteady = Append(message, payload);
        }

        return Step.BatchFull;
    }

    private bool TryMakePayload(in PeerMessage message, out object? payload)
    {
        payload = null;
        switch (message.Id)
        {
            case MessageId.Piece:
                if (!_pool.TryRent(out var buffer))
                {
                    return false;
                }

                buffer.Length = message.Payload.Length;
                message.Payload.CopyTo(buffer.Span);
                _payloadBytes += message.Payload.Length;
                payload = buffer;
                return true;
            case MessageId.Bitfield
            or MessageId.Extended
            or MessageId.HashRequest
            or MessageId.Hashes
            or MessageId.HashReject:
                payload = message.Payload.ToArray();
                return true;
            default:
                return true;
        }
    }

    /// <summary>False when the batch is full now.</summary>
    private bool Append(in PeerMessage message, object? payload)
    {
        if (_events.Length == 0)
        {
            _events = ArrayPool<SwarmEvent>.Shared.Rent(_limits.MaxEventsPerBatch);
        }

        _events[_eventCount++] = new SwarmEvent(
            SwarmEventKind.Message,
            _peer,
            message.Id,
            message.Piece,
            message.Begin,
            message.Length,
            payload
        );
        return _eventCount < _events.Length;
    }

    private async ValueTask PostAsync()
    {
        // The events' buffers belong to the mailbox from here on, whatever happens.
        var events = _events;
        var count = _eventCount;
        _events = [];
        _eventCount = 0;
        await _mailbox.PostAsync(events.AsMemory(0, count), CancellationToken.None).ConfigureAwait(false);
        Array.Clear(events, 0, count);
        ArrayPool<SwarmEvent>.Shared.Return(events);
    }

    private async ValueTask WhileHeldAsync()
    {
        if (_hold.IsHeld)
        {
            // Others can use what was granted.
            Settle();
            _payloadBytes = 0;
            await _hold.WaitAsync().ConfigureAwait(false);
            Volatile.Write(ref _lastReceived, _time.GetTimestamp());
        }
    }

    private async ValueTask<int> TakeTurnAsync(int wanted)
    {
        var arrived = _turnCame.Arm();
        _granted = 0;
        var taken = _gate.Take(_turn, wanted);
        if (taken == 0)
        {
            if (_closing.IsCancellationRequested)
            {
                Stop();
            }

            await arrived.ConfigureAwait(false);
            taken = _granted;
        }

        return taken;
    }

    private void OnGranted(int bytes)
    {
        _granted = bytes;
        _turnCame.Set();
    }

    /// <summary>Corrects the grant by the blocks that really came.</summary>
    private void Settle()
    {
        var granted = Interlocked.Exchange(ref _granted, 0);
        if (granted != 0 || (_payloadBytes != 0 && _gate.IsLimited))
        {
            _gate.Return(granted - _payloadBytes);
        }
    }

    private void GiveBackBuffer()
    {
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = [];
        }

        (_start, _end) = (0, 0);
    }
}
