using System.Net;
using System.Net.Sockets;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// Datagrams through the relay of a SOCKS5 proxy (RFC 1928, UDP ASSOCIATE). While there is no relay they are lost, as
/// datagrams may be; nothing goes around it.
/// </summary>
/// <remarks>
/// Stands for two sockets, of IPv4 and of IPv6, so that protocols above find both families; the relay is one. Which port
/// others see is not known, so <see cref="Port"/> is 0: "cannot be reached".
/// </remarks>
internal sealed class ProxyDatagramPort : IDatagramPort
{
    /// <summary>The longest datagram a tracker sends; protocols that share the port send far shorter ones.</summary>
    private const int LongestDatagram = 32 * 1024;

    private static readonly TimeSpan MaxPause = TimeSpan.FromMinutes(1);

    /// <summary>How long asking for a relay may take.</summary>
    private static readonly TimeSpan AssociateTimeout = TimeSpan.FromSeconds(15);

    private readonly ProxyEgress _egress;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private TaskCompletionSource _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IDatagramProtocol[] _protocols = [];
    private volatile Socket? _relay;
    private Task _run = Task.CompletedTask;

    public ProxyDatagramPort(ProxyEgress egress, TimeProvider time)
    {
        _egress = egress;
        _time = time;
    }

    public IReadOnlyList<IPEndPoint> LocalEndPoints { get; } =
    [new IPEndPoint(IPAddress.Any, 0), new IPEndPoint(IPAddress.IPv6Any, 0)];

    public int Port => 0;

    public void Start(params IDatagramProtocol[] protocols)
    {
        _protocols = protocols;
        _run = Task.Run(RunAsync);
    }

    /// <summary>One by one; what there is no room or no relay for is lost, and nobody needs to wait for either.</summary>
    public int Send(int socket, IPEndPoint to, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        var target = ProxyTarget.Of(to);
        var taken = 0;
        for (var at = 0; at < datagrams.Length; at += segmentSize)
        {
            TrySend(target, datagrams.Slice(at, Math.Min(segmentSize, datagrams.Length - at)));
            taken++;
        }

        return taken;
    }

    /// <summary>How long datagrams may be behind the proxy nobody can find out: it may put them into new packets.</summary>
    public ProbeOutcome Probe(int socket, IPEndPoint to, ReadOnlySpan<byte> datagram) => ProbeOutcome.TooLong;

    public int MaxDatagram(int socket, IPAddress to) => 0;

    /// <summary>Sends to a name, which the proxy looks up; false when there is no relay or no room.</summary>
    public bool TrySend(ProxyTarget to, ReadOnlySpan<byte> datagram)
    {
        if (_relay is not { } relay)
        {
            return false;
        }

        Span<byte> buffer = stackalloc byte[3 + Socks5Address.MaxLength + 2048];
        var header = Socks5Address.WriteHeader(to, buffer);
        if (datagram.Length > buffer.Length - header)
        {
            return false;
        }

        datagram.CopyTo(buffer[header..]);
        try
        {
            return relay.Send(buffer[..(header + datagram.Length)]) == header + datagram.Length;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    /// <summary>Waits until there is a relay.</summary>
    public Task WhenConnectedAsync(CancellationToken cancellation)
    {
        lock (_lock)
        {
            return _connected.Task.WaitAsync(cancellation);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _run.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        var pause = TimeSpan.FromSeconds(1);
        while (!_stop.IsCancellationRequested)
        {
            if (await RelayAsync().ConfigureAwait(false))
            {
                pause = TimeSpan.FromSeconds(1);
            }

            await Task.Delay(pause, _time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            pause = pause * 2 > MaxPause ? MaxPause : pause * 2;
        }
    }

    /// <summary>Asks for a relay, and uses it until it ends; false if there is none.</summary>
    private async Task<bool> RelayAsync()
    {
        using var timeout = new CancellationTokenSource(AssociateTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, _stop.Token);
        Socket? control = null;
        try
        {
            (control, var relay, _) = await _egress.AssociateAsync(either.Token).ConfigureAwait(false);
            if (control is null)
            {
                return false;
            }

            using var socket = _egress.Local.Open(relay!.AddressFamily, SocketType.Dgram);
            // Whatever is not from the relay does not come in then.
            await socket.ConnectAsync(relay, either.Token).ConfigureAwait(false);
            socket.Blocking = false;
            await UseAsync(control, socket).ConfigureAwait(false);
            return true;
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException)
        {
            return false;
        }
        finally
        {
            control?.Dispose();
        }
    }

    private async Task UseAsync(Socket control, Socket relay)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        var receiving = ReceiveAsync(relay, end.Token);
        SetRelay(relay);
        try
        {
            // RFC 1928: "A UDP association terminates when the TCP connection that the UDP ASSOCIATE request arrived on
            // terminates." Nothing else is said there.
            await control.ReceiveAsync(new byte[1], SocketFlags.None, _stop.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException)
        {
            // That is the end too.
        }
        finally
        {
            SetRelay(null);
            await end.CancelAsync().ConfigureAwait(false);
            await receiving.ConfigureAwait(false);
        }
    }

    private void SetRelay(Socket? relay)
    {
        lock (_lock)
        {
            _relay = relay;
            if (relay is not null)
            {
                _connected.TrySetResult();
            }
            else
            {
                _connected = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }
    }

    private Task ReceiveAsync(Socket relay, CancellationToken stop)
    {
        var buffer = GC.AllocateUninitializedArray<byte>(LongestDatagram);
        // Where the relay's port is closed the control connection says so.
        return DatagramReceiver.RunAsync(
            async until =>
                Deliver(
                    buffer.AsMemory(0, await relay.ReceiveAsync(buffer, SocketFlags.None, until).ConfigureAwait(false))
                ),
            stop
        );
    }

    private void Deliver(ReadOnlyMemory<byte> datagram)
    {
        if (!Socks5Address.TryReadHeader(datagram.Span, out var source, out var dataAt))
        {
            return;
        }

        var data = datagram[dataAt..];
        foreach (var protocol in _protocols)
        {
            if (protocol.Claims(data.Span))
            {
                var socket = source.AddressFamily == AddressFamily.InterNetwork ? 0 : 1;
                protocol.Receive(socket, [new ReceivedDatagram(source, data)]);
                return;
            }
        }
    }
}
