using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class PeerLinkTests : IAsyncDisposable
{
    private static readonly PeerHandle Peer = new(7);

    private readonly VirtualTime _time = new();
    private readonly FakeLinkHost _host;
    private readonly FakePeer _peer;
    private readonly PeerLink _link;
    private readonly BlockPool _sendPool = new(64);
    private readonly Task _running;

    public PeerLinkTests()
    {
        _host = new FakeLinkHost(_time, poolLimit: 4);
        var (ours, theirs) = MemoryTransport.CreatePair(64 * 1024);
        _peer = new FakePeer(theirs);
        var limits = PeerLinkLimits.Default with { MaxOutboxBytes = 1024 * 1024 };
        _link = new PeerLink(Peer, ours, _host, FakeLinkHost.Introduction, limits, _time);
        _running = _link.RunAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _link.DisposeAsync();
        await _running;
        _peer.Dispose();
        while (_host.TryNext(out var left))
        {
            (left.Payload as BlockBuffer)?.Release();
        }

        Assert.Equal(0, _host.ReceivePool.Leased);
        Assert.Equal(0, _sendPool.Leased);
        Assert.Equal(0, _time.ActiveTimers);
    }

    [Fact]
    public async Task Joins_first_and_leaves_once_and_last()
    {
        var joined = await _host.NextAsync();
        Assert.Equal((SwarmEventKind.PeerJoined, Peer), (joined.Kind, joined.Peer));
        Assert.Same(FakeLinkHost.Introduction, joined.Payload);

        await _peer.SendAsync("00000001" + "01" + "00000005" + "04" + "00000003");
        _peer.Dispose();

        Assert.Equal(MessageId.Unchoke, (await _host.NextAsync()).MessageId);
        var have = await _host.NextAsync();
        Assert.Equal((MessageId.Have, 3u), (have.MessageId, have.Piece));
        await AssertLeftAsync(DisconnectReason.ClosedByPeer);
        _link.Close(DisconnectReason.TorrentPaused);
        await _running;
        Assert.False(_host.TryNext(out _));
    }

    [Fact]
    public async Task Every_kind_of_message_arrives_however_it_is_cut()
    {
        await _host.NextAsync();
        var stream = Convert.FromHexString(string.Concat(PeerMessageTests.Messages.Select(row => row.Data.Item2)));
        foreach (var cut in new[] { 1, 3, 7, 64 })
        {
            for (var at = 0; at < stream.Length; at += cut)
            {
                await _peer.SendAsync(stream.AsMemory(at, Math.Min(cut, stream.Length - at)));
            }

            // All but the keep-alive and the unknown one.
            for (var left = PeerMessageTests.Messages.Count - 2; left > 0; left--)
            {
                var item = await _host.NextAsync();
                Assert.Equal((SwarmEventKind.Message, Peer), (item.Kind, item.Peer));
                (item.Payload as BlockBuffer)?.Release();
            }
        }
    }

    [Fact]
    public async Task A_block_arrives_whole_in_a_buffer_of_the_pool()
    {
        await _host.NextAsync();
        var block = RandomBlock(16 * 1024);
        await _peer.SendPieceAsync(5, 32768, block);

        var item = await _host.NextAsync();

        Assert.Equal((MessageId.Piece, 5u, 32768u, 16384u), (item.MessageId, item.Piece, item.Begin, item.Length));
        var buffer = Assert.IsType<BlockBuffer>(item.Payload);
        Assert.Equal(block, buffer.Span.ToArray());
        Assert.Equal(1, _host.ReceivePool.Leased);
        buffer.Release();
    }

    [Fact]
    public async Task Messages_of_one_receive_come_in_one_batch()
    {
        await _host.NextAsync();
        await _peer.SendAsync(string.Concat(Enumerable.Repeat("00000005" + "04" + "00000003", 50)));
        for (var i = 0; i < 50; i++)
        {
            await _host.NextAsync();
        }

        Assert.Equal([1, 50], _host.Batches);
    }

    [Fact]
    public async Task Without_buffers_nothing_more_is_read_until_one_is_returned()
    {
        await _host.NextAsync();
        var sending = Task.Run(async () =>
        {
            for (var i = 0u; i < 64; i++)
            {
                await _peer.SendPieceAsync(i, 0, RandomBlock(16 * 1024));
            }
        });

        for (var i = 0u; i < 64; i++)
        {
            Assert.True(_host.ReceivePool.Leased <= 4);
            var item = await _host.NextAsync();
            Assert.Equal(i, item.Piece);
            ((BlockBuffer)item.Payload!).Release();
        }

        await sending;
    }

    [Fact]
    public async Task A_link_that_waits_for_buffers_can_be_closed()
    {
        await _host.NextAsync();
        var held = new List<BlockBuffer>();
        while (_host.ReceivePool.TryRent(out var buffer))
        {
            held.Add(buffer);
        }

        await _peer.SendAsync("00000005" + "04" + "00000003");
        await _peer.SendPieceAsync(1, 0, RandomBlock(100));
        Assert.Equal(MessageId.Have, (await _host.NextAsync()).MessageId);
        _link.Close(DisconnectReason.TorrentPaused);
        await AssertLeftAsync(DisconnectReason.TorrentPaused);
        held.ForEach(buffer => buffer.Release());
    }

    [Theory]
    [InlineData("0000400a07", DisconnectReason.MessageTooLong)]
    [InlineData("7fffffff14", DisconnectReason.MessageTooLong)]
    [InlineData("0000000d06000000010000000000010000", DisconnectReason.MessageTooLong)]
    [InlineData("0000000404", DisconnectReason.MalformedMessage)]
    public async Task A_message_that_cannot_be_ends_the_connection(string hex, DisconnectReason reason)
    {
        await _host.NextAsync();
        await _peer.SendAsync("00000001" + "01");
        await _peer.SendAsync(hex);

        Assert.Equal(MessageId.Unchoke, (await _host.NextAsync()).MessageId);
        await AssertLeftAsync(reason);
        Assert.Equal("end", await _peer.ReadAsync());
    }

    [Fact]
    public async Task A_flood_of_keep_alives_ends_the_connection()
    {
        await _host.NextAsync();
        await _peer.SendAsync(new byte[4 * 201]);
        await AssertLeftAsync(DisconnectReason.Flood);
    }

    [Fact]
    public async Task Keep_alives_at_a_modest_pace_do_not()
    {
        await _host.NextAsync();
        for (var i = 0; i < 20; i++)
        {
            await _peer.SendAsync(new byte[4 * 199]);
            await ExchangeAsync();
            _time.Advance(TimeSpan.FromSeconds(10));
        }
    }

    [Fact]
    public async Task A_long_message_is_read_though_it_is_longer_than_the_buffer()
    {
        await _host.NextAsync();
        var payload = RandomBlock(1024 * 1024 - 2);
        var bytes = new byte[PeerMessageWriter.ExtendedPrefixLength + payload.Length];
        PeerMessageWriter.WriteExtended(bytes, 9, payload);
        await _peer.SendAsync(bytes);

        var item = await _host.NextAsync();
        Assert.Equal((MessageId.Extended, 9u), (item.MessageId, item.Piece));
        Assert.Equal(payload, item.Payload);
    }

    [Fact]
    public async Task Silence_brings_a_keep_alive_and_then_the_end()
    {
        await _host.NextAsync();
        await ExchangeAsync();
        _time.Advance(TimeSpan.FromSeconds(90));
        _link.Apply([Have(1)]);
        Assert.Equal("Have 1", await _peer.ReadAsync());
        await ExchangeAsync();
        _time.Advance(TimeSpan.FromSeconds(109));
        Assert.Equal("keep-alive", await _peer.ReadAsync());

        _time.Advance(TimeSpan.FromSeconds(20));
        Assert.False(_host.TryNext(out _));
        _time.Advance(TimeSpan.FromSeconds(20));
        await AssertLeftAsync(DisconnectReason.IdleTimeout);
    }

    [Fact]
    public async Task Messages_go_out_in_order_and_ahead_of_blocks()
    {
        await _host.NextAsync();
        _link.Apply([
            Send(MessageId.Bitfield, payload: new byte[] { 0x80 }),
            Piece(3, 16384, 16 * 1024),
            Send(MessageId.Unchoke),
            Have(4),
            Send(MessageId.Request, 5, 0, 16384),
            Piece(3, 32768, 1000),
            Send(MessageId.Extended, 2, payload: new byte[] { 1, 2 }),
            Send(MessageId.Port, 6881),
        ]);

        string[] expected =
        [
            "Bitfield 80",
            "Unchoke",
            "Have 4",
            "Request 5 0 16384",
            "Extended 2 0102",
            "Port 6881",
            "Piece 3 16384 16384",
            "Piece 3 32768 1000",
        ];
        foreach (var message in expected)
        {
            Assert.Equal(message, await _peer.ReadAsync());
        }

        var sent = await _host.NextAsync();
        Assert.Equal((SwarmEventKind.PayloadSent, 17384u), (sent.Kind, sent.Length));
    }

    [Fact]
    public async Task Blocks_taken_back_are_not_sent_but_accounted_for()
    {
        await _host.NextAsync();
        _host.UploadGate.Limit = 1;
        _link.Apply([Piece(1, 0, 100), Piece(2, 0, 200), Piece(3, 0, 400), Piece(4, 0, 800)]);
        _link.Apply([new SwarmEffect(SwarmEffectKind.Unsend, Peer, Piece: 3, Begin: 0, Length: 400)]);
        Assert.Equal(400u, (await _host.NextAsync()).Length);

        _link.Apply([new SwarmEffect(SwarmEffectKind.Unsend, Peer), Send(MessageId.Choke)]);

        Assert.Equal("Choke", await _peer.ReadAsync());
        Assert.Equal(1100u, (await _host.NextAsync()).Length);
        Assert.Equal(0, _sendPool.Leased);
    }

    [Fact]
    public async Task An_upload_limit_holds_blocks_and_lets_messages_pass()
    {
        await _host.NextAsync();
        _host.UploadGate.Limit = 16 * 1024;
        _link.Apply([Piece(0, 0, 16 * 1024), Piece(1, 0, 16 * 1024), Piece(2, 0, 16 * 1024)]);
        _time.Advance(TimeSpan.FromSeconds(0.01));
        Assert.Equal("Piece 0 0 16384", await _peer.ReadAsync());

        _link.Apply([Have(9)]);
        Assert.Equal("Have 9", await _peer.ReadAsync());
        Assert.Equal(16384u, (await _host.NextAsync()).Length);

        for (var i = 1; i <= 2; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(0.9));
            Assert.Equal(0, _peer.Transport.Pending);
            _time.Advance(TimeSpan.FromSeconds(0.2));
            Assert.Equal($"Piece {i} 0 16384", await _peer.ReadAsync());
            Assert.Equal(16384u, (await _host.NextAsync()).Length);
        }
    }

    [Fact]
    public async Task A_download_limit_slows_reading_down()
    {
        await _host.NextAsync();
        _host.DownloadGate.Limit = 160_000;
        var sending = Task.Run(async () =>
        {
            for (var i = 0u; i < 40; i++)
            {
                await _peer.SendPieceAsync(i, 0, RandomBlock(16 * 1024));
            }
        });

        for (var got = 0; got < 40; )
        {
            if (_host.TryNext(out var item))
            {
                ((BlockBuffer)item.Payload!).Release();
                got++;
            }
            else if (_time.ActiveTimers > 1)
            {
                // The link's own timer, and that of the gate: somebody waits for time to pass.
                _time.Advance(TimeSpan.FromMilliseconds(10));
            }
            else
            {
                await Task.Yield();
            }
        }

        await sending;
        Assert.InRange(_time.Elapsed.TotalSeconds, 40 * 16384 / 160_000.0 * 0.9, 40 * 16384 / 160_000.0 * 1.1);
        _host.DownloadGate.Limit = 0;
        _time.Advance(TimeSpan.Zero);
    }

    [Fact]
    public async Task A_peer_that_does_not_read_ends_with_its_outbox_full()
    {
        await _host.NextAsync();
        var payload = new byte[300 * 1024];
        for (var i = 0; i < 5; i++)
        {
            _link.Apply([Send(MessageId.Extended, 1, payload: payload)]);
        }

        await AssertLeftAsync(DisconnectReason.OutboxFull);
    }

    [Fact]
    public async Task A_peer_that_reads_too_slowly_does_not_keep_our_buffers_for_ever()
    {
        await _host.NextAsync();
        _link.Apply([.. Enumerable.Range(0, 20).Select(i => Piece((uint)i, 0, 16 * 1024))]);
        await WaitUntilAsync(() => _peer.Transport.Pending == 64 * 1024);
        for (var i = 0; i < 12; i++)
        {
            await _peer.SendAsync("00000001" + "01");
            Assert.Equal(MessageId.Unchoke, (await _host.NextAsync()).MessageId);
            _time.Advance(TimeSpan.FromSeconds(10));
        }

        await AssertLeftAsync(DisconnectReason.OutboxFull);
    }

    [Fact]
    public async Task The_swarm_can_end_the_connection()
    {
        await _host.NextAsync();
        _link.Apply([
            Piece(1, 0, 100),
            new SwarmEffect(SwarmEffectKind.Disconnect, Peer, Piece: (uint)DisconnectReason.SentBadData),
        ]);
        _link.Apply([Piece(2, 0, 100)]);
        await AssertLeftAsync(DisconnectReason.SentBadData);
        await _peer.ReadToEndAsync();
    }

    private static SwarmEffect Send(
        MessageId id,
        uint piece = 0,
        uint begin = 0,
        uint length = 0,
        object? payload = null
    ) => new(SwarmEffectKind.Send, Peer, id, piece, begin, length, payload);

    private static SwarmEffect Have(uint piece) => Send(MessageId.Have, piece);

    private SwarmEffect Piece(uint piece, uint begin, int length)
    {
        Assert.True(_sendPool.TryRent(out var buffer));
        buffer.Length = length;
        return Send(MessageId.Piece, piece, begin, (uint)length, buffer);
    }

    private static byte[] RandomBlock(int length)
    {
        var bytes = new byte[length];
        new Random(1).NextBytes(bytes);
        return bytes;
    }

    /// <summary>A message each way, so that all that came before has been seen.</summary>
    private async Task ExchangeAsync()
    {
        await _peer.SendAsync("00000001" + "01");
        Assert.Equal(MessageId.Unchoke, (await _host.NextAsync()).MessageId);
    }

    private async Task AssertLeftAsync(DisconnectReason reason)
    {
        while (true)
        {
            var item = await _host.NextAsync();
            (item.Payload as BlockBuffer)?.Release();
            if (item.Kind != SwarmEventKind.PayloadSent)
            {
                Assert.Equal((SwarmEventKind.PeerLeft, Peer), (item.Kind, item.Peer));
                Assert.Equal(reason, item.Payload);
                return;
            }
        }
    }

    private static async Task WaitUntilAsync(Func<bool> condition)
    {
        while (!condition())
        {
            await Task.Yield();
        }
    }
}
