using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Shoal.InteropTests;

/// <summary>A name server that says what the test wants, by UDP and TCP on one port.</summary>
internal sealed class NameServer : IAsyncDisposable
{
    private readonly Func<byte[], bool, byte[][]> _answer;
    private readonly Socket _udp = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly Socket _tcp = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;
    private int _questions;

    /// <param name="answer">Told the question and whether it came by TCP.</param>
    /// <param name="endPoint">Null: any port of loopback.</param>
    public NameServer(Func<byte[], bool, byte[][]> answer, IPEndPoint? endPoint = null)
    {
        _answer = answer;
        _udp.Bind(endPoint ?? new IPEndPoint(IPAddress.Loopback, 0));
        EndPoint = (IPEndPoint)_udp.LocalEndPoint!;
        _tcp.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        _tcp.Bind(EndPoint);
        _tcp.Listen();
        _running = Task.WhenAll(Task.Run(ServeUdpAsync), Task.Run(ServeTcpAsync));
    }

    public IPEndPoint EndPoint { get; }

    public int Questions => Volatile.Read(ref _questions);

    /// <summary>The question as an answer without records.</summary>
    public static byte[] Flagged(byte[] question, ushort flags)
    {
        var answer = (byte[])question.Clone();
        BinaryPrimitives.WriteUInt16BigEndian(answer.AsSpan(2), flags);
        return answer;
    }

    /// <summary>One address for the name; none if another family is asked for.</summary>
    public static byte[] Answer(byte[] question, IPAddress address)
    {
        var answer = Flagged(question, 0x8180);
        if (question[^3] != 1)
        {
            return answer;
        }

        answer[7] = 1;
        return [.. answer, 0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, .. address.GetAddressBytes()];
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _udp.Dispose();
        _tcp.Dispose();
        _stop.Dispose();
    }

    private byte[][] Ask(byte[] question, bool isTcp)
    {
        Interlocked.Increment(ref _questions);
        return _answer(question, isTcp);
    }

    private async Task ServeUdpAsync()
    {
        var buffer = new byte[4096];
        try
        {
            while (true)
            {
                var question = await _udp.ReceiveFromAsync(buffer, SocketFlags.None, EndPoint, _stop.Token);
                foreach (var answer in Ask(buffer[..question.ReceivedBytes], false))
                {
                    await _udp.SendToAsync(answer, SocketFlags.None, question.RemoteEndPoint);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }

    private async Task ServeTcpAsync()
    {
        try
        {
            while (true)
            {
                using var socket = await _tcp.AcceptAsync(_stop.Token);
                await using var stream = new NetworkStream(socket);
                var length = new byte[2];
                await stream.ReadExactlyAsync(length, _stop.Token);
                var question = new byte[BinaryPrimitives.ReadUInt16BigEndian(length)];
                await stream.ReadExactlyAsync(question, _stop.Token);
                foreach (var answer in Ask(question, true))
                {
                    await stream.WriteAsync((byte[])[(byte)(answer.Length >> 8), (byte)answer.Length, .. answer]);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }
}
