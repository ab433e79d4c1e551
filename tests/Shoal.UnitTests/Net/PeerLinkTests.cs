using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>What a link makes of what it receives.</summary>
public sealed class PeerLinkTests : LinkFixture
{
    [Fact]
    public async Task Joins_first_and_leaves_once_and_last()
    {
        var joined = await Host.NextAsync();
        Assert.Equal((SwarmEventKind.PeerJoined, Peer), (joined.Kind, joined.Peer));
        Assert.Same(FakeLinkHost.Introduction, joined.Payload);

        await Remote.SendAsync("00000001" + "01" + "00000005" + "04" + "00000003");
        Remote.Dispose();

        Assert.Equal(MessageId.Unchoke, (await Host.NextAsync()).MessageId);
        var have = await Host.NextAsync();
        Assert.Equal((MessageId.Have, 3u), (have.MessageId, have.Piece));
        await AssertLeftAsync(DisconnectReason.ClosedByPeer);
        Link.Close(DisconnectReason.TorrentPaused);
        await Running;
        Assert.False(Host.TryNext(out _));
    }

    [Fact]
    public async Task Every_kind_of_message_arrives_however_it_is_cut()
    {
        await Host.NextAsync();
        var stream = Convert.FromHexString(string.Concat(PeerMessageTests.Messages.Select(row => row.Data.Item2)));
        foreach (var cut in new[] { 1, 3, 7, 64 })
        {
            for (var at = 0; at < stream.Length; at += cut)
            {
                await Remote.SendAsync(stream.AsMemory(at, Math.Min(cut, stream.Length - at)));
            }

            // All but the keep-alive and the unknown one.
            for (var left = PeerMessageTests.Messages.Count - 2; left > 0; left--)
            {
                var item = await Host.NextAsync();
                Assert.Equal((SwarmEventKind.Message, Peer), (item.Kind, item.Peer));
                (item.Payload as BlockBuffer)?.Release();
            }
        }
    }

    [Fact]
    public async Task A_block_arrives_whole_in_a_buffer_of_the_pool()
    {
        await Host.NextAsync();
        var block = RandomBlock(16 * 1024);
        await Remote.SendPieceAsync(5, 32768, block);

        var item = await Host.NextAsync();

        Assert.Equal((MessageId.Piece, 5u, 32768u, 16384u), (item.MessageId, item.Piece, item.Begin, item.Length));
        var buffer = Assert.IsType<BlockBuffer>(item.Payload);
        Assert.Equal(block, buffer.Span.ToArray());
        Assert.Equal(1, Host.ReceivePool.Leased);
        buffer.Release();
    }

    [Fact]
    public async Task Messages_of_one_receive_come_in_one_batch()
    {
        await Host.NextAsync();
        await Remote.SendAsync(string.Concat(Enumerable.Repeat("00000005" + "04" + "00000003", 50)));
        for (var i = 0; i < 50; i++)
        {
            await Host.NextAsync();
        }

        Assert.Equal([1, 50], Host.Batches);
    }

    [Fact]
    public async Task Without_buffers_nothing_more_is_read_until_one_is_returned()
    {
        await Host.NextAsync();
        var sending = Task.Run(async () =>
        {
            for (var i = 0u; i < 64; i++)
            {
                await Remote.SendPieceAsync(i, 0, RandomBlock(16 * 1024));
            }
        });

        for (var i = 0u; i < 64; i++)
        {
            Assert.True(Host.ReceivePool.Leased <= 4);
            var item = await Host.NextAsync();
            Assert.Equal(i, item.Piece);
            ((BlockBuffer)item.Payload!).Release();
        }

        await sending;
    }

    [Fact]
    public async Task A_link_that_waits_for_buffers_can_be_closed()
    {
        await Host.NextAsync();
        var held = new List<BlockBuffer>();
        while (Host.ReceivePool.TryRent(out var buffer))
        {
            held.Add(buffer);
        }

        await Remote.SendAsync("00000005" + "04" + "00000003");
        await Remote.SendPieceAsync(1, 0, RandomBlock(100));
        Assert.Equal(MessageId.Have, (await Host.NextAsync()).MessageId);
        Link.Close(DisconnectReason.TorrentPaused);
        await AssertLeftAsync(DisconnectReason.TorrentPaused);
        held.ForEach(buffer => buffer.Release());
    }

