using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// uTP on our UDP port: brings each datagram to its connection, answers those who call, and watches the clock. Safe to use
/// from any thread.
/// </summary>
internal sealed partial class UtpSocket : IDatagramProtocol, IAsyncDisposable
{
    /// <summary>Resets a second to those who send to connections that we do not know, and at once after a pause.</summary>
    private const int ResetsPerSecond = 20;

    private const int ResetBurst = 50;

    /// <summary>What to try at most where the system does not know the path: Ethernet's, with headers.</summary>
    private const int UsualPacket = 1500;

    /// <summary>Through a relay: what gets through anywhere, less the relay's own header.</summary>
    private const int RelayedPacket = 1280 - 48 - 22;

    /// <summary>Timers are so exact, and no better: it saves waking up.</summary>
    private static readonly long TickGrain = TimeSpan.FromMilliseconds(1).Ticks;

    private static readonly TimeSpan Goodbye = TimeSpan.FromMilliseconds(200);

    private readonly UtpSocketOptions _options;
    private readonly bool _isRelayed;
    private readonly ConcurrentDictionary<UtpKey, UtpTransport> _connections = new();
    private readonly ConcurrentDictionary<uint, UtpTransport> _punches = new();
    private readonly List<UtpTransport>[] _touched;
    private readonly UtpBudget _budget;
    private readonly HandshakeSlots _slots;
    private readonly BackgroundTasks _tasks;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _strangers = new();
    private readonly UtpSynTable _syns;
    private readonly TokenBucket _resets = new(ResetsPerSecond, ResetBurst);
    private readonly Lock _timing = new();
    private readonly ITimer _timer;
    private readonly long _epoch;
    private long _nextTick = long.MaxValue;
    private volatile bool _isDisposed;

    /// <summary>A connection, as packets to us name it.</summary>
    private readonly record struct UtpKey(IPEndPoint Remote, ushort Id);

    /// <param name="port">Not started yet; the caller starts it with this as one of its protocols.</param>
    /// <param name="options">What was decided.</param>
    public UtpSocket(IDatagramPort port, UtpSocketOptions options)
    {
        Port = port;
        _options = options;
        _isRelayed = port is ProxyDatagramPort;
        _touched = [.. port.LocalEndPoints.Select(_ => new List<UtpTransport>())];
        _budget = new UtpBudget(options.WindowBytes);
        _slots = new HandshakeSlots(options.HandshakeLimits);
        _tasks = new BackgroundTasks(options.OnFault);
        _syns = new UtpSynTable(options.SynLimits);
        _epoch = options.Time.GetTimestamp();
        _timer = options.Time.CreateTimer(
            static socket => ((UtpSocket)socket!).Tick(),
            this,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan
        );
    }

    public IDatagramPort Port { get; }

    public TimeSpan Now => _options.Time.GetElapsedTime(_epoch);

    /// <summary>Connections, those included that are only delivering what was written.</summary>
    public int Count => _connections.Count;

    bool IDatagramProtocol.Claims(ReadOnlySpan<byte> datagram) => UtpHeader.IsLikely(datagram);

    void IDatagramProtocol.Receive(int socket, ReadOnlySpan<ReceivedDatagram> batch)
    {
        try
        {
            Receive(socket, batch);
        }
        catch (Exception exception)
        {
            _options.OnFault(exception);
        }
    }

    /// <summary>Calls a peer. Never throws for what the network or the owner's stop does to it.</summary>
    /// <param name="remote">The peer.</param>
    /// <param name="isPunch">
    /// The peer calls us at the same time, and routers between let a call in only after one went out: ours is repeated
    /// quickly. When both calls come through, one of them counts, the same at both ends: at one end this fails with
    /// Duplicate and the connection comes in as a call of the peer.
    /// </param>
    /// <param name="cancellation">Ends the attempt; the outcome is then ShuttingDown.</param>
    public async Task<ConnectOutcome> ConnectAsync(IPEndPoint remote, bool isPunch, CancellationToken cancellation)
    {
        if (_isDisposed || cancellation.IsCancellationRequested)
        {
            return new ConnectOutcome(null, DisconnectReason.ShuttingDown);
        }

        if (Call(remote, isPunch) is not { } transport)
        {
            return new ConnectOutcome(null, DisconnectReason.ConnectFailed);
        }

        await using var registration = cancellation
            .UnsafeRegister(static state => ((UtpTransport)state!).Close(), transport)
            .ConfigureAwait(false);
        transport.EndBatch(Now);
        var outcome = await transport.Connected.ConfigureAwait(false);
        if (!cancellation.IsCancellationRequested)
        {
            return outcome;
        }

        transport.Close();
        return new ConnectOutcome(null, DisconnectReason.ShuttingDown);
    }

