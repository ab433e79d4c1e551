using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>A datagram that answers a question: its action, transaction and sender are the right ones.</summary>
internal sealed record UdpTrackerReply(byte[] Bytes, uint Transaction);

/// <summary>Writes a question with the given transaction id, and says how long it is.</summary>
internal delegate int UdpTrackerQuestion(uint transaction, Span<byte> destination);

/// <summary>Owns a UDP socket and brings answers to those who asked. Any thread may ask.</summary>
internal sealed class UdpTrackerSocket : IAsyncDisposable
{
    // Above any answer: 1,000 IPv6 peers are 18,020 bytes, and no path carries datagrams of that size whole.
    private const int MaxAnswer = 65_535;

    private readonly Socket _socket;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<uint, Pending> _pending = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _run;

    /// <exception cref="SocketException">The address is not of this machine.</exception>
    public UdpTrackerSocket(LocalBinding local, IPAddress origin, TimeProvider time)
    {
        _time = time;
        _socket = local.Open(origin.AddressFamily, SocketType.Dgram, origin);
        _run = Task.Run(RunAsync);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _run.ConfigureAwait(false);
        foreach (var pending in _pending.Values)
        {
            pending.Answer.TrySetCanceled();
        }

        _socket.Dispose();
        _stop.Dispose();
    }

    /// <summary>Asks once, and waits so long; null: no answer.</summary>
    /// <exception cref="SocketException">The question could not be sent.</exception>
    public async Task<UdpTrackerReply?> AskAsync(
        IPEndPoint tracker,
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
            await _socket
                .SendToAsync(datagram.AsMemory(0, length), SocketFlags.None, tracker, cancellation)
                .ConfigureAwait(false);
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

    private async Task RunAsync()
    {
        var buffer = GC.AllocateUninitializedArray<byte>(MaxAnswer);
        var any = new IPEndPoint(
            _socket.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any,
            0
        );
        while (true)
        {
            try
            {
                var received = await _socket
                    .ReceiveFromAsync(buffer, SocketFlags.None, any, _stop.Token)
                    .ConfigureAwait(false);
                Take(buffer.AsSpan(0, received.ReceivedBytes), (IPEndPoint)received.RemoteEndPoint);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException)
            {
                // Windows reports here that nobody listens at a tracker's port; the question times out.
            }
        }
    }

    private void Take(ReadOnlySpan<byte> datagram, IPEndPoint from)
    {
        // Whatever does not fit is ignored and the right answer waited for: else anybody could end an announce.
        if (
            UdpTrackerAnswer.TryReadTransaction(datagram, out var transaction)
            && _pending.TryGetValue(transaction, out var pending)
            && pending.Tracker.Port == from.Port
            && pending.Tracker.Address.Equals(from.Address)
            && UdpTrackerAnswer.TryRead(datagram, pending.Action, transaction, out _) == UdpTrackerFault.None
        )
        {
            pending.Answer.TrySetResult(new UdpTrackerReply(datagram.ToArray(), transaction));
        }
    }

    private sealed record Pending(IPEndPoint Tracker, UdpTrackerAction Action)
    {
        public TaskCompletionSource<UdpTrackerReply> Answer { get; } =
            new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
