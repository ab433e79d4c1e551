using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>Several connections on one port: who gets what, who may begin, what strangers get.</summary>
public sealed class UtpSocketTests : IAsyncDisposable
{
    private static readonly IPEndPoint Stranger = IPEndPoint.Parse("192.0.2.99:4000");

    private readonly VirtualTime _time = new();
    private readonly MemoryDatagrams _network = new();
    private readonly List<Side> _sides = [];

    private sealed record Side(IPEndPoint Address, MemoryDatagrams.Port Port, UtpSocket Socket)
    {
        public required Channel<ITransport> Accepted { get; init; }

        public Task<ITransport> AcceptAsync() =>
            Accepted.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var side in _sides)
        {
            var ending = side.Socket.DisposeAsync().AsTask();
            while (!ending.IsCompleted)
            {
                _time.Advance(TimeSpan.FromMilliseconds(20));
                _network.Deliver();
                await Task.Yield();
            }
        }
    }

    [Fact]
    public async Task A_call_is_answered_and_streams_go_both_ways()
    {
        var (one, other) = (Open("192.0.2.1:1"), Open("192.0.2.2:2"));
        var (ours, theirs) = await ConnectAsync(one, other);
        Assert.Equal(TransportKind.Utp, theirs.Kind);
        await SendAsync(ours, "how are you?"u8.ToArray());
        Assert.Equal("how are you?"u8.ToArray(), await ReceiveAsync(theirs, 12));
        var much = new byte[1_000_000];
        new Random(1).NextBytes(much);
        // Only the receiver drives the network: a port has one loop that receives, so two must never deliver at once.
        var sending = theirs.SendAsync([much]).AsTask();
        Assert.Equal(much, await ReceiveAsync(ours, much.Length));
        await sending;

        ours.Close();
        Pump();
        Assert.Equal(0, await theirs.ReceiveAsync(new byte[1]));
        theirs.Close();
        Pump();
        Assert.True(one.Socket.Count + other.Socket.Count <= 2);
        _time.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal((0, 0), (one.Socket.Count, other.Socket.Count));
        await Assert.ThrowsAsync<IOException>(async () => await ours.ReceiveAsync(new byte[1]));
    }

    [Fact]
    public async Task Several_connections_with_one_peer_do_not_mix()
    {
        var (one, other) = (Open("192.0.2.1:1"), Open("192.0.2.2:2"));
        var pairs = new List<(ITransport Ours, ITransport Theirs)>();
        for (var i = 0; i < 5; i++)
        {
            pairs.Add(await ConnectAsync(i % 2 == 0 ? one : other, i % 2 == 0 ? other : one));
        }

        for (var i = 0; i < pairs.Count; i++)
        {
            await SendAsync(pairs[i].Ours, [(byte)i, (byte)i]);
        }

        for (var i = 0; i < pairs.Count; i++)
        {
            Assert.Equal([(byte)i, (byte)i], await ReceiveAsync(pairs[i].Theirs, 2));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Of_two_calls_through_a_hole_one_counts_at_both_ends(bool isFirstLost)
    {
        var (one, other) = (Open("192.0.2.1:1"), Open("192.0.2.2:2"));
        for (var round = 0; round < 8; round++)
        {
            var here = one.Socket.ConnectAsync(other.Address, isPunch: true, default);
            if (isFirstLost)
            {
                // A router that does not know of us yet.
                _network.Lose();
            }

            var there = other.Socket.ConnectAsync(one.Address, isPunch: true, default);
            for (var step = 0; step < 8; step++)
            {
                Pump();
                _time.Advance(TimeSpan.FromMilliseconds(100));
            }

            Pump();
            var outcomes = new[] { await here, await there };
            var caller = Assert.Single(outcomes, outcome => outcome.Transport is not null).Transport!;
            Assert.Single(outcomes, outcome => outcome is { Transport: null, Failure: DisconnectReason.Duplicate });
            var called = await (outcomes[0].Transport is null ? one : other).AcceptAsync();
            await SendAsync(caller, [1]);
            Assert.Equal([1], await ReceiveAsync(called, 1));
            Assert.False((outcomes[0].Transport is null ? other : one).Accepted.Reader.TryPeek(out _));
            caller.Close();
            called.Close();
            Pump();
            _time.Advance(TimeSpan.FromSeconds(3));
        }
    }

    [Fact]
    public async Task A_call_that_is_not_answered_or_not_wanted_any_more_ends()
    {
        var one = Open("192.0.2.1:1");
        var lost = one.Socket.ConnectAsync(Stranger, isPunch: false, default);
        using var cancel = new CancellationTokenSource();
        var unwanted = one.Socket.ConnectAsync(Stranger, isPunch: false, cancel.Token);
        await cancel.CancelAsync();
        Assert.Equal(DisconnectReason.ShuttingDown, (await unwanted).Failure);
        _time.Advance(TimeSpan.FromSeconds(20));
        Assert.Equal(DisconnectReason.ConnectTimeout, (await lost).Failure);
        Assert.Equal(0, one.Socket.Count);
        var family = await one.Socket.ConnectAsync(IPEndPoint.Parse("[::1]:5"), isPunch: false, default);
        Assert.Equal(DisconnectReason.ConnectFailed, family.Failure);
    }

    [Fact]
    public async Task A_peer_that_has_forgotten_us_ends_the_connection()
    {
        var (one, other) = (Open("192.0.2.1:1"), Open("192.0.2.2:2"));
        var (ours, _) = await ConnectAsync(one, other);
        Open("192.0.2.2:2");
        var receiving = ours.ReceiveAsync(new byte[1]).AsTask();
        await SendAsync(ours, [1]);
        Pump();
        var failure = await Assert.ThrowsAsync<SocketException>(() => receiving);
        Assert.Equal(SocketError.ConnectionReset, failure.SocketErrorCode);
    }

    [Fact]
    public async Task A_reset_from_elsewhere_or_with_another_id_changes_nothing()
    {
        var (one, other) = (Open("192.0.2.1:1"), Open("192.0.2.2:2"));
        var (ours, theirs) = await ConnectAsync(one, other);
        await SendAsync(ours, [1]);
        var data = LastSentBy(one, UtpPacketType.Data);
        for (var id = 0; id < 65536; id += 5)
        {
            // A stranger knows the numbers, and not the address.
            Give(other, Stranger, Bare(UtpPacketType.Reset, (ushort)id, 0, data.Sequence));
        }

        Give(one, other.Address, Bare(UtpPacketType.Reset, (ushort)(data.ConnectionId + 7), 0, data.Sequence));
        await SendAsync(ours, [2]);
        Assert.Equal([1, 2], await ReceiveAsync(theirs, 2));
    }

    [Fact]
    public void Strangers_get_no_more_than_they_send_and_resets_are_few()
    {
        var one = Open("192.0.2.1:1");
        for (var i = 0; i < 10_000; i++)
        {
            Give(one, Stranger, Bare(UtpPacketType.Data, (ushort)i, 7, 7));
        }

        var answers = SentTo(Stranger);
        Assert.InRange(answers.Count, 1, 100);
        Assert.All(answers, bytes => Assert.Equal(UtpHeader.Size, bytes.Length));
        _network.Sent.Clear();
        for (var i = 0; i < 1000; i++)
        {
            Give(one, Stranger, Bare(UtpPacketType.Reset, (ushort)i, 7, 7));
            Give(one, Stranger, [1, 2, 3]);
        }

        Assert.Empty(SentTo(Stranger));
    }

    [Fact]
    public void A_caller_that_proves_nothing_gets_answers_and_no_connection()
    {
        var one = Open("192.0.2.1:1");
        Give(one, Stranger, Bare(UtpPacketType.Syn, 9, 100, 0));
        Assert.Equal(UtpHeader.Size, Assert.Single(SentTo(Stranger)).Length);
        Give(one, Stranger, Bare(UtpPacketType.Data, 10, 101, 0));
        Assert.Equal(0, one.Socket.Count);
        Assert.False(one.Accepted.Reader.TryPeek(out _));
    }

    [Fact]
    public void Who_does_not_accept_does_not_answer()
    {
        var one = Open("192.0.2.1:1", accepts: false);
        Give(one, Stranger, Bare(UtpPacketType.Syn, 9, 100, 0));
        Assert.Empty(_network.Sent);
    }

    [Fact]
    public async Task What_comes_together_is_acknowledged_once()
    {
        var (one, other) = (Open("192.0.2.1:1"), Open("192.0.2.2:2"));
        var (ours, _) = await ConnectAsync(one, other);
        var before = SentTo(one.Address).Count;
        await ours.SendAsync([new byte[14_000]]);
        _network.Deliver();
        Assert.InRange(SentTo(one.Address).Count - before, 1, 3);
    }

    private static byte[] Bare(UtpPacketType type, ushort id, int sequence, int acknowledged)
    {
        var bytes = new byte[UtpHeader.Size];
        new UtpHeader(type, id, 1, 1, 1000, (ushort)sequence, (ushort)acknowledged).Write(bytes);
        return bytes;
    }

    private static void Give(Side side, IPEndPoint from, byte[] datagram) =>
        side.Port.Receive([new ReceivedDatagram(from, datagram)]);

    private List<byte[]> SentTo(IPEndPoint address) =>
        [.. _network.Sent.Where(one => one.To.Equals(address)).Select(one => one.Bytes)];

    private UtpHeader LastSentBy(Side side, UtpPacketType type)
    {
        var headers = _network
            .Sent.Where(one => one.From.Equals(side.Address))
            .Select(one => UtpPacket.TryRead(one.Bytes, out var packet) ? packet.Header : default);
        return headers.Last(header => header.Type == type);
    }

    private Side Open(string address, bool accepts = true)
    {
        var port = _network.Open(address);
        var accepted = Channel.CreateUnbounded<ITransport>();
        var socket = new UtpSocket(
            port,
            new UtpSocketOptions
            {
                HandshakeLimits = TcpLimits.Default,
                Accept = accepts
                    ? (transport, _, _) =>
                    {
                        accepted.Writer.TryWrite(transport);
                        return Task.CompletedTask;
                    }
                    : null,
                Time = _time,
                OnFault = exception => throw exception,
            }
        );
        port.Start(socket);
        var side = new Side(IPEndPoint.Parse(address), port, socket) { Accepted = accepted };
        _sides.Add(side);
        return side;
    }

    private async Task<(ITransport Ours, ITransport Theirs)> ConnectAsync(Side from, Side to)
    {
        var connecting = from.Socket.ConnectAsync(to.Address, isPunch: false, default);
        Pump();
        var ours = (await connecting).Transport;
        Assert.NotNull(ours);
        // The caller shows that it is there.
        _time.Advance(TimeSpan.FromMilliseconds(30));
        Pump();
        return (ours, await to.AcceptAsync());
    }

    private void Pump() => _network.Deliver();

    private async Task SendAsync(ITransport transport, byte[] bytes)
    {
        var sending = transport.SendAsync([bytes]).AsTask();
        do
        {
            Pump();
            _time.Advance(TimeSpan.FromMilliseconds(1));
            await Task.Yield();
        } while (!sending.IsCompleted);
        await sending;
        Pump();
    }

    private async Task<byte[]> ReceiveAsync(ITransport transport, int length)
    {
        var bytes = new byte[length];
        for (var at = 0; at < length; )
        {
            var receiving = transport.ReceiveAsync(bytes.AsMemory(at)).AsTask();
            while (!receiving.IsCompleted)
            {
                Pump();
                _time.Advance(TimeSpan.FromMilliseconds(1));
                await Task.Yield();
            }

            at += await receiving;
        }

        return bytes;
    }
}