    /// <summary>What a connection of ours is made of.</summary>
    public UtpSetting Setting(IUtpOutput output, int socket, IPEndPoint remote)
    {
        var isIpv6 = remote.AddressFamily == AddressFamily.InterNetworkV6;
        if (_isRelayed)
        {
            return new UtpSetting(_options.Limits, new UtpPath(RelayedPacket, RelayedPacket, 0), output, _budget);
        }

        var usual = UsualPacket - (isIpv6 ? 48 : 28);
        var max = Port.MaxDatagram(socket, remote.Address);
        return new UtpSetting(_options.Limits, UtpPath.Of(isIpv6, max > 0 ? max : usual), output, _budget);
    }

    /// <summary>A connection wants to be woken by then, in ticks of TimeSpan.</summary>
    public void WakeBy(long due)
    {
        if (due >= Volatile.Read(ref _nextTick))
        {
            return;
        }

        lock (_timing)
        {
            if (due < _nextTick && !_isDisposed)
            {
                _nextTick = due;
                _timer.Change(
                    TimeSpan.FromTicks(Math.Max(due - Now.Ticks, 0) / TickGrain * TickGrain + TickGrain),
                    Timeout.InfiniteTimeSpan
                );
            }
        }
    }

    /// <summary>The connection is over.</summary>
    public void Remove(UtpTransport transport)
    {
        _connections.TryRemove(new KeyValuePair<UtpKey, UtpTransport>(KeyOf(transport), transport));
        if (transport.CallNumber is { } number)
        {
            _punches.TryRemove(new KeyValuePair<uint, UtpTransport>(number, transport));
        }
    }

    /// <summary>Nobody may call from here on; waits for handshakes under way. Connections go on.</summary>
    public async Task StopAcceptingAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _tasks.EndAsync().ConfigureAwait(false);
    }

    /// <summary>
    /// Ends all connections. What is still to be delivered has a moment for it. The port is stopped after this.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }

        await StopAcceptingAsync().ConfigureAwait(false);
        foreach (var transport in _connections.Values)
        {
            transport.Close();
        }

        for (var left = Goodbye; left > TimeSpan.Zero; left -= Goodbye / 10)
        {
            if (_connections.Values.All(transport => transport.IsDelivered))
            {
                break;
            }

            await Task.Delay(Goodbye / 10, _options.Time).ConfigureAwait(false);
        }

        _isDisposed = true;
        foreach (var transport in _connections.Values)
        {
            transport.Abort(Now);
        }

        await _timer.DisposeAsync().ConfigureAwait(false);
        _stopping.Dispose();
    }

    private static UtpKey KeyOf(UtpTransport transport) => new(transport.Remote, transport.ReceiveId);

    private void Receive(int socket, ReadOnlySpan<ReceivedDatagram> batch)
    {
        var now = Now;
        var touched = _touched[socket];
        var last = default(UtpTransport);
        foreach (ref readonly var datagram in batch)
        {
            if (!UtpPacket.TryRead(datagram.Bytes.Span, out var packet))
            {
                continue;
            }

            var id = packet.Header.ConnectionId;
            var isSame =
                last is not null
                && packet.Header.Type is not (UtpPacketType.Syn or UtpPacketType.Reset)
                && last.ReceiveId == id
                && (ReferenceEquals(last.Remote, datagram.Source) || last.Remote.Equals(datagram.Source));
            var transport = isSame ? last : Find(socket, datagram.Source, packet, now);
            if (transport is null)
            {
                continue;
            }

            transport.Receive(packet, now);
            last = transport;
            if (!transport.IsTouched)
            {
                transport.IsTouched = true;
                touched.Add(transport);
            }
        }

        // Acknowledgements, and what they allow to be sent: once for all that came together.
        foreach (var transport in touched)
        {
            transport.IsTouched = false;
            transport.EndBatch(now);
        }

        touched.Clear();
    }

    /// <summary>Whose packet it is; null: nobody's, and it has been dealt with.</summary>
    private UtpTransport? Find(int socket, IPEndPoint source, in UtpPacket packet, TimeSpan now)
    {
        var id = packet.Header.ConnectionId;
        switch (packet.Header.Type)
        {
            case UtpPacketType.Syn:
                AnswerCall(socket, source, packet.Header, now);
                return null;
            case UtpPacketType.Reset:
                // Some send it with our id, some with their own.
                return Find(source, id)
                    ?? (Find(source, id + 1) is { } answered && answered.SendId == id ? answered : null)
                    ?? (Find(source, id - 1) is { } called && called.SendId == id ? called : null);
            default:
                return Find(source, id) ?? Begin(socket, source, packet.Header, now);
        }
    }

    private UtpTransport? Find(IPEndPoint source, int id) =>
        _connections.GetValueOrDefault(new UtpKey(source, (ushort)id));

    private void Tick()
    {
        if (_isDisposed)
        {
            return;
        }

        lock (_timing)
        {
            // Whoever wants to be woken from here on says so again.
            _nextTick = long.MaxValue;
        }

        try
        {
            var now = Now;
            foreach (var (_, transport) in _connections)
            {
                if (transport.Due <= now.Ticks)
                {
                    transport.Tick(now);
                }
                else
                {
                    WakeBy(transport.Due);
                }
            }
        }
        catch (Exception exception)
        {
            _options.OnFault(exception);
        }
    }
}