    [Fact]
    public async Task A_link_that_is_held_leaves_what_comes_in_the_socket()
    {
        await Host.NextAsync();
        Link.Apply([new SwarmEffect(SwarmEffectKind.HoldReading, Peer)]);
        // A receive that has begun is not taken back.
        await ExchangeAsync();
        // More than the transport holds.
        const uint Messages = 20_000;
        var sending = Remote.SendAsync(string.Concat(Enumerable.Repeat("00000005" + "04" + "00000003", (int)Messages)));
        Time.Advance(PeerLinkLimits.Default.IdleTimeout * 2);
        Assert.False(sending.IsCompleted);
        Assert.False(Host.TryNext(out _));

        Link.Apply([new SwarmEffect(SwarmEffectKind.ResumeReading, Peer)]);
        for (var i = 0; i < Messages; i++)
        {
            Assert.Equal(MessageId.Have, (await Host.NextAsync()).MessageId);
        }

        await sending;
        Link.Apply([new SwarmEffect(SwarmEffectKind.HoldReading, Peer)]);
        await ExchangeAsync();
        Link.Close(DisconnectReason.TorrentPaused);
        await AssertLeftAsync(DisconnectReason.TorrentPaused);
    }

    [Theory]
    [InlineData("0000400a07", DisconnectReason.MessageTooLong)]
    [InlineData("7fffffff14", DisconnectReason.MessageTooLong)]
    [InlineData("0000000d06000000010000000000010000", DisconnectReason.MessageTooLong)]
    [InlineData("0000000404", DisconnectReason.MalformedMessage)]
    public async Task A_message_that_cannot_be_ends_the_connection(string hex, DisconnectReason reason)
    {
        await Host.NextAsync();
        await Remote.SendAsync("00000001" + "01");
        await Remote.SendAsync(hex);

        Assert.Equal(MessageId.Unchoke, (await Host.NextAsync()).MessageId);
        await AssertLeftAsync(reason);
        Assert.Equal("end", await Remote.ReadAsync());
    }

    [Fact]
    public async Task A_flood_of_keep_alives_ends_the_connection()
    {
        await Host.NextAsync();
        await Remote.SendAsync(new byte[4 * 201]);
        await AssertLeftAsync(DisconnectReason.Flood);
    }

    [Fact]
    public async Task Keep_alives_at_a_modest_pace_do_not()
    {
        await Host.NextAsync();
        for (var i = 0; i < 20; i++)
        {
            await Remote.SendAsync(new byte[4 * 199]);
            await ExchangeAsync();
            Time.Advance(TimeSpan.FromSeconds(10));
        }
    }

    [Fact]
    public async Task A_long_message_is_read_though_it_is_longer_than_the_buffer()
    {
        await Host.NextAsync();
        var payload = RandomBlock(1024 * 1024 - 2);
        var bytes = new byte[PeerMessageWriter.ExtendedPrefixLength + payload.Length];
        PeerMessageWriter.WriteExtended(bytes, 9, payload);
        await Remote.SendAsync(bytes);

        var item = await Host.NextAsync();
        Assert.Equal((MessageId.Extended, 9u), (item.MessageId, item.Piece));
        Assert.Equal(payload, item.Payload);
    }

    [Fact]
    public async Task A_download_limit_slows_reading_down()
    {
        await Host.NextAsync();
        Host.DownloadGate.Limit = 160_000;
        var sending = Task.Run(async () =>
        {
            for (var i = 0u; i < 40; i++)
            {
                await Remote.SendPieceAsync(i, 0, RandomBlock(16 * 1024));
            }
        });

        for (var got = 0; got < 40; )
        {
            if (Host.TryNext(out var item))
            {
                ((BlockBuffer)item.Payload!).Release();
                got++;
            }
            else if (Time.ActiveTimers > 1)
            {
                // The link's own timer, and that of the gate: somebody waits for time to pass.
                Time.Advance(TimeSpan.FromMilliseconds(10));
            }
            else
            {
                await Task.Yield();
            }
        }

        await sending;
        Assert.InRange(Time.Elapsed.TotalSeconds, 40 * 16384 / 160_000.0 * 0.9, 40 * 16384 / 160_000.0 * 1.1);
        Host.DownloadGate.Limit = 0;
        Time.Advance(TimeSpan.Zero);
    }
}
