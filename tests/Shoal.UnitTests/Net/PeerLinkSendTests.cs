using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>What a link makes of what the swarm decides, and of its clocks.</summary>
public sealed class PeerLinkSendTests : LinkFixture
{
    [Fact]
    public async Task Silence_brings_a_keep_alive_and_then_the_end()
    {
        await Host.NextAsync();
        await ExchangeAsync();
        Time.Advance(TimeSpan.FromSeconds(90));
        Link.Apply([Have(1)]);
        Assert.Equal("Have 1", await Remote.ReadAsync());
        await ExchangeAsync();
        Time.Advance(TimeSpan.FromSeconds(109));
        Assert.Equal("keep-alive", await Remote.ReadAsync());

        Time.Advance(TimeSpan.FromSeconds(20));
        Assert.False(Host.TryNext(out _));
        Time.Advance(TimeSpan.FromSeconds(20));
        await AssertLeftAsync(DisconnectReason.IdleTimeout);
    }

    [Fact]
    public async Task Messages_go_out_in_order_and_ahead_of_blocks()
    {
        await Host.NextAsync();
        Link.Apply([
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
            Assert.Equal(message, await Remote.ReadAsync());
        }

        var sent = await Host.NextAsync();
        Assert.Equal((SwarmEventKind.PayloadSent, 17384u), (sent.Kind, sent.Length));
    }

    [Fact]
    public async Task Blocks_taken_back_are_not_sent_but_accounted_for()
    {
        await Host.NextAsync();
        Host.UploadGate.Limit = 1;
        Link.Apply([Piece(1, 0, 100), Piece(2, 0, 200), Piece(3, 0, 400), Piece(4, 0, 800)]);
        Link.Apply([new SwarmEffect(SwarmEffectKind.Unsend, Peer, Piece: 3, Begin: 0, Length: 400)]);
        var report = await Host.NextAsync();
        Assert.Equal((SwarmEventKind.PayloadSent, 0u, 400u), (report.Kind, report.Length, report.Begin));

        Link.Apply([new SwarmEffect(SwarmEffectKind.Unsend, Peer), Send(MessageId.Choke)]);

        Assert.Equal("Choke", await Remote.ReadAsync());
        Assert.Equal(1100u, (await Host.NextAsync()).Begin);
        Assert.Equal(0, SendPool.Leased);
    }

    [Fact]
    public async Task A_cancelled_block_that_still_waits_is_answered_with_a_reject_and_one_that_is_gone_is_not()
    {
        await Host.NextAsync();
        Link.Apply([Piece(1, 0, 100)]);
        Assert.Equal("Piece 1 0 100", await Remote.ReadAsync());
        Assert.Equal(100u, (await Host.NextAsync()).Length);
        Host.UploadGate.Limit = 1;
        Link.Apply([Piece(2, 0, 200), Piece(3, 0, 400)]);

        foreach (var (piece, length) in (ReadOnlySpan<(uint, uint)>)[(1, 100), (2, 200), (2, 201)])
        {
            Link.Apply([new SwarmEffect(SwarmEffectKind.Unsend, Peer, MessageId.Reject, piece, 0, length)]);
        }

        Link.Apply([Have(9)]);
        Assert.Equal("Reject 2 0 200", await Remote.ReadAsync());
        Assert.Equal("Have 9", await Remote.ReadAsync());
        Assert.Equal(200u, (await Host.NextAsync()).Begin);
    }

    [Fact]
    public async Task A_send_of_a_slow_link_leaves_little_in_the_systems_hands()
    {
        await Host.NextAsync();
        Assert.Equal(64 * 1024, Ours.MostUnsent);
        Link.Apply([.. Enumerable.Range(0, 12).Select(i => Piece((uint)i, 0, 16 * 1024))]);
        // No more at once than that.
        await Remote.ReadAsync();
        Assert.Equal(64u * 1024, (await Host.NextAsync()).Length);
        for (var i = 1; i < 12; i++)
        {
            await Remote.ReadAsync();
        }
    }

    /// <summary>The link asks on another thread: a clock that moves before it has set the gate's timer moves for nothing.</summary>
    private async Task UntilTheLinkWaitsAsync()
    {
        // Its own timer, and that of the gate.
        while (Time.ActiveTimers < 2)
        {
            await Task.Yield();
        }
    }

    [Fact]
    public async Task An_upload_limit_holds_blocks_and_lets_messages_pass()
    {
        await Host.NextAsync();
        Host.UploadGate.Limit = 16 * 1024;
        Link.Apply([Piece(0, 0, 16 * 1024), Piece(1, 0, 16 * 1024), Piece(2, 0, 16 * 1024)]);
        await UntilTheLinkWaitsAsync();
        Time.Advance(TimeSpan.FromSeconds(0.01));
        Assert.Equal("Piece 0 0 16384", await Remote.ReadAsync());

        Link.Apply([Have(9)]);
        Assert.Equal("Have 9", await Remote.ReadAsync());
        Assert.Equal(16384u, (await Host.NextAsync()).Length);

        for (var i = 1; i <= 2; i++)
        {
            await UntilTheLinkWaitsAsync();
            Time.Advance(TimeSpan.FromSeconds(0.8));
            Assert.Equal(0, Remote.Transport.Pending);
            Time.Advance(TimeSpan.FromSeconds(0.21));
            Assert.Equal($"Piece {i} 0 16384", await Remote.ReadAsync());
            Assert.Equal(16384u, (await Host.NextAsync()).Length);
        }
    }

    [Fact]
    public async Task A_peer_that_does_not_read_ends_with_its_outbox_full()
    {
        await Host.NextAsync();
        var payload = new byte[300 * 1024];
        for (var i = 0; i < 5; i++)
        {
            Link.Apply([Send(MessageId.Extended, 1, payload: payload)]);
        }

        await AssertLeftAsync(DisconnectReason.OutboxFull);
    }

    [Fact]
    public async Task A_peer_that_reads_too_slowly_does_not_keep_our_buffers_for_ever()
    {
        await Host.NextAsync();
        Link.Apply([.. Enumerable.Range(0, 20).Select(i => Piece((uint)i, 0, 16 * 1024))]);
        await WaitUntilAsync(() => Remote.Transport.Pending == 64 * 1024);
        for (var i = 0; i < 12; i++)
        {
            await Remote.SendAsync("00000001" + "01");
            Assert.Equal(MessageId.Unchoke, (await Host.NextAsync()).MessageId);
            Time.Advance(TimeSpan.FromSeconds(10));
        }

        await AssertLeftAsync(DisconnectReason.OutboxFull);
    }

    [Fact]
    public async Task The_swarm_can_end_the_connection()
    {
        await Host.NextAsync();
        Link.Apply([
            Piece(1, 0, 100),
            new SwarmEffect(SwarmEffectKind.Disconnect, Peer, Piece: (uint)DisconnectReason.SentBadData),
        ]);
        Link.Apply([Piece(2, 0, 100)]);
        await AssertLeftAsync(DisconnectReason.SentBadData);
        await Remote.ReadToEndAsync();
    }
}
