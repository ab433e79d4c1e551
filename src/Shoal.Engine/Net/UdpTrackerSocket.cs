using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>A datagram that answers a question: its action, transaction and sender are the right ones.</summary>
internal sealed record UdpTrackerReply(byte[] Bytes, uint Transaction, AddressFamily Family);

/// <summary>Writes a question with the given transaction id, and says how long it is.</summary>
internal delegate int UdpTrackerQuestion(uint transaction, Span<byte> destination);

/// <summary>Owns a UDP socket, or a relay, and brings answers to those who asked. Any thread may ask.</summary>
internal sealed class UdpTrackerSocket : IDatagramProtocol, IAsyncDisposable
{
    // Above any answer: 1,000 IPv6 peers are 18,020 bytes, and no path carries datagrams of that size whole.
    private const int MaxAnswer = 65_535;

    private readonly Socket? _socket;
    private readonly ProxyDatagramPort? _relay;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<uint, Pending> _pending = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _run;

    /// <param name="socket">Bound; owned from now on.</param>
    /// <param name="time">The clock of waiting.</param>
    public UdpTrackerSocket(Socket socket, TimeProvider time)
    {
        _time = time;
        _socket = socket;
        _run = Task.Run(() => ReceiveAsync(socket));
    }

    /// <param name="relay">Not started; owned from now on.</param>
    /// <param name="time">The clock of waiting.</param>
    public UdpTrackerSocket(ProxyDatagramPort relay, TimeProvider time)
    {
        _time = time;
        _relay = relay;
        _run = Task.CompletedTask;
        relay.Start(this);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _run.ConfigureAwait(false);
        foreach (var pending in _pending.Values)
        {
            pending.Answer.TrySetCanceled();
        }

        _socket?.Dispose();
        if (_relay is not null)
        {
            await _relay.DisposeAsync().ConfigureAwait(false);
        }

        _stop.Dispose();
    }

    /// <summary>Asks once, and waits so long; null: no answer.</summary>
    /// <exception cref="SocketException">The question could not be sent.</exception>
    public async Task<UdpTrackerReply?> AskAsync(
        ProxyTarget tracker,
        UdpTrackerAction action,
        UdpTrackerQuestion question,
        TimeSpan wait,
        CancellationToken cancellation
    )
    {
        var pending = new Pending(tracker, action);
        var transaction = Register(pending);
        try
        {
            var datagram = new byte[UdpTrackerRequest.AnnounceSize + UdpUrlData.MaxEncoded];
            var length = question(transaction, datagram);
            await SendAsync(tracker, datagram.AsMemory(0, length), wait, cancellation).ConfigureAwait(false);
            return await pending.Answer.Task.WaitAsync(wait, _time, cancellation).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return null;
        }
        finally
        {
            _pending.TryRemove(transaction, out _);
        }
    }

    bool IDatagramProtocol.Claims(ReadOnlySpan<byte> datagram) => true;

    void IDatagramProtocol.Receive(int socket, ReadOnlySpan<ReceivedDatagram> batch)
    {
        foreach (var datagram in batch)
        {
            Take(datagram.Bytes.Span, datagram.Source);
        }
    }

    private async ValueTask SendAsync(
        ProxyTarget tracker,
        ReadOnlyMemory<byte> datagram,
        TimeSpan wait,
        CancellationToken cancellation
    )
    {
        if (_socket is not null)
        {
            var to = new IPEndPoint(tracker.Address!, tracker.Port);
            await _socket.SendToAsync(datagram, SocketFlags.None, to, cancellation).ConfigureAwait(false);
            return;
        }

        await _relay!.WhenConnectedAsync(cancellation).WaitAsync(wait, _time, cancellation).ConfigureAwait(false);
        _relay.TrySend(tracker, datagram.Span);
    }

    /// <summary>BEP 15: "Choose a random transaction ID." Unguessable, since who guesses it answers for the tracker.</summary>
    private uint Register(Pending pending)
    {
        while (true)
        {
            var transaction = BitConverter.ToUInt32(RandomNumberGenerator.GetBytes(4));
            if (_pending.TryAdd(transaction, pending))
            {
                return transaction;
            }
        }
    }

    private Task ReceiveAsync(Socket socket)
    {
        var buffer = GC.AllocateUninitializedArray<byte>(MaxAnswer);
        var anybody = DatagramReceiver.Anybody(socket.AddressFamily);
        return DatagramReceiver.RunAsync(
            async stop =>
            {
                var received = await socket
                    .ReceiveFromAsync(buffer, SocketFlags.None, anybody, stop)
                    .ConfigureAwait(false);
                Take(buffer.AsSpan(0, received.ReceivedBytes), (IPEndPoint)received.RemoteEndPoint);
            },
            _stop.Token
        );
    }

    private void Take(ReadOnlySpan<byte> datagram, IPEndPoint from)
    {
        // Whatever does not fit is ignored and the right answer waited for: else anybody could end an announce.
        if (
            UdpTrackerAnswer.TryReadTransaction(datagram, out var transaction)
            && _pending.TryGetValue(transaction, out var pending)
            && pending.Tracker.Port == from.Port
            // The address of a name only the proxy knows; it hands on nothing but answers to us.
            && (pending.Tracker.Address?.Equals(from.Address) ?? true)
            && UdpTrackerAnswer.TryRead(datagram, pending.Action, transaction, out _) == UdpTrackerFault.None
        )
        {
            pending.Answer.TrySetResult(new UdpTrackerReply(datagram.ToArray(), transaction, from.AddressFamily));
        }
    }

    private sealed record Pending(ProxyTarget Tracker, UdpTrackerAction Action)
    {
        public TaskCompletionSource<UdpTrackerReply> Answer { get; } =
            new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
